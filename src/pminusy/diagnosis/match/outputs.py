"""What every mistake of an exercise returns on the probes, ready to be compared.

Mistakes are run through the recipe when they are first asked about; one array is then compared with
all of them in one go.
"""

from __future__ import annotations

import copy
import fnmatch
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.catalogue.conventions import Conventions
from pminusy.diagnosis.catalogue.exercise import EXERCISES, Exercise, probes_for
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import STRENGTH

__all__ = ["TOLERANCE", "Facet", "Gallery", "Ids", "gallery"]

Array = NDArray[Any]
Facet = tuple[str, str]  # letter, "data" or "ridge"
Ids = frozenset[str]

TOLERANCE = 1e-6
_MOST_OPTIONS = 60


class Screen:
    """Many candidates' arrays side by side, to be compared with one array in one go."""

    def __init__(self, made: Sequence[tuple[Any, Array]]) -> None:
        shapes = Counter(array.shape for _, array in made)
        self.shape = max(shapes, key=lambda shape: shapes[shape], default=())
        fitting = [(key, array) for key, array in made if array.shape == self.shape]
        self.keys = [key for key, _ in fitting]
        self.rows = np.array([array.ravel() for _, array in fitting])

    def matching(self, seen: Array | None, scale: float, tolerance: float) -> list[Any]:
        """Candidates that return an array; all of them, where there is none to compare with."""
        if seen is None:
            return self.keys
        if seen.shape != self.shape or not self.keys:
            return []
        row = seen.ravel()
        with np.errstate(all="ignore"):
            close = np.abs(self.rows - row) <= tolerance * np.maximum(scale, np.abs(self.rows))
        close |= (np.isnan(self.rows) & np.isnan(row)) | (self.rows == row)
        return [self.keys[i] for i in np.flatnonzero(close.all(axis=1))]


