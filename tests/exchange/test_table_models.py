"""Models of tables as ONNX, run by onnxruntime: the same labels and probabilities as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from tests.exchange.made import made
from tests.exchange.runtime import run_table

pytestmark = pytest.mark.filterwarnings("ignore::pminusy.TableWarning")


def fitted(table: pl.DataFrame, target: str = "y", **options: Any) -> pmy.TableModel:
    words = {name: "category" for name, kind in table.schema.items() if kind == pl.String}
    as_ = {name: kind for name, kind in words.items() if name != target}
    return pmy.fit_table(table, target=target, test_size=None, as_=as_ or None, **options)


def assert_same(model: pmy.TableModel, path: Path, table: pl.DataFrame, limit: float) -> None:
    ours = model.predict(table)
    label, p = run_table(path, table)
    assert label.tolist() == ours["prediction"].to_list()
    difference = np.abs(p - ours[:, 1:].to_numpy())
    assert difference.max() <= limit


@pytest.mark.parametrize("seed", range(14))
def test_made_tables_with_missing_and_unseen_cells(seed, tmp_path):
    table, later = made(seed)
    model = fitted(table)
    model.to_onnx(tmp_path / "m.onnx")
    assert_same(model, tmp_path / "m.onnx", table, 1e-12)
    assert_same(model, tmp_path / "m.onnx", later, 1e-12)


@pytest.mark.parametrize("seed", range(100, 105))
def test_float32_in_and_out(seed, tmp_path):
    table, _ = made(seed)
    # What goes in is float32, so the table has no other numbers.
    table = table.with_columns(pl.selectors.float().exclude("y").cast(pl.Float32).cast(pl.Float64))
    model = fitted(table)
    model.to_onnx(tmp_path / "m.onnx", dtype="float32")
    assert run_table(tmp_path / "m.onnx", table)[1].dtype == np.float32
    assert_same(model, tmp_path / "m.onnx", table, 1e-6)


def test_a_calibrated_model_saved_and_loaded(tmp_path):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 20))
    table = pl.DataFrame({f"x{j}": x[:, j] for j in range(20)})
    table = table.with_columns(y=pl.Series(x[:, 0] + 2 * rng.normal(size=300) > 0))
    plain, model = (
        pmy.fit_table(table, target="y", calibrate=calibrate, C=1e3, test_size=0.4)
        for calibrate in (False, True)
    )
    assert np.abs(model.W - plain.W).max() > 1e-3  # the temperature is in the weights
    model.save(tmp_path / "m.safetensors")
    loaded = pmy.load(tmp_path / "m.safetensors")
    loaded.to_onnx(tmp_path / "m.onnx")
    assert_same(loaded, tmp_path / "m.onnx", table, 1e-12)


@pytest.mark.parametrize("positive", ["a", "b"])
def test_a_threshold_decides_the_label(positive, tmp_path):
    rng = np.random.default_rng(2)
    table = pl.DataFrame({"x": rng.normal(size=80)})
    table = table.with_columns(y=pl.Series(rng.choice(["a", "b"], 80)))
    model = fitted(table, threshold=0.6, positive=positive)
    plain = fitted(table).predict(table)["prediction"].to_list()
    assert model.predict(table)["prediction"].to_list() != plain
    model.to_onnx(tmp_path / "m.onnx")
    assert_same(model, tmp_path / "m.onnx", table, 1e-12)


def test_references_of_categories_and_marks_of_the_user(tmp_path):
    rng = np.random.default_rng(0)
    N = 90
    table = pl.DataFrame(
        {
            "colour": rng.choice(["red", "green", "?"], N),
            "size": rng.choice([-1.0, 3.0, 4.5, 7.0], N),
            "y": rng.choice(["a", "b"], N),
        }
    )
    model = fitted(table, C=np.inf, missing=["?", "-1"])
    assert model.schema.columns[0].name == "colour"
    model.to_onnx(tmp_path / "m.onnx")
    assert_same(model, tmp_path / "m.onnx", table, 1e-12)


def test_columns_called_like_outputs_keep_their_numbers(tmp_path):
    rng = np.random.default_rng(1)
    table = pl.DataFrame({"label": rng.normal(size=40), "probabilities": rng.normal(size=40)})
    table = table.with_columns(y=pl.col("label") > 0)
    model = fitted(table)
    model.to_onnx(tmp_path / "m.onnx")
    assert_same(model, tmp_path / "m.onnx", table, 1e-12)


@pytest.mark.parametrize("opset", [13, 15, 18, 21])
def test_versions_of_the_operators(opset, tmp_path):
    table, later = made(3)
    model = fitted(table)
    model.to_onnx(tmp_path / "m.onnx", opset=opset)
    assert_same(model, tmp_path / "m.onnx", later, 1e-12)


REFUSED = {
    "too old": ({"opset": 12}, r"^opset: expected a version from 13 to \d+, got 12; "),
    "not a number": ({"opset": "17"}, r"^opset: expected a version .* got '17'"),
    "half": ({"dtype": "float16"}, r"^dtype: expected 'float64' or 'float32', got 'float16'"),
    "another format": (
        {"path": "m.safetensors"},
        r"^ONNX file 'm.safetensors': expected a file named",
    ),
    "no such folder": ({"path": "no such/m.onnx"}, r"expected a folder that exists"),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_no_file(request_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options, message = request_
    model = fitted(made(0)[0])
    with pytest.raises(InputError, match=message):
        model.to_onnx(**{"path": "m.onnx", **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seed", range(3))
def test_networks_of_tables(seed, tmp_path):
    table, later = made(seed)
    model = fitted(table, hidden=(6, 5), epochs=3, batch_norm=True, dropout=0.1)
    model.to_onnx(tmp_path / "m.onnx")
    assert_same(model, tmp_path / "m.onnx", table, 1e-12)
    assert_same(model, tmp_path / "m.onnx", later, 1e-12)


def test_gelu_of_a_table_in_float64_is_refused(tmp_path):
    table, _ = made(0)
    model = fitted(table, hidden=3, epochs=1, activation="gelu")
    with pytest.raises(InputError, match="gelu in float64"):
        model.to_onnx(tmp_path / "m.onnx")
    model.to_onnx(tmp_path / "m.onnx", dtype="float32")
