"""Compile beforehand what fit, predict and the array functions need: for containers and tests."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["WarmUp", "warm_up"]


class WarmUp(NamedTuple):
    """What was compiled and where it lies."""

    folder: Path | None
    """Folder that the compiled kernels are under; None if nothing could be written, and so kept."""

    seconds: float
    """How long it took; well under a second each, where everything had been compiled before."""

    training: bool
    """Whether training was among it: it needs `pminusy[fit]`."""


def warm_up() -> WarmUp:
    """Compile the kernels for this processor, and keep them.

    Kernels are compiled when they are first needed, some seconds each time, and kept in a folder
    (beside the package, or else the user's cache folder; `NUMBA_CACHE_DIR` names another). Call
    this where a container image is built: for the same processor nothing is compiled after that
    but what is rare, such as integer features or targets that are probabilities.

    Returns
    -------
    WarmUp
        `folder`, `seconds`, and whether `training` was among it.

    Raises
    ------
    Nothing
        What cannot be compiled or kept is done without, as in any call.

    Examples
    --------
    >>> import pminusy as pmy
    >>> pmy.warm_up().folder  # doctest: +SKIP
    PosixPath('/usr/lib/python3/site-packages/pminusy/kernels')

    References
    ----------
    Numba's documentation, "Notes on caching": what a compiled kernel is valid for.
    """
    started = time.perf_counter()
    training = find_spec("sklearn") is not None
    for call in (*_array_functions(), *(_training() if training else ())):
        call()
    from pminusy.kernels.head.label_tasks import wide32
    from pminusy.kernels.linear.compensated_sums import add_carefully
    from pminusy.kernels.runtime.cache import folder

    return WarmUp(folder(wide32, add_carefully), time.perf_counter() - started, training)


def _array_functions() -> Iterator[Callable[[], object]]:
    """Calls that take every kernel under the array functions, in both precisions."""
    from pminusy import ops

    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        for N, K in ((600, 3), (64, 100)):  # few classes have a kernel of their own
            z, y = random.normal(size=(N, K)).astype(dtype), np.arange(N) % K
            X, W = (random.normal(size=(n, 4)).astype(dtype) for n in (N, K))
            for function in (ops.softmax, ops.log_softmax):
                yield partial(function, z)
            options: list[dict[str, Any]] = [{}, {"label_smoothing": 0.1}, {"softcap": 9.0}]
            for more in options:
                yield partial(ops.cross_entropy_grad, z, y, **more)
                yield partial(ops.cross_entropy_hvp, z, y, z, **more)
            yield partial(ops.linear_cross_entropy_grad, X, W, None, y)
            yield partial(ops.linear_cross_entropy_hvp, X, W, None, y, W)


def _training() -> Iterator[Callable[[], object]]:
    """Fits of each kind: few features and many, dense and sparse, by each solver."""
    from scipy import sparse

    from pminusy.estimators.softmax_network import SoftmaxNetwork
    from pminusy.estimators.softmax_regression import SoftmaxRegression
    from pminusy.training.dense import compiling

    random = np.random.default_rng(0)

    def fit(X: object, y: object, **how: object) -> Callable[[], object]:
        def run() -> None:
            with warnings.catch_warnings(), compiling.waited_for():
                warnings.simplefilter("ignore")  # these fits need not end
                given = {"max_iter": 3} | how
                SoftmaxRegression(**given).fit(X, y)  # type: ignore[arg-type]

        return run

    def train(X: object, y: object) -> Callable[[], object]:
        def run() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                SoftmaxNetwork(64, max_iter=4).fit(X, y)

        return run

    yield fit(random.normal(size=(60, 4)), np.arange(60) % 3)
    for features in (40, 300):
        X = random.normal(size=(6000, features))
        y = (X[:, :5] + random.normal(size=(6000, 5))).argmax(axis=1)
        yield fit(X, y, solver="newton")
        for dtype in (np.float64, np.float32):
            yield fit(X.astype(dtype), y, solver="lbfgs")
    yield fit(X[:1500, :60].copy(), y[:1500], C=1e4, max_iter=30)
    yield fit(X[:, :40].copy(), y, l1_ratio=1.0, C=0.1)
    for dtype in (np.float64, np.float32):
        yield train(X[:, :20].astype(dtype), y)
    rare = sparse.random(6000, 400, 0.05, format="csr", random_state=0)
    yield fit(rare, y)
    yield fit(rare, y, solver="lbfgs")
