"""Text from submissions, neutralised."""

from __future__ import annotations

import unicodedata

__all__ = ["clean", "clean_cell", "clean_lines"]

_LONGEST = 2000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def clean(text: str) -> str:
    """One line without control, escape or direction characters, which are shown by their code."""
    return "".join(_visible(character) for character in text[:_LONGEST])


def clean_lines(text: str) -> str:
    """The same, line by line."""
    return "\n".join(clean(line) for line in text.split("\n"))


def clean_cell(text: str) -> str:
    """The same for a cell of a table: a cell that would start a formula is quoted."""
    cell = clean(text)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
    return character
