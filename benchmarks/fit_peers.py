"""Implementations of softmax regression, each fitted under a watch.

A watch is a clock that stands still while it scores parameters: in float64, with NumPy, in blocks
of rows, whatever the type of the fit and whoever found them. An implementation that can be watched
from inside is asked at every evaluation of its loss; one that cannot is run anew with 1.6 times as
many iterations until its final parameters are good enough, and each run is timed whole.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
from scipy.special import logsumexp

from benchmarks.problems import Problem

__all__ = ["PEERS", "Watch", "fit_ours", "fit_peer", "missing", "unfit"]

PEERS = ("lbfgs", "newton-cg", "newton-cholesky", "saga", "sklearnex lbfgs", "cyanure")
_PACKAGE = {"sklearnex lbfgs": "sklearnex", "cyanure": "cyanure"}
_LARGEST_HESSIAN = 6000  # parameters up to which newton-cholesky is tried: 288 MB
_BLOCK = 4096


class _Stopped(Exception):
    """The target or the limit was reached."""


class Watch:
    """Seconds and float64 objective of what a fit passes through.

    Parameters
    ----------
    problem
        Inputs and labels; C = 1.
    target
        Objective at which the fit is stopped.
    limit
        Seconds at which it is stopped.
    """

    def __init__(self, problem: Problem, target: float, limit: float) -> None:
        self._X, self._N = problem.X, problem.X.shape[0]
        self._labels = np.unique(problem.y, return_inverse=True)[1]
        self.target, self.limit = target, limit
        self.trace: list[tuple[float, float]] = []
        self._began, self._next = time.perf_counter(), 0.0

    def begin(self) -> None:
        """Set the clock to 0."""
        self._began, self._next = time.perf_counter(), 0.0

    @property
    def seconds(self) -> float:
        """Since the beginning, without the time spent on scoring."""
        return time.perf_counter() - self._began

    def look(self, parameters: Callable[[], tuple[Any, Any]], *, always: bool = False) -> None:
        """Score where the fit is, if 4 % more time has passed; stop it where it has arrived."""
        at = self.seconds
        if at < self._next and not always:
            return
        value = self.objective(*parameters())
        self._began += self.seconds - at
        self._next = 1.04 * at
        self.trace.append((at, value))
        if value <= self.target or at > self.limit:
            raise _Stopped

    def check(self) -> None:
        """Stop where the time is over."""
        if self.seconds > self.limit:
            raise _Stopped

    def objective(self, W: Any, b: Any) -> float:
        """Mean cross-entropy and ridge at W (K, D) and b (K,), in float64."""
        W, b = np.asarray(W, np.float64), np.asarray(b, np.float64)
        loss = 0.0
        for first in range(0, self._N, _BLOCK):
            rows = slice(first, first + _BLOCK)
            z = np.asarray(self._X[rows].astype(np.float64) @ W.T) + b
            own = z[np.arange(z.shape[0]), self._labels[rows]]
            loss += float(np.sum(logsumexp(z, axis=1) - own))
        return float((loss + 0.5 * np.vdot(W, W)) / self._N)


def missing(name: str) -> bool:
    """Whether a peer is not installed."""
    return name in _PACKAGE and importlib.util.find_spec(_PACKAGE[name]) is None


def unfit(name: str, problem: Problem) -> str | None:
    """Why a peer cannot do a problem, or None."""
    size = len(np.unique(problem.y)) * (problem.X.shape[1] + 1)
    if name == "newton-cholesky" and size > _LARGEST_HESSIAN:
        return f"its Hessian would have {size:,}² entries"
    return None


def fit_ours(problem: Problem, watch: Watch, max_iter: int = 2000) -> None:
    """Fit, watched at every iteration."""
    from pminusy.estimators.softmax_regression import SoftmaxRegression
    from pminusy.training.solvers.solution import TrainingLog

    note = TrainingLog.note

    def watched(self: Any, objective: Any, vector: Any, *args: Any, **kwargs: Any) -> None:
        note(self, objective, vector, *args, **kwargs)

        def parameters() -> tuple[Any, Any]:
            W, b = objective.parameters(vector)
            return W, (0.0 if b is None else b)

        watch.look(parameters, always=True)

    with mock.patch.object(TrainingLog, "note", watched), _until_stopped(watch):
        SoftmaxRegression(tol=1e-11, max_iter=max_iter).fit(problem.X, problem.y)


def fit_peer(name: str, problem: Problem, watch: Watch, dtype: Any) -> None:
    """Fit a peer, in one type."""
    problem = problem._replace(X=problem.X.astype(dtype, copy=False))
    if name == "cyanure":
        _restarted(_cyanure(problem), watch, 5)
    elif name == "sklearnex lbfgs":
        _restarted(_sklearnex(problem), watch, 10)
    elif name == "saga":
        _saga(problem, watch)
    else:
        _scikit_learn(name, problem, watch)


@contextmanager
def _until_stopped(watch: Watch) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        watch.begin()
        try:
            yield
        except _Stopped:
            return


def _scikit_learn(solver: str, problem: Problem, watch: Watch) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.linear_model._linear_loss import LinearModelLoss

    def watched(method: str) -> Any:
        original = getattr(LinearModelLoss, method)

        def call(self: Any, coef: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, coef, *args, **kwargs)
            watch.look(lambda: self.weight_intercept(coef))
            return result

        return mock.patch.object(LinearModelLoss, method, call)

    def product(self: Any, *args: Any, **kwargs: Any) -> Any:
        gradient, times = of_product(self, *args, **kwargs)

        def checked(v: Any) -> Any:
            watch.check()
            return times(v)

        return gradient, checked

    of_product = LinearModelLoss.gradient_hessian_product
    inner = mock.patch.object(LinearModelLoss, "gradient_hessian_product", product)
    with watched("loss"), watched("loss_gradient"), watched("gradient"), inner:
        model = LogisticRegression(solver=solver, tol=1e-14, max_iter=1_000_000)
        with _until_stopped(watch):
            model.fit(problem.X, problem.y)


def _saga(problem: Problem, watch: Watch) -> None:
    """Some epochs at a time; its memory of gradients is kept between them."""
    from sklearn.linear_model import LogisticRegression, _logistic

    def in_parts(*args: Any, **kwargs: Any) -> Any:
        before, epochs = list(args), 2
        while True:
            before[6] = epochs  # max_iter
            W, _, memory = whole(*before, **kwargs)
            watch.look(lambda W=W: (W[:, :-1], W[:, -1]), always=True)  # type: ignore[misc]
            before[12] = memory  # warm_start_mem
            epochs = min(1 + epochs * 5 // 4, 50)

    whole = _logistic.sag_solver
    model = LogisticRegression(solver="saga", tol=1e-14, max_iter=1_000_000, random_state=0)
    with mock.patch.object(_logistic, "sag_solver", in_parts), _until_stopped(watch):
        model.fit(problem.X, problem.y)


def _restarted(fit: Callable[[int], Any], watch: Watch, iterations: int) -> None:
    """Whole runs, each of more iterations, until one arrives or the next would be too long."""
    while True:
        with _until_stopped(watch):
            model, arrived = fit(iterations), False
            at = watch.seconds
            watch.look(lambda model=model: (model.coef_, model.intercept_), always=True)  # type: ignore[misc]
        arrived = watch.trace[-1][1] <= watch.target
        stuck = math.isclose(at, 0.0) or iterations > 1_000_000
        if arrived or stuck or 1.6 * at > watch.limit or _idle(watch.trace):
            return
        iterations = iterations * 8 // 5


def _idle(trace: list[tuple[float, float]]) -> bool:
    """Whether three runs in a row came to the same point: they ended by themselves."""
    last = [value for _, value in trace[-3:]]
    return len(last) == 3 and len(set(last)) == 1


def _sklearnex(problem: Problem) -> Callable[[int], Any]:
    estimator = importlib.import_module("sklearnex.linear_model").LogisticRegression

    def fit(iterations: int) -> Any:
        return estimator(tol=1e-14, max_iter=iterations).fit(problem.X, problem.y)

    return fit


class _Coefficients:
    """Parameters, as scikit-learn lays them out."""

    def __init__(self, W: Any, b: Any) -> None:
        self.coef_, self.intercept_ = W, b


def _cyanure(problem: Problem) -> Callable[[int], Any]:
    classifier = importlib.import_module("cyanure.estimators").Classifier

    def fit(iterations: int) -> Any:
        model = classifier(
            loss="logistic",
            penalty="l2",
            lambda_1=1.0 / problem.X.shape[0],
            fit_intercept=True,
            multi_class="multinomial",
            solver="auto",
            tol=1e-14,
            max_iter=iterations,
            verbose=False,
        ).fit(problem.X, problem.y)
        return _Coefficients(np.asarray(model.coef_).T, np.ravel(model.intercept_))

    return fit
