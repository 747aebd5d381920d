"""A verdict as plain text."""

from __future__ import annotations

from pminusy.diagnosis.reports.lines import lines
from pminusy.diagnosis.verdict import Verdict

__all__ = ["in_plain_text"]


def in_plain_text(verdict: Verdict, hints: int = 3) -> str:
    """The report of one function, without colours."""
    return "\n".join(line.text.rstrip() for line in lines(verdict, hints))
