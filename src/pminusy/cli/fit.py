"""`pminusy fit TABLE --target COLUMN`: train a classifier on a table."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.cli.progress import training_progress
from pminusy.cli.text import shown, stdout, visible
from pminusy.cli.values import class_weight as _class_weight
from pminusy.cli.values import number, numbers, whole_number
from pminusy.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from pminusy.api.calibrated import Calibration
    from pminusy.api.table_model import TableModel
    from pminusy.api.training_run import TrainingRun

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
        Any,
        typer.Option(
            "--C",
            parser=numbers,
            metavar="NUMBERS",
            help="Inverse strength of the penalty, or inf; 1 if not given. Several, with commas: "
            "the best in cross-validation.",
        ),
    ] = None,
    cv: Annotated[
        Any,
        typer.Option(
            parser=whole_number,
            metavar="NUMBER",
            help="Folds of cross-validation; without --C, of ten values from 1e-4 to 1e4.",
        ),
    ] = None,
    l1_ratio: Annotated[
        Any,
        typer.Option(
            parser=numbers,
            metavar="NUMBERS",
            help="Share of L1 in the penalty, 0 to 1; several as for --C.",
        ),
    ] = None,
    solver: Annotated[
        str,
        typer.Option(help="auto, newton, lbfgs, newton-cg, dual (sparse) or proximal (for L1)."),
    ] = "auto",
    class_weight: Annotated[
        Any,
        typer.Option(
            parser=_class_weight,
            metavar="WEIGHTS",
            help="balanced, or CLASS=WEIGHT,CLASS=WEIGHT: how much rows of a class count.",
        ),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Rescale confidence by the held-out rows.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Coefficients with standard errors and p-values.")
    ] = False,
    test_size: Annotated[
        float,
        typer.Option(parser=number, metavar="SHARE", help="Share of each class held out."),
    ] = 0.2,
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="NUMBER", help="Which rows those are.")
    ] = 0,
) -> None:
    """Train a softmax classifier on a table, and score it."""
    from pminusy.api.fit_table import fit_table
    from pminusy.files import check_writable

    taken = [table]
    for path in (output, report):
        if path is not None:
            taken.append(check_writable(path, inputs=taken))
    if summary and l1_ratio is not None and any(l1_ratio):
        got = f"--l1-ratio {','.join(f'{ratio:g}' for ratio in l1_ratio)}"
        raise InputError("--summary", "a model without L1 penalty", got)
    console = stdout()
    with training_progress(1e-6) as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notes say the same
        model = fit_table(
            table,
            target=target,
            drop=tuple(drop or ()),
            weight=weight,
            C=C,
            cv=cv,
            l1_ratio=0.0 if l1_ratio is None else l1_ratio,
            solver=solver,
            class_weight=class_weight,
            calibrate=calibrate,
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
    if summary:
        console.print()
        wide = console if console.is_terminal else stdout(width=110)
        wide.print(model.summary().to_rich())
        console.print("a coefficient is for one standard deviation of its column")


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
    classes = model.schema.classes
    facts.add_row("classes", shown(f"{len(classes):,}: {', '.join(classes)}", 100))
    facts.add_row("features", f"{len(model.schema.feature_names):,}")
    state = "converged" if run.converged else "NOT converged"
    facts.add_row(
        "certificate",
        f"largest gradient entry {run.certificate:.1e} after {run.iterations} iterations "
        f"({run.estimator.solver_}, {run.estimator.n_passes_:.0f} passes): {state}",
    )
    if run.path:
        facts.add_row("C", _choice(run))
    if run.calibration is not None:
        facts.add_row("temperature", _calibration(run.calibration))
    facts.add_row("time", f"{run.seconds:.2f} s")
    console.print(facts)


def _choice(run: TrainingRun) -> str:
    """The value that cross-validation chose, and how far others are from it."""
    best = run.chosen
    tried = f"best of {len(run.path)} in cross-validation"
    ratio = f", L1 ratio {best.l1_ratio:g}" if best.l1_ratio else ""
    return (
        f"{best.C:g}{ratio}: {tried}, log loss {-best.mean_score:.4f} ± {best.standard_error:.4f}"
    )


def _calibration(found: Calibration) -> str:
    before, after = found.before.expected_error, found.after.expected_error
    return f"{found.temperature:.4f}: expected calibration error {before:.4f} → {after:.4f}"
