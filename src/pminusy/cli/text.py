"""Text from outside, made safe for a terminal."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.text import Text

__all__ = ["decimals", "shown", "stdout", "visible"]

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


def decimals(value: float) -> str:
    """A score with four decimals; 0 and 1 only where they are exact, "< 0.0001", "> 0.9999".

    Examples
    --------
    >>> [decimals(v) for v in (0.97126, 1.0, 0.999999, 0.0, 2e-9)]
    ['0.9713', '1.0000', '> 0.9999', '0.0000', '< 0.0001']
    """
    if 0 < value < 1e-4:
        return "< 0.0001"
    return "> 0.9999" if 0.9999 < value < 1 else f"{value:.4f}"


def shown(text: str, width: int = 60) -> Text:
    """Text for a Rich table: no markup is read from it, and it is cut to a width."""
    clean = visible(text)
    return Text(clean if len(clean) <= width else clean[: width - 1] + "…")


def stdout(width: int | None = None) -> Console:
    """Console that prints to standard output and guesses no styles."""
    return Console(highlight=False, width=width)