class Gallery:
    """What every mistake of an exercise returns on the probes.

    Mistakes are run on the first probe when a facet is first asked about, and on the others only if
    they match there. The data's facets do not depend on how the regulariser is read, so readings
    that differ in nothing else share them.
    """

    fits_numbers = True  # whether mistakes with a number in them are looked for

    def __init__(
        self,
        exercise: Exercise,
        given: tuple[str, ...],
        single: bool,
        conventions: Conventions,
        square: str = "",
    ) -> None:
        self.exercise, self.conventions = exercise, conventions
        self.probes = probes_for(exercise.name, given, single, square)
        self.regularised = "r" in given
        trained = tuple(name for name in ("W1", "W") if name in given)
        self._letters = {**conventions.letters, "trained": trained, "r": 0.0}
        plain = Conventions(reduction=conventions.reduction)
        self._data = (
            self if conventions == plain else gallery(exercise.name, given, single, plain, square)
        )
        self.right = [self._facets_of((), i) or {} for i in range(len(self.probes))]
        self.scale = [_scales(facets) for facets in self.right]
        self.catalogue = [m for m in exercise.catalogue if not (single and _needs_a_batch(m))]
        self.by_id = {mistake.id: mistake for mistake in self.catalogue}
        self._first: dict[str, dict[str, Mapping[Facet, Array]]] = {}
        self._singles: dict[Facet, Screen] = {}
        self._pairs: dict[Facet, Screen] = {}

    def extended(self, mistakes: Sequence[Mistake]) -> Gallery:
        """The same with further mistakes."""
        other = copy.copy(self)
        other.catalogue = [*self.catalogue, *mistakes]
        other.by_id = {mistake.id: mistake for mistake in other.catalogue}
        other._first, other._singles, other._pairs = {}, {}, {}
        other._data = other if self._data is self else self._data.extended(mistakes)
        return other

    def is_right(self, facet: Facet, seen: Sequence[Array | None], tolerance: float) -> bool:
        """Whether a facet is what it should be on all probes."""
        return self._matches(facet, seen, self.right, tolerance)

    def options(self, facet: Facet, seen: Sequence[Array | None], tolerance: float) -> list[Ids]:
        """Sets of at most one mistake that reproduce a facet."""
        if self.is_right(facet, seen, tolerance):
            return [frozenset()]
        if _is_constant(facet, seen):
            return []  # a number that never changes, or none at all, is no sign of any formula
        home = self._home(facet)
        return [
            frozenset({name})
            for name in home.singles(facet).matching(seen[0], self.scale[0][facet[0]], tolerance)
            if home.reproduces((self.by_id[name],), facet, seen, tolerance)
        ]

    def pair_options(
        self, facet: Facet, seen: Sequence[Array | None], tolerance: float
    ) -> list[Ids]:
        """Pairs of mistakes that reproduce a facet."""
        if _is_constant(facet, seen):
            return []
        home, found = self._home(facet), []
        pairs = home.pairs(facet)
        for one, other in pairs.matching(seen[0], self.scale[0][facet[0]], tolerance):
            if home.reproduces((one, other), facet, seen, tolerance):
                found.append(frozenset({one.id, other.id}))
            if len(found) >= _MOST_OPTIONS:
                break
        return found

    def shows(self, mistake: str, facet: Facet) -> bool:
        """Whether a mistake changes a facet at all."""
        outputs = self._home(facet).first(facet[1]).get(mistake)
        if outputs is None or facet not in outputs:
            return False
        return not _same(
            outputs[facet], self.right[0].get(facet), self.scale[0][facet[0]], TOLERANCE
        )

    def first(self, part: str) -> Mapping[str, Mapping[Facet, Array]]:
        """Facets of one part on the first probe, for every mistake that can be made here."""
        if part not in self._first:
            made = {
                mistake.id: self._facets_of((mistake,), 0, part)
                for mistake in self.catalogue
                if part == "data" or _touches_ridge(mistake)
            }
            self._first[part] = {name: facets for name, facets in made.items() if facets}
        return self._first[part]

    def singles(self, facet: Facet) -> Screen:
        """Mistakes with what they return in a facet of the first probe."""
        if facet not in self._singles:
            made = self.first(facet[1]).items()
            self._singles[facet] = Screen(
                [(name, outputs[facet]) for name, outputs in made if facet in outputs]
            )
        return self._singles[facet]

    def pairs(self, facet: Facet) -> Screen:
        """The same for pairs of mistakes that both change the facet."""
        if facet not in self._pairs:
            showing = [self.by_id[name] for name in self.first(facet[1]) if self.shows(name, facet)]
            pairs: Iterable[tuple[Mistake, Mistake]] = itertools.combinations(showing, 2)
            if facet[1] == "ridge":  # the data's mistakes reach it through those that mix the two
                mixing = [mistake for mistake in showing if mistake.step in ("L", "dL_dW")]
                data = [m for m in self.catalogue if not _touches_ridge(m)]
                pairs = itertools.chain(pairs, itertools.product(mixing, data))
            self._pairs[facet] = Screen(
                [
                    ((one, other), facets[facet])
                    for one, other in pairs
                    if one.goes_with(other)
                    and (facets := self._facets_of((one, other), 0, facet[1]))
                    and facet in facets
                ]
            )
        return self._pairs[facet]

    def reproduces(
        self,
        mistakes: tuple[Mistake, ...],
        facet: Facet,
        seen: Sequence[Array | None],
        tolerance: float,
    ) -> bool:
        """Whether mistakes made together return a facet on all probes."""
        made = [self._facets_of(mistakes, i, facet[1]) or {} for i in range(len(self.probes))]
        return self._matches(facet, seen, made, tolerance)

    def run(
        self, inputs: Mapping[str, Any], mistakes: Iterable[Mistake], r: float
    ) -> Mapping[str, Any] | None:
        """The record of a run with mistakes, None where they cannot be made.

        Without any it is the specification's.
        """
        inputs = {**self._letters, **inputs, "r": r}
        changes = {name: change for m in mistakes for name, change in m.changes.items()}
        if not changes:
            return self.exercise.truth(inputs)
        try:
            return self.exercise.run(inputs, changes)
        except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError):
            return None

    def _home(self, facet: Facet) -> Gallery:
        return self._data if facet[1] == "data" else self

    def _matches(
        self,
        facet: Facet,
        seen: Sequence[Array | None],
        made: Sequence[Mapping[Facet, Array]],
        tolerance: float,
    ) -> bool:
        return all(
            _same(value, facets.get(facet), scale[facet[0]], tolerance)
            for value, facets, scale in zip(seen, made, self.scale, strict=True)
        )

    def _facets_of(
        self, mistakes: tuple[Mistake, ...], probe: int, part: str = ""
    ) -> dict[Facet, Array] | None:
        inputs = self.probes[probe].inputs
        without = self.run(inputs, mistakes, 0.0)
        if without is None:
            return None
        with_r = None
        if self.regularised and part != "data":
            with_r = self.run(inputs, mistakes, STRENGTH)
        letters = (*self.exercise.outputs, "L_i", "dL_dz_i")
        return _facets(without, with_r, letters)


