"""A network at a glance: what each layer takes and gives, forwards and backwards, in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pminusy.derivation.build.network_chapters import Placed
from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.layers.description import LayerSpec
from pminusy.derivation.layers.texts import slope_of, title_of
from pminusy.derivation.statements.line import Table

__all__ = ["agreement", "backward_table", "forward_table"]

_ALLOWED = 1e-10
"""How far a gradient may be from the reference's, as a part of the layer's largest."""

_WORDS = {"dW": "W", "db": "b", "dgamma": "γ", "dbeta": "β", "dE": "E"}


def forward_table(placed: list[Placed], specs: list[LayerSpec]) -> Table:
    """From the input to the logits."""
    by_place = {each.place: each for each in placed}
    rows = []
    for place, spec in enumerate(specs):
        each = by_place.get(place)
        if each is None:
            rows.append((str(place + 1), spec.text, "", "the same entries in other axes", ""))
            continue
        layer = each.layer
        rows.append((
            str(place + 1), _title(each), _shapes(layer), _span(layer.outputs), _at_kinks(layer)
        ))  # fmt: skip
    noted = any(row[-1] for row in rows)
    head = ("layer", "forwards", "goes in → comes out", "smallest and largest that comes out", "")
    kept = rows if noted else [row[:-1] for row in rows]
    said = (
        "; at a kink the slope 0 is taken, in a tie the first entry, as in torch" if noted else ""
    )
    return Table(head[: len(kept[0])], tuple(kept), f"computed in float64{said}")


def backward_table(placed: list[Placed], specs: list[LayerSpec]) -> Table:
    """From the head back to the input: what comes, what each layer does to it, what goes on."""
    rows = []
    for each in reversed(placed):
        made = each.context.gradients
        weights = ", ".join(
            f"{letter} {_norm(made[key])}" for key, letter in _WORDS.items() if key in made
        )
        goes_on = _norm(made["da"]) if "da" in made else "nothing: codes are no numbers"
        rows.append((
            str(each.place + 1), _title(each), _norm(each.context.upstream),
            slope_of(each.layer.form), goes_on, weights,
        ))  # fmt: skip
    head = (
        "layer", "backwards", "upstream ‖g‖", "local derivative ∂o/∂a", "goes on ‖∂L/∂a‖",
        "‖∂L/∂ its parameters‖",
    )  # fmt: skip
    return Table(head, tuple(rows), "norms are roots of sums of squares; computed in float64")


def _at_kinks(layer: Any) -> str:
    count = len(layer.nudged)
    if not count:
        return ""
    return f"{count:,} at the kink: slope 0" if layer.form.kind == "relu" else f"{count:,} tied"


def _title(each: Placed) -> str:
    title = title_of(each.layer.form)
    return title if each.spec.given is None else f"{title} ({each.spec.text})"


def _shapes(layer: Any) -> str:
    return " → ".join(" × ".join(map(str, a.shape)) for a in (layer.inputs, layer.outputs))


def _span(array: Any) -> str:
    return f"{array.min():.4g} … {array.max():.4g}".replace("-", "−")


def _norm(array: Any) -> str:
    return f"{float(np.sqrt((np.asarray(array) ** 2).sum())):.4g}"


def agreement(placed: list[Placed], name: str, expected: tuple[Mapping[str, Any], ...]) -> str:
    """Compare every gradient of every layer, and say how near they are.

    Raises
    ------
    ProofError
        One is farther away than float64 explains.
    """
    worst, compared = 0.0, 0
    for each in placed:
        made, known = each.context.gradients, expected[each.place]
        scale = max(float(np.abs(array).max()) for array in (*made.values(), each.context.upstream))
        for key, array in known.items():
            away = float(np.abs(_counted(made[key], key, each) - array).max()) / (scale or 1.0)
            worst, compared = max(worst, away), compared + np.size(array)
            if not away <= _ALLOWED:
                raise ProofError(
                    f"layer {each.place + 1}, {each.spec.text}: ∂L/∂{_WORDS.get(key, 'a')} differs "
                    f"from that of {name} by {away:.2g} of the layer's largest entry"
                )
    return (
        f"All {compared:,} entries of the gradients of all layers were compared with {name}: they "
        f"differ by at most {worst:.1g} of their layer's largest entry (10⁻¹⁰ is allowed)."
    )


def _counted(array: Any, key: str, each: Placed) -> Any:
    """A row of an embedding that is padding has a gradient that torch leaves at 0."""
    padding = (each.spec.given or {}).get("padding")
    if key != "dE" or padding is None:
        return array
    counted = np.array(array)
    counted[int(padding)] = 0
    return counted
