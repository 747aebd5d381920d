"""Categories as sparse rows: the same numbers, the same model, whatever is asked of it."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from scipy.sparse import issparse

import pminusy as pmy
from pminusy.tables import design
from pminusy.tables.design import design_matrix
from pminusy.tables.learning import learn_schema


def _frame(n=400, seed=0):
    r = np.random.default_rng(seed)
    columns = {f"k{j}": [f"v{i}" for i in r.integers(0, 30, n)] for j in range(4)}
    y = [
        "a" if (k < "v2") ^ (u < 0.1) else "b"
        for k, u in zip(columns["k0"], r.random(n), strict=True)
    ]
    missing = [None if u < 0.1 else float(u) for u in r.random(n)]
    days = [
        datetime.date(2020, 1, 1) + datetime.timedelta(days=int(d)) for d in r.integers(0, 500, n)
    ]
    return pl.DataFrame({**columns, "x": missing, "day": days, "y": y})


@pytest.fixture
def sparse(monkeypatch):
    monkeypatch.setattr(design, "_LARGE", 10_000)


@pytest.mark.parametrize("reference", [False, True])
def test_sparse_rows_are_the_dense_ones(monkeypatch, reference):
    frame = _frame()
    schema = learn_schema(frame[:300], "y", max_categories=20, reference=reference)
    dense = design_matrix(frame, schema)
    monkeypatch.setattr(design, "_LARGE", 10_000)
    rows = design_matrix(frame, schema)
    assert issparse(rows.X)
    assert rows.notes == dense.notes
    np.testing.assert_array_equal(rows.X.toarray(), dense.X)
    assert (np.diff(rows.X.indptr) <= 6 + 8).all()
    for a, b in zip(rows.X.indptr[:-1], rows.X.indptr[1:], strict=True):
        assert (np.diff(rows.X.indices[a:b]) > 0).all()


@pytest.mark.parametrize(
    "options", [{}, {"C": np.inf}, {"C": [0.1, 1.0], "cv": 3}, {"calibrate": True, "C": 0.01}],
    ids=["plain", "unpenalised", "folds", "calibrated"],
)  # fmt: skip
def test_a_model_of_sparse_rows_is_that_of_dense_ones(tmp_path, monkeypatch, options):
    frame = _frame(1200)
    dense = pmy.fit_table(frame, target="y", tol=1e-9, **options)
    monkeypatch.setattr(design, "_LARGE", 10_000)
    model = pmy.fit_table(frame, target="y", tol=1e-9, **options)
    assert issparse(model.run.training.X)
    p, q = (
        m.predict(frame).select(pl.selectors.starts_with("p(")).to_numpy() for m in (dense, model)
    )
    np.testing.assert_allclose(p, q, atol=2e-5)
    model.write_report(tmp_path / "m.html")
    assert model.evaluate(frame).scores.accuracy == pytest.approx(
        dense.evaluate(frame).scores.accuracy
    )
    assert "x" in str(model.explain(frame[:1]))


def test_the_summary_has_reference_levels(sparse):
    model = pmy.fit_table(_frame(1200), target="y", C=np.inf)
    found = model.summary()
    assert "k0 = v0" not in found.features
    assert np.isfinite(found.standard_errors).all()


def test_coefficients_against_the_reference_are_those_of_statistics():
    # Two groups: the coefficient is the difference of the log odds, its variance Σ 1 / count.
    counts = {("p", "a"): 30, ("p", "b"): 10, ("q", "a"): 20, ("q", "b"): 40}
    frame = pl.DataFrame(
        [{"place": place, "y": y} for (place, y), n in counts.items() for _ in range(n)]
    )
    found = pmy.fit_table(frame, target="y", C=np.inf, test_size=0, tol=1e-10).summary()
    assert found.features == ("place = q", "(intercept)")
    expected = np.log(40 / 20) - np.log(10 / 30)
    assert found.coefficients[0, 0] == pytest.approx(expected, abs=1e-6)
    variance = sum(1 / n for n in counts.values())
    assert found.standard_errors[0, 0] == pytest.approx(np.sqrt(variance), rel=1e-6)
