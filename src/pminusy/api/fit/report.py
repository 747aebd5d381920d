"""The page of a fit, from a model and the record of its training."""

from __future__ import annotations

from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import pminusy
from pminusy.api.fit.worst import ROWS_SHOWN, worst_places
from pminusy.api.network.page import network_part
from pminusy.core.trace import Trace
from pminusy.files import write_atomically
from pminusy.present.numbers import Real
from pminusy.report.data import (
    ColumnDrift,
    ColumnLine,
    EvaluationReport,
    FitReport,
    PathValue,
    WorstRow,
)
from pminusy.report.page import render_evaluation, render_page
from pminusy.tables.design import cells
from pminusy.tables.drift import drifts
from pminusy.tables.units import feature_units
from pminusy.tables.wording import shown

if TYPE_CHECKING:
    from pminusy.api.evaluation import Evaluation
    from pminusy.api.fit.training_run import TableRows, TrainingRun
    from pminusy.api.fitted import Fitted
    from pminusy.estimators.softmax_regression_cv import PathPoint

__all__ = ["PAGE_SUFFIXES_OF_OTHERS", "fit_report", "made_by", "write_evaluation", "write_report"]

PAGE_SUFFIXES_OF_OTHERS = (
    ".pdf", ".png", ".jpg", ".svg", ".docx", ".md", ".tex", ".txt", ".json", ".csv", ".ipynb",
    ".xlsx", ".safetensors", ".zip", ".gz",
)  # fmt: skip


def write_report(
    model: Fitted, run: TrainingRun, path: str | PathLike[str], command: str = ""
) -> None:
    """Write the page; nothing is left half written."""
    page = render_page(fit_report(model, run, made_by(command))).encode()
    write_atomically(path, lambda file: file.write(page))


def write_evaluation(result: Evaluation, path: str | PathLike[str], command: str = "") -> None:
    """Write the page of an evaluation."""
    page = render_evaluation(_evaluation_report(result, made_by(command))).encode()
    write_atomically(path, lambda file: file.write(page))


def _evaluation_report(result: Evaluation, made: tuple[str, ...]) -> EvaluationReport:
    model, rows = result.model, result.judged
    schema = model.schema
    trained_on = model.settings.get("training rows")
    before = int(trained_on) if isinstance(trained_on, int | float) else None
    return EvaluationReport(
        **_judged(model, result, rows, result.log_p),
        title=f"{result.name} → {schema.target}",
        notes=(*_part_note(result), *result.notes),
        worst_rows=_worst_rows(model, tuple((part, None) for part in result.worst or (rows,))),
        drifts=tuple(ColumnDrift(*each) for each in drifts(rows.frame, rows.X, schema, before)),
        converged=model.converged,
        settings=tuple((name, _setting(value)) for name, value in model.settings.items()),
        made=made,
    )


def _part_note(result: Evaluation) -> tuple[str, ...]:
    shown_rows = result.judged.y.size
    if shown_rows == result.rows:
        return ()
    return (
        f"scores, intervals and worst rows are of all {result.rows:,} rows; the matrix, the curves "
        f"and the lines of classes and columns below are of {shown_rows:,} of them, evenly spread",
    )


def _judged(
    model: Fitted, found: TrainingRun | Evaluation, rows: TableRows, log_p: NDArray[np.float64]
) -> dict[str, Any]:
    """What both pages show of the rows a model is judged on."""
    scores = zip(found.scores.named(), found.baseline.named(), strict=True)
    return {
        "target": model.schema.target,
        "classes": model.schema.classes,
        "feature_names": model.schema.feature_names,
        "scores": tuple(
            (name, _score(name, value), _score(name, other)) for (name, value), (_, other) in scores
        ),
        "ranking": found.ranking,
        "intervals": found.intervals,
        "intervals_from": found.intervals.sentence,
        "b": model.b,
        "held_out_y": rows.y,
        "held_out_p": np.exp(log_p),
        "held_out_weight": rows.weight if model.schema.weight is not None else None,
        "said": model.decided(log_p),
        "threshold": _threshold(model),
        "shares": model.shares,
        "by_gradient": model.hidden is not None,
    }


def made_by(command: str) -> tuple[str, ...]:
    """Version, day and command, for the foot of a page."""
    day = datetime.now().astimezone().date().isoformat()
    return (f"pminusy {pminusy.__version__}", day, *([command] if command else []))


