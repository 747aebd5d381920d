"""`pminusy fit TABLE --target COLUMN`: train a classifier on a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pminusy.cli.text import shown, stdout, visible
from pminusy.cli.values import number, whole_number

if TYPE_CHECKING:
    from rich.console import Console

    from pminusy.api.table_model import TableModel
    from pminusy.learn.solvers.solution import ProgressCallback

__all__ = ["fit"]


def fit(
    table: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet or Feather file.")],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the model here (.safetensors).")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page about the fit here (.html).")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Leave a column out; may be given more than once.")
    ] = None,
    weight: Annotated[str | None, typer.Option(help="Column with row weights.")] = None,
    C: Annotated[
        float,
        typer.Option(
            "--C", parser=number, metavar="NUMBER", help="Inverse strength of the penalty, or inf."
        ),
    ] = 1.0,
    test_size: Annotated[
        float,
        typer.Option(parser=number, metavar="SHARE", help="Share of each class held out."),
    ] = 0.2,
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="NUMBER", help="Which rows those are.")
    ] = 0,
) -> None:
    """Train a softmax classifier on a table, and say how good it is on held-out rows."""
    from pminusy.api.fit_table import fit_table
    from pminusy.files import check_writable

    taken = [table]
    for path in (output, report):
        if path is not None:
            taken.append(check_writable(path, inputs=taken))
    console = stdout()
    with _progress() as progress:
        model = fit_table(
            table,
            target=target,
            drop=tuple(drop or ()),
            weight=weight,
            C=C,
            test_size=test_size,
            seed=seed,
            progress=progress,
        )
    _print_result(console, model)
    if output is not None:
        model.save(output)
        console.print(f"model   {visible(str(output))}", markup=False, soft_wrap=True)
    if report is not None:
        model.write_report(report)
        console.print(f"page    {visible(str(report))}", markup=False, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[ProgressCallback | None]:
    """A live line while training: iteration, objective, largest gradient entry, time."""
    from rich.console import Console
    from rich.progress import Progress as Display
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from pminusy.learn.solvers.solution import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Display(*columns, console=console, transient=True) as display:
        task = display.add_task("reading the table", total=None)

        def update(at: Progress) -> None:
            line = (
                f"iteration {at.iteration}   objective {at.objective:.6f}   "
                f"largest gradient entry {at.optimality:.1e}"
            )
            display.update(task, description=line)

        yield update


def _print_result(console: Console, model: TableModel) -> None:
    from rich.table import Table

    run = model.run
    for note in run.notes:
        console.print(f"note    {visible(note)}", markup=False, soft_wrap=True)
    rows = Table(title=None, show_header=True, box=None, pad_edge=False)
    rows.add_column(f"on {run.scored_on}")
    rows.add_column("model", justify="right")
    rows.add_column("majority class", justify="right")
    for (name, value), (_, baseline) in zip(run.scores.named(), run.baseline.named(), strict=True):
        rows.add_row(name, f"{value:.4f}", f"{baseline:.4f}")
    console.print(rows)
    console.print()
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_row("rows", run.rows_sentence())
    facts.add_row("classes", shown(", ".join(model.schema.classes), 100))
    facts.add_row("features", f"{len(model.schema.feature_names)}")
    state = "converged" if run.converged else "NOT converged"
    facts.add_row(
        "certificate",
        f"largest gradient entry {run.certificate:.1e} after {run.iterations} iterations: {state}",
    )
    facts.add_row("time", f"{run.seconds:.2f} s")
    console.print(facts)
