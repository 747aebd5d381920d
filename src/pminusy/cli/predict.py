"""`pminusy predict MODEL TABLE`: classes and probabilities for the rows of a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.cli.progress import rows_progress
from pminusy.cli.reading_options import reading_beside, with_reading_options
from pminusy.cli.streams import (
    keep_numbers_whole,
    print_notes,
    print_table,
    printing,
    shown,
    stdout,
)
from pminusy.errors import InputError
from pminusy.present.numbers import decimals
from pminusy.present.sanitise import visible

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

__all__ = ["predict"]

_ROWS_SHOWN = 10
_CLASSES_SHOWN = 6
_NAME = 24  # columns for a name


@with_reading_options
def predict(
    model: Annotated[Path, typer.Argument(help="Model written by `pminusy fit -o`.")],
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON lines, Excel, Parquet or Feather, .gz, .zst; a folder or a glob "
            "of them; - for standard input."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write all rows here, CSV or Parquet by name; - for standard output, as CSV.",
        ),
    ] = None,
    keep_columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns of the table to write before the predictions: a,b, or all."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES",
            help="Read and write block by block, and take no more memory than this, 1GiB say; "
            "with -o. A folder and a folder for -o: a file for each.",
        ),
    ] = None,
    **reading: Any,
) -> None:
    """Predict the class of each row, with probabilities."""
    from pminusy.api.table_model import load
    from pminusy.tables.files import check_table_path, is_standard, without_formulas, write_table
    from pminusy.tables.joining import beside
    from pminusy.tables.wording import count

    printed = output is not None and is_standard(output)
    output = None if printed else output
    if memory is not None:
        _predict_blocks(model, table, output, keep_columns or (), memory, reading)
        return
    if output is not None:
        check_table_path(output, inputs=(model, table))
    trained = load(model)
    how = reading_beside(trained.schema.reading, reading, table)
    frame = trained.read(table, how)
    predictions, notes = trained.predictions(frame)
    if keep_columns:
        predictions = beside(frame, predictions, keep_columns)
    if output is not None:
        write_table(predictions, output)
    print_notes(notes)
    if output is not None:
        with printing([output]):
            written = count(predictions.height, "prediction")
            typer.echo(f"{written} written to {visible(str(output))}")
    elif sys.stdout.isatty() and not printed:
        _print_some(predictions)
    else:
        # Bytes: the CSV is UTF-8 whatever the terminal speaks.
        typer.echo(without_formulas(predictions).write_csv().encode(), nl=False)


def _predict_blocks(
    model: Path,
    table: Path,
    output: Path | None,
    keep_columns: Sequence[str],
    memory: str,
    reading: dict[str, Any],
) -> None:
    from pminusy.api.predict_blocks import predict_blocks
    from pminusy.api.table_model import load
    from pminusy.tables.wording import count

    if output is None:
        raise InputError("memory", "a file to write to beside it", "none", "name one with -o")
    trained = load(model)
    how = reading_beside(trained.schema.reading, reading, table)
    with rows_progress() as progress:
        written = predict_blocks(
            trained, table, output, keep_columns=keep_columns, memory=memory, reading=how,
            inputs=(model,), progress=progress,
        )  # fmt: skip
    print_notes(written.notes)
    with printing(list(written.files)):
        rows = count(written.rows, "prediction")
        typer.echo(f"{rows} written to {visible(str(output))}")


def _print_some(predictions: pl.DataFrame) -> None:
    from pminusy.tables.wording import count

    console = stdout()
    columns = predictions.columns[: 1 + _CLASSES_SHOWN]
    rows = _first_rows(predictions.select(columns))
    while len(columns) > 2 and keep_numbers_whole(rows) > console.width:
        del columns[-1]
        rows = _first_rows(predictions.select(columns))
    print_table(console, rows)
    more = predictions.height - _ROWS_SHOWN
    hidden = len(predictions.columns) - len(columns)
    if more > 0 or hidden > 0:
        parts = [count(more, "more row")] * (more > 0) + [
            count(hidden, "more class", "more classes")
        ] * (hidden > 0)
        console.print(f"… and {' and '.join(parts)}: write them all with -o predictions.csv")


def _first_rows(predictions: pl.DataFrame) -> Table:
    """The first rows as a Rich table; a probability is 0 or 1 only where it is exactly that."""
    from rich.table import Table

    rows = Table(box=None, pad_edge=False)
    for name in predictions.columns:
        label = name == predictions.columns[0]
        rows.add_column(shown(name, _NAME), justify="left" if label else "right", no_wrap=not label)
    for cells in predictions.head(_ROWS_SHOWN).iter_rows():
        rows.add_row(*(_cell(cell, first=j == 0) for j, cell in enumerate(cells)))
    return rows


def _cell(value: object, *, first: bool) -> Text | str:
    if isinstance(value, float) and not first:
        return decimals(value)
    return shown("" if value is None else str(value), _NAME)
