"""A line of the derivation before it is proved, and the table that may stand beside it."""

from __future__ import annotations

from dataclasses import dataclass

from pminusy.derivation.statements.sentence import Reason, in_words, sentences
from pminusy.derivation.tree import Relation

__all__ = ["FULL", "OUTLINE", "RESULT", "Line", "Table"]

RESULT, OUTLINE, FULL = "result", "outline", "full"


@dataclass(frozen=True)
class Table:
    """Plain text in rows, for what is no equation: names, floating-point results."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Line:
    """A step before it is proved.

    Parameters
    ----------
    name, title
        A key that stays, and a heading.
    statement
        What is claimed, for any K.
    reason
        Sentences, each with what it rests on.
    rules
        Rules of calculus and algebra used.
    depth
        "result", "outline" or "full": at which depth it is first shown.
    table
        A table beside it.
    sizes
        Numbers of classes for which the line is proved exactly.
    """

    name: str
    title: str
    statement: Relation
    reason: Reason
    rules: tuple[str, ...] = ()
    depth: str = FULL
    table: Table | None = None
    sizes: tuple[int, ...] = (2, 3, 4)

    def __post_init__(self) -> None:
        """Refuse words that rest on nothing."""
        sentences(self.reason)

    @property
    def why(self) -> str:
        """The sentences in one."""
        return in_words(self.reason)
