"""Values of options, read from text; what cannot be read is said with the text that was given."""

from __future__ import annotations

import typer

__all__ = ["class_weight", "number", "numbers", "whole_number", "whole_numbers"]


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


def numbers(text: str | list[float]) -> list[float]:
    """Read numbers apart by commas."""
    return text if isinstance(text, list) else [number(part) for part in text.split(",")]


def whole_numbers(text: str | list[int]) -> list[int]:
    """Read whole numbers apart by commas."""
    return text if isinstance(text, list) else [whole_number(part) for part in text.split(",")]


def class_weight(text: str | dict[str, float]) -> str | dict[str, float]:
    """Read "balanced", or weights by class: `Adelie=2,Gentoo=0.5`.

    Examples
    --------
    >>> class_weight("a=2,b=0.5")
    {'a': 2.0, 'b': 0.5}
    """
    if isinstance(text, dict) or text == "balanced":
        return text
    weights: dict[str, float] = {}
    for part in text.split(","):
        label, equals, weight = part.rpartition("=")
        if not equals:
            expected = 'expected "balanced" or CLASS=WEIGHT,…'
            raise typer.BadParameter(f"{expected}, got {text!r}")
        if label in weights:
            raise typer.BadParameter(f"expected each class once, got {label!r} twice")
        weights[label] = number(weight)
    return weights
