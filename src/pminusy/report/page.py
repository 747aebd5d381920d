"""The page itself: data in, one HTML document out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from pminusy.present import numbers
from pminusy.present.html import page
from pminusy.present.metrics import ClassMetrics, class_metrics, reliability_bins
from pminusy.report import markup, predictions
from pminusy.report.curves import curve, reliability_diagram
from pminusy.report.data import EvaluationReport, FitReport, JudgedReport, NetworkPart, PathValue
from pminusy.report.epochs import LINES, epoch_plot
from pminusy.report.path import score_plot, weight_plot
from pminusy.report.row_numbers import row_numbers
from pminusy.report.weights import grid
from pminusy.report.worst_rows import RowDetails, row_details

__all__ = [
    "NOTES", "SCRIPT", "STYLE", "class_choices", "environment", "render_evaluation", "render_page",
]  # fmt: skip

CONFUSION_CLASSES, CONDENSED_CLASSES = 20, 12
CONFUSIONS = 10
SCORED_CLASSES = 40
WEIGHT_CLASSES = 12
WEIGHT_FEATURES = 30
WORST_ROWS = 20
NOTES = 50
PATH_VALUES = 40
COLUMNS = 200

CHOICES = 200

_TEMPLATES = Path(__file__).parent / "templates"
STYLE = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
SCRIPT = (_TEMPLATES / "report.js").read_text(encoding="utf-8")


def render_page(report: FitReport) -> str:
    """HTML of the page of a fit: self-contained, the same text for the same report.

    Its script sorts, filters and reads values; without it all of that is there to be read.

    Parameters
    ----------
    report
        What the page shows. Its text is escaped, cleaned of control characters and cut.

    Returns
    -------
    str
        A whole HTML document of less than about 1 MB, however many classes and features.
    """
    template = environment().get_template("page.html.jinja")
    rows = _rows(report)
    body = template.render(
        report=report,
        classes=report.classes,
        class_name=markup.NamesApart(report.classes),
        features=report.feature_names,
        notes=report.notes[:NOTES],
        warnings=report.warnings[:NOTES],
        **_training(report),
        **_network(report.network),
        **_judged(report),
        **_path(report),
        **(_weights(report) if report.network is None else {}),
        head_inputs=_head_inputs(report),
        **rows,
        **_derivation(report, rows["worst_rows"]),
        columns=report.columns[:COLUMNS],
        worse=_worse(report),
        choices=_choices(report, rows["worst_rows"]),
    )
    return page(f"{markup.plain(report.title)} · pminusy", STYLE, body, SCRIPT)


def render_evaluation(report: EvaluationReport) -> str:
    """HTML of the page of an evaluation; otherwise as `render_page`."""
    template = environment().get_template("evaluation.html.jinja")
    rows = _rows(report)
    body = template.render(
        report=report,
        classes=report.classes,
        class_name=markup.NamesApart(report.classes),
        features=report.feature_names,
        notes=report.notes[:NOTES],
        drifts=report.drifts[:COLUMNS],
        **_judged(report),
        **rows,
        worse=_worse(report),
        choices=_choices(report, rows["worst_rows"]),
    )
    return page(f"{markup.plain(report.title)} · pminusy", STYLE, body, SCRIPT)


def _choices(report: JudgedReport, worst_rows: list[RowDetails]) -> list[int]:
    """Classes to choose from: all, or of very many those with the worst rows first."""
    return class_choices(
        [k for row in worst_rows for k in (row.true, row.rival)], len(report.classes)
    )


def class_choices(shown: list[int], K: int) -> list[int]:
    """Classes to choose from, ascending: those of the rows shown, then the first, up to 200."""
    first = dict.fromkeys(shown)
    return sorted([*first, *(k for k in range(K) if k not in first)][:CHOICES])


def _training(report: FitReport) -> dict[str, Any]:
    history = np.asarray(report.history, dtype=np.float64).reshape(-1, 2)
    return {
        "iterations": history.shape[0],
        "objective": curve(history[:, 0]),
        "gradient": curve(history[:, 1]),
    }


def _network(part: NetworkPart | None) -> dict[str, Any]:
    """Curves of a network by epoch."""
    if part is None:
        return {}
    losses = [("training", part.losses), ("validation", part.validation_losses)]
    layers = [line.name for line in part.layers]
    norms = list(zip(layers, part.gradient_norms.T, strict=True))
    few = norms if len(norms) <= LINES else norms[: LINES // 2] + norms[-LINES // 2 :]
    return {
        "losses_by_epoch": epoch_plot([each for each in losses if each[1].size], part.best),
        "norms_by_epoch": epoch_plot(few, part.best),
    }


def _head_inputs(report: FitReport) -> tuple[str, ...]:
    """Names of what the linear layer of the head takes."""
    if report.network is None:
        return report.feature_names
    return tuple(f"hidden unit {j + 1}" for j in range(report.W.shape[1]))


def _judged(report: JudgedReport) -> dict[str, Any]:
    """Confusion, calibration and scores a class, of the rows the model is judged on."""
    K = len(report.classes)
    y, p = report.held_out_y.astype(np.intp), report.held_out_p.reshape(-1, K)
    said = p.argmax(axis=1) if report.said is None else report.said
    scores = class_metrics(y, said, K, report.held_out_weight)
    return {
        "judged": y.size,
        "right": int((said == y).sum()),
        "confusion": predictions.confusion(y, said, K, CONFUSION_CLASSES, CONDENSED_CLASSES),
        "confusions": predictions.confusions(y, said, CONFUSIONS),
        "support": [score.support for score in scores],
        "class_scores": _weakest(scores),
        **_calibration(report, p, ""),
        **_calibration(report, report.uncalibrated_p, "_before"),
    }


def _worse(report: JudgedReport) -> list[str]:
    """Scores by which the majority class is better than the model."""
    return [
        name
        for name, model, baseline in report.scores
        if (model > baseline if name == "log loss" else model < baseline)
    ]


def _calibration(report: JudgedReport, p: Any, when: str) -> dict[str, Any]:
    """Bins of probabilities (n, K), their error and their diagram; no bins where p is None."""
    p = np.empty((0, len(report.classes))) if p is None else p.reshape(-1, len(report.classes))
    n = p.shape[0]
    weight = None if report.held_out_weight is None else report.held_out_weight[:n]
    found = reliability_bins(p, report.held_out_y[:n].astype(np.intp), predictions.BINS, weight)
    bins = predictions.reliability(found)
    return {
        f"bins{when}": bins,
        f"calibration_error{when}": numbers.Real(found.expected_error),
        f"reliability{when}": reliability_diagram(bins),
    }


def _path(report: FitReport) -> dict[str, Any]:
    """What cross-validation tried, as plots and, the part nearest the choice, as a table."""
    chosen = report.chosen
    if chosen is None:
        return {"path_values": ()}
    return {
        "path_values": _around(report.path, report.path.index(chosen)),
        "score_by_C": score_plot(report.path, chosen),
        "weights_by_C": weight_plot(report.path, chosen, report.classes),
    }


def _around(path: tuple[PathValue, ...], at: int) -> tuple[PathValue, ...]:
    first = max(0, min(at - PATH_VALUES // 2, len(path) - PATH_VALUES))
    return path[first : first + PATH_VALUES]


def _weakest(scores: list[ClassMetrics]) -> list[ClassMetrics]:
    """All classes in their order, or those with the lowest F1 where they are too many."""
    if len(scores) <= SCORED_CLASSES:
        return scores
    return sorted(scores, key=lambda score: (np.isnan(score.f1), score.f1))[:SCORED_CLASSES]


def _weights(report: FitReport) -> dict[str, Any]:
    shown = grid(report.W, WEIGHT_FEATURES, WEIGHT_CLASSES, by_size=True)
    in_units: list[list[float]] = []
    if report.units is not None:
        spread = report.units[shown.features, 1]
        in_units = (
            np.array(shown.values).reshape(len(shown.features), -1) / spread[:, None]
        ).tolist()
    return {"weights": shown, "in_units": in_units}


def _rows(report: JudgedReport) -> dict[str, Any]:
    worst_rows = [
        row_details(row, report.b, report.feature_names) for row in report.worst_rows[:WORST_ROWS]
    ]
    return {"worst_rows": worst_rows}


def _derivation(report: FitReport, worst_rows: list[RowDetails]) -> dict[str, Any]:
    if not worst_rows or report.trace is None:
        return {"steps": None}
    return {"steps": row_numbers(report.trace, worst_rows[0].true, worst_rows[0].rival)}


@cache
def environment() -> Environment:
    """Templates, with what writes names and numbers in them."""
    environment = Environment(
        loader=PackageLoader("pminusy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (
        markup.name,
        markup.brief,
        markup.plain,
        numbers.number,
        numbers.worked,
        numbers.signed,
        numbers.count,
        numbers.share,
        markup.formula,
    ):
        environment.filters[write.__name__] = write
    return environment
