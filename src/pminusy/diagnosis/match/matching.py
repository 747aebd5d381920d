"""Which mistakes, made together, return exactly what a submission returned.

What a submission returns is split into facets, each explained on its own: every returned letter,
once with r = 0 (the data's part) and once as the change from r = 0 to r = 0.7 (the regulariser's
part). Every mistake of the catalogue, and every pair, is run through the recipe on the same inputs;
a set of mistakes explains a facet if it reproduces it on all probes. An explanation is the smallest
set that explains every facet.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pminusy.diagnosis.catalogue.conventions import Conventions
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.match.fitting import fitted
from pminusy.diagnosis.match.outputs import TOLERANCE, Facet, Gallery, Ids

__all__ = ["SINGLE_TOLERANCE", "Evidence", "Explanation", "explain"]

Array = NDArray[Any]

SINGLE_TOLERANCE = 2e-4


@dataclass(frozen=True)
class Evidence:
    """Facets of a submission: one flat vector each, NaN-padded nowhere; `None` where none came."""

    facets: Mapping[Facet, tuple[Array | None, ...]]  # one array a probe
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True)
class Explanation:
    """Mistakes that together return what was returned, under a reading of the exercise.

    `shown` says in which facets each mistake shows; `open` lists facets nothing explains.
    """

    conventions: Conventions
    mistakes: tuple[Mistake, ...]
    shown: Mapping[str, tuple[Facet, ...]]
    open: tuple[Facet, ...] = ()
    partial: int = 0  # facets a mistake should show in, and does not

    @property
    def cost(self) -> tuple[int, int, int]:
        """Unexplained facets, mistakes, mistakes made on one side only."""
        return len(self.open), len(self.mistakes), self.partial


def explain(evidence: Evidence, galleries: Sequence[Gallery]) -> list[Explanation]:
    """Best explanations over all readings, best first; ties are all returned.

    An explanation without mistakes says the submission is right. Unusual readings (a bias column
    left out of the regulariser) and pairs within one facet are tried only while a facet is open.
    """
    for reading in galleries:
        if all(
            reading.is_right(facet, seen, evidence.tolerance) and any(a is not None for a in seen)
            for facet, seen in evidence.facets.items()
        ):
            return [Explanation(reading.conventions, (), {})]
    usual = [g for g in galleries if g.conventions.free is None] or galleries
    found = [e for g in usual for e in _explain(evidence, g, pairs=False)]
    fewest = min(e.cost[0] for e in found)
    if fewest > 0 or min(e.cost[1] for e in found) > 1:
        found += [
            e for g in galleries if g not in usual for e in _explain(evidence, g, pairs=False)
        ]
        fewest = min(e.cost[0] for e in found)
    if fewest > 0:
        readings = dict.fromkeys(e.conventions for e in found if e.cost[0] == fewest)
        by_reading = {g.conventions: g for g in galleries}
        paired = [
            e
            for c in itertools.islice(readings, 2)
            for e in _explain(evidence, by_reading[c], True)
        ]
        # Where something stays open all the same, a pair elsewhere would be a guess.
        found = [e for e in paired if not e.open] or found
    if fewest > 0 and all(e.open for e in found):
        found += _with_fitted(evidence, galleries, found)
    best = min(e.cost for e in found)
    order = {reading.conventions: i for i, reading in enumerate(galleries)}
    return sorted(
        (e for e in found if e.cost == best),
        key=lambda e: (order[e.conventions], _unlikely(e, galleries[0])),
    )


def _with_fitted(
    evidence: Evidence, galleries: Sequence[Gallery], found: Sequence[Explanation]
) -> list[Explanation]:
    """Explanations by mistakes with a number, for the readings that leave the fewest facets."""
    fewest = min(e.cost[0] for e in found)
    readings = {e.conventions for e in found if e.cost[0] == fewest}
    explained = []
    for reading in (g for g in galleries if g.conventions in readings):
        mistakes = fitted(reading, evidence.facets)
        if mistakes:
            explained += _explain(evidence, reading.extended(mistakes), pairs=False)
    return explained


def _unlikely(explanation: Explanation, reading: Gallery) -> list[int]:
    """Places in the catalogue, which lists the usual mistakes of a step first."""
    places = {name: i for i, name in enumerate(reading.by_id)}
    return sorted(places.get(mistake.id, len(places)) for mistake in explanation.mistakes)


def _explain(evidence: Evidence, gallery: Gallery, pairs: bool) -> list[Explanation]:
    options: dict[Facet, list[Ids]] = {}
    unexplained = []
    for facet, seen in evidence.facets.items():
        if all(array is None for array in seen):
            unexplained.append(facet)
            continue
        sets = gallery.options(facet, seen, evidence.tolerance)
        if not sets and pairs:
            sets = gallery.pair_options(facet, seen, evidence.tolerance)
        if sets:
            options[facet] = sets
        else:
            unexplained.append(facet)
    explanations = [
        _explanation(gallery, union, options, tuple(unexplained)) for union in _unions(options)
    ]
    return [e for e in explanations if e is not None]


def _unions(options: Mapping[Facet, list[Ids]]) -> Iterator[Ids]:
    """Smallest sets of mistakes that contain an option of every facet."""
    unions: set[Ids] = {frozenset()}
    for sets in sorted(options.values(), key=len):
        grown = {union | option for union in unions for option in sets}
        least = min(map(len, grown))
        unions = {union for union in grown if len(union) <= least + 1}
        if len(unions) > 4000:
            unions = set(sorted(unions, key=lambda u: (len(u), sorted(u)))[:4000])
    least = min(map(len, unions))
    yield from sorted((union for union in unions if len(union) == least), key=sorted)


def _explanation(
    gallery: Gallery, union: Ids, options: Mapping[Facet, list[Ids]], unexplained: tuple[Facet, ...]
) -> Explanation | None:
    shown: dict[str, list[Facet]] = {name: [] for name in union}
    for facet, sets in options.items():
        used = [option for option in sets if option <= union]
        for name in max(used, key=len, default=frozenset()):
            shown[name].append(facet)
    partial = sum(
        1
        for name in union
        for facet in options
        if facet not in shown[name] and gallery.shows(name, facet)
    )
    order = {name: i for i, name in enumerate(gallery.by_id)}
    mistakes = tuple(gallery.by_id[name] for name in sorted(union, key=order.__getitem__))
    facets = {name: tuple(where) for name, where in shown.items()}
    return Explanation(gallery.conventions, mistakes, facets, unexplained, partial)
