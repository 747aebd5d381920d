"""Options of the commands that read tables: how a file is written, where it does not show."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pminusy.tables.reading import Reading

__all__ = ["reading_beside", "reading_of_options", "with_reading_options"]

F = TypeVar("F", bound=Callable[..., Any])

_Text = str | None

_OPTIONS: dict[str, tuple[Any, Any]] = {
    "missing": (None, Annotated[
        list[str] | None,
        typer.Option(
            metavar="CELL",
            help="A cell that means missing, beside NA; may be given more than once.",
        ),
    ]),
    "no_header": (False, Annotated[
        bool, typer.Option("--no-header", help="The first line is a row: column_1, column_2 …")
    ]),
    "sheet": (None, Annotated[
        _Text, typer.Option(metavar="NAME", help="Sheet of an Excel file, where it has several.")
    ]),
    "sep": (None, Annotated[_Text, typer.Option(help="Delimiter of cells, such as ; or tab.")]),
    "decimal": (None, Annotated[_Text, typer.Option(help="Decimal point: . or ,")]),
    "thousands": (
        None, Annotated[_Text, typer.Option(help="Separator of thousands, such as ,")]
    ),
    "encoding": (None, Annotated[
        _Text, typer.Option(help="Encoding of text, such as latin1; UTF-8 if not given.")
    ]),
    "comment": (
        None, Annotated[_Text, typer.Option(help="Lines that begin with this are comments.")]
    ),
}  # fmt: skip


def with_reading_options(command: F) -> F:
    """Give a command that takes `**reading` an option for each way a file may be written."""
    signature = inspect.signature(command, eval_str=True)  # what typer reads
    own = list(signature.parameters.values())[:-1]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (default, kind) in _OPTIONS.items()
    ]
    vars(command)["__signature__"] = signature.replace(parameters=[*own, *more])
    command.__annotations__ |= {option.name: option.annotation for option in more}
    return command


def reading_of_options(given: dict[str, Any]) -> dict[str, Any]:
    """The options as `fit_table` names them."""
    named = {name: value for name, value in given.items() if name != "no_header"}
    return named | {"missing": tuple(given["missing"] or ()), "header": not given["no_header"]}


def reading_beside(known: Reading, given: dict[str, Any], table: Path) -> Reading:
    """How another file is read: as the model knows it, but for what is said now.

    The sheet that a model was trained on may be lacking in a file that has none; one that is named
    now may not.
    """
    from dataclasses import asdict

    from pminusy.tables.files import refuse_sheet
    from pminusy.tables.reading import reading_of

    said = {name: value for name, value in reading_of_options(given).items() if value is not None}
    header = known.header and said.pop("header")
    missing = (*known.missing, *said.pop("missing"))
    how = reading_of(**asdict(known) | said | {"header": header, "missing": missing})
    if "sheet" in said:
        refuse_sheet(table, how)
    return how
