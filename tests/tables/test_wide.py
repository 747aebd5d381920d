"""Work grows with columns, never with columns squared: calls are counted, not timed."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import pminusy as pmy
from pminusy.tables.design import design_matrix
from pminusy.tables.files import read_table
from pminusy.tables.learning import learn_schema
from tests import tiers

CELLS: dict[str, list[Any]] = {
    "numbers": [0.5, 1.0, 4.5, 2.0, 0.0, 3.0],
    "words": ["u", "v", "v", "w", "u", "w"],
    "words with digits": ["u1", "v2", "v2", "u1", "u1", "v2"],
    "gaps": [0.5, None, 4.5, 2.0, None, 3.0],
}


def _table(kind: str, columns: int, rows: int = 24) -> pl.DataFrame:
    cells = (CELLS[kind] * rows)[:rows]
    data = {f"{kind} {i}": cells[i % 6 :] + cells[: i % 6] for i in range(columns)}
    return pl.DataFrame({**data, "y": list("aabbab") * (rows // 6)})


def _names_handed_out(call) -> int:
    """Names that Polars turns into Python text during a call: a list of all of them at a time."""
    seen: Counter[str] = Counter()

    def count(frame, event, arg):
        if event == "return" and frame.f_code.co_name == "columns" and isinstance(arg, list):
            seen["names"] += len(arg)

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    return seen["names"]


@pytest.mark.parametrize("kind", CELLS)
def test_names_are_asked_for_a_few_times_however_many_columns(kind, tmp_path):
    def work(columns):
        table = _table(kind, columns)
        table.write_csv(tmp_path / "t.csv")
        schema = learn_schema(table, "y")
        return _names_handed_out(
            lambda: (
                read_table(tmp_path / "t.csv"),
                learn_schema(table, "y"),
                design_matrix(table, schema),
            )
        )

    assert work(160) <= 2.2 * work(80)


@pytest.mark.parametrize("kind", tiers.slow(CELLS, 1))
def test_a_hundred_thousand_columns_go_all_the_way(kind, tmp_path):
    _table(kind, 100_000, 30).write_csv(tmp_path / "t.csv")
    model = pmy.fit_table(tmp_path / "t.csv", target="y")
    model.save(tmp_path / "m.safetensors")
    model.write_report(tmp_path / "m.html")
    again = pmy.load(tmp_path / "m.safetensors")
    assert again.predict(Path(tmp_path / "t.csv")).height == 30
    assert (tmp_path / "m.html").stat().st_size < 20 << 20
