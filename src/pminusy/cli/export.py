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
    from pminusy.tables.wording import count, shown

    check_table_path(table, inputs=(model,))
    trained = load(model)
    coefficients = trained.coefficients()
    write_table(coefficients, table)
    with printing([table]):
        written = count(coefficients.height, "coefficient")
        typer.echo(f"{written} written to {visible(str(table))}")
        if trained.threshold is not None:
            cut = trained.threshold
            said = cut.sentence(trained.schema.classes, shown)
            typer.echo(f"not in them: {said} (a difference of logits of {cut.log_odds:.4g})")
