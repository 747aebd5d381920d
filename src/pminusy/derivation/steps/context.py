"""The proof context of a line: what its letters stand for, and what `core` makes of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.steps.confirm import Computed
from pminusy.derivation.tree import Relation

__all__ = ["FixedContext", "ProofContext"]


class ProofContext(Protocol):
    """What the letters of a line stand for, for any K and at the reader's numbers."""

    @property
    def kind(self) -> Hashable:
        """What a proof for any K depends on; such proofs are remembered by it."""

    @property
    def numbers(self) -> Evaluator:
        """The reader's numbers."""

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """Environments of exact algebra, one for each size and true class."""

    def computed(self, step: str) -> Iterable[Computed]:
        """What `core` computes of what a step shows, by the name of the step."""


@dataclass(frozen=True, eq=False)
class FixedContext:
    """A context with the same environments for every line.

    Parameters
    ----------
    kind
        What the exact environments depend on.
    numbers
        The reader's numbers.
    environments
        The exact environments, made when they are asked for.
    core
        What `core` gives for the value of a step, by its name.
    """

    kind: Hashable
    numbers: Evaluator
    environments: Callable[[], list[Evaluator]]
    core: Mapping[str, Computed] = field(default_factory=dict)

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """The same environments for every line."""
        del relation, sizes
        return self.environments()

    def computed(self, step: str) -> Iterable[Computed]:
        """What is known of a step."""
        return (self.core[step],) if step in self.core else ()
