"""What every mistake of an exercise returns on the probes, ready to be compared.

A mistake is run through the recipe when it is first asked about; one array is then compared with
the outputs of all of them in one go.
"""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.diagnosis.catalogue.conventions import Conventions
from pminusy.diagnosis.catalogue.exercise import Exercise
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import STRENGTH

__all__ = ["TOLERANCE", "Component", "Ids", "MistakeOutputs", "is_one_number", "outputs_of"]

Array = NDArray[Any]
Component = tuple[str, str]  # of what is returned: a quantity, and its "data" or "ridge" part
Ids = frozenset[str]

TOLERANCE = 1e-6
_MOST_PAIRS = 60


class _Table:
    """Many mistakes' arrays side by side, to be compared with one array in one go."""

    def __init__(self, made: Sequence[tuple[Any, Array]]) -> None:
        shapes = Counter(array.shape for _, array in made)
        self.shape = max(shapes, key=lambda shape: shapes[shape], default=())
        fitting = [(key, array) for key, array in made if array.shape == self.shape]
        self.keys = [key for key, _ in fitting]
        self.rows = np.array([array.ravel() for _, array in fitting])

    def matching(self, seen: Array | None, scale: float, tolerance: float) -> list[Any]:
        """Keys of the arrays equal to one; all of them, where there is none to compare with."""
        if seen is None:
            return self.keys
        if seen.shape != self.shape or not self.keys:
            return []
        row = seen.ravel()
        with np.errstate(all="ignore"):
            close = np.abs(self.rows - row) <= tolerance * np.maximum(scale, np.abs(self.rows))
        close &= np.isfinite(self.rows)  # within a share of inf is anything
        close |= (np.isnan(self.rows) & np.isnan(row)) | (self.rows == row)
        return [self.keys[i] for i in np.flatnonzero(close.all(axis=1))]


