"""A column means the same alone and among many: what is done many at a time, one at a time."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from pminusy.tables.columns import batches
from pminusy.tables.design import design_matrix
from pminusy.tables.files import read_table
from pminusy.tables.formats.csv_text import typed_columns
from pminusy.tables.learning import learn_schema

_ROWS = 41


def _cells(kind: int, rng: np.random.Generator) -> list[str | None]:
    """Cells of text of one kind, some of them missing."""
    n = rng.integers(-5, 20, size=_ROWS)
    x = np.round(rng.normal(size=_ROWS), 3)
    cells = [
        [str(v) for v in n],
        [str(v) for v in x],
        [f"{v:02}" for v in np.abs(n)],
        [f" {v}" for v in n],
        [f"{v} " for v in x],
        [["true", "False"][v % 2] for v in n],
        [["ant", "bee", " bee"][v % 3] for v in n],
        ["7"] * _ROWS,
        [f"{v:.1f}".replace(".", ",") for v in x],
        [f"name {v}" for v in range(_ROWS)],
        [str(v) for v in range(_ROWS)],
        [str(20200101 + v % 28) for v in range(_ROWS)],
        [str(datetime.date(2020, 1, 1) + datetime.timedelta(days=int(v))) for v in n],
        [f"{v}" if v > 0 else "?" for v in n],
    ][kind % 14]
    missing = rng.random(_ROWS) < rng.choice([0.0, 0.1])
    return [None if gone else cell for cell, gone in zip(cells, missing, strict=True)]


def _table(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    data = {f"c{i}": _cells(int(rng.integers(14)), rng) for i in range(30)}
    data["empty"] = [None] * _ROWS
    data["y"] = [["a", "b"][v] for v in rng.integers(2, size=_ROWS)]
    return pl.DataFrame(data, schema=dict.fromkeys(data, pl.String))


@pytest.fixture(params=range(3))
def table(request, tmp_path):
    _table(request.param).write_csv(tmp_path / "t.csv")
    return tmp_path / "t.csv"


def test_types_of_cells_do_not_depend_on_neighbours(table):
    cells = pl.read_csv(table, infer_schema=False).get_columns()
    for options in ({}, {"comma_decimal": True}, {"whole_only": True}):
        together = typed_columns(cells, **options)
        alone = [typed_columns([column], **options)[0] for column in cells]
        for one, other in zip(together, alone, strict=True):
            assert one.dtype == other.dtype, one.name
            assert one.equals(other, check_names=True), one.name


@pytest.mark.parametrize("cells", [1, 100, 1 << 20])
def test_what_is_learned_does_not_depend_on_neighbours(table, cells, monkeypatch):
    monkeypatch.setattr(batches, "_CELLS", cells)
    frame = read_table(table)
    schema = learn_schema(frame, "y")
    found = {column.name: column for column in schema.columns}
    X, notes = design_matrix(frame, schema)
    firsts = np.cumsum([0, *(len(column.feature_names) for column in schema.columns)])
    monkeypatch.setattr(batches, "_CELLS", 1)
    said = []
    for column, first in zip(schema.columns, firsts, strict=False):
        alone = learn_schema(frame.select(column.name, "y"), "y")
        assert alone.columns == (found[column.name],)
        part, about = design_matrix(frame, alone)
        np.testing.assert_array_equal(part, X[:, first : first + part.shape[1]])
        said += [note for note in about if "not used" not in note]
    assert [note for note in notes if "not used" not in note] == said


def test_means_and_spreads_are_numpys():
    rng = np.random.default_rng(3)
    frame = pl.DataFrame({f"c{i}": rng.normal(size=200) for i in range(20)})
    schema = learn_schema(frame.with_columns(y=pl.Series(["a", "b"] * 100)), "y")
    for column, series in zip(schema.columns, frame.get_columns(), strict=True):
        values = series.to_numpy()
        assert column.mean == values.mean()  # type: ignore[union-attr]
        assert column.median == np.median(values)  # type: ignore[union-attr]
        assert column.scale == pytest.approx(values.std(), rel=1e-14)  # type: ignore[union-attr]
