"""Results of a command as JSON on standard output, for programs to read."""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Annotated, Any

import typer

__all__ = ["FormatOption", "ResultFormat", "print_json"]


class ResultFormat(StrEnum):
    """How a result is printed."""

    text = "text"
    json = "json"


FormatOption = Annotated[ResultFormat, typer.Option("--format", help="text, or json for programs.")]


def print_json(record: dict[str, Any]) -> None:
    """Print a record; numbers that JSON does not have are null or "inf"."""
    typer.echo(json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False).encode())


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if math.isnan(value):
            return None
        case float() if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        case float():
            return float(value)
        case _:
            return value
