"""`pminusy fit TABLE --target COLUMN`: train a classifier on a table."""

from __future__ import annotations

import shlex
import sys
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.cli.json_results import FormatOption, ResultFormat, print_json
from pminusy.cli.network_options import network_of_options, with_network_options
from pminusy.cli.progress import training_progress
from pminusy.cli.reading_options import reading_of_options, with_reading_options
from pminusy.cli.scores import print_scores
from pminusy.cli.streams import print_table, printing, shown, stdout
from pminusy.cli.values import class_weight as _class_weight
from pminusy.cli.values import number, numbers, whole_number
from pminusy.errors import InputError
from pminusy.present.numbers import decimals
from pminusy.present.sanitise import visible

if TYPE_CHECKING:
    from rich.console import Console

    from pminusy.api.fit.calibrated import Calibration
    from pminusy.api.fit.training_run import TrainingRun
    from pminusy.api.table_model import TableModel

__all__ = ["fit"]

_INTERRUPTED = 130
_OPTIONS = {
    "max_iter": "--max-iter",
    "time_limit": "--time-limit",
    "tol=": "--tol ",
    "C=inf": "--C inf",
}


@with_reading_options
@with_network_options
def fit(
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSON lines, Excel, Parquet or Feather, .gz, .zst; a folder or a glob "
            "of them; - for standard input."
        ),
    ],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the model here (.safetensors).")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page about the fit here (.html).")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Leave columns out: a,b, or given more than once.")
    ] = None,
    weight: Annotated[str | None, typer.Option(help="Column with row weights.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column of groups: rows of one are held out together.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Hold out the latest rows, by this column of dates or numbers.",
        ),
    ] = None,
    as_: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="COLUMN=KIND",
            help="What columns are: number, category, words, date, dmy, mdy; several with commas.",
        ),
    ] = None,
    columns_report: Annotated[
        bool,
        typer.Option("--columns-report", help="Say what every column was taken for and why."),
    ] = False,
    format_: FormatOption = ResultFormat.text,
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
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Of two classes: predict the positive one from this probability on, or choose it "
            "on training rows by accuracy, balanced-accuracy, f1 or cost=MISSED:FALSE.",
        ),
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="The positive class of --threshold; else the second.")
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Coefficients with standard errors and p-values.")
    ] = False,
    test_size: Annotated[
        Any,
        typer.Option(
            parser=number,
            metavar="SHARE",
            help="Share of each class held out; 0.2 if not given.",
        ),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="Score on the rows of this table, and train on all of the other."),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="NUMBER",
            help="Splits to score on, up to 1,000, each with a fit of its own: the mean and spread "
            "are said.",
        ),
    ] = 1,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit/--no-refit",
            help="After scoring train again, on the held-out rows too.",
        ),
    ] = True,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="NUMBER",
            help="Seed of the split: which rows are held out.",
        ),
    ] = 0,
    tol: Annotated[
        Any,
        typer.Option(
            parser=number,
            metavar="NUMBER",
            help="Converged when no entry of the gradient is larger; 1e-6 if not given.",
        ),
    ] = None,
    max_iter: Annotated[
        Any,
        typer.Option(
            parser=whole_number, metavar="NUMBER", help="Iterations at most; 5000 if not given."
        ),
    ] = None,
    time_limit: Annotated[
        Any,
        typer.Option(
            parser=number, metavar="SECONDS", help="Stop training then, with the best so far."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES",
            help="Read the table block by block, and take no more memory than this, 2GiB say.",
        ),
    ] = None,
    workdir: Annotated[
        Path | None,
        typer.Option(help="Folder for what --memory writes; that of temporary files if not given."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write training here every 30 s, and go on from it if it exists."
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, whatever the checkpoint has.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Fit on the workers of this Dask scheduler, tcp://host:8786 say; --workdir is a "
            "folder they see.",
        ),
    ] = None,
    dask_workers: Annotated[
        Any,
        typer.Option(
            parser=whole_number,
            metavar="NUMBER",
            help="Fit on so many Dask workers of this machine.",
        ),
    ] = None,
    **reading: Any,
) -> None:
    """Train a softmax classifier on a table, and score it. Ctrl-C stops with the best so far."""
    from pminusy.api.fit_table import fit_table
    from pminusy.api.records import fit_record
    from pminusy.files import check_writable, refuse_suffix

    if output is not None:
        from pminusy.estimators.model_file import MODEL_SUFFIXES_OF_OTHERS

        refuse_suffix("model file", output, ".safetensors", MODEL_SUFFIXES_OF_OTHERS)
    if report is not None:
        from pminusy.api.fit.report import PAGE_SUFFIXES_OF_OTHERS

        refuse_suffix("output file", report, ".html", PAGE_SUFFIXES_OF_OTHERS)
    taken = [table, test] if test is not None else [table]
    for path in (output, report):
        if path is not None:
            taken.append(check_writable(path, inputs=taken))
    if summary and l1_ratio is not None and any(l1_ratio):
        got = f"--l1-ratio {','.join(f'{ratio:g}' for ratio in l1_ratio)}"
        raise InputError("--summary", "a model without L1 penalty", got)
    network = network_of_options(reading)
    if checkpoint is not None:
        check_writable(checkpoint, inputs=taken)
    if summary and network["hidden"] is not None:
        raise InputError("--summary", "none beside hidden layers", "--hidden", "leave it out")
    with training_progress(tol) as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notes say the same
        model = fit_table(
            table,
            target=target,
            drop=tuple(drop or ()),
            weight=weight,
            groups=groups,
            time=time,
            as_=as_,
            **reading_of_options(reading),
            C=C,
            cv=cv,
            l1_ratio=0.0 if l1_ratio is None else l1_ratio,
            solver=solver,
            class_weight=class_weight,
            **network,
            calibrate=calibrate,
            threshold=threshold,
            positive=positive,
            test_size=test_size,
            test=test,
            repeats=repeats,
            refit=refit,
            seed=seed,
            time_limit=time_limit,
            memory=memory,
            workdir=workdir,
            checkpoint=checkpoint,
            restart=restart,
            scheduler=scheduler,
            dask_workers=dask_workers,
            keep_interrupted=True,
            progress=progress,
            **({} if tol is None else {"tol": tol}),
            **({} if max_iter is None else {"max_iter": max_iter}),
        )
    written, failure = _write(model, output, report)
    try:
        with printing(list(written.values())):
            console = stdout()
            if format_ is ResultFormat.json:
                print_json(fit_record(model, {k.strip(): str(p) for k, p in written.items()}))
            else:
                _print_all(console, model, written, columns_report, summary)
    finally:  # a file that could not be written matters more than what could not be printed
        if failure is not None:
            raise failure
    if model.run.interrupted:
        raise typer.Exit(_INTERRUPTED)


