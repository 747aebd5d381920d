"""Whether `core` computes what the steps show, within the rounding that it promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.steps.context import Computed
from pminusy.derivation.steps.step import ProvedStep

__all__ = ["confirm"]

_TINY = 1e-30
"""What a difference quotient may leave of an exact 0."""


def confirm(step: ProvedStep) -> None:
    """Compare a step with every quantity of `core` that it shows.

    Raises
    ------
    ProofError
        They differ by more than rounding.
    """
    for computed in step.context.computed(step.name):
        for place, exact in _entries(step, computed.letter).items():
            _agree(step, computed, place, float(exact))


def _entries(step: ProvedStep, letter: str) -> Mapping[tuple[int, ...], Any]:
    if not letter:
        return step.value.entries
    array = np.asarray(step.context.numbers.array(letter), dtype=object)
    return {place: array[place] for place in np.ndindex(array.shape)}


def _agree(step: ProvedStep, computed: Computed, place: tuple[int, ...], exact: float) -> None:
    value = float(np.asarray(computed.values)[place])
    scale = 0.0 if computed.scale is None else float(np.asarray(computed.scale)[place])
    allowed = computed.ulps * np.spacing(max(abs(exact), scale, _TINY))
    if not (value == exact or abs(value - exact) <= allowed):  # NaN is not within any distance
        where = f"[{', '.join(map(str, place))}]" if place else ""
        raise ProofError(
            f"step {step.name}: {computed.room} gives {value!r} for {computed.name}{where}, "
            f"exactly {exact!r}"
        )
