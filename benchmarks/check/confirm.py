"""Whether a diagnosis of a mutant holds on inputs that the checker never saw."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.check.mutants import outputs
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["confirmed"]

_LINEAR = ("vectorised", "full", "loop", "loop branches", "samples")


def confirmed(verdict: Verdict, family: str, source: str, cases: list[list[Any]]) -> bool | None:
    """Whether some form of the named mistakes returns what the mutant returns, on ordinary cases.

    None where this family's arguments are not known here.
    """
    linear = family in _LINEAR
    if not linear and family != "logits":
        return None
    exercise = EXERCISES["linear" if linear else "logits"]
    forms = [
        [m for m in exercise.mistakes if name in (m.called or m.id, m.id)]
        for name in verdict.mistakes
    ]
    if not all(forms):
        return None  # a mistake with a number in it, or of sizes, is no formula of the catalogue
    name = verdict.name.rsplit(".", maxsplit=1)[-1]
    ordinary = cases[:6]
    seen = outputs(source, name, ordinary)
    half = 1.0 if "full" in verdict.pins else 0.5
    letters = {"mean": "sum" not in verdict.pins, "half": half, "free": None, "trained": ()}
    return any(
        _returns(exercise.recipe, choice, letters, ordinary, seen)
        for choice in itertools.product(*forms)
    )


def _returns(
    recipe: Any, mistakes: Iterable[Mistake], letters: Mapping[str, Any], cases: Any, seen: Any
) -> bool:
    changed = [set(mistake.changes) for mistake in mistakes]
    losses = {name: f for m in mistakes for name, f in m.changes.items()}
    if len(set().union(*changed)) < sum(map(len, changed)):
        return True  # one mistake in the loss and another in the gradient, of the same step
    for case, found in zip(cases, seen, strict=True):
        if not isinstance(found, list):
            continue  # it raised
        if len(case) == 4:
            W, X, y, r = case
            inputs = {**letters, "X": X, "W": W.T, "y": y, "r": r}
        else:
            inputs = {**letters, "z": case[0], "y": case[1], "r": 0.0}
        try:
            record = recipe.run(inputs, losses)
        except ValueError:  # made where sizes agree alone: here the mutant must have raised
            return False
        right = recipe.run(inputs)
        gradient = "dL_dW" if len(case) == 4 else "dL_dz"
        for letter, value in (("L", found[0]), (gradient, found[1])):
            if not (_close(value, record[letter]) or _close(value, right[letter])):
                return False
    return True


def _close(value: Any, made: Any) -> bool:
    value, made = np.asarray(value, dtype=float), np.asarray(made, dtype=float)
    if value.shape != made.shape:
        made = made.T
    return value.shape == made.shape and bool(
        np.allclose(value, made, rtol=1e-4, atol=1e-6, equal_nan=True)
    )