def _print_all(
    console: Console,
    model: TableModel,
    written: dict[str, Path],
    columns_report: bool,
    summary: bool,
) -> None:
    if columns_report:
        _print_columns(console, model)
    _print_result(console, model)
    for kind, path in written.items():
        console.print(f"{kind}   {visible(str(path))}", markup=False, soft_wrap=True)
    if summary:
        _print_summary(console, model)


def _write(
    model: TableModel, output: Path | None, report: Path | None
) -> tuple[dict[str, Path], InputError | None]:
    """Write each file, whatever happens to the other: before anything is printed, which may fail.

    Returns the files written, by kind, and the first error.
    """
    written: dict[str, Path] = {}
    failure = None
    for kind, path, write in (
        ("model", output, model.save),
        (
            "page ",
            report,
            partial(model.write_report, command=shlex.join(["pminusy", *sys.argv[1:]])),
        ),
    ):
        try:
            if path is not None:
                write(path)
                written[kind] = path
        except InputError as error:
            failure = failure or error
    return written, failure


def _print_summary(console: Console, model: TableModel) -> None:
    console.print()
    wide = console if console.is_terminal else stdout(width=110)
    summary = model.summary()
    summary = replace(summary, notes=tuple(map(_by_option, summary.notes)))
    print_table(wide, summary.to_rich())
    console.print("a coefficient is for one standard deviation of its column")


def _print_columns(console: Console, model: TableModel) -> None:
    from rich.table import Table

    from pminusy.tables.columns.finding import as_lines

    columns = Table(box=None, pad_edge=False)
    for name, justify in (("column", "left"), ("taken as", "left"), ("missing", "right")):
        columns.add_column(name, justify=justify, no_wrap=name != "column")  # type: ignore[arg-type]
    columns.add_column("why")
    for name, taken, missing, why in as_lines(model.schema.findings):
        columns.add_row(shown(name, 40), taken, missing, shown(why, 200))
    print_table(console, columns)
    console.print()


def _print_result(console: Console, model: TableModel) -> None:
    from rich.table import Table

    from pminusy.tables.columns.finding import in_short
    from pminusy.tables.wording import shortened

    run = model.run
    for warning in run.warnings:
        console.print(f"warning {_by_option(visible(warning))}", markup=False, soft_wrap=True)
    for note in shortened(run.table_notes):
        console.print(f"note    {visible(note)}", markup=False, soft_wrap=True)
    print_scores(console, run.scored_on, run.scores, run.baseline, run.ranking, run.intervals)
    console.print()
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_column(no_wrap=True)
    facts.add_row("rows", run.rows_sentence())
    if run.refitted is not None:
        facts.add_row("refit", run.refit_sentence())
    classes = model.schema.classes
    facts.add_row("classes", shown(f"{len(classes):,}: {', '.join(classes[:101])}", 100))
    facts.add_row("columns", shown(in_short(model.schema.findings), 100))
    facts.add_row("features", f"{len(model.schema.feature_names):,}")
    if run.network is None:
        facts.add_row("certificate", _certificate(run))
    else:
        facts.add_row("network", run.network.sentence())
    if run.beside is not None:
        facts.add_row("verdict", run.beside.sentence)
    if run.path:
        facts.add_row("C", _choice(run))
    if run.calibration is not None:
        facts.add_row("temperature", _calibration(run.calibration))
    facts.add_row("time", f"{run.seconds:.2f} s")
    print_table(console, facts)


def _certificate(run: TrainingRun) -> str:
    state = "converged" if run.converged else "NOT converged"
    state = f"STOPPED, {state}" if run.interrupted else state
    return (
        f"largest gradient entry {run.certificate:.1e} after {run.iterations} iterations "
        f"({run.fit.solver_}, {run.fit.n_passes_:.0f} passes): {state}"
    )


def _choice(run: TrainingRun) -> str:
    """The value that cross-validation chose, and how far others are from it."""
    best = run.chosen
    tried = f"best of {len(run.path)} in cross-validation"
    ratio = f", L1 ratio {best.l1_ratio:g}" if best.l1_ratio else ""
    return (
        f"{best.C:g}{ratio}: {tried}, log loss {decimals(-best.mean_score)} "
        f"± {decimals(best.standard_error)}"
    )


def _calibration(found: Calibration) -> str:
    before, after = found.before.expected_error, found.after.expected_error
    error = f"expected calibration error {decimals(before)} → {decimals(after)}"
    return f"{decimals(found.temperature)}: {error}"


def _by_option(warning: str) -> str:
    """A warning of training, with the options of the command in place of Python's."""
    for name, option in _OPTIONS.items():
        warning = warning.replace(name, option)
    return warning
