"""pandas frames of every type, with pyarrow and without it."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pminusy as pmy
from pminusy.tables.files import read_table

DAY = np.datetime64("2020-01-02", "ns")

# What a column is in pandas, and as read: type and values.
COLUMNS = {
    **{
        f"{kind}{bits}": (np.array([1, 2], f"{kind}{bits}"), None, [1, 2])
        for kind, bits in (
            *((kind, bits) for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
            *(("float", bits) for bits in (16, 32, 64)),
        )
    },
    "longdouble": (np.array([0.5, np.nan], np.longdouble), pl.Float64, [0.5, None]),
    "bool": (np.array([True, False]), pl.Boolean, [True, False]),
    "Int64": (pd.array([2**62 + 1, None], dtype="Int64"), pl.Int64, [2**62 + 1, None]),
    "UInt64": (pd.array([2**63 + 1, None], dtype="UInt64"), pl.UInt64, [2**63 + 1, None]),
    "Int8": (pd.array([None, -7], dtype="Int8"), pl.Int8, [None, -7]),
    "Float32": (pd.array([0.5, None], dtype="Float32"), pl.Float32, [0.5, None]),
    "Float64": (pd.array([0.1, None], dtype="Float64"), pl.Float64, [0.1, None]),
    "boolean": (pd.array([None, False], dtype="boolean"), pl.Boolean, [None, False]),
    "string": (pd.array(["é", None], dtype="string[python]"), pl.String, ["é", None]),
    "str": (pd.Series(["x", np.nan]), pl.String, ["x", None]),
    "object text": (pd.Series(["x", None], dtype=object), pl.String, ["x", None]),
    "object truth": (pd.Series([True, None], dtype=object), pl.Boolean, [True, None]),
    "object whole": (pd.Series([1, None], dtype=object), pl.Int64, [1, None]),
    "object large": (pd.Series([2**63, 1], dtype=object), pl.UInt64, [2**63, 1]),
    "object larger": (pd.Series([2**70, 1], dtype=object), pl.Float64, [2.0**70, 1.0]),
    "object broken": (pd.Series([1, 2.5], dtype=object), pl.Float64, [1.0, 2.5]),
    "decimal": (pd.Series([Decimal("1.5"), None]), pl.Float64, [1.5, None]),
    "category": (pd.Categorical(["b", None], ["c", "b"]), pl.Categorical, ["b", None]),
    "category of numbers": (pd.Categorical([10, 9]), pl.Categorical, ["10", "9"]),
    "category of broken": (pd.Categorical([0.5, None]), pl.Categorical, ["0.5", None]),
    "category of truth": (pd.Categorical([True, False]), pl.Boolean, [True, False]),
    "sparse": (pd.arrays.SparseArray([0.0, 3.0]), pl.Float64, [0.0, 3.0]),
    "nothing": (pd.Series([None, None], dtype=object), pl.Null, [None, None]),
    "day": (np.array([DAY, "NaT"], "datetime64[ns]"), None, None),
    "zoned": (pd.Series(pd.to_datetime(["2020-01-02", None]).tz_localize("CET")), None, None),
    "span": (np.array([5, "NaT"], "timedelta64[s]"), None, None),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_each_type(kind):
    column, dtype, values = COLUMNS[kind]
    read = read_table(pd.DataFrame({"x": column, "y": [0, 1]}))["x"]
    if values is None:
        assert read.dtype.is_temporal()
        assert read.null_count() == pd.Series(column).isna().sum()
        return
    assert dtype is None or read.dtype == dtype
    assert read.to_list() == values


@pytest.mark.parametrize(
    ("type_", "values"),
    [(pa.int32(), [1, None]), (pa.string(), ["a", None]), (pa.bool_(), [True, None]),
     (pa.float64(), [0.5, None])],
)  # fmt: skip
def test_columns_that_arrow_holds(type_, values):
    column = pd.Series(values, dtype=pd.ArrowDtype(type_))
    assert read_table(pd.DataFrame({"x": column}))["x"].to_list() == values


@pytest.mark.parametrize("kind", ["day", "zoned", "span"])
def test_dates_and_durations_are_features(kind):
    frame = pd.DataFrame({"when": np.resize(np.array(COLUMNS[kind][0]), 20), "y": ["a", "b"] * 10})
    frame["x"] = range(20)
    (finding,) = (f for f in pmy.fit_table(frame, target="y").schema.findings if f.name == "when")
    assert finding.taken == ("number" if kind == "span" else "date")


def test_an_index_of_any_kind_is_left_behind():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=[5, 5, 2])
    assert read_table(frame[frame.x > 1])["x"].to_list() == [2.0, 3.0]


def test_without_pyarrow_frames_are_taken_and_given_back(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nclass No:\n    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'pyarrow': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, No())\n"
    )
    code = """
import pandas as pd, pminusy as pmy
frame = pd.DataFrame({
    "x": [1.0, None, 7.0, 8.0] * 10,
    "n": pd.array([1, 2, None, 4] * 10, dtype="Int64"),
    "t": pd.array([True, None, False, False] * 10, dtype="boolean"),
    "k": pd.Categorical(["p", "p", "q", None] * 10),
    "s": ["u", "v", None, "w"] * 10,
    "o": pd.Series([True, False] * 20, dtype=object),
    "y": ["a", "a", "b", "b"] * 10,
}, index=range(100, 140))
model = pmy.fit_table(frame, target="y")
assert model.run.scores.accuracy == 1.0
predicted = model.predict(frame)
assert type(predicted) is pd.DataFrame and list(predicted.index) == list(frame.index)
assert list(predicted["prediction"]) == list(frame["y"])
try:
    import pyarrow
except ImportError:
    print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("done\n", ""), done.stderr


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
def test_a_category_of_numbers_is_one_in_a_file_too(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "k": pd.Categorical([1, 2, 3, 3 if suffix == "feather" else None] * 9),
            "f": pd.Categorical([0.5, 1e16, 2.0, 2.0] * 9),
            "n": [1, 2, 3, 4] * 9,
            "y": ["a", "b", "b"] * 12,
        }
    )
    path = tmp_path / f"t.{suffix}"
    getattr(frame, f"to_{suffix}")(path)
    file, memory = read_table(Path(path)), read_table(frame)
    assert file.schema == memory.schema
    assert file.rows() == memory.rows()
    model = pmy.fit_table(path, target="y")
    assert model.predict(path).equals(model.predict(read_table(frame)))
