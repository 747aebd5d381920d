"""Values of options, read from text; what cannot be read is said with the text that was given."""

from __future__ import annotations

import typer

__all__ = ["number", "whole_number"]


def number(text: str | float) -> float:
    """Read a number; `inf` is one."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"expected a number, got {text!r}") from None


def whole_number(text: str | int) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"expected a whole number, got {text!r}") from None