class MistakeOutputs:
    """What every mistake of an exercise returns on the probes, under one set of conventions.

    Mistakes are run on the first probe when a component is first asked about, and on the others
    only if they match there. The data's part does not depend on how the regulariser is defined, so
    conventions that differ in nothing else share it.
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
        self.probes = exercise.probes(given, single, square)
        self.regularised = "r" in given
        trained = tuple(name for name in ("W1", "W") if name in given)
        self._letters = {**conventions.letters, "trained": trained, "r": 0.0}
        plain = Conventions(reduction=conventions.reduction)
        self._data = (
            self
            if conventions == plain
            else outputs_of(exercise.name, given, single, plain, square)
        )
        self.right = [self._components((), i) or {} for i in range(len(self.probes))]
        self.scale = [_scales(components) for components in self.right]
        self.mistakes = [m for m in exercise.mistakes if not (single and m.batch)]
        self._clear()

    def _clear(self) -> None:
        self.by_id = {mistake.id: mistake for mistake in self.mistakes}
        self._first: dict[str, dict[str, Mapping[Component, Array]]] = {}
        self._single: dict[Component, _Table] = {}
        self._paired: dict[Component, _Table] = {}

    def extended(self, mistakes: Sequence[Mistake]) -> MistakeOutputs:
        """The same with further mistakes."""
        other = copy.copy(self)
        other.mistakes = [*self.mistakes, *mistakes]
        other._clear()
        other._data = other if self._data is self else self._data.extended(mistakes)
        return other

    def is_right(self, component: Component, seen: Sequence[Array | None], tol: float) -> bool:
        """Whether a component is what it should be on all probes."""
        return self._matches(component, seen, self.right, tol)

    def singles(
        self, component: Component, seen: Sequence[Array | None], tolerance: float
    ) -> list[Ids]:
        """Sets of at most one mistake that reproduce a component."""
        if self.is_right(component, seen, tolerance):
            return [frozenset()]
        if _is_constant(component, seen):
            return []  # a number that never changes, or none at all, is no sign of any formula
        part = self._part(component)
        table, scale = part._table(component), self.scale[0][component[0]]
        return [
            frozenset({name})
            for name in table.matching(seen[0], scale, tolerance)
            if part.reproduces((self.by_id[name],), component, seen, tolerance)
        ]

    def pairs(
        self, component: Component, seen: Sequence[Array | None], tolerance: float
    ) -> list[Ids]:
        """Pairs of mistakes that reproduce a component."""
        if _is_constant(component, seen):
            return []
        part = self._part(component)
        table, scale = part._pair_table(component), self.scale[0][component[0]]
        found = (
            frozenset({one.id, other.id})
            for one, other in table.matching(seen[0], scale, tolerance)
            if part.reproduces((one, other), component, seen, tolerance)
        )
        return list(itertools.islice(found, _MOST_PAIRS))

    def changes(self, mistake: str, component: Component) -> bool:
        """Whether a mistake changes a component at all."""
        outputs = self._part(component)._on_first_probe(component[1]).get(mistake)
        if outputs is None or component not in outputs:
            return False
        right, scale = self.right[0].get(component), self.scale[0][component[0]]
        return not _same(outputs[component], right, scale, TOLERANCE)

    def reproduces(
        self,
        mistakes: tuple[Mistake, ...],
        component: Component,
        seen: Sequence[Array | None],
        tolerance: float,
    ) -> bool:
        """Whether mistakes made together return a component on all probes."""
        probes = range(len(self.probes))
        made = [self._components(mistakes, i, component[1]) or {} for i in probes]
        return self._matches(component, seen, made, tolerance)

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

    def _part(self, component: Component) -> MistakeOutputs:
        return self._data if component[1] == "data" else self

    def _on_first_probe(self, part: str) -> Mapping[str, Mapping[Component, Array]]:
        """Components of one part, for every mistake that can be made here."""
        if part not in self._first:
            made = {
                mistake.id: self._components((mistake,), 0, part)
                for mistake in self.mistakes
                if part == "data" or mistake.of_regulariser
            }
            self._first[part] = {name: outputs for name, outputs in made.items() if outputs}
        return self._first[part]

    def _table(self, component: Component) -> _Table:
        if component not in self._single:
            made = self._on_first_probe(component[1]).items()
            self._single[component] = _Table(
                [(name, outputs[component]) for name, outputs in made if component in outputs]
            )
        return self._single[component]

    def _pair_table(self, component: Component) -> _Table:
        """Of pairs of mistakes that both change the component."""
        if component not in self._paired:
            made = (
                (pair, self._components(pair, 0, component[1]) or {})
                for pair in self._possible_pairs(component)
                if pair[0].goes_with(pair[1])
            )
            self._paired[component] = _Table(
                [(pair, outputs[component]) for pair, outputs in made if component in outputs]
            )
        return self._paired[component]

    def _possible_pairs(self, component: Component) -> Iterable[tuple[Mistake, Mistake]]:
        names = self._on_first_probe(component[1])
        changing = [
            self.by_id[name]
            for name in names
            if not self.by_id[name].alone and self.changes(name, component)
        ]
        pairs = itertools.combinations(changing, 2)
        if component[1] != "ridge":
            return pairs
        mixing = [m for m in changing if m.step in ("L", "dL_dW")]  # data and regulariser
        data = [m for m in self.mistakes if not m.of_regulariser and not m.alone]
        return itertools.chain(pairs, itertools.product(mixing, data))

    def _matches(
        self,
        component: Component,
        seen: Sequence[Array | None],
        made: Sequence[Mapping[Component, Array]],
        tolerance: float,
    ) -> bool:
        return all(
            _same(value, outputs.get(component), scale[component[0]], tolerance)
            for value, outputs, scale in zip(seen, made, self.scale, strict=True)
        )

    def _components(
        self, mistakes: tuple[Mistake, ...], probe: int, part: str = ""
    ) -> dict[Component, Array] | None:
        inputs = self.probes[probe].inputs
        without = self.run(inputs, mistakes, 0.0)
        if without is None:
            return None
        with_r = None
        if self.regularised and part != "data":
            with_r = self.run(inputs, mistakes, STRENGTH)
        components: dict[Component, Array] = {}
        for letter in (*self.exercise.outputs, "L_i", "dL_dz_i"):
            if without.get(letter) is None:
                continue
            value = np.asarray(without[letter], dtype=np.float64)
            components[letter, "data"] = value
            if with_r is not None and with_r.get(letter) is not None:
                with np.errstate(all="ignore"):
                    change = np.asarray(with_r[letter], dtype=np.float64) - value
                components[letter, "ridge"] = change
        return components


def _is_constant(component: Component, seen: Sequence[Array | None]) -> bool:
    """Whether a loss or probabilities are one number wherever they are finite, or all NaN."""
    if all(value is None or np.isnan(value).all() for value in seen):
        return True
    if component[1] != "data" or component[0] not in ("L", "L_i", "p", "log_p"):
        return False
    finite = [value[np.isfinite(value)] for value in seen if value is not None and value.size]
    return len(finite) > 1 and np.unique(np.concatenate(finite)).size <= 1


def is_one_number(seen: Sequence[Array | None]) -> bool:
    """Whether every entry is the same number, whatever the probe."""
    values = [value.ravel() for value in seen if value is not None and value.size]
    return len(values) > 1 and all(np.all(v == values[0][0]) for v in values)


def _scales(components: Mapping[Component, Array]) -> dict[str, float]:
    """Size of each quantity's right value: what an error is measured against."""
    scales: dict[str, float] = {}
    for (letter, _), value in components.items():
        scales[letter] = max(scales.get(letter, 0.0), float(np.abs(value).max(initial=0.0)))
    return {letter: scale or 1.0 for letter, scale in scales.items()}


@lru_cache(maxsize=128)
def outputs_of(
    exercise: str,
    given: tuple[str, ...],
    single: bool,
    conventions: Conventions,
    square: str = "",
) -> MistakeOutputs:
    """The outputs of an exercise's mistakes; made once, used for every submission."""
    return MistakeOutputs(EXERCISES[exercise], given, single, conventions, square)


def _same(seen: Array | None, other: Array | None, scale: float, tolerance: float) -> bool:
    """Equal within a tolerance; NaN equals NaN and inf equals inf, and nothing else does."""
    if seen is None:
        return True
    if other is None or seen.shape != other.shape:
        return False
    with np.errstate(all="ignore"):
        close = np.abs(seen - other) <= tolerance * np.maximum(scale, np.abs(other))
        close &= np.isfinite(other)  # within a share of inf is anything
        undefined = np.isnan(seen) & np.isnan(other)
    return bool(np.all(close | undefined | (seen == other)))
