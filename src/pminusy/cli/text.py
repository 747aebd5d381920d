"""Text from outside, made safe for a terminal."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.text import Text

__all__ = ["shown", "stdout", "visible"]

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidi overrides), …


def visible(text: str) -> str:
    r"""Text on one line with nothing in it that a terminal would obey: `\x1b` is shown as such.

    Examples
    --------
    >>> visible("red \x1b[31m")
    'red \\x1b[31m'
    """
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _HIDDEN
        else character
        for character in text
    )


def shown(text: str, width: int = 60) -> Text:
    """Text for a Rich table: no markup is read from it, and it is cut to a width."""
    clean = visible(text)
    return Text(clean if len(clean) <= width else clean[: width - 1] + "…")


def stdout(width: int | None = None) -> Console:
    """Console that prints to standard output and guesses no styles."""
    return Console(highlight=False, width=width)
