"""Excel and OpenDocument sheets: types, text that is numbers, empty rows and columns, several."""

from __future__ import annotations

import datetime
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.errors import InputError
from pminusy.tables.files import read_table, write_table
from pminusy.tables.reading import reading_of
from tests.tables.sheets import ods, xlsx

DAY = datetime.datetime(2020, 1, 2)
NOON = datetime.datetime(2020, 1, 3, 12)
ROWS: list[list[Any]] = [
    ["broken", "whole", "code", "kept as text", None, "day", "yes", "word", "error"],
    [1.5, 1, "007", "1.5", None, DAY, True, "ant ", "#DIV/0!"],
    [None] * 9,
    [2.5, 2, "NA", "2", None, NOON, False, "bee", 3.0],
    [2.5, None, "003", "n/a", None, None, False, "bee", 4.5],
    [None] * 9,
]


def _write(tmp_path, data, name="t.xlsx"):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


def test_cells_have_their_types_and_empty_rows_and_columns_are_left_out(tmp_path):
    frame = read_table(_write(tmp_path, xlsx({"One": ROWS})))
    assert frame.to_dict(as_series=False) == {
        "broken": [1.5, 2.5, 2.5],
        "whole": [1, 2, None],
        "code": ["007", None, "003"],
        "kept as text": [1.5, 2.0, None],
        "day": [DAY, NOON, None],
        "yes": [True, False, False],
        "word": ["ant ", "bee", "bee"],
        "error": [None, 3.0, 4.5],
    }
    assert frame["whole"].dtype == pl.Int64


def test_a_table_that_does_not_begin_in_the_corner(tmp_path):
    rows: list[list[Any]] = [
        [],
        [],
        [None, None, "x", "y"],
        [None, None, 1.5, "a"],
        [None, None, 2.5, "b"],
    ]
    frame = read_table(_write(tmp_path, xlsx({"One": rows})))
    assert frame.to_dict(as_series=False) == {"x": [1.5, 2.5], "y": ["a", "b"]}


def test_text_and_literal_columns_stay_as_they_are(tmp_path):
    path = _write(tmp_path, xlsx({"One": [["a", "b"], ["1", "NA"], ["2", "b"]]}))
    frame = read_table(path, text=["a"], literal=["b"])
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], "b": ["NA", "b"]}


def test_without_names(tmp_path):
    path = _write(tmp_path, xlsx({"One": [[1, "u"], [2, "v"]]}))
    frame = read_table(path, reading=reading_of(header=False))
    assert frame.to_dict(as_series=False) == {"column_1": [1, 2], "column_2": ["u", "v"]}


@pytest.mark.parametrize("name", ["t.xlsx", "t.ods"])
def test_several_sheets_are_named_and_one_is_asked_for(tmp_path, name):
    book: dict[str, list[list[Any]]] = {"Data 2020": [["x"], [1.5]], "Notes": [["z"], ["text"]]}
    path = _write(tmp_path, (xlsx if name == "t.xlsx" else ods)(book), name)
    with pytest.raises(InputError, match="expected one sheet, got 2 sheets: 'Data 2020' and 'Not"):
        read_table(path)
    with pytest.raises(InputError, match="a sheet 'Nodes', got 2 sheets: 'Data 2020' and 'Notes'"):
        read_table(path, reading=reading_of(sheet="Nodes"))
    frame = read_table(path, reading=reading_of(sheet="Notes"))
    assert frame.to_dict(as_series=False) == {"z": ["text"]}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["x", "x"], [1, 2]], "'x' more than once"),
        ([["x", None], [1, 2]], "1 column without one beside 'x'"),
        ([["x", "y"]], "only a header"),
        ([], "an empty sheet"),
    ],
    ids=["repeated", "unnamed", "header alone", "empty"],
)
def test_what_is_no_table_is_refused(tmp_path, rows, words):
    with pytest.raises(InputError, match=words):
        read_table(_write(tmp_path, xlsx({"One": rows})))


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"a,b\n1,2\n", xlsx({"a": ROWS})[:900]])
def test_what_is_no_excel_file_is_refused(tmp_path, content):
    with pytest.raises(InputError, match="an Excel or OpenDocument file"):
        read_table(_write(tmp_path, content))


def _labelled(n=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    rows = [[float(v), f"{int(v > 0):03}", "yes" if v + rng.normal() > 0 else "no"] for v in x]
    return [["x", "code", "y"], *rows]


def test_a_model_remembers_its_sheet_and_predicts_from_the_file(tmp_path):
    path = _write(tmp_path, xlsx({"Notes": [["z"], ["a"]], "Data": _labelled()}))
    model = pmy.fit_table(path, target="y", sheet="Data")
    model.save(tmp_path / "m.safetensors")
    again = pmy.load(tmp_path / "m.safetensors")
    assert again.schema.reading.sheet == "Data"
    frame = pl.DataFrame(_labelled()[1:], schema=_labelled()[0], orient="row")
    assert again.predict(path).equals(model.predict(frame))
    assert {f.name: f.taken for f in model.schema.findings}["code"] == "category"


def test_commands_take_a_sheet_and_standard_input(tmp_path, capsys):
    path = _write(tmp_path, xlsx({"Notes": [["z"], ["a"]], "Data": _labelled()}))
    alone = _write(tmp_path, xlsx({"Other": _labelled()}), "alone.xlsx")
    model = tmp_path / "m.safetensors"
    fit = ["fit", str(path), "--target", "y", "-o", str(model)]
    assert run(fit) == 2
    assert "2 sheets: 'Notes' and 'Data'; say which with --sheet" in capsys.readouterr().err
    assert run([*fit, "--sheet", "Data"]) == 0
    assert run(["evaluate", str(model), str(alone)]) == 2
    assert run(["evaluate", str(model), str(alone), "--sheet", "Other"]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "pminusy", "predict", str(model), "-", "--sheet", "Other"],
        input=alone.read_bytes(), capture_output=True, check=True,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == 61


def test_a_sheet_of_what_has_none_is_refused(tmp_path):
    frame = pl.DataFrame({"x": [1.0, 2.0] * 10, "y": ["a", "b"] * 10})
    frame.write_csv(tmp_path / "t.csv")
    for table, got in ((frame, "a data frame"), (tmp_path / "t.csv", "t.csv")):
        with pytest.raises(InputError, match=got):
            pmy.fit_table(table, target="y", sheet="Data")


def test_sheets_are_not_written(tmp_path):
    with pytest.raises(InputError, match=r"expected a file named \.csv, .* got '\.xlsx'"):
        write_table(pl.DataFrame({"a": [1]}), tmp_path / "t.xlsx")
    assert not list(tmp_path.iterdir())
