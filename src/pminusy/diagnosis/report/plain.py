"""A verdict as plain text."""

from __future__ import annotations

from pminusy.diagnosis.report.content import Content
from pminusy.diagnosis.report.lines import lines

__all__ = ["in_plain_text"]

_WIDTH = 88


def in_plain_text(verdict: Content, hints: int = 3) -> str:
    """The report of one function, without colours."""
    pieces = (piece for line in lines(verdict, hints) for piece in line.broken(_WIDTH))
    return "\n".join(piece.rstrip() for piece in pieces)
