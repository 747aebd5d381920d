"""Softmax regression with scikit-learn's interface, and nothing else: the work is underneath."""

from __future__ import annotations

import math
import warnings
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from pminusy import ops
from pminusy.errors import InputError
from pminusy.learn.objective import Objective, Parameters
from pminusy.learn.solvers.lbfgs import lbfgs
from pminusy.learn.solvers.solution import ProgressCallback
from pminusy.learn.sources import ArraySource

__all__ = ["SoftmaxRegression"]


class SoftmaxRegression(ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression: minimises C Σ_i ω_i L_i + ½ ‖W‖².

    Parameters
    ----------
    C
        Inverse strength of the penalty, above 0; `inf` for none. As in scikit-learn.
    fit_intercept
        Whether there is a bias; it is not penalised.
    tol
        The fit has converged when no entry of the gradient of the mean objective is larger.
    max_iter
        Largest number of iterations.
    progress
        Called with a `Progress` after every iteration.

    Attributes
    ----------
    coef_, intercept_
        Weights (K, D) and bias (K,); (1, D) and (1,) for two classes, the difference of two rows.
    parameters_
        The same as weights (K, D) and bias (K,), one row a class for two classes too.
    classes_
        Labels (K,), sorted.
    n_iter_
        Iterations taken.
    optimality_
        Certificate: the largest absolute entry of the gradient of the mean objective.
    objective_
        Mean objective reached.
    history_
        A `Progress` for each iteration, the start included.

    Examples
    --------
    >>> clf = SoftmaxRegression().fit([[-1.0], [0.0], [1.0]], ["low", "middle", "high"])
    >>> clf.predict([[2.0]])
    array(['high'], dtype='<U6')
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        progress: ProgressCallback | None = None,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.progress = progress

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit weights and bias to inputs X (N, D) and labels y (N,)."""
        _require_positive("C", self.C)
        _require_positive("tol", self.tol)
        inputs, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        K = len(self.classes_)
        if K < 2:
            raise InputError("y", "at least 2 classes", f"1 class ({self.classes_[0]!r})")
        weight = _check_sample_weight(sample_weight, inputs, ensure_non_negative=True)
        # Two rows of weights share a penalty that scikit-learn's one row bears alone.
        C = self.C / 2 if K == 2 else self.C
        source = ArraySource(inputs, indices, weight)
        objective = Objective(source, K, C=C, fit_intercept=self.fit_intercept)
        solution = lbfgs(objective, tol=self.tol, max_iter=self.max_iter, progress=self.progress)
        self._set_parameters(objective.parameters(solution.theta))
        self.history_ = solution.history
        self.n_iter_ = solution.last.iteration
        self.objective_, self.optimality_ = solution.last.objective, solution.last.optimality
        self.converged_ = solution.converged
        if not solution.converged:
            self._warn()
        return self

    def _set_parameters(self, parameters: Parameters) -> None:
        W = parameters.W.copy()
        b = np.zeros(W.shape[0]) if parameters.b is None else parameters.b.copy()
        self.parameters_ = Parameters(W, b)
        binary = W.shape[0] == 2
        self.coef_ = W[1:] - W[:1] if binary else W
        self.intercept_ = b[1:] - b[:1] if binary else b

    def _warn(self) -> None:
        warnings.warn(
            f"stopped after {self.n_iter_} iterations with a gradient entry of "
            f"{self.optimality_:.2g}, above tol={self.tol:.2g}: raise max_iter, or put the "
            f"features on similar scales",
            ConvergenceWarning,
            stacklevel=3,
        )

    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Logits (N, K); for two classes the logit (N,) of the second against the first."""
        check_is_fitted(self)
        inputs = validate_data(self, X, dtype=np.float64, reset=False)
        z = inputs @ self.coef_.T + self.intercept_
        return np.asarray(z[:, 0] if z.shape[1] == 1 else z)

    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Logarithms of the probabilities (N, K)."""
        return ops.log_softmax(self._logits(X))

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Probabilities (N, K) of the classes."""
        return ops.softmax(self._logits(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable class (N,) of each row."""
        best = self._logits(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def _logits(self, X: ArrayLike) -> NDArray[Any]:
        z = self.decision_function(X)
        return z if z.ndim == 2 else np.column_stack([np.zeros_like(z), z])


def _require_positive(name: str, value: Any) -> None:
    if not isinstance(value, Real) or math.isnan(value) or value <= 0:
        raise InputError(name, "a number above 0", repr(value))
