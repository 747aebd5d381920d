"""Options of `pminusy fit` that put hidden layers before the softmax."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from pminusy.cli.values import number, whole_number, whole_numbers

__all__ = ["network_of_options", "with_network_options"]

F = TypeVar("F", bound=Callable[..., Any])


def _whole(help_: str) -> Any:
    return Annotated[Any, typer.Option(parser=whole_number, metavar="NUMBER", help=help_)]


def _number(help_: str) -> Any:
    return Annotated[Any, typer.Option(parser=number, metavar="NUMBER", help=help_)]


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "hidden": (None, Annotated[
        Any,
        typer.Option(
            parser=whole_numbers,
            metavar="UNITS",
            help="Train a network with hidden layers of so many units, 64 or 64,64; all options "
            "from --activation to --early-stopping are for networks.",
        ),
    ]),
    "activation": (None, Annotated[
        str | None, typer.Option(help="relu if not given, tanh, logistic, gelu or identity.")
    ]),
    "dropout": (0.0, _number("Share of the hidden units dropped in each step.")),
    "batch_norm": (False, Annotated[
        bool, typer.Option("--batch-norm", help="Normalise hidden layers before the activation.")
    ]),
    "epochs": (None, _whole("Visits to the rows at most; 200 if not given.")),
    "batch_size": (None, _whole("Rows of a batch; a 32nd of all, from 16 to 200, if not given.")),
    "learning_rate": (None, _number("Learning rate of Adam; 0.001 if not given.")),
    "alpha": (None, _number("Ridge penalty on the weights; 0.0001 if not given.")),
    "early_stopping": (False, Annotated[
        bool,
        typer.Option(
            "--early-stopping",
            help="Stop by a tenth of the training rows, and keep the best epoch.",
        ),
    ]),
}  # fmt: skip


def with_network_options(command: F) -> F:
    """Give a command that takes further options by `**` those of networks."""
    signature = inspect.signature(command, eval_str=True)  # what typer reads
    *own, rest = signature.parameters.values()
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (default, kind) in _OPTIONS.items()
    ]
    vars(command)["__signature__"] = signature.replace(parameters=[*own, *more, rest])
    command.__annotations__ |= {option.name: option.annotation for option in more}
    return command


def network_of_options(given: dict[str, Any]) -> dict[str, Any]:
    """Take the options of networks out of all that were given."""
    return {name: given.pop(name) for name in _OPTIONS}
