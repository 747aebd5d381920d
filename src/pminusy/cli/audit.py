"""`pminusy audit TABLE --target COLUMN`: which labels are likely wrong."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.cli.json_results import print_json
from pminusy.cli.reading_options import reading_of_options, with_reading_options
from pminusy.cli.streams import print_notes, printing
from pminusy.errors import InputError
from pminusy.present.sanitise import visible

if TYPE_CHECKING:
    from pminusy.api.audit import Audit

__all__ = ["audit"]

_PAGES = (".html", ".htm")
_ARRAY = ".npy"


class AuditFormat(StrEnum):
    """How the result is printed."""

    text = "text"
    csv = "csv"
    json = "json"


@with_reading_options
def audit(
    table: Annotated[
        Path,
        typer.Argument(
            help="Table that has the target column, - for standard input; or labels alone (.npy)."
        ),
    ],
    target: Annotated[str | None, typer.Option(help="Column of the labels.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Write a page to look through (.html), or every row (.csv, .tsv, .parquet, "
            ".feather; - for standard output, as CSV).",
        ),
    ] = None,
    format_: Annotated[
        AuditFormat,
        typer.Option("--format", help="What is printed: text; csv or json with every row."),
    ] = AuditFormat.text,
    rows: Annotated[int, typer.Option(help="Rows on the page.")] = 200,
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
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES",
            help="Read rows block by block, and take no more memory than this, 2GiB say.",
        ),
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(help="Folder for what --memory writes; that of temporary files if not given."),
    ] = None,
    **reading: Any,
) -> None:
    """Rank labels by how likely they are wrong, each judged by a model that never saw its row."""
    from pminusy.api.audit import audit as find
    from pminusy.api.fit.streamed import refuse_whole
    from pminusy.tables.files import is_standard

    if output is not None and is_standard(output):
        if format_ is AuditFormat.json:
            remedy = "leave -o out, or --format"
            raise InputError("-o -", "--format csv, which it means", "--format json", remedy)
        output, format_ = None, AuditFormat.csv
    _check_output(output, [table, *([embeddings] if embeddings else [])], rows)
    paged = output is not None and output.suffix.lower() in _PAGES
    if keep_columns and format_ is AuditFormat.text and (output is None or paged):
        remedy = "give -o FILE.csv or --format csv"
        raise InputError("keep columns", "rows to write them before", "none", remedy)
    given = (table.suffix.lower() == _ARRAY, target is None)
    options: dict[str, Any] = {"folds": folds, "C": C, "seed": seed}
    options |= {"memory": memory, "workdir": workdir}
    if memory is not None:
        refuse_whole(keep_columns=keep_columns)
        if format_ is AuditFormat.json:
            remedy = "give --format csv, or -o FILE.parquet"
            raise InputError("--format json", "text or csv beside memory", "json", remedy)
    if given == (True, True):
        _refuse_columns(groups=groups, drop=drop, as_=as_, keep_columns=keep_columns, **reading)
        if embeddings is None:
            remedy = "give --embeddings X.npy"
            raise InputError(f"labels {str(table)!r}", "features of the rows", "none", remedy)
        found = find(embeddings, table, **options)
    elif given[1]:
        raise InputError("--target", "the column of labels", "none", "give --target COLUMN")
    else:
        found = find(
            table, target=target, embeddings=embeddings, groups=groups, drop=drop or (), as_=as_,
            **options, **reading_of_options(reading),
        )  # fmt: skip
    _deliver(found, output, format_, keep_columns or (), rows)


def _check_output(output: Path | None, inputs: list[Path], rows: int) -> None:
    """Refuse, before the work, what could not be written after it."""
    from pminusy.api.audit.page import check_rows
    from pminusy.files import check_writable
    from pminusy.tables.files import TABLE_SUFFIXES, check_table_path
    from pminusy.tables.wording import shown

    check_rows(rows)
    if output is None:
        return
    suffix = output.suffix.lower()
    if suffix in _PAGES:
        check_writable(output, inputs=inputs)
    elif suffix not in TABLE_SUFFIXES:
        what = f"output file {str(output)!r}"
        got = shown(output.suffix) if suffix else "a name without a suffix"
        expected = f"a page (.html), or a table ({', '.join(TABLE_SUFFIXES)})"
        raise InputError(what, expected, got, "choose one of these")
    else:
        check_table_path(output, inputs=inputs)


def _refuse_columns(**options: Any) -> None:
    """Refuse options about columns beside labels that are an array."""
    for name, value in options.items():
        if value:
            option = f"--{name.rstrip('_').replace('_', '-')}"
            raise InputError(option, "a table that has columns", "labels alone", "leave it out")


def _deliver(
    found: Audit, output: Path | None, format_: AuditFormat, keep: list[str] | tuple[()], rows: int
) -> None:
    from pminusy.api.audit.record import audit_record
    from pminusy.tables.files import without_formulas, write_table
    from pminusy.tables.wording import count

    paged = output is not None and output.suffix.lower() in _PAGES
    ranked = found.to_frame(keep_columns=keep)
    if output is not None and paged:
        found.write_report(output, rows=rows, command=shlex.join(["pminusy", *sys.argv[1:]]))
    elif output is not None:
        write_table(ranked, output)
    if format_ is not AuditFormat.json:
        print_notes(found.labelled.notes)
    with printing([] if output is None else [output]):
        match format_:
            case AuditFormat.json:
                print_json(audit_record(found, keep))
            case AuditFormat.csv:
                typer.echo(without_formulas(ranked).write_csv().encode(), nl=False)
            case AuditFormat.text:
                typer.echo(str(found))
                if output is not None:
                    written = "page" if paged else count(ranked.height, "row")
                    typer.echo(f"{written} written to {visible(str(output))}")
