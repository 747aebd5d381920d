"""The options of the loss on a command line, as `core.options` declares them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any, TypeVar

import typer

from pminusy.cli.arrays import optional_array
from pminusy.cli.values import number, whole_number
from pminusy.core.options import LossOption, options_of

__all__ = ["FLAGS", "loss_options_of", "with_loss_flags"]

F = TypeVar("F", bound=Callable[..., Any])

_EXPLAINED = options_of(explain=True)
FLAGS = {option.name: option.flag for option in _EXPLAINED}

_PARSERS: dict[str, Any] = {
    "int": {"parser": whole_number, "metavar": "NUMBER"},
    "float": {"parser": number, "metavar": "NUMBER"},
}
_TYPES: dict[str, Any] = {"int": int, "float": float, "word": str, "array": str}


def with_loss_flags(command: F, shown: Collection[str] | None = None) -> F:
    """Give a command that takes `**loss` a flag for each option of the loss.

    Where only some are `shown`, the help leaves out the others, which the command refuses by name.
    """
    signature = inspect.signature(command, eval_str=True)  # what typer reads
    own = list(signature.parameters.values())[:-1]
    flags = [
        _parameter(option, hidden=shown is not None and option.name not in shown)
        for option in _EXPLAINED
    ]
    vars(command)["__signature__"] = signature.replace(parameters=[*own, *flags])
    command.__annotations__ |= {flag.name: flag.annotation for flag in flags}
    return command


def _parameter(option: LossOption, hidden: bool) -> inspect.Parameter:
    kind = _TYPES[option.kind]
    parser = _PARSERS.get(option.kind, {})
    shown = typer.Option(option.flag, help=option.help, hidden=hidden, **parser)
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=Annotated[kind | None if option.optional else kind, shown],
    )


def loss_options_of(typed: dict[str, Any]) -> dict[str, Any]:
    """The options of the loss from what was typed, arrays read."""
    return {
        option.name: optional_array(option.flag, typed[option.name])
        if option.kind == "array"
        else typed[option.name]
        for option in _EXPLAINED
    }
