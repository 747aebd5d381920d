"""The number in a mistake that has one: a temperature, a smoothing, a guard that is built in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.mistakes.options import FITTED, Family
from pminusy.diagnosis.match.outputs import Component, MistakeOutputs, is_one_number

__all__ = ["fitted"]

_POINTS = 41
_STEPS = 80


def fitted(outputs: MistakeOutputs, components: Mapping[Component, Sequence[Any]]) -> list[Mistake]:
    """Mistakes with a number that makes them agree with a component of the first probe."""
    if not outputs.fits_numbers:
        return []
    found: dict[tuple[str, str], Mistake] = {}
    for component, seen in components.items():
        right = outputs.right[0].get(component)
        if (
            component[1] != "data"
            or seen[0] is None
            or right is None
            or is_one_number(seen)
            or seen[0].shape != right.shape
        ):
            continue
        place = np.unravel_index(int(np.argmax(np.abs(seen[0] - right))), right.shape)
        wanted = float(seen[0][place])
        if not np.isfinite(wanted) or wanted == right[place]:
            continue
        for family in FITTED:
            for number in _roots(outputs, family, component, place, wanted):
                mistake = family.make(number)
                found.setdefault((mistake.id, f"{number:.4g}"), mistake)
    unique: dict[str, Mistake] = {}
    for (name, _), mistake in found.items():
        if _explains_some(outputs, mistake, components):
            unique.setdefault(name, mistake)
    return list(unique.values())


def _explains_some(
    outputs: MistakeOutputs, mistake: Mistake, components: Mapping[Component, Sequence[Any]]
) -> bool:
    """Whether a mistake reproduces some component on every probe."""
    return any(
        outputs.reproduces((mistake,), component, seen, 1e-5)
        for component, seen in components.items()
        if component[1] == "data" and not outputs.is_right(component, seen, 1e-6)
    )


def _roots(
    outputs: MistakeOutputs, family: Family, component: Component, place: Any, wanted: float
) -> Iterator[float]:
    """Numbers at which the family returns what was returned in one place: by bisection."""

    def difference(logarithm: float) -> float:
        mistake = family.make(float(np.exp(logarithm)))
        record = outputs.run(outputs.probes[0].inputs, (mistake,), 0.0)
        value = None if record is None else record.get(component[0])
        return float("nan") if value is None else float(np.asarray(value)[place]) - wanted

    grid = np.linspace(np.log(family.low), np.log(family.high), _POINTS)
    values = [difference(point) for point in grid]
    for low, high, below, above in zip(grid, grid[1:], values, values[1:], strict=False):
        if below * above <= 0:  # never for NaN
            yield float(np.exp(_bisected(difference, low, high, below)))


def _bisected(difference: Any, low: float, high: float, below: float) -> float:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        value = difference(middle)
        if (value < 0) == (below < 0) and value != 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
