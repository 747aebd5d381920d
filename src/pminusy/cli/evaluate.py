"""`pminusy evaluate MODEL TABLE`: how good a model is on labelled rows."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.cli.json_results import FormatOption, ResultFormat, print_json
from pminusy.cli.progress import rows_progress
from pminusy.cli.reading_options import reading_beside, with_reading_options
from pminusy.cli.scores import print_scores
from pminusy.cli.streams import print_table, printing, shown, stdout
from pminusy.errors import InputError
from pminusy.present.numbers import decimals
from pminusy.present.sanitise import visible

if TYPE_CHECKING:
    from pminusy.api.evaluation import Evaluation

__all__ = ["evaluate"]

_CLASSES_SHOWN = 30


@with_reading_options
def evaluate(
    model: Annotated[Path, typer.Argument(help="Model written by `pminusy fit -o`.")],
    table: Annotated[
        Path,
        typer.Argument(
            help="Table that has the target column, a folder or a glob; - for standard input."
        ),
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write a page about the evaluation here (.html).")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Column of groups: rows of one count together in the intervals."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES",
            help="Read the table block by block, and take no more memory than this, 1GiB say.",
        ),
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(help="Folder for what --memory writes; that of temporary files if not given."),
    ] = None,
    format_: FormatOption = ResultFormat.text,
    **reading: Any,
) -> None:
    """Score a model on a table that has the target column."""
    from pminusy.api.evaluation import evaluate as score
    from pminusy.api.records import evaluation_record
    from pminusy.api.table_model import load
    from pminusy.files import check_writable, refuse_suffix

    if report is not None:
        from pminusy.api.fit.report import PAGE_SUFFIXES_OF_OTHERS  # Jinja, for pages alone

        refuse_suffix("output file", report, ".html", PAGE_SUFFIXES_OF_OTHERS)
        check_writable(report, inputs=[model, table])
    if workdir is not None and memory is None:
        raise InputError("--workdir", "--memory beside it", "none", "say how many bytes")
    trained = load(model)
    how = reading_beside(trained.schema.reading, reading, table)
    if memory is None:
        result = score(trained, trained.read(table, how), groups, table.name)
    else:
        from pminusy.api.evaluate_blocks import evaluate_blocks

        with rows_progress() as progress:
            result = evaluate_blocks(
                trained, table, memory=memory, workdir=workdir, groups=groups, reading=how,
                progress=progress,
            )  # fmt: skip
    if report is not None:
        result.write_report(report, command=shlex.join(["pminusy", *sys.argv[1:]]))
    with printing([] if report is None else [report]):
        if format_ is ResultFormat.json:
            print_json(evaluation_record(result))
        else:
            _print_scores(result)
            if report is not None:
                stdout().print(f"page    {visible(str(report))}", markup=False, soft_wrap=True)


def _print_scores(result: Evaluation) -> None:
    from rich.table import Table

    from pminusy.tables.wording import count, shortened

    console = stdout()
    for note in shortened(result.notes):
        console.print(f"note    {visible(note)}", markup=False, soft_wrap=True)
    print_scores(
        console, count(result.rows, "row"), result.scores, result.baseline, result.ranking,
        result.intervals,
    )  # fmt: skip
    console.print()
    classes = Table(box=None, pad_edge=False)
    for name in ("class", "precision", "recall", "F1", "rows"):
        classes.add_column(name, justify="left" if name == "class" else "right")
    for row in result.by_class[:_CLASSES_SHOWN]:
        numbers = ("–" if value is None else decimals(value) for value in row[1:4])
        classes.add_row(shown(row.label, 40), *numbers, f"{row.rows:,}")
    print_table(console, classes)
    if len(result.by_class) > _CLASSES_SHOWN:
        more = len(result.by_class) - _CLASSES_SHOWN
        console.print(f"… and {count(more, 'more class', 'more classes')}")
