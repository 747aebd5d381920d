"""The proof context of a line: what its letters stand for, and what `core` makes of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.tree import Relation

__all__ = ["Computed", "FixedContext", "ProofContext"]


@dataclass(frozen=True, eq=False)
class Computed:
    """What `core` computes in float64, and how far that may be from the exact value.

    Parameters
    ----------
    name
        The quantity, as `core.trace` calls it.
    values
        Its entries.
    ulps
        Units in the last place that may be off.
    scale
        Sizes to which those units are relative where entries are differences: sizes of what was
        subtracted. By default they are relative to the entries.
    room
        Where it is computed.
    letter
        The quantity of the derivation that it is compared with; by default the value of the step.
    """

    name: str
    values: Any
    ulps: float = 4.0
    scale: Any = None
    letter: str = ""
    room: str = "core"

    def of_row(self, rows: bool) -> Computed:
        """The first row alone, where the quantity has an axis of rows."""
        if not rows:
            return self
        scale = None if self.scale is None else self.scale[0]
        return replace(self, values=self.values[0], scale=scale)


class ProofContext(Protocol):
    """What the letters of a line stand for, for any K and at the reader's numbers."""

    def kind(self, relation: Relation) -> Hashable:
        """What a proof of a line for any K depends on; such proofs are remembered by it."""

    @property
    def numbers(self) -> Evaluator:
        """The reader's numbers."""

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """Environments of exact algebra, one for each size and true class."""

    def sizes_for_any(self, relation: Relation, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Numbers of classes for which a proof is one for any; none if no number of them is."""

    def computed(self, step: str) -> Iterable[Computed]:
        """What `core` computes of what a step shows, by the name of the step."""


@dataclass(frozen=True, eq=False)
class FixedContext:
    """A context with the same environments for every line.

    Parameters
    ----------
    own_kind
        What the exact environments depend on.
    numbers
        The reader's numbers.
    environments
        The exact environments, made when they are asked for.
    core
        What `core` gives for the value of a step, by its name.
    sizeless
        Whether lines do not speak of classes at all.
    """

    own_kind: Hashable
    numbers: Evaluator
    environments: Callable[[], list[Evaluator]]
    core: Mapping[str, Computed] = field(default_factory=dict)
    sizeless: bool = False

    def kind(self, relation: Relation) -> Hashable:
        """The same for every line."""
        del relation
        return self.own_kind

    def sizes_for_any(self, relation: Relation, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Every size, where lines do not depend on it."""
        del relation
        return sizes if self.sizeless else ()

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """The same environments for every line."""
        del relation, sizes
        return self.environments()

    def computed(self, step: str) -> Iterable[Computed]:
        """What is known of a step."""
        return (self.core[step],) if step in self.core else ()
