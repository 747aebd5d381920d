"""Text from submissions, neutralised and bounded."""

from __future__ import annotations

from pminusy.present.sanitise import csv_cell, visible

__all__ = ["clean", "clean_cell", "clean_lines"]

_LONGEST = 2000  # characters of one line


def clean(text: str) -> str:
    """One line without control, escape or direction characters, which are shown by their code."""
    return visible(text, _LONGEST)


def clean_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(clean(line) for line in text.split("\n"))


def clean_cell(text: str) -> str:
    """The same for a cell of a table: a cell that would start a formula is quoted."""
    return csv_cell(text, _LONGEST)
