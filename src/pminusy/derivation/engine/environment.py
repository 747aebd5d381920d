"""What the letters stand for: variables, definitions, and the sizes of index sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pminusy.derivation.engine.decimals import WORKING_DIGITS
from pminusy.derivation.tree import Index, Node, Partial, names, walk

__all__ = ["Environment", "Symbol", "defined", "variable", "variables"]


@dataclass(frozen=True)
class Symbol:
    """A quantity: the sets its indices run through, and its definition unless it is given."""

    name: str
    spaces: tuple[str, ...]
    parameters: tuple[Index, ...] = ()
    body: Node | None = None


def variable(name: str, *spaces: str) -> Symbol:
    """A quantity that is put in."""
    return Symbol(name, spaces)


def variables(spaces: Mapping[str, str]) -> list[Symbol]:
    """Several quantities that are put in, by name: the letters of their index sets, "" for none."""
    return [variable(name, *letters) for name, letters in spaces.items()]


def defined(name: str, *parameters: Index, by: Node) -> Symbol:
    """A quantity defined by a formula in its parameters; with none, possibly a whole array."""
    return Symbol(name, tuple(index.space for index in parameters), parameters, by)


@dataclass(frozen=True)
class Environment:
    """Symbols with the sizes of their index sets, and the values of those that are given.

    Attributes
    ----------
    fixed
        Letters of indices that stand for one place, such as the true class c.
    digits
        How many digits decimals are worked in.
    labels
        What the places of an index set are called where not 0, 1, 2, …: the rows of a batch that
        were chosen, the classes that are not masked.
    """

    symbols: Mapping[str, Symbol]
    sizes: Mapping[str, int]
    values: Mapping[str, Any]
    fixed: Mapping[str, int] = field(default_factory=dict)
    digits: int = WORKING_DIGITS
    labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def _ancestors(self) -> dict[str, frozenset[str]]:
        return {}

    def made_from(self, name: str) -> frozenset[str]:
        """Every quantity that `name` is made from, itself included."""
        if name in self._ancestors:
            return self._ancestors[name]
        result = {name}
        symbol = self.symbols[name]
        if symbol.body is not None and name not in self.values:
            for parent in names(symbol.body):
                result |= self.made_from(parent)
            derivatives = [part.of for part in walk(symbol.body) if isinstance(part, Partial)]
            for of in derivatives:
                for parent in names(of):
                    result |= self.made_from(parent)
        self._ancestors[name] = frozenset(result)
        return self._ancestors[name]
