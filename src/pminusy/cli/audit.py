"""`pminusy audit TABLE --target COLUMN`: which labels are likely wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pminusy.cli.reading_options import reading_of_options, with_reading_options
from pminusy.cli.streams import print_notes, printing
from pminusy.errors import InputError
from pminusy.present.sanitise import visible

__all__ = ["audit"]


@with_reading_options
def audit(
    table: Annotated[Path, typer.Argument(help="Table that has the target column.")],
    target: Annotated[str, typer.Option(help="Column of the labels.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Where to write every row: .csv, .tsv, .parquet or .feather."
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(help="Features of the rows (.npy), instead of the table's columns."),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts the rows are divided into.")] = 5,
    C: Annotated[
        float | None, typer.Option("--C", help="Inverse penalty; chosen if left out.")
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column of groups: rows of one are in one fold.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
    drop: Annotated[
        list[str] | None, typer.Option(help="Columns to leave out: a,b, or several times.")
    ] = None,
    as_: Annotated[
        list[str] | None, typer.Option("--as", help="What columns are: zip=category,day=date.")
    ] = None,
    keep_columns: Annotated[
        list[str] | None,
        typer.Option(help="Columns of the table to write before: a,b, or all."),
    ] = None,
    **reading: Any,
) -> None:
    """Rank labels by how likely they are wrong, each judged by a model that never saw its row."""
    from pminusy.api.audit import audit as find
    from pminusy.tables.files import check_table_path, write_table
    from pminusy.tables.wording import count

    if output is not None:
        check_table_path(output, inputs=(table,))
    elif keep_columns:
        raise InputError("keep columns", "a file to write them to", "none", "give -o FILE")
    found = find(
        table, target=target, embeddings=embeddings, folds=folds, C=C, groups=groups, seed=seed,
        drop=drop or (), as_=as_, **reading_of_options(reading),
    )  # fmt: skip
    if output is not None:
        ranked = found.to_frame(keep_columns=keep_columns or ())
        write_table(ranked, output)
    print_notes(found.labelled.notes)
    with printing([] if output is None else [output]):
        typer.echo(str(found))
        if output is not None:
            typer.echo(f"{count(ranked.height, 'row')} written to {visible(str(output))}")
