"""Layers at ties, where any usual gradient is right, and on inputs that lose digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Finding, Fragility, Property
from pminusy.diagnosis.report.wording import number

__all__ = ["at_ties", "layer_stability"]

_CLOSE = 1e-2


def at_ties(trial: Trial) -> tuple[str, Finding | None]:
    """The convention a layer follows at ties, in words; a finding where it follows none."""
    layer = trial.subject.exercise
    ties = layer.ties if isinstance(layer, Layer) else None
    if ties is None or "dL_dX" not in trial.subject.letters():
        return "", None
    seen = call(trial.subject, ties.inputs)
    found = seen.values.get("dL_dX")
    for words, right in ties.choices.items():
        if found is not None and found.shape == right.shape and np.allclose(found, right):
            return words, None
    returned = f"raises {seen.raised}" if seen.raised is not None else "is none of these"
    choices = "; ".join(ties.choices)
    return "", Finding(
        ties.id, f"The gradient {ties.where} {returned}: {choices}.", "dL_dX",
        hints=("Look at equal values.", "A comparison treats equal values differently.",
               f"It should be one of: {choices}."),
    )  # fmt: skip


def layer_stability(trial: Trial, layer: Layer) -> tuple[list[Property], list[Fragility]]:
    """Properties of inputs that lose digits, and what breaks the layer there."""
    properties, fragilities = [], []
    for extreme in layer.extremes:
        seen, right = call(trial.subject, extreme.inputs), trial.right(extreme.inputs)
        value = seen.values.get("out")
        assert right is not None
        holds = value is not None and _close(value, right["out"])
        properties.append(Property(f"stable: {extreme.name}", holds))
        if not holds:
            returned = f"raises {seen.raised}" if value is None else number(value.ravel())
            fragilities.append(
                Fragility(
                    extreme.id, extreme.sentence, extreme.wrong, extreme.right, extreme.shown,
                    f"out = {returned}", f"out = {number(right['out'].ravel())}",
                )
            )  # fmt: skip
    return properties, fragilities


def _close(value: Any, right: Any) -> bool:
    return value.shape == right.shape and bool(np.allclose(value, right, rtol=_CLOSE, atol=_CLOSE))
