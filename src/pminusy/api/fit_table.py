"""From a table to a trained, scored classifier in one call."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from pminusy.api.evaluation import row_weights
from pminusy.api.fitted import Fitted
from pminusy.api.table_model import TableModel
from pminusy.api.training_run import Rows, TrainingRun
from pminusy.errors import InputError
from pminusy.learn.scores import Scores, score
from pminusy.learn.softmax_regression import SoftmaxRegression
from pminusy.learn.split import stratified_split
from pminusy.tables.design import (
    design_matrix,
    encode_target,
    learn_schema,
    refuse_infinite,
    select_rows,
)
from pminusy.tables.files import read_table

if TYPE_CHECKING:
    from pminusy.learn.solvers.solution import ProgressCallback
    from pminusy.tables.schema import Schema

__all__ = ["fit_table"]

_TOL = 1e-6  # largest gradient entry of the mean objective, on standardised features
_MAX_ITER = 5_000


def fit_table(
    table: str | PathLike[str] | pl.DataFrame | Any,
    target: str,
    *,
    drop: Sequence[str] = (),
    weight: str | None = None,
    C: float = 1.0,
    test_size: float = 0.2,
    seed: int = 0,
    progress: ProgressCallback | None = None,
) -> TableModel:
    """Train a softmax classifier on a table: C Σ_i ω_i L_i + ½ ‖W‖² over standardised columns.

    Numbers are standardised and missing ones imputed by the median, with an indicator; text,
    booleans and categories become one column a value. Whatever is left out is said in the notes.

    Parameters
    ----------
    table
        Path of a CSV, TSV, Parquet or Feather file, or a Polars or pandas frame.
    target
        Column to predict.
    drop
        Columns to leave out.
    weight
        Column of row weights, ≥ 0.
    C
        Inverse strength of the penalty, as in scikit-learn; `inf` for none.
    test_size
        Share of the rows of each class that is held out to score the model; 0 for none.
    seed
        Chooses which.
    progress
        Called with a `Progress` after every iteration.

    Returns
    -------
    TableModel
        The trained model; `.run` says what happened.

    Raises
    ------
    InputError
        A table, a column or an option that cannot be used.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1.0, 2.0, 8.0, 9.0] * 5, "kind": ["a", "a", "b", "b"] * 5})
    >>> model = fit_table(frame, target="kind")
    >>> model.run.scores.accuracy
    1.0

    References
    ----------
    Bridle 1990; the convention for C is scikit-learn's.
    """
    _check_options(C, test_size, seed)
    started = time.perf_counter()
    whole = read_table(table)
    refuse_infinite(whole, skip={target, *drop, *([weight] if weight else [])})
    frame, dropped = select_rows(whole, target, weight)
    numbers = np.flatnonzero(whole[target].is_not_null())  # rows of the table that were kept
    codes = frame[target].cast(pl.String).cast(pl.Categorical).to_physical().to_numpy()
    train, test = stratified_split(codes, test_size, seed)
    # What the columns are is learned from the training rows alone.
    schema = learn_schema(frame[train], target, drop=drop, weight=weight)
    training = _rows(frame[train], numbers[train], schema)
    held_out = _rows(frame[test], numbers[test], schema)
    clf = _trained(training, C, progress)
    settings = {"C": C, "seed": seed, "test size": test_size}
    fitted = _fitted(clf, schema, training, settings)
    scores, baseline = _scores(fitted, held_out if held_out.y.size else training)
    run = TrainingRun(
        name=_name_of(table),
        rows_dropped=dropped,
        training=training,
        held_out=held_out,
        scores=scores,
        baseline=baseline,
        history=clf.history_,
        converged=clf.converged_,
        seconds=time.perf_counter() - started,
        schema_notes=schema.notes,
        split_notes=_split_notes(training, held_out, schema, test_size),
    )
    return TableModel(**vars(fitted), record=run)


def _check_options(C: float, test_size: float, seed: int) -> None:
    if math.isnan(C) or C <= 0:
        raise InputError("C", "a number above 0", str(C))
    if not 0 <= test_size < 1:
        raise InputError("test size", "a share in [0, 1)", str(test_size))
    if seed < 0:
        raise InputError("seed", "a whole number ≥ 0", str(seed))


def _rows(frame: pl.DataFrame, numbers: NDArray[np.intp], schema: Schema) -> Rows:
    X, notes = design_matrix(frame, schema)
    weight = row_weights(frame, schema)
    return Rows(frame, numbers, X, encode_target(frame, schema), weight, notes)


def _trained(training: Rows, C: float, progress: ProgressCallback | None) -> SoftmaxRegression:
    clf = SoftmaxRegression(C, tol=_TOL, max_iter=_MAX_ITER, progress=progress)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the result says it, with the figure
        return clf.fit(training.X, training.y, sample_weight=training.weight)


def _fitted(
    clf: SoftmaxRegression, schema: Schema, training: Rows, settings: dict[str, float]
) -> Fitted:
    W, b = clf.parameters_
    assert b is not None  # the classifier has an intercept
    weight = np.bincount(training.y, training.weight)
    return Fitted(schema, W, b, weight / weight.sum(), settings)


def _scores(fitted: Fitted, rows: Rows) -> tuple[Scores, Scores]:
    """Scores of the model on some rows, and of the majority class."""
    log_p = fitted.log_probabilities(rows.X)
    baseline = np.broadcast_to(np.log(fitted.shares), log_p.shape)
    return score(rows.y, log_p, rows.weight), score(rows.y, baseline, rows.weight)


def _split_notes(
    training: Rows, held_out: Rows, schema: Schema, test_size: float
) -> tuple[str, ...]:
    if test_size == 0:
        return ("no rows were held out: the scores are of the training rows",)
    if held_out.y.size == 0:
        return ("too few rows to hold any out: the scores are of the training rows",)
    single = np.flatnonzero(np.bincount(training.y, minlength=len(schema.classes)) == 1)
    alone = [schema.classes[k] for k in single if k not in held_out.y]
    if not alone:
        return ()
    names = ", ".join(alone[:5]) + (f" and {len(alone) - 5} more" if len(alone) > 5 else "")
    return (f"classes with a single row stay in training and are not scored: {names}",)


def _name_of(table: Any) -> str:
    return Path(table).name if isinstance(table, str | PathLike) else "table"
