"""Small problems that tests of training share."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from pminusy.training.objective import Objective
from pminusy.training.passes.specification import Csr
from pminusy.training.scaling import choose_coordinates
from pminusy.training.sources.arrays import ArraySource, make_targets


def random_problem(N=300, D=9, K=5, *, seed=0, sparse=False, noise=1.0):
    """Inputs (N, D) and overlapping classes (N,), all of which occur."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(N, D))
    if sparse:
        X *= random.random((N, D)) < 0.4
    W = random.normal(size=(K, D))
    y = (X @ W.T + noise * random.gumbel(size=(N, K))).argmax(axis=1)
    y[:K] = np.arange(K)
    return (sp.csr_matrix(X) if sparse else X), y


def make_objective(
    X, y, *, C=1.0, fit_intercept=True, dtype=np.float64, workspace=64 << 20, **mass
):
    """An objective over arrays."""
    rows = X if isinstance(X, np.ndarray) else Csr(X.data, X.indices, X.indptr)
    classes = y.shape[1] if y.ndim == 2 else int(y.max()) + 1
    source = ArraySource(rows, X.shape[1], make_targets(y, classes, **mass))
    coordinates = choose_coordinates(source, fit_intercept=fit_intercept)
    ridge = 1 / (C * source.total_mass)
    return Objective(source, ridge, coordinates, dtype=dtype, workspace=workspace)