def fit_report(model: Fitted, run: TrainingRun, made: tuple[str, ...] = ()) -> FitReport:
    """Gather what the page shows."""
    worst = _worst_rows(model, ((run.training, False), (run.held_out, True)))
    scored = run.scored
    clf, calibration = run.fit, run.calibration
    log_p = model.log_probabilities(scored.X) if calibration is None else calibration.log_p_after
    path = tuple(_path_value(point) for point in run.path)
    return FitReport(
        **_judged(model, run, scored, log_p),
        title=f"{run.name} → {model.schema.target}",
        rows_used=run.training.y.size + run.held_out.y.size,
        rows_train=run.training.y.size,
        rows_test=run.held_out.y.size,
        rows_dropped=run.rows_dropped,
        notes=(*_refit_note(run), *run.table_notes),
        warnings=run.warnings,
        settings=tuple(
            (name, _setting(value))
            for name, value in model.settings.items()
            if name != "training rows"  # of which the page has the number beside those held out
        ),
        certificate=run.certificate,
        converged=run.converged,
        seconds=run.seconds,
        history=np.array([(at.objective, at.optimality) for at in run.history[1:]]).reshape(-1, 2),
        W=model.W,
        held_out=run.held_out.y.size > 0,
        worst_rows=worst,
        trace=_trace(model, worst[0]),
        objective=clf.objective_,
        gap=clf.gap_,
        solver=clf.solver_,
        passes=clf.n_passes_,
        path=path,
        chosen=_path_value(run.chosen) if path else None,
        temperature=1.0 if calibration is None else calibration.temperature,
        uncalibrated_p=None if calibration is None else np.exp(calibration.log_p_before),
        columns=tuple(ColumnLine(f.name, f.taken, f.missing, f.why) for f in model.schema.findings),
        units=np.array([(u.mean, u.scale) for u in feature_units(model.schema)]),
        made=made,
        network=network_part(run),
    )


def _refit_note(run: TrainingRun) -> tuple[str, ...]:
    if run.refitted is None:
        return ()
    rows = run.refitted.rows.y.size
    return (
        "rows were held out when the model was scored, which is what this page is about; the model "
        f"that is kept was then refitted on all {rows:,} rows",
    )


def _path_value(point: PathPoint) -> PathValue:
    return PathValue(
        point.C,
        point.l1_ratio,
        -point.mean_score,
        point.standard_error,
        point.nonzero,
        point.largest,
    )


def _threshold(model: Fitted) -> str:
    cut = model.threshold
    return "" if cut is None else cut.sentence(model.schema.classes, shown)


def _score(name: str, value: float) -> float:
    """A score; a log loss of 0 has been rounded: it is never exactly 0."""
    return Real(value) if name == "log loss" else value


def _setting(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else f"{value:g}"  # a seed has all its digits


def _trace(model: Fitted, row: WorstRow) -> Trace:
    """Run of one row, from its features to the gradient of the weights."""
    x = model.head_inputs(row.x[None])
    return Trace(np.array([row.y]), X=x, W=model.W, b=model.b)


def _worst_rows(
    model: Fitted, parts: tuple[tuple[TableRows, bool | None], ...]
) -> tuple[WorstRow, ...]:
    """Rows of parts of a table, held out or not, with the largest ‖p − y‖ (then loss)."""
    candidates = [
        (distance, loss, part, i, held_out)
        for part, held_out in parts
        if part.in_memory
        for distance, loss, i in worst_places(part, model.log_probabilities(part.X))
    ]
    candidates.sort(key=lambda row: row[:2], reverse=True)
    return tuple(
        _worst_row(model, part, i, held_out) for _, _, part, i, held_out in candidates[:ROWS_SHOWN]
    )


def _worst_row(model: Fitted, part: TableRows, i: int, held_out: bool | None) -> WorstRow:
    x = part.row(i)
    log_p = model.log_probabilities(x[None])[0]
    contributions, rest = model.contributions(x)
    return WorstRow(
        held_out=held_out,
        row=int(part.index[i]) + 1,
        cells=tuple(cells(part.frame, i).items()),
        x=x,
        p=np.exp(log_p),
        log_p=log_p,
        y=int(part.y[i]),
        contributions=contributions,
        said=int(model.decided(log_p[None])[0]),
        rest=rest,
    )
