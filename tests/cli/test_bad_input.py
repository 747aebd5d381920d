"""Tables and options that cannot be used: one line that says what, exit code 2, no file."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pminusy.cli.app import run
from tests.tables.sheets import xlsx

_ROWS = [f"{i % 7}.5,{'abc'[i % 3]},{'xy'[(i * i) % 5 % 2]}" for i in range(60)]
_TEXT = "\n".join(["size,kind,y", *_ROWS]) + "\n"
_SHEET: list[list[Any]] = [["x", "y"], *([float(i), "ab"[i % 2]] for i in range(20))]
_TWO_ORDERS = "day,y\n" + "".join(f"{d},{'xy'[i % 2]}\n" for i, d in enumerate(
    ["13/01/2020", "01/13/2020"] * 10))  # fmt: skip

Files = dict[str, bytes]

# Files, arguments after `fit`, and words of the one line.
CASES: dict[str, tuple[Files, list[str], str]] = {
    "two orders of dates": (
        {"t.csv": _TWO_ORDERS.encode()}, ["--as", "day=date"], "say dmy or mdy in place of date"),
    "an encoding that fails in the middle": (
        {"t.csv": _TEXT.encode() + b"1.5,\x81,x\n"}, ["--encoding", "cp1252"], "in line 62"),
    "no UTF-8 in the middle": (
        {"t.csv": _TEXT.encode() + "1.5,é,x\n".encode("latin1")}, [], "in line 62"),
    "as of an unknown column": (
        {"t.csv": _TEXT.encode()}, ["--as", "sise=number"], "did you mean 'size'?"),
    "as of an unknown kind": (
        {"t.csv": _TEXT.encode()}, ["--as", "size=numbers"], "one of number, category, "),
    "one group": (
        {"t.csv": _TEXT.replace("size,kind", "size,who").replace(",a,", ",c,").replace(
            ",b,", ",c,").encode()}, ["--groups", "who"], "at least two groups, got only 'c'"),
    "the target as groups": (
        {"t.csv": _TEXT.encode()}, ["--groups", "y"], "a column other than the target"),
    "a test file with other columns": (
        {"t.csv": _TEXT.encode(), "test.csv": _TEXT.replace("kind", "sort").encode()},
        ["--test", "test.csv"], "test table: expected the columns the model was trained on"),
    "a test file with new labels alone": (
        {"t.csv": _TEXT.encode(), "test.csv": b"size,kind,y\n1.5,a,w\n"},
        ["--test", "test.csv"], "got only labels it never saw: 'w'"),
    "several sheets": (
        {"t.xlsx": xlsx({"This": _SHEET, "That": _SHEET})}, [], "2 sheets: 'This' and 'That'"),
    "no such sheet": (
        {"t.xlsx": xlsx({"This": _SHEET})}, ["--sheet", "Else"], "a sheet 'Else', got 1 sheet"),
    "a gz that is cut": (
        {"t.csv.gz": gzip.compress(_TEXT.encode())[:-20]}, [], "only its beginning"),
    "a gz that is damaged": (
        {"t.csv.gz": gzip.compress(_TEXT.encode())[:30] + b"\xff" * 40}, [], "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_in_one_line_and_nothing_is_written(case, tmp_path, monkeypatch, capsys):
    files, more, words = CASES[case]
    monkeypatch.chdir(tmp_path)
    for name, content in files.items():
        Path(name).write_bytes(content)
    table = next(iter(files))
    assert run(["fit", table, "--target", "y", "-o", "m.safetensors", *more]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert {path.name for path in tmp_path.iterdir()} == set(files)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "nothing: it ended before the first row"),
        (b"size,kind,y\n", "only a header"),
        (gzip.compress(_TEXT.encode())[:-20], "only its beginning"),
        (xlsx({"This": _SHEET})[:600], "an Excel or OpenDocument file"),
    ],
    ids=["nothing", "a header", "packed", "a sheet"],
)
def test_standard_input_that_ends_early(content, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert run(["fit", "-", "--target", "y"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


SAID: dict[str, tuple[Callable[[], str], list[str], str]] = {
    "a mark that is a value too": (
        lambda: _TEXT, ["--missing", "3.5"],
        "'size': 9 cells taken as missing as asked ('3.5') lie among its values, from 0.5 to 6.5"),
    "a mark that is a label": (
        lambda: _TEXT.replace(",x\n", ",x\n", 1) + "1.5,a,z\n" * 3, ["--missing", "z"],
        "'z', taken as missing as asked, is the label of 3 rows, which are left out"),
    "71 constant columns": (
        lambda: "\n".join(
            ",".join([line, *(f"c{i}" if n == 0 else "7" for i in range(71))])
            for n, line in enumerate(_TEXT.splitlines())
        ) + "\n", [], "71 columns are left out: they are the same in every training row"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_it_is_said_in_one_note(case, tmp_path, monkeypatch, capsys):
    text, more, words = SAID[case]
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text())
    assert run(["fit", "t.csv", "--target", "y", *more]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note")]
    assert sum(words in note for note in notes) == 1, notes
    assert sum("c70" in note or "left out: they are" in note for note in notes) <= 1
