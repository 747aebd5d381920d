"""How good a table model is on labelled rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.api.fit.training_run import TableRows
from pminusy.api.rows_of_the_fit import rows_of_the_fit
from pminusy.errors import InputError
from pminusy.estimators.intervals import Intervals
from pminusy.estimators.scores import Scores, assess, score
from pminusy.files import refuse_suffix
from pminusy.present.metrics import ClassMetrics, class_metrics
from pminusy.tables import target
from pminusy.tables.design import design_matrix, encode_target
from pminusy.tables.files import read_table
from pminusy.tables.wording import count, listed, shown

if TYPE_CHECKING:
    from pminusy.api.fitted import Fitted
    from pminusy.tables.schema import Schema

__all__ = [
    "ClassScores", "Evaluation", "class_scores", "evaluate", "left_out", "row_weights", "test_rows",
]  # fmt: skip


class ClassScores(NamedTuple):
    """Precision, recall and F1 of one class; None where they are not defined."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of a model on labelled rows, with intervals.

    `judged` and `log_p` are those rows, of the table called `name`; where it was read block by
    block, as many as memory holds, evenly spread, and `worst` are the worst-predicted of all.
    `of_the_table` are the notes on what the table has beside what the model knows; `notes` says too
    where rows were trained on.
    """

    rows: int
    scores: Scores
    baseline: Scores
    by_class: tuple[ClassScores, ...]
    of_the_table: tuple[str, ...]
    trained_on: tuple[str, ...]
    ranking: tuple[tuple[str, float], ...]
    intervals: Intervals
    judged: TableRows = field(repr=False, compare=False)
    log_p: NDArray[np.float64] = field(repr=False, compare=False)  # (n, K)
    model: Fitted = field(repr=False, compare=False)
    name: str = "table"
    worst: tuple[TableRows, ...] = field(default=(), repr=False, compare=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said about the rows."""
        return (*self.of_the_table, *self.trained_on)

    def write_report(self, path: str | PathLike[str], *, command: str = "") -> None:
        """Write the page of the evaluation: one HTML file that opens offline.

        Raises
        ------
        InputError
            A name of another format, a place that cannot be written.
        """
        from pminusy.api.fit.report import PAGE_SUFFIXES_OF_OTHERS, write_evaluation

        refuse_suffix("output file", path, ".html", PAGE_SUFFIXES_OF_OTHERS)
        write_evaluation(self, path, command)


def evaluate(
    model: Fitted, frame: pl.DataFrame, groups: str | None = None, name: str = "table"
) -> Evaluation:
    """Score a model on the rows of a frame whose label it knows.

    `groups` is a column of groups; that of training, where the frame has it, if not given.
    """
    if groups is None:
        named = model.settings.get("groups")
        # Of one group nobody can say how groups differ: its rows are scored all the same.
        if isinstance(named, str) and named in frame.columns and frame[named].n_unique() > 1:
            groups = named
    elif groups == model.schema.target:
        raise InputError(f"groups {shown(groups)}", "a column other than the target", "the target")
    rows = _labelled_rows(frame, model.schema, groups)
    log_p = model.log_probabilities(rows.X)
    decided = model.decided(log_p)
    baseline = np.broadcast_to(np.log(model.shares), log_p.shape)
    found = assess(rows.y, log_p, rows.weight, groups=rows.groups, predicted=decided)
    return Evaluation(
        rows=rows.y.size,
        scores=found.scores,
        baseline=score(rows.y, baseline, rows.weight),
        by_class=class_scores(
            model.schema.classes,
            class_metrics(rows.y, decided, len(model.schema.classes), rows.weight),
        ),
        of_the_table=rows.notes,
        trained_on=_trained_on(model, frame, rows.index),
        ranking=found.ranking,
        intervals=found.intervals,
        judged=rows,
        log_p=log_p,
        model=model,
        name=name,
    )


def _trained_on(model: Fitted, frame: pl.DataFrame, index: NDArray[np.intp]) -> tuple[str, ...]:
    """A sentence where the rows are those of the fit, whose scores flatter the model."""
    train, held_out = rows_of_the_fit(model, frame)
    if train is None:
        return ()
    seen = np.concatenate([train, held_out]) if model.refitted else train
    number = int(np.isin(index, seen).sum())
    flattered = f"the model was trained on {number:,} of these {index.size:,} rows"
    return (f"{flattered}: it does better on them than on new ones",) if number else ()


def test_rows(table: Any, schema: Schema, groups: str | None) -> TableRows:
    """Read the labelled rows of another table, to score a model on that is yet to be trained.

    Raises
    ------
    InputError
        Columns or labels other than those of training.
    """
    literal = (schema.target,) if schema.literal_target else ()
    try:
        frame = read_table(table, text=schema.text_columns, literal=literal, reading=schema.reading)
        return _labelled_rows(frame, schema, groups if groups in frame.columns else None)
    except InputError as error:
        what = "test " + str(error.args[0])
        raise InputError(what, *error.args[1:]) from None


def _labelled_rows(frame: pl.DataFrame, schema: Schema, groups: str | None) -> TableRows:
    """The rows whose label is a class of the model and whose weight is not 0."""
    y = encode_target(frame, schema)
    known = y >= 0
    unseen = target.unseen_labels(frame, schema)
    notes = left_out(schema, int((~known).sum()), unseen, known=int(known.sum()))
    if schema.weight in frame.columns:
        target.check_weights(frame, schema.target, schema.weight, known)
        weightless = known & (frame[schema.weight] == 0).fill_null(False).to_numpy()
        if weightless.any():
            notes += (f"{count(int(weightless.sum()), 'row')} of weight 0 left out",)
            known &= ~weightless
    of_group = None if groups is None else target.group_numbers(frame, groups)[known]
    index = np.flatnonzero(known)
    frame = frame[index]
    X, said = design_matrix(frame, schema)
    weight = row_weights(frame, schema)
    return TableRows(frame, index, X, y[known], weight, (*notes, *said), of_group)


def row_weights(frame: pl.DataFrame, schema: Schema) -> NDArray[np.float64]:
    """Row weights, where the model is trained with them and the table has them; ones otherwise."""
    if schema.weight is None or schema.weight not in frame.columns:
        return np.ones(frame.height)
    return target.row_weights(frame, schema.weight)


def class_scores(classes: tuple[str, ...], metrics: list[ClassMetrics]) -> tuple[ClassScores, ...]:
    """Scores of each class by its label."""

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
        for found in metrics
    )


def left_out(
    schema: Schema, rows: int, unseen: Mapping[str, int], *, known: int
) -> tuple[str, ...]:
    """Sentences about rows that cannot be scored, beside those that can; an error if none can."""
    named = listed(list(unseen))
    if not known:
        got = f"only labels it never saw: {named}" if unseen else "no labels"
        expected = "at least one label the model was trained on"
        raise InputError(f"target {shown(schema.target)}", expected, got)
    unlabelled = rows - sum(unseen.values())
    notes = []
    if unlabelled:
        notes.append(f"{count(unlabelled, 'row')} without a label left out")
    if unseen:
        others = count(sum(unseen.values()), "row")
        notes.append(f"{others} with a label the model never saw left out: {named}")
    return tuple(notes)
