"""The number in a mistake that has one: a temperature, a smoothing, a guard that is built in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.mistakes.options import FITTED, Family
from pminusy.diagnosis.match.outputs import Facet, Gallery

__all__ = ["fitted"]

_POINTS = 41
_STEPS = 80


def fitted(gallery: Gallery, facets: Mapping[Facet, Sequence[Any]]) -> list[Mistake]:
    """Mistakes of the families whose number makes them agree with some facet of the first probe."""
    if not gallery.fits_numbers:
        return []
    found: dict[tuple[str, str], Mistake] = {}
    for facet, seen in facets.items():
        right = gallery.right[0].get(facet)
        if facet[1] != "data" or seen[0] is None or right is None or seen[0].shape != right.shape:
            continue
        place = np.unravel_index(int(np.argmax(np.abs(seen[0] - right))), right.shape)
        wanted = float(seen[0][place])
        if not np.isfinite(wanted) or wanted == right[place]:
            continue
        for family in FITTED:
            for number in _roots(gallery, family, facet, place, wanted):
                mistake = family.make(number)
                found.setdefault((mistake.id, f"{number:.4g}"), mistake)
    unique: dict[str, Mistake] = {}
    for (name, _), mistake in found.items():
        if _explains_some(gallery, mistake, facets):
            unique.setdefault(name, mistake)
    return list(unique.values())


def _explains_some(
    gallery: Gallery, mistake: Mistake, facets: Mapping[Facet, Sequence[Any]]
) -> bool:
    """Whether a mistake reproduces some facet on every probe."""
    return any(
        gallery.reproduces((mistake,), facet, seen, 1e-5)
        for facet, seen in facets.items()
        if facet[1] == "data" and not gallery.is_right(facet, seen, 1e-6)
    )


def _roots(
    gallery: Gallery, family: Family, facet: Facet, place: Any, wanted: float
) -> Iterator[float]:
    """Numbers at which the family returns what was returned in one place: by bisection."""

    def difference(logarithm: float) -> float:
        mistake = family.make(float(np.exp(logarithm)))
        record = gallery.run(gallery.probes[0].inputs, (mistake,), 0.0)
        value = None if record is None else record.get(facet[0])
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
