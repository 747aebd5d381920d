"""Which implementation training runs on: one dispatcher, and specifications that do all of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from pminusy import SoftmaxRegression
from pminusy.errors import InputError
from pminusy.training.implementation import implementation
from pminusy.training.passes import specification
from pminusy.training.passes.compiled import passes as compiled_passes
from pminusy.training.solvers.l1 import compiled_coordinate_descent, coordinate_descent
from tests.training.problems import random_problem

FITS: dict[str, dict[str, Any]] = {
    "newton": {"solver": "newton"},
    "lbfgs": {"solver": "lbfgs"},
    "newton-cg": {"solver": "newton-cg"},
    "dual": {"solver": "dual"},
    "l1": {"l1_ratio": 1.0, "C": 0.3},
}


@pytest.mark.parametrize("kind", FITS)
def test_the_specification_and_the_kernels_fit_the_same_model(kind, monkeypatch):
    X, y = random_problem(N=200, D=6, K=3, sparse=kind == "dual")
    found = []
    for name in ("core", "cpu"):
        monkeypatch.setenv("PMINUSY_IMPLEMENTATION", name)
        found.append(SoftmaxRegression(tol=1e-9, max_iter=500, **FITS[kind]).fit(X, y))
    assert all(model.converged_ for model in found)
    np.testing.assert_allclose(found[0].coef_, found[1].coef_, rtol=1e-5, atol=1e-7)


def test_with_core_nothing_is_compiled():
    fits = "\n".join(f"S(**{how!r}).fit(X, y)" for kind, how in FITS.items() if kind != "dual")
    code = f"""
import os, sys, warnings
os.environ["PMINUSY_IMPLEMENTATION"] = "core"
import numpy as np, scipy.sparse as sp
from pminusy import SoftmaxRegression as S
random = np.random.default_rng(0)
X, y = random.normal(size=(300, 4)), np.arange(300) % 3
{fits}
S(solver="dual").fit(sp.csr_matrix(X), y)
S(max_iter=5).fit(np.tile(X.round(), (70, 1)), np.tile(y, 70))  # rows enough to look for equal ones
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=600)


@pytest.mark.parametrize(
    ("forced", "name"), [("core", "specification"), ("cpu", "compiled.passes")]
)
@pytest.mark.parametrize("work", [10, 10**9])
def test_the_variable_decides_whatever_the_size(forced, name, work, monkeypatch):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", forced)
    assert implementation("passes", work, 1000).__name__ == f"pminusy.training.passes.{name}"


def test_a_value_that_it_cannot_have_is_refused(monkeypatch):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "gpu")
    X, y = random_problem()
    with pytest.raises(InputError, match="PMINUSY_IMPLEMENTATION"):
        SoftmaxRegression().fit(X, y)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64])
def test_fingerprints_are_those_of_the_specification(dtype):
    random = np.random.default_rng(0)
    X = random.integers(0, np.iinfo(dtype).max, (50, 7), dtype, endpoint=True)
    factors = random.integers(1, 2**63, 8, np.uint64)
    found = np.empty((2, 50), np.uint64)
    for module, out in zip((specification, compiled_passes), found, strict=True):
        module.fingerprints(X, factors, out)
    assert (found[0] == found[1]).all()
    X[10] = X[20]
    first, second = np.arange(50), np.full(50, 20)
    same = np.empty((2, 50), np.bool_)
    for module, equal in zip((specification, compiled_passes), same, strict=True):
        module.equal_rows(X, first, second, equal)
    assert (same[0] == same[1]).all()
    assert list(np.flatnonzero(same[0])) == [10, 20]


@pytest.mark.parametrize("tol", [0.0, 1e-3])
def test_coordinate_descent_is_that_of_the_specification(tol):
    random = np.random.default_rng(1)
    A = random.normal(size=(30, 12))
    H, alpha, g = A.T @ A, random.random(12) * 4, random.normal(size=12) * 9
    H = np.ascontiguousarray(H)
    found = []
    for module in (coordinate_descent, compiled_coordinate_descent):
        v, r = random.permutation(12) * 0.0, g.copy()
        found.append((module.descend(H, alpha, v, r, 20, tol), v, r))
    (one, v, r), (other, w, s) = found
    assert one == other
    np.testing.assert_allclose(v, w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(r, s, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(r, g + H @ v, rtol=1e-9, atol=1e-9)
    assert 0 < np.count_nonzero(v) < 12


def test_without_a_compiler_a_fit_runs_on_the_specifications(monkeypatch):
    X, y = random_problem(N=900, D=40, K=15)  # large enough to ask for kernels
    expected = SoftmaxRegression().fit(X, y).predict_proba(X)
    monkeypatch.setattr("pminusy.kernels.dispatch._kernels", lambda: (None, "no compiler"))
    assert implementation("passes", 900 * 40 * 15, 1000) is specification
    found = SoftmaxRegression().fit(X, y).predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=1e-4)
