"""What stands above the first chapter: heading, options in words, figures by class."""

from __future__ import annotations

from typing import Any

from pminusy.derivation.build.tables import gradient
from pminusy.derivation.engine.decimals import decimals
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Overview
from pminusy.derivation.values.digits import as_text, chopped

__all__ = ["summary_of"]

_WEIGHTS_SHOWN = 8


def summary_of(
    sample: Sample, heading: str, tables: tuple[Table, ...], notes: tuple[str, ...]
) -> Overview:
    """Summary of one sample; `heading` is added to its own."""
    at = sample.numbers
    # with a logarithm of another base the loss that was asked for is L_B, and so is its gradient
    unit = at.array("B") if sample.case.log_base else None
    scale = 1 / decimals.ln(unit) if unit is not None else 1
    answers = () if unit is None else (_in_units(unit, at.array("L"), at.array("L") * scale),)
    return Overview(
        _heading(sample) + heading,
        sample.classes,
        tuple(at.array("p")),
        tuple(at.array("q") if sample.case.mass else at.array("y")),
        tuple(chopped(entry * scale) for entry in gradient(at, sample)),
        at.array("L") * scale,
        sample.c,
        {name: _shown(value) for name, value in _options(sample).items() if value is not None},
        notes,
        tables,
        answers,
    )


def _in_units(base: Any, natural: Any, loss: Any) -> str:
    """How the loss above and that of the first steps are one number."""
    return (
        f"The loss above is L_B = L / ln B with B = {as_text(base)}: {as_text(natural)} / "
        f"{as_text(decimals.ln(base))} = {as_text(loss)}, and the gradient likewise. The steps "
        "have L, up to the ones that divide by ln B."
    )


def _heading(sample: Sample) -> str:
    source = {"logits": "logits", "probabilities": "probabilities", "layer": "a linear layer"}
    target = "soft targets" if sample.c is None else f"true class {sample.classes[sample.c]}"
    target = "an ignored row" if sample.case.ignored else target
    return f"Softmax cross-entropy from {source[sample.case.source]}, K = {sample.K}, {target}"


def _options(sample: Sample) -> dict[str, Any]:
    """The options that are on, by what a reader calls them; None for those that are not."""
    options = sample.options
    return {
        "label smoothing ε": options.label_smoothing or None,
        "temperature T": options.temperature if options.temperature != 1 else None,
        "soft-cap κ": options.softcap,
        "z-loss ζ": options.z_loss or None,
        "class weights w": options.weight,
        "sample weight ω": None if options.sample_weight is None else options.sample_weight[0],
        "base of the logarithm B": float(sample.values["B"]) if sample.case.log_base else None,
    }


def _shown(value: Any) -> str:
    if isinstance(value, float | int):
        return f"{value:g}"
    more = "…" if len(value) > _WEIGHTS_SHOWN else ""
    return "(" + ", ".join(f"{v:g}" for v in value[:_WEIGHTS_SHOWN]) + more + ")"
