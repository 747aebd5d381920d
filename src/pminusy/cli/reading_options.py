"""Options of the commands that read tables: how a file is written, where it does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pminusy.tables.reading import Reading

__all__ = [
    "CommentOption",
    "DecimalOption",
    "EncodingOption",
    "MissingOption",
    "NoHeaderOption",
    "SepOption",
    "ThousandsOption",
    "reading_beside",
]

MissingOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CELL", help="A cell that means missing, beside NA; may be given more than once."
    ),
]
NoHeaderOption = Annotated[
    bool, typer.Option("--no-header", help="The first line is a row: column_1, column_2 …")
]
SepOption = Annotated[str | None, typer.Option(help="Sign between cells, such as ; or tab.")]
DecimalOption = Annotated[str | None, typer.Option(help="Sign before decimals: . or ,")]
ThousandsOption = Annotated[str | None, typer.Option(help="Sign between thousands, such as ,")]
EncodingOption = Annotated[
    str | None, typer.Option(help="Encoding of text, such as latin1; UTF-8 if not given.")
]
CommentOption = Annotated[str | None, typer.Option(help="How lines begin that are no rows.")]


def reading_beside(
    known: Reading, *, missing: list[str] | None, no_header: bool, **signs: Any
) -> Reading:
    """How another file is read: as the model knows it, but for what is said now."""
    from dataclasses import asdict

    from pminusy.tables.reading import reading_of

    options = asdict(known) | {name: value for name, value in signs.items() if value is not None}
    if missing:
        options["missing"] = (*known.missing, *missing)
    if no_header:
        options["header"] = False
    return reading_of(**options)
