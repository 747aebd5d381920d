"""Whether `core` computes what the steps show, within the rounding that it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.derivation.engine.proof import ProofError

if TYPE_CHECKING:
    from pminusy.derivation.steps.step import Step

__all__ = ["Computed", "confirm"]

_TINY = 1e-30
"""What a difference quotient may leave of an exact 0."""


@dataclass(frozen=True, eq=False)
class Computed:
    """What `core` computes in float64, and how far that may be from the exact value.

    Parameters
    ----------
    name
        The quantity, as `core.trace` calls it.
    values
        Its entries.
    ulps
        Units in the last place that may be off.
    scale
        Sizes to which those units are relative where entries are differences: sizes of what was
        subtracted. By default they are relative to the entries.
    room
        Where it is computed.
    letter
        The quantity of the derivation that it is compared with; by default the value of the step.
    """

    name: str
    values: Any
    ulps: float = 4.0
    scale: Any = None
    letter: str = ""
    room: str = "core"

    def of_row(self, rows: bool) -> Computed:
        """The first row alone, where the quantity has an axis of rows."""
        if not rows:
            return self
        scale = None if self.scale is None else self.scale[0]
        return replace(self, values=self.values[0], scale=scale)


def confirm(step: Step) -> None:
    """Compare a step with every quantity of `core` that it shows.

    Raises
    ------
    ProofError
        They differ by more than rounding.
    """
    for computed in step.context.computed(step.name):
        for place, exact in _entries(step, computed.letter).items():
            _agree(step, computed, place, float(exact))


def _entries(step: Step, letter: str) -> Mapping[tuple[int, ...], Any]:
    if not letter:
        return step.value.entries
    array = np.asarray(step.context.numbers.array(letter), dtype=object)
    return {place: array[place] for place in np.ndindex(array.shape)}


def _agree(step: Step, computed: Computed, place: tuple[int, ...], exact: float) -> None:
    value = float(np.asarray(computed.values)[place])
    scale = 0.0 if computed.scale is None else float(np.asarray(computed.scale)[place])
    allowed = computed.ulps * np.spacing(max(abs(exact), scale, _TINY))
    if not (value == exact or abs(value - exact) <= allowed):  # NaN is not within any distance
        where = f"[{', '.join(map(str, place))}]" if place else ""
        raise ProofError(
            f"step {step.name}: {computed.room} gives {value!r} for {computed.name}{where}, "
            f"exactly {exact!r}"
        )
