"""Real tables that scikit-learn ships and our own, and batches as they come to a server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import polars as pl
import pytest
from sklearn import datasets

import pminusy as pmy
from tests.exchange.runtime import run, run_table

pytestmark = pytest.mark.filterwarnings("ignore::pminusy.TableWarning")
PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
LIMITS = {"float64": 1e-12, "float32": 1e-6}


def shipped(name: str) -> tuple[pl.DataFrame, str]:
    found = getattr(datasets, f"load_{name}")()
    frame = pl.DataFrame(found.data, schema=[str(each) for each in found.feature_names])
    return frame.with_columns(pl.Series("class", np.array(found.target_names)[found.target])), (
        "class"
    )


def penguins(target: str) -> tuple[pl.DataFrame, str]:
    table = pl.read_csv(PENGUINS, null_values=["NA", ""])
    return table.drop_nulls(target), target


TABLES = {
    "iris": lambda: shipped("iris"),
    "wine": lambda: shipped("wine"),
    "breast cancer": lambda: shipped("breast_cancer"),
    "digits": lambda: shipped("digits"),
    "species": lambda: penguins("species"),
    "island": lambda: penguins("island"),
    "sex": lambda: penguins("sex"),
}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("name", TABLES)
def test_a_real_table(name, dtype, tmp_path):
    table, target = TABLES[name]()
    if dtype == "float32":
        table = table.with_columns(pl.selectors.float().cast(pl.Float32).cast(pl.Float64))
    model = pmy.fit_table(table, target=target, test_size=None)
    model.to_onnx(tmp_path / "m.onnx", dtype=dtype)
    ours = model.predict(table)
    label, p = run_table(tmp_path / "m.onnx", table)
    assert label.tolist() == ours["prediction"].to_list()
    assert np.abs(p - ours[:, 1:].to_numpy()).max() <= LIMITS[dtype]


@pytest.mark.parametrize("N", [0, 1, 2, 333])
def test_batches_of_any_size_none_among_them(N, tmp_path):
    table, target = penguins("sex")
    pmy.fit_table(table, target=target, test_size=None).to_onnx(tmp_path / "m.onnx")
    label, p = run_table(tmp_path / "m.onnx", table.head(N))
    assert label.shape == (N,)
    assert p.shape == (N, 2)


@pytest.mark.parametrize("kind", ["text", "whole numbers", "truth values"])
def test_batches_of_arrays_and_labels_in_their_type(kind, tmp_path):
    X, y = datasets.load_iris(return_X_y=True)
    y = {"text": y.astype(str), "whole numbers": y, "truth values": y > 0}[kind]
    clf = pmy.SoftmaxRegression().fit(X, y)
    clf.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    kinds = {"text": "string", "whole numbers": "int64", "truth values": "bool"}
    assert [o.type for o in session.get_outputs()] == [f"tensor({kinds[kind]})", "tensor(double)"]
    for N in (0, 1, 150):
        label, p = run(tmp_path / "m.onnx", {"X": X[:N]})
        assert label.tolist() == (clf.predict(X[:N]).tolist() if N else [])
        assert p.shape == (N, len(clf.classes_))
