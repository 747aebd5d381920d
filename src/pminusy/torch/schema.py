"""The options of the loss in torch's language of operator schemas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pminusy.core.options import LossOption

__all__ = ["as_declared", "schema_of"]

_TYPES = {"array": "Tensor", "scalar": "Tensor", "int": "int", "float": "float", "word": "str"}


def schema_of(options: Iterable[LossOption], *, none_too: tuple[str, ...] = ()) -> str:
    """Parameters of an operator, one an option; those in `none_too` may be None."""
    return ", ".join(
        f"{_TYPES[o.kind]}{'?' if o.optional or o.name in none_too else ''} {o.name}"
        for o in options
    )


def as_declared(option: LossOption, value: Any) -> Any:
    """A value as the schema has it: an integer is no float there."""
    return float(value) if option.kind == "float" and value is not None else value
