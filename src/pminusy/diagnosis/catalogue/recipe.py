"""A recipe: named steps in order, run with some of them replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Change", "Recipe", "Record", "Step"]

Record = dict[str, Any]
Change = Callable[[Record], Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: its name, its formula, where a learner finds it, how to compute it.

    Parameters
    ----------
    name
        Name of the quantity, and of the step.
    compute
        Computes it from the quantities before it.
    formula
        The right formula, in the letters of the project.
    look
        The line of a program this is, in words: "where the softmax is divided by its sum".
    """

    name: str
    compute: Change
    formula: str
    look: str


@dataclass(frozen=True)
class Recipe:
    """Steps in the order of computation."""

    steps: tuple[Step, ...]

    def run(self, inputs: Mapping[str, Any], changes: Mapping[str, Change] | None = None) -> Record:
        """Compute every step whose name is not among the inputs, with some steps replaced."""
        record: Record = dict(inputs)
        changes = changes or {}
        with np.errstate(all="ignore"):
            for step in self.steps:
                if step.name not in inputs:
                    record[step.name] = changes.get(step.name, step.compute)(record)
        return record

    def step(self, name: str) -> Step:
        """The step of a name."""
        return next(step for step in self.steps if step.name == name)
