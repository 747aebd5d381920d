"""Problems of every kind that blocks can hold, drawn by a seed, and blocks of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[Any]

TOL = 1e-9
TOL_L1 = 1e-8  # rounding of the objective stops the search along a line before
TOL_L1_BYTES = 1e-7  # of the gradient, likewise: X, and so the gradient, has entries of about 100


class Case(NamedTuple):
    """Rows, and the parameters of an estimator."""

    X: Any
    y: Array
    weight: Array | None
    parameters: dict[str, Any]
    sizes: list[int]  # of blocks, in rows

    def blocks(self) -> Callable[[], Iterator[tuple[Any, ...]]]:
        """What gives the rows block by block."""

        def factory() -> Iterator[tuple[Any, ...]]:
            first = 0
            for size in self.sizes:
                rows = slice(first, first + size)
                first += size
                block = self.X[rows], self.y[rows]
                yield block if self.weight is None else (*block, self.weight[rows])

        return factory


def draw(seed: int) -> Case:
    """A problem."""
    rng = np.random.default_rng(seed)
    N, D, K = (int(n) for n in (rng.integers(80, 500), rng.integers(1, 7), rng.integers(2, 6)))
    X = rng.normal(size=(N, D)) * 10 ** rng.uniform(-1, 1, D) + rng.normal(size=D)
    z = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(D, K)) * 0.5
    labels = (z + rng.gumbel(size=(N, K))).argmax(axis=1)
    labels[:K] = np.arange(K)  # every class has a row
    labels = labels[rng.permutation(N)] if rng.random() < 0.1 else labels
    order = labels.argsort(kind="stable") if rng.random() < 0.2 else np.arange(N)  # late classes
    X, labels = _kind_of_inputs(rng, X[order]), labels[order]
    y: Array = np.array([f"class {'abcde'[k]}" + "x" * k for k in range(K)])[labels]
    y = (y, labels * 3 - 2, labels.astype(np.float64), y.astype(object))[rng.integers(4)]
    parameters: dict[str, Any] = {"tol": TOL, "fit_intercept": bool(rng.random() < 0.8)}
    C = float(10 ** rng.uniform(-3, 2))
    parameters |= (
        {"C": C, "solver": str(rng.choice(["auto", "newton", "lbfgs", "newton-cg"]))},
        {"C": C},
        {"C": C, "l1_ratio": 1.0},
        {"C": C, "l1_ratio": float(rng.uniform(0.1, 0.9))},
        {"C": np.inf},
    )[rng.integers(5)]
    if parameters.get("l1_ratio"):
        parameters["tol"] = TOL_L1_BYTES if X.dtype == np.uint8 else TOL_L1
    if rng.random() < 0.3:
        parameters["label_smoothing"] = float(rng.uniform(0, 0.5))
    found = np.unique(y)
    parameters["class_weight"] = (
        None, "balanced", dict(zip(found.tolist(), rng.uniform(0.5, 2, K).tolist(), strict=True))
    )[rng.integers(3)]  # fmt: skip
    if rng.random() < 0.2:
        y = rng.dirichlet(np.ones(K), N) * 0.5 + np.eye(K)[labels] * 0.5
        parameters["class_weight"] = None
    weight = None if rng.random() < 0.5 else rng.exponential(size=N) * (rng.random(N) < 0.9)
    return Case(X, y, weight, parameters, _sizes(rng, N))


def _kind_of_inputs(rng: np.random.Generator, X: Array) -> Any:
    kind = rng.integers(6)
    if kind == 0:
        return X.astype(np.float32)
    if kind == 1:
        return np.clip(X * 20 + 100, 0, 255).astype(np.uint8)
    if kind == 2:
        return (X * 10).astype(np.int64)
    if kind == 3:
        X = np.where(rng.random(X.shape) < 0.5, X, 0.0)
        return sp.csr_array(X)
    return X


def _sizes(rng: np.random.Generator, N: int) -> list[int]:
    """Of blocks: all equal, of one row, or anything, with empty ones between."""
    way = rng.integers(3) if N < 200 else rng.integers(1, 3)  # many small blocks take a while
    sizes: list[int] = []
    while sum(sizes) < N:
        size = (1, 37, int(rng.integers(0, 120)))[way]
        sizes += [0] * int(rng.random() < 0.1)
        sizes.append(min(size, N - sum(sizes)))
    return sizes + [0] * int(rng.integers(2))
