"""Which rows of a table a model was trained on: the split, made again and recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.estimators.split import split_rows
from pminusy.tables import target
from pminusy.tables.design import design_matrix, encode_target, select_rows
from pminusy.tables.schema import NumberColumn

if TYPE_CHECKING:
    from pminusy.api.fitted import Fitted

__all__ = ["rows_of_the_fit"]

Places = NDArray[np.intp]
_NO_ROWS: Places = np.empty(0, np.intp)


def rows_of_the_fit(model: Fitted, frame: pl.DataFrame) -> tuple[Places | None, Places]:
    """Places of training and held-out rows; None where they do not give this model's statistics."""
    schema, settings = model.schema, model.settings
    if schema.weight is not None and schema.weight not in frame.columns:
        return None, _NO_ROWS
    if "seed" not in settings or "test size" not in settings:
        return None, _NO_ROWS
    try:
        rows = select_rows(frame, schema.target, schema.weight)
    except InputError:  # so few rows that their labels are no classes
        return None, _NO_ROWS
    labels = rows.frame[schema.target].cast(pl.String).rank("dense").to_numpy()
    train, test = split_rows(labels, float(settings["test size"]), int(settings["seed"]))
    if model.held_out is not None:
        known = np.isin(rows.index, model.held_out)
        train, test = np.flatnonzero(~known), np.flatnonzero(known)
    training = rows.frame if model.refitted else rows.frame[train]
    codes = encode_target(training, schema)
    if (codes < 0).any():
        return None, _NO_ROWS
    of_row = None if schema.weight is None else target.row_weights(training, schema.weight)
    weight = np.bincount(codes, of_row, len(schema.classes))
    if not np.allclose(weight / weight.sum(), model.shares, rtol=0, atol=1e-9):
        return None, _NO_ROWS
    X = design_matrix(training, schema).X
    numbers = [j for j, (column, _) in enumerate(_features(model)) if _is_value(column, j, model)]
    centred = bool(np.all(np.abs(X[:, numbers].mean(axis=0)) < 1e-9)) if numbers else True
    if not centred:
        return None, _NO_ROWS
    return rows.index[train], rows.index[test]


def _features(model: Fitted) -> list[tuple[Any, str]]:
    """Each feature's column, and the feature's name."""
    return [(column, name) for column in model.schema.columns for name in column.feature_names]


def _is_value(column: Any, j: int, model: Fitted) -> bool:
    """Whether a feature is a number itself, and not that it is missing."""
    if not isinstance(column, NumberColumn) or not column.varies:
        return False
    return j == 0 or _features(model)[j - 1][0] is not column