def _touches_ridge(mistake: Mistake) -> bool:
    return mistake.id.startswith("ridge.") or "regularised" in mistake.id


_BATCH = (
    "softmax.axis*", "softmax.whole_batch*", "softmax.shift_axis", "softmax.averaged",
    "softmax.not_kept", "loss.rows*", "loss.columns*", "loss.log_of_*", "loss.last*",
    "loss.first*", "loss.sum", "loss.broadcast", "loss.averaged*", "loss.multiplied",
    "loss.divided_by_one_less",
    "dL_dz.sum", "dL_dz.averaged*", "dL_dz.multiplied", "dL_dz.divided_by_one_less",
    "dL_dz.last_left_out", "dL_dz.first_left_out", "dL_dz.columns", "dL_dz.rows",
    "dL_dz.*_not_averaged", "dL_dW.assigned*",
)  # fmt: skip


def _needs_a_batch(mistake: Mistake) -> bool:
    """Whether a mistake is about several samples, and means nothing for one."""
    return any(fnmatch.fnmatchcase(mistake.id, pattern) for pattern in _BATCH)


def _is_constant(facet: Facet, seen: Sequence[Array | None]) -> bool:
    """Whether a loss or probabilities are one number on every probe, or a facet nan throughout."""
    if all(value is None or np.isnan(value).all() for value in seen):
        return True
    if facet[1] != "data" or facet[0] not in ("L", "L_i", "p", "log_p"):
        return False
    values = [value.ravel() for value in seen if value is not None and value.size]
    return len(values) > 1 and all(np.all(v == values[0][0]) for v in values)


def _scales(facets: Mapping[Facet, Array]) -> dict[str, float]:
    """Size of each letter's right value: what an error is measured against."""
    scales: dict[str, float] = {}
    for (letter, _), value in facets.items():
        scales[letter] = max(scales.get(letter, 0.0), float(np.abs(value).max(initial=0.0)))
    return {letter: scale or 1.0 for letter, scale in scales.items()}


@lru_cache(maxsize=64)
def gallery(
    exercise: str,
    given: tuple[str, ...],
    single: bool,
    conventions: Conventions,
    square: str = "",
) -> Gallery:
    """The gallery of an exercise; made once, used for every submission."""
    return Gallery(EXERCISES[exercise], given, single, conventions, square)


def _facets(
    without: Mapping[str, Any], with_r: Mapping[str, Any] | None, letters: Iterable[str]
) -> dict[Facet, Array]:
    facets: dict[Facet, Array] = {}
    for letter in letters:
        if without.get(letter) is None:
            continue
        value = np.asarray(without[letter], dtype=np.float64)
        facets[letter, "data"] = value
        if with_r is not None and with_r.get(letter) is not None:
            with np.errstate(all="ignore"):
                facets[letter, "ridge"] = np.asarray(with_r[letter], dtype=np.float64) - value
    return facets


def _same(seen: Array | None, other: Array | None, scale: float, tolerance: float) -> bool:
    """Equal within a tolerance; NaN equals NaN and inf equals inf, and nothing else does."""
    if seen is None:
        return True
    if other is None or seen.shape != other.shape:
        return False
    with np.errstate(all="ignore"):
        close = np.abs(seen - other) <= tolerance * np.maximum(scale, np.abs(other))
        undefined = np.isnan(seen) & np.isnan(other)
    return bool(np.all(close | undefined | (seen == other)))
