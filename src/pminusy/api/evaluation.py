"""How good a table model is on labelled rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.api.fit.training_run import TableRows
from pminusy.errors import InputError
from pminusy.estimators.scores import Scores, ranking_scores, score
from pminusy.present.metrics import class_metrics
from pminusy.tables import target
from pminusy.tables.design import design_matrix, encode_target
from pminusy.tables.files import read_table
from pminusy.tables.wording import count, listed, shown

if TYPE_CHECKING:
    from pminusy.api.fitted import Fitted
    from pminusy.tables.schema import Schema

__all__ = ["ClassScores", "Evaluation", "evaluate", "row_weights", "test_rows"]


class ClassScores(NamedTuple):
    """Precision, recall and F1 of one class; None where they are not defined."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of a model on labelled rows."""

    rows: int
    scores: Scores
    baseline: Scores
    by_class: tuple[ClassScores, ...]
    notes: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...] = ()


def evaluate(model: Fitted, frame: pl.DataFrame) -> Evaluation:
    """Score a model on the rows of a frame whose label it knows."""
    y = encode_target(frame, model.schema)
    known = y >= 0
    left_out = _left_out(frame, known, model.schema)
    if model.schema.weight in frame.columns:
        target.check_weights(frame, model.schema.target, model.schema.weight, known)
        weightless = known & (frame[model.schema.weight] == 0).fill_null(False).to_numpy()
        if weightless.any():
            left_out += (f"{count(int(weightless.sum()), 'row')} of weight 0 left out",)
            known &= ~weightless
    labelled, y = frame.filter(known), y[known]
    X, notes = design_matrix(labelled, model.schema)
    weight = row_weights(labelled, model.schema)
    log_p = model.log_probabilities(X)
    baseline = np.broadcast_to(np.log(model.shares), log_p.shape)
    return Evaluation(
        rows=y.size,
        scores=score(y, log_p, weight),
        baseline=score(y, baseline, weight),
        by_class=_by_class(model.schema.classes, y, log_p.argmax(axis=1), weight),
        notes=(*left_out, *notes),
        ranking=ranking_scores(y, log_p, weight),
    )


def test_rows(table: Any, schema: Schema) -> TableRows:
    """Read the labelled rows of another table, to score a model on that is yet to be trained.

    Raises
    ------
    InputError
        Columns or labels other than those of training.
    """
    literal = (schema.target,) if schema.literal_target else ()
    try:
        frame = read_table(table, text=schema.text_columns, literal=literal, reading=schema.reading)
        y = encode_target(frame, schema)
        known = y >= 0
        notes = _left_out(frame, known, schema)
        index = np.flatnonzero(known)
        frame = frame[index]
        X, said = design_matrix(frame, schema)
        if schema.weight in frame.columns:
            target.check_weights(frame, schema.target, schema.weight, np.ones(index.size, bool))
    except InputError as error:
        what = "test " + str(error.args[0])
        raise InputError(what, *error.args[1:]) from None
    return TableRows(frame, index, X, y[index], row_weights(frame, schema), (*notes, *said))


def row_weights(frame: pl.DataFrame, schema: Schema) -> NDArray[np.float64]:
    """Row weights, where the model is trained with them and the table has them; ones otherwise."""
    if schema.weight is None or schema.weight not in frame.columns:
        return np.ones(frame.height)
    return target.row_weights(frame, schema.weight)


def _by_class(
    classes: tuple[str, ...],
    y: NDArray[np.intp],
    predicted: NDArray[np.intp],
    weight: NDArray[np.float64],
) -> tuple[ClassScores, ...]:
    def defined(value: float) -> float | None:
        return None if math.isnan(value) else value

    return tuple(
        ClassScores(
            classes[found.k],
            defined(found.precision),
            defined(found.recall),
            defined(found.f1),
            found.support,
        )
        for found in class_metrics(y, predicted, len(classes), weight)
    )


def _left_out(frame: pl.DataFrame, known: NDArray[np.bool_], schema: Schema) -> tuple[str, ...]:
    """Sentences about rows that cannot be scored; an error if none can be."""
    unseen = target.unseen_labels(frame, schema)
    named = listed(list(unseen))
    if not known.any():
        got = f"only labels it never saw: {named}" if unseen else "no labels"
        expected = "at least one label the model was trained on"
        raise InputError(f"target {shown(schema.target)}", expected, got)
    unlabelled = int((~known).sum()) - sum(unseen.values())
    notes = []
    if unlabelled:
        notes.append(f"{count(unlabelled, 'row')} without a label left out")
    if unseen:
        rows = count(sum(unseen.values()), "row")
        notes.append(f"{rows} with a label the model never saw left out: {named}")
    return tuple(notes)
