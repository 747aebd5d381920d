"""Where lines of a few letters are proved, that belong to no sample and no batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.head.row import agree
from pminusy.derivation.tree import Relation

if TYPE_CHECKING:
    from pminusy.derivation.steps.step import Step

__all__ = ["SmallContext"]


@dataclass(frozen=True, eq=False)
class SmallContext:
    """Numbers, and worlds of exact algebra.

    Parameters
    ----------
    kind
        What the exact worlds depend on.
    numbers
        The reader's numbers.
    worlds
        The exact worlds, made when they are asked for.
    core
        What `core` gives for the value of a step, by its name.
    ulps
        How many units in the last place that may be off.
    """

    kind: Hashable
    numbers: Evaluator
    environments: Callable[[], list[Evaluator]]
    core: Mapping[str, Any] = field(default_factory=dict)
    ulps: float = 4.0

    def algebra(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """The same worlds for every line."""
        del relation, sizes
        return self.environments()

    def confirm(self, step: Step) -> None:
        """What `core` computes agrees with the exact value."""
        if step.name in self.core:
            agree(step, self.core[step.name], self.ulps)
