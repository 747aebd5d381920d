"""`pminusy export MODEL coef.csv`: the coefficients of a model as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pminusy.cli.streams import printing
from pminusy.present.sanitise import visible

__all__ = ["export"]


def export(
    model: Annotated[Path, typer.Argument(help="Model written by `pminusy fit -o`.")],
    table: Annotated[Path, typer.Argument(help="Where to: .csv, .tsv, .parquet or .feather.")],
) -> None:
    """Write the coefficients of a model, standardised and in the units of the table."""
    from pminusy.api.table_model import load
    from pminusy.tables.files import check_table_path, write_table
    from pminusy.tables.wording import count

    check_table_path(table, inputs=(model,))
    coefficients = load(model).coefficients()
    write_table(coefficients, table)
    with printing([table]):
        written = count(coefficients.height, "coefficient")
        typer.echo(f"{written} written to {visible(str(table))}")
