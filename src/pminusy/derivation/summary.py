"""What stands above the first chapter: heading, options in words, figures by class."""

from __future__ import annotations

from typing import Any

from pminusy.derivation.digits import settled
from pminusy.derivation.domains import decimals
from pminusy.derivation.model import Setup
from pminusy.derivation.name_tables import gradient
from pminusy.derivation.step import Table
from pminusy.derivation.steps import Summary

__all__ = ["summary_of"]

_SHOWN_WEIGHTS = 8


def summary_of(
    setup: Setup, heading: str, tables: tuple[Table, ...], notes: tuple[str, ...]
) -> Summary:
    """Summary of one sample; `heading` is added to its own."""
    at = setup.numbers
    # with a logarithm of another base the loss that was asked for is L_B, and so is its gradient
    unit = at.array("B") if setup.case.log_base else None
    scale = 1 / decimals.ln(unit) if unit is not None else 1
    return Summary(
        _heading(setup) + heading,
        setup.classes,
        tuple(at.array("p")),
        tuple(at.array("q") if setup.case.mass else at.array("y")),
        tuple(settled(entry * scale) for entry in gradient(at, setup)),
        at.array("L") * scale,
        setup.c,
        {name: _shown(value) for name, value in _options(setup).items() if value is not None},
        notes,
        tables,
    )


def _heading(setup: Setup) -> str:
    source = {"logits": "logits", "probabilities": "probabilities", "layer": "a linear layer"}
    target = "soft targets" if setup.c is None else f"true class {setup.classes[setup.c]}"
    target = "an ignored row" if setup.case.ignored else target
    return f"Softmax cross-entropy from {source[setup.case.source]}, K = {setup.K}, {target}"


def _options(setup: Setup) -> dict[str, Any]:
    """The options that are on, by what a reader calls them; None for those that are not."""
    options = setup.options
    return {
        "label smoothing ε": options.label_smoothing or None,
        "temperature T": options.temperature if options.temperature != 1 else None,
        "soft-cap κ": options.softcap,
        "z-loss ζ": options.z_loss or None,
        "class weights w": options.weight,
        "sample weight ω": None if options.sample_weight is None else options.sample_weight[0],
        "base of the logarithm B": setup.values["B"] if setup.case.log_base else None,
    }


def _shown(value: Any) -> str:
    if isinstance(value, float | int):
        return f"{value:g}"
    more = "…" if len(value) > _SHOWN_WEIGHTS else ""
    return "(" + ", ".join(f"{v:g}" for v in value[:_SHOWN_WEIGHTS]) + more + ")"
