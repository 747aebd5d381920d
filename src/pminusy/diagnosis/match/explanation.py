"""Which mistakes, made together, return exactly what a submission returned.

What a submission returns is split into components, each explained on its own: every returned
quantity, once with r = 0 (the data's part) and once as the change from r = 0 to r = 0.7 (the
regulariser's part). Every mistake of the catalogue, and every pair, is run through the recipe on
the same inputs. A set of mistakes explains a component if it reproduces it on all probes; an
explanation is the smallest set that explains every component.
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
from pminusy.diagnosis.match.outputs import TOLERANCE, Component, Ids, MistakeOutputs
from pminusy.diagnosis.match.scaled import scaled

__all__ = ["Components", "Explanation", "explain", "explained_as_right"]

Components = Mapping[
    Component, tuple[NDArray[Any] | None, ...]
]  # an array a probe, None if none came


@dataclass(frozen=True, slots=True)
class Explanation:
    """Mistakes that together return what was returned, under some conventions.

    `where` says in which components each mistake shows; `unexplained` lists those nothing explains.
    """

    conventions: Conventions
    mistakes: tuple[Mistake, ...]
    where: Mapping[str, tuple[Component, ...]]
    unexplained: tuple[Component, ...] = ()
    partial: int = 0  # components a mistake should show in, and does not

    @property
    def cost(self) -> tuple[int, int, int]:
        """Unexplained components, mistakes, mistakes made on one side only."""
        return len(self.unexplained), len(self.mistakes), self.partial


def explained_as_right(
    seen: Components, outputs: Sequence[MistakeOutputs], tolerance: float = TOLERANCE
) -> Explanation | None:
    """The explanation without mistakes, if all is right under some conventions."""
    for one in outputs:
        if all(
            one.is_right(component, arrays, tolerance) and any(a is not None for a in arrays)
            for component, arrays in seen.items()
        ):
            return Explanation(one.conventions, (), {})
    return None


def explain(
    seen: Components, outputs: Sequence[MistakeOutputs], tolerance: float = TOLERANCE
) -> list[Explanation]:
    """Best explanations over all conventions, best first; ties are all returned.

    An explanation without mistakes says the submission is right. Unusual conventions (a bias column
    left out of the regulariser) and pairs within one component are tried only while something is
    not explained.
    """
    right = explained_as_right(seen, outputs, tolerance)
    if right is not None:
        return [right]
    found = _with_singles(seen, outputs, tolerance)
    if _fewest(found) > 0:
        # Where something stays open all the same, a pair elsewhere would be a guess.
        paired = _with_pairs(seen, outputs, found, tolerance)
        found = [e for e in paired if not e.unexplained] or found
    if _fewest(found) > 0:
        found += _with_fitted(seen, outputs, found, tolerance)
    best = min(e.cost for e in found)
    order = {one.conventions: i for i, one in enumerate(outputs)}
    return sorted(
        (e for e in found if e.cost == best),
        key=lambda e: (order[e.conventions], _places(e, outputs[0])),
    )


def _fewest(found: Sequence[Explanation]) -> int:
    return min(len(e.unexplained) for e in found)


def _with_singles(
    seen: Components, outputs: Sequence[MistakeOutputs], tolerance: float
) -> list[Explanation]:
    usual = [one for one in outputs if one.conventions.usual] or list(outputs)
    found = [e for one in usual for e in _explain(seen, one, tolerance)]
    if _fewest(found) > 0 or min(len(e.mistakes) for e in found) > 1:
        unusual = [one for one in outputs if one not in usual]
        found += [e for one in unusual for e in _explain(seen, one, tolerance)]
    return found


def _with_pairs(
    seen: Components,
    outputs: Sequence[MistakeOutputs],
    found: Sequence[Explanation],
    tolerance: float,
) -> list[Explanation]:
    """Explanations with pairs, for the two first conventions that leave the fewest components."""
    fewest = _fewest(found)
    best = dict.fromkeys(e.conventions for e in found if len(e.unexplained) == fewest)
    by_conventions = {one.conventions: one for one in outputs}
    chosen = [by_conventions[conventions] for conventions in itertools.islice(best, 2)]
    return [e for one in chosen for e in _explain(seen, one, tolerance, pairs=True)]


def _with_fitted(
    seen: Components,
    outputs: Sequence[MistakeOutputs],
    found: Sequence[Explanation],
    tolerance: float,
) -> list[Explanation]:
    """Explanations by mistakes with a number, for the conventions that leave the fewest."""
    fewest = _fewest(found)
    best = {e.conventions for e in found if len(e.unexplained) == fewest}
    explained = []
    for one in (one for one in outputs if one.conventions in best):
        mistakes = [*fitted(one, seen), *scaled(one, seen)]
        if mistakes:
            explained += _explain(seen, one.extended(mistakes), tolerance)
    return explained


def _places(explanation: Explanation, outputs: MistakeOutputs) -> list[int]:
    """Places in the catalogue, which lists the usual mistakes of a step first."""
    places = {name: i for i, name in enumerate(outputs.by_id)}
    return sorted(places.get(mistake.id, len(places)) for mistake in explanation.mistakes)


def _explain(
    seen: Components, outputs: MistakeOutputs, tolerance: float, pairs: bool = False
) -> list[Explanation]:
    explained: dict[Component, list[Ids]] = {}
    unexplained = []
    for component, arrays in seen.items():
        sets: list[Ids] = []
        if any(array is not None for array in arrays):
            sets = outputs.singles(component, arrays, tolerance)
            if not sets and pairs:
                sets = outputs.pairs(component, arrays, tolerance)
        if sets:
            explained[component] = sets
        else:
            unexplained.append(component)
    unions = _unions(explained)
    return [_explanation(outputs, union, explained, tuple(unexplained)) for union in unions]


def _unions(explained: Mapping[Component, list[Ids]]) -> Iterator[Ids]:
    """Smallest sets of mistakes that contain an explanation of every component."""
    unions: set[Ids] = {frozenset()}
    for sets in sorted(explained.values(), key=len):
        grown = {union | one for union in unions for one in sets}
        least = min(map(len, grown))
        unions = {union for union in grown if len(union) <= least + 1}
        if len(unions) > 4000:
            unions = set(sorted(unions, key=lambda u: (len(u), sorted(u)))[:4000])
    least = min(map(len, unions))
    yield from sorted((union for union in unions if len(union) == least), key=sorted)


def _explanation(
    outputs: MistakeOutputs,
    union: Ids,
    explained: Mapping[Component, list[Ids]],
    unexplained: tuple[Component, ...],
) -> Explanation:
    where: dict[str, list[Component]] = {name: [] for name in union}
    for component, sets in explained.items():
        used = [one for one in sets if one <= union]
        for name in max(used, key=len, default=frozenset()):
            where[name].append(component)
    partial = sum(
        component not in where[name] and outputs.changes(name, component)
        for name in union
        for component in explained
    )
    order = {name: i for i, name in enumerate(outputs.by_id)}
    mistakes = tuple(outputs.by_id[name] for name in sorted(union, key=order.__getitem__))
    shown = {name: tuple(components) for name, components in where.items()}
    return Explanation(outputs.conventions, mistakes, shown, unexplained, partial)
