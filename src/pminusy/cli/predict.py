"""`pminusy predict MODEL TABLE`: classes and probabilities for the rows of a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pminusy.cli.text import print_notes, printing, shown, stdout
from pminusy.present.sanitise import visible

if TYPE_CHECKING:
    import polars as pl

__all__ = ["predict"]

_ROWS_SHOWN = 10
_CLASSES_SHOWN = 6


def predict(
    model: Annotated[Path, typer.Argument(help="Model written by `pminusy fit -o`.")],
    table: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet or Feather file.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write all rows here, CSV or Parquet by name."),
    ] = None,
) -> None:
    """Predict the class of each row, with probabilities."""
    from pminusy.api.table_model import load
    from pminusy.tables.files import check_table_path, without_formulas, write_table
    from pminusy.tables.wording import count

    if output is not None:
        check_table_path(output, inputs=(model, table))
    trained = load(model)
    predictions, notes = trained.predictions(trained.read(table))
    if output is not None:
        write_table(predictions, output)
    print_notes(notes)
    if output is not None:
        with printing([output]):
            written = count(predictions.height, "prediction")
            typer.echo(f"{written} written to {visible(str(output))}")
    elif sys.stdout.isatty():
        _print_some(predictions)
    else:
        # Bytes: the CSV is UTF-8 whatever the terminal speaks.
        typer.echo(without_formulas(predictions).write_csv().encode(), nl=False)


def _print_some(predictions: pl.DataFrame) -> None:
    from rich.table import Table

    from pminusy.tables.wording import count

    columns = predictions.columns[: 1 + _CLASSES_SHOWN]
    rows = Table(box=None, pad_edge=False)
    for name in columns:
        rows.add_column(shown(name, 24), justify="left" if name == columns[0] else "right")
    for label, *probabilities in predictions.select(columns).head(_ROWS_SHOWN).iter_rows():
        rows.add_row(shown(str(label), 24), *(f"{p:.4f}" for p in probabilities))
    console = stdout()
    console.print(rows)
    more = predictions.height - _ROWS_SHOWN
    hidden = len(predictions.columns) - len(columns)
    if more > 0 or hidden > 0:
        parts = [count(more, "more row")] * (more > 0) + [
            count(hidden, "more class", "more classes")
        ] * (hidden > 0)
        console.print(f"… and {' and '.join(parts)}: write them all with -o predictions.csv")
