"""Where the lines about one sample are proved: algebra for K = 2, 3, 4, and the reader's numbers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pminusy.derivation.evaluate import Evaluator
from pminusy.derivation.model import Setup, algebra, symbols
from pminusy.derivation.proof import indices_of, mentions
from pminusy.derivation.tree import Relation, free_indices
from pminusy.derivation.world import World

__all__ = ["RowArena"]


@dataclass(frozen=True)
class RowArena:
    """One sample."""

    setup: Setup

    @property
    def kind(self) -> Hashable:
        """The case: which letters there are and how they are defined."""
        return self.setup.case

    @property
    def numbers(self) -> Evaluator:
        """The reader's numbers."""
        return self.setup.numbers

    def algebra(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """One world a size; where the true class is named, one for each true class too."""
        named = mentions(relation)
        case = self.setup.case
        per_class = case.one_hot and self._speaks_of_c(relation, named)
        return [
            algebra(case, K, c, named)
            for K in sizes
            for c in (range(K) if per_class else (None,))
        ]

    def _speaks_of_c(self, relation: Relation, named: frozenset[str]) -> bool:
        if any(index.name == "c" for index in indices_of(relation)):
            return True
        world = World(symbols(self.setup.case), {}, {})
        made_from = frozenset().union(*(world.made_from(name) for name in named))
        bodies = [body for name in made_from if (body := world.symbols[name].body) is not None]
        return any(index.name == "c" for body in bodies for index in free_indices(body))
