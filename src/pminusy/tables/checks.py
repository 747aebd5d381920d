"""What every door to a table asks of it."""

from __future__ import annotations

from collections.abc import Iterable

from pminusy.errors import InputError
from pminusy.tables.wording import listed

__all__ = ["refuse_repeated"]


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
