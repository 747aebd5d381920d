"""Configurations of estimators and kinds of input, numbered, for comparison with scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas
import polars
import scipy.sparse as sp
import torch

from tests.training.problems import random_problem

Make = Callable[[Any], Any]


def _spaced(X):
    wide = np.zeros((X.shape[0], 2 * X.shape[1]))
    wide[:, ::2] = X
    return wide[:, ::2]


def _read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


INPUTS: dict[str, Make] = {
    "float64": np.asarray,
    "float32": lambda X: X.astype(np.float32),
    "float16": lambda X: X.astype(np.float16),
    "int64": lambda X: np.round(3 * X).astype(np.int64),
    "bool": lambda X: X > 0,
    "object": lambda X: X.astype(object),
    "Fortran": np.asfortranarray,
    "spaced": _spaced,
    "read-only": _read_only,
    "big-endian": lambda X: X.astype(">f8"),
    "lists": lambda X: X.tolist(),
    "CSR": sp.csr_matrix,
    "CSC": sp.csc_matrix,
    "COO": sp.coo_matrix,
    "CSR array": sp.csr_array,
    "CSR float32": lambda X: sp.csr_matrix(X.astype(np.float32)),
    "pandas": lambda X: pandas.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])]),
    "pandas, mixed": lambda X: pandas.DataFrame(X).astype({0: np.float32, 1: "Int64"}),
    "polars": lambda X: polars.DataFrame(X, schema=[f"c{j}" for j in range(X.shape[1])]),
    "torch": torch.from_numpy,
}

LABELS: dict[str, Make] = {
    "numbers": np.asarray,
    "gaps": lambda y: 7 * y - 3,
    "floats": lambda y: y.astype(float),
    "text": lambda y: np.array(["ash", "birch", "cedar", "damson", "elm"])[y],
    "objects": lambda y: np.array(["Zebra", "ant", "", "ÿ", "b"], object)[y],
    "boolean": lambda y: y > 0,
    "list": lambda y: y.tolist(),
    "series": lambda y: pandas.Series(np.array(["u", "v", "w", "x", "y"])[y]),
    "categories": lambda y: pandas.Series(y).astype("category"),
    "polars": lambda y: polars.Series(y),
    "uint8": lambda y: y.astype(np.uint8),
}

WEIGHTS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "none": lambda random, n: None,
    "numbers": lambda random, n: random.uniform(0.2, 3.0, n),
    "whole": lambda random, n: random.integers(0, 4, n),
    "list": lambda random, n: random.uniform(0.2, 3.0, n).tolist(),
    "series": lambda random, n: pandas.Series(random.uniform(0.2, 3.0, n)),
}


class Configuration(NamedTuple):
    """One fit: parameters that both libraries take, and what is fitted."""

    X: Any
    y: Any
    weight: Any
    options: dict[str, Any]
    name: str


def configuration(number: int) -> Configuration:
    """The configuration of a number."""
    random = np.random.default_rng([14, number])

    def pick(choices):
        return choices[int(random.integers(len(choices)))]

    K = pick([2, 2, 3, 5])
    X, y = random_problem(60, 4, K, seed=number, noise=2.0)
    X[:, 1] = np.round(X[:, 1])  # so that a column may hold whole numbers
    kind, labels, weights = pick(list(INPUTS)), pick(list(LABELS)), pick(list(WEIGHTS))
    if kind == "float16":
        X = np.round(8 * X) / 8  # exact there
    given = LABELS[labels](y)
    options: dict[str, Any] = {
        "C": pick([0.01, 0.3, 1.0, 20.0]),
        "l1_ratio": pick([0.0, 0.0, 0.4, 1.0]),
        "fit_intercept": bool(random.integers(2)),
        "class_weight": pick([None, "balanced", "dict"]),
    }
    if options["class_weight"] == "dict":
        label = np.unique(np.asarray(given)).tolist()[0]
        options["class_weight"] = {label: 2.5}
    weight = WEIGHTS[weights](random, len(y))
    name = f"{kind}, {labels}, K={K}, weights {weights}, {options}"
    return Configuration(INPUTS[kind](X), given, weight, options, name)


class Refused(NamedTuple):
    """What neither library can use."""

    change: Callable[[Any, Any], tuple[Any, Any, dict[str, Any], dict[str, Any]]]
    name: str


def _data(change):
    return lambda X, y: (*change(X, y), {}, {})


def _option(**options):
    return lambda X, y: (X, y, options, {})


def _weight(weight):
    return lambda X, y: (X, y, {}, {"sample_weight": weight(len(y))})


def _with(X, at, value):
    X = X.copy()
    X[at] = value
    return X


REFUSALS = [
    Refused(_data(lambda X, y: (_with(X, (3, 1), np.nan), y)), "NaN in X"),
    Refused(_data(lambda X, y: (_with(X, (3, 1), -np.inf), y)), "infinity in X"),
    Refused(_data(lambda X, y: (X[:, 0], y)), "X of one dimension"),
    Refused(_data(lambda X, y: (X[None], y)), "X of three dimensions"),
    Refused(_data(lambda X, y: (X[:0], y[:0])), "no rows"),
    Refused(_data(lambda X, y: (X[:, :0], y)), "no columns"),
    Refused(_data(lambda X, y: (X + 1j, y)), "complex X"),
    Refused(_data(lambda X, y: (X.astype(str) + np.array("a"), y)), "text in X"),
    Refused(_data(lambda X, y: (X, y[:-1])), "lengths that differ"),
    Refused(_data(lambda X, y: (X, np.zeros_like(y))), "one class"),
    Refused(_data(lambda X, y: (X, y + 0.37)), "a continuous y"),
    Refused(_data(lambda X, y: (X, _with(y.astype(float), 2, np.nan))), "NaN in y"),
    Refused(_data(lambda X, y: (X, None)), "no y"),
    Refused(_data(lambda X, y: (X, np.c_[y > 0, y > 1, y < 2].astype(int))), "several labels"),
    Refused(_data(lambda X, y: (X, np.c_[y, y])), "several targets"),
    Refused(
        _data(lambda X, y: (X, np.array([*y[:-1].tolist(), "a"], object))), "labels of two types"
    ),
    Refused(_weight(lambda n: np.ones(n - 1)), "a weight missing"),
    Refused(_weight(lambda n: np.ones((n, 2))), "weights of two dimensions"),
    Refused(_weight(lambda n: np.full(n, np.nan)), "NaN weights"),
    Refused(_option(C=0), "C=0"),
    Refused(_option(C=-1.0), "C below 0"),
    Refused(_option(C="big"), "C as text"),
    Refused(_option(C=None), "no C"),
    Refused(_option(C=[1.0]), "C in a list"),
    Refused(_option(l1_ratio=1.5), "l1_ratio above 1"),
    Refused(_option(l1_ratio="half"), "l1_ratio as text"),
    Refused(_option(tol=-1e-3), "tol below 0"),
    Refused(_option(tol=None), "no tol"),
    Refused(_option(max_iter=-1), "max_iter below 0"),
    Refused(_option(max_iter=2.5), "max_iter of a half"),
    Refused(_option(solver="sgd"), "an unknown solver"),
    Refused(_option(solver=3), "a solver by number"),
    Refused(_option(solver="lbfgs", l1_ratio=1.0), "lbfgs with L1"),
    Refused(_option(solver="newton-cg", l1_ratio=0.5), "newton-cg with L1"),
    Refused(_option(penalty="l3"), "an unknown penalty"),
    Refused(_option(penalty=2), "a penalty by number"),
    Refused(_option(penalty="elasticnet", l1_ratio=None, solver="saga"), "no l1_ratio"),
    Refused(_option(fit_intercept="yes"), "fit_intercept as text"),
    Refused(_option(warm_start="no"), "warm_start as text"),
    Refused(_option(dual=True), "dual"),
    Refused(_option(class_weight="even"), "an unknown class_weight"),
    Refused(_option(class_weight=[1, 2, 3]), "class_weight in a list"),
    Refused(_option(class_weight={99: 2.0}), "class_weight of no class"),
    Refused(_option(random_state="seed"), "random_state as text"),
    Refused(_option(intercept_scaling=0), "intercept_scaling=0"),
    Refused(_option(verbose="loud"), "verbose as text"),
    Refused(_option(n_jobs=1.5), "n_jobs of a half"),
]
