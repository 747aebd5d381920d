"""Lines by their names, in the order of the names."""

from __future__ import annotations

from collections.abc import Iterable

from pminusy.derivation.statements.line import Line

__all__ = ["named"]


def named(lines: Iterable[Line], names: str) -> tuple[Line, ...]:
    """Those lines that are named, in that order."""
    found = {line.name: line for line in lines}
    return tuple(found[name] for name in names.split())
