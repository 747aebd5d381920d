"""Checks that every way of reading a table makes."""

from __future__ import annotations

from collections.abc import Iterable

from pminusy.errors import InputError
from pminusy.tables.untrusted import LONGEST_TEXT, MOST_ENTRIES
from pminusy.tables.wording import listed, shown

__all__ = ["refuse_long", "refuse_many", "refuse_repeated"]


def refuse_repeated(what: str, names: Iterable[str]) -> None:
    """Refuse two columns of one name."""
    seen: set[str] = set()
    repeated: dict[str, None] = {}  # a set that keeps its order
    for name in names:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    if repeated:
        got = f"{listed(repeated)} more than once"
        raise InputError(what, "column names all different", got, "rename or remove one of them")


def refuse_long(what: str, kind: str, texts: Iterable[str], remedy: str) -> None:
    """Refuse names, categories or classes too long for a model file, before a model is made."""
    for text in texts:
        if len(text) > LONGEST_TEXT:
            expected = f"{kind} of at most {LONGEST_TEXT:,} characters"
            raise InputError(what, expected, f"{shown(text)}, {len(text):,} of them", remedy)


def refuse_many(what: str, kind: str, number: int) -> None:
    """Refuse more columns or classes than a model file may have."""
    if number > MOST_ENTRIES:
        raise InputError(what, f"at most {MOST_ENTRIES:,} {kind}", f"{number:,}")
