"""Results as plain records, for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pminusy.estimators.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pminusy.api.evaluation import Evaluation
    from pminusy.api.fit.training_run import TrainingRun
    from pminusy.api.fitted import Fitted
    from pminusy.api.table_model import TableModel
    from pminusy.estimators.intervals import Intervals
    from pminusy.estimators.scores import Scores

__all__ = ["evaluation_record", "fit_record"]


def fit_record(model: TableModel, files: Mapping[str, str]) -> dict[str, Any]:
    """What `pminusy fit` says: scores, rows, columns, how training ended, and the files written."""
    run = model.run
    return {
        "table": run.name,
        "target": model.schema.target,
        "classes": list(model.schema.classes),
        "scored_on": run.scored_on,
        "scores": _named(run.scores),
        "majority_class": _named(run.baseline),
        "ranking": dict(run.ranking),
        "intervals": _intervals(run.intervals),
        "threshold": _threshold(model),
        "repeated": None if run.repeated is None else {
            name: list(values) for name, values in run.repeated.by_name.items()
        },
        "rows": {"training": run.training.y.size, "held_out": run.held_out.y.size,
                 "dropped": run.rows_dropped},
        "columns": [
            {"name": f.name, "taken": f.taken, "missing": f.missing, "why": f.why}
            for f in model.schema.findings
        ],
        "features": len(model.schema.feature_names),
        "settings": model.settings,
        "converged": run.converged,
        "interrupted": run.interrupted,
        "largest_gradient_entry": None if run.network is not None else run.certificate,
        "iterations": run.iterations,
        "solver": run.fit.solver_,
        "network": _network(run),
        "seconds": run.seconds,
        "warnings": list(run.warnings),
        "notes": list(run.table_notes),
        "files": dict(files),
    }  # fmt: skip


def evaluation_record(result: Evaluation) -> dict[str, Any]:
    """What `pminusy evaluate` says."""
    return {
        "rows": result.rows,
        "scores": _named(result.scores),
        "majority_class": _named(result.baseline),
        "ranking": dict(result.ranking),
        "intervals": _intervals(result.intervals),
        "classes": [
            {"class": row.label, "precision": row.precision, "recall": row.recall, "f1": row.f1,
             "rows": row.rows}
            for row in result.by_class
        ],
        "notes": list(result.notes),
    }  # fmt: skip


def _network(run: TrainingRun) -> dict[str, Any] | None:
    """How a network was trained, and how it does beside the softmax regression."""
    about, beside = run.network, run.beside
    if about is None:
        return None
    return {
        "units": list(about.units),
        "activation": about.activation,
        "parameters": about.parameters,
        "epochs": about.epochs,
        "kept_epoch": about.best,
        "end": about.end,
        "losses": about.losses.tolist(),
        "validation_losses": about.validation_losses.tolist(),
        "dead_units": list(about.dead),
        "beside_regression": None if beside is None else {
            "log_loss": beside.network, "log_loss_of_regression": beside.regression,
            "difference": beside.difference, "half_interval": beside.half,
            "verdict": beside.verdict,
        },
    }  # fmt: skip


def _intervals(found: Intervals) -> dict[str, Any] | None:
    if not found:
        return None
    about = {"confidence": CONFIDENCE, "rows": found.rows, "groups": found.groups}
    return about | {name.replace(" ", "_"): list(ends) for name, ends in found.items()}


def _threshold(model: Fitted) -> dict[str, Any] | None:
    cut = model.threshold
    if cut is None:
        return None
    return {
        "probability": cut.value,
        "class": model.schema.classes[cut.positive],
        "chosen_by": cut.chosen_by or None,
    }


def _named(scores: Scores) -> dict[str, float]:
    return {name.replace(" ", "_"): value for name, value in scores.named()}
