"""Scores of rows that are not in memory: a model is asked about them by their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from pminusy.errors import InputError
from pminusy.estimators.streams.blocks import Blocks
from pminusy.estimators.streams.reading import BlockReader
from pminusy.training.passes.specification import Csr
from pminusy.training.sources.blocks import BlockSource

__all__ = ["ModelOfRows", "accuracy_of_blocks", "require_scorer_of_predictions"]

Array = NDArray[Any]


class ModelOfRows(ClassifierMixin, BaseEstimator):
    """A fitted model for scorers: X is the numbers (n,) of rows, ascending; each call is a visit.

    Parameters
    ----------
    model
        Fitted.
    source
        Where the rows are.
    """

    def __init__(self, model: Any, source: BlockSource) -> None:
        self.model, self.source = model, source

    @property
    def classes_(self) -> Array:
        """Those of the model."""
        return np.asarray(self.model.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: Array) -> Array:
        """Most probable class (n,) of each row."""
        return self._asked(self.model.predict, rows)

    def predict_proba(self, rows: Array) -> Array:
        """Probabilities (n, K)."""
        return self._asked(self.model.predict_proba, rows)

    def predict_log_proba(self, rows: Array) -> Array:
        """Logarithms of the probabilities (n, K)."""
        return self._asked(self.model.predict_log_proba, rows)

    def decision_function(self, rows: Array) -> Array:
        """Logits (n, K), or (n,) for two classes."""
        return self._asked(self.model.decision_function, rows)

    def _asked(self, method: Callable[[Any], Array], rows: Array) -> Array:
        found, first = [], 0
        for X, _, of_block in self.source.blocks():
            last = first + of_block.number
            here = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)] - first
            if here.size:
                found.append(method(_matrix(X, self.source.features)[here]))
            first = last
        return np.concatenate(found)


def accuracy_of_blocks(predict: Callable[[Any], Any], blocks: Blocks) -> float:
    """Share of the rows of blocks, or of their weight, that is predicted right."""
    right = total = 0.0
    for block in BlockReader(blocks).read(finite=True):
        if block.y.ndim == 2:
            raise InputError("y", "labels (n,) for a score", "soft targets")
        if block.rows:
            weight = np.ones(block.rows) if block.weight is None else block.weight
            total += float(weight.sum())
            right += float(weight @ (predict(block.X) == block.y))
    if not total > 0:
        raise InputError("X", "rows of some weight", "none")
    return right / total


def require_scorer_of_predictions(scorer: Any) -> None:
    """Refuse scorers that want to see X itself, which nobody can tell what they do with."""
    if not hasattr(scorer, "_score_func"):
        raise InputError(
            "scoring",
            "the name of a score, or one made by sklearn.metrics.make_scorer, where rows are not "
            "in memory",
            type(scorer).__name__,
            "raise memory so that all rows are, or use make_scorer",
        )


def _matrix(X: Array | Csr, features: int) -> Any:
    if not isinstance(X, Csr):
        return X
    return sp.csr_array((X.data, X.indices, X.indptr), shape=(X.indptr.size - 1, features))
