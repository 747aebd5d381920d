"""Tables from files and frames, and out again."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pminusy.errors import InputError
from pminusy.tables.files import check_table_path, read_table, write_table
from pminusy.tables.target import select_rows


def message(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as error:
        call(*arguments, **options)
    text = str(error.value)
    assert text.isprintable()
    return text


@pytest.fixture
def save(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def save(content: str | bytes, name: str = "t.csv") -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return save


TABLE = pl.DataFrame(
    {
        "whole": [1, None, -3],
        "broken": [0.1, 1e-300, None],
        "truth": [True, None, False],
        "text": ["a,b", 'say "hi"\nto me', None],
        "Ünïcode 😀": ["é", " x ", "'"],
    }
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".feather", ".arrow", ".CSV"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    write_table(TABLE, path)
    assert_frame_equal(read_table(path), TABLE)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_reads_an_arrow_stream(tmp_path):
    TABLE.write_ipc_stream(tmp_path / "t.arrow")
    assert_frame_equal(read_table(tmp_path / "t.arrow"), TABLE)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(words, min_size=1, max_size=5),
    st.lists(words, min_size=2, max_size=3, unique=True),
    st.sampled_from(["csv", "tsv", "parquet", "arrow"]),
)
def test_any_text_survives_any_file(tmp_path_factory, values, header, suffix):
    frame = pl.DataFrame({f"h{name}": [f"w{value}" for value in values] for name in header})
    path = tmp_path_factory.mktemp("t") / f"t.{suffix}"
    write_table(frame, path)
    assert_frame_equal(read_table(path), frame)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1, max_size=20
    ).filter(lambda values: any(value is not None for value in values))
)
def test_numbers_survive_csv_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    key = list(range(len(values)))
    write_table(pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64), "key": key}), path)
    assert read_table(path)["x"].to_list() == values


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("a,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ("\ufeffa,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
        ('"a","b, c"\n1,"x ""y"" z"\n', {"a": [1], "b, c": ['x "y" z']}),
        ("\n\na,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ("\ufeff\r\n \r\na,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
        ("a,b\r1,x\r2,y\r", {"a": [1, 2], "b": ["x", "y"]}),
        ("a;b;c\n1,5;x;2\n-2,25;y;3\n", {"a": [1.5, -2.25], "b": ["x", "y"], "c": [2, 3]}),
        ("a|b\n1|x,y\n", {"a": [1], "b": ["x,y"]}),
        ("a\tb\n1\tx,y\n", {"a": [1], "b": ["x,y"]}),
        ("a\n1\n2\n", {"a": [1, 2]}),
        ("NA,null\n1,x\n", {"NA": [1], "null": ["x"]}),
        (",b\n1,x\n", {"": [1], "b": ["x"]}),
        ("a,b\n 1, x\n+2,y\n", {"a": [1, 2], "b": [" x", "y"]}),
        ("a,b\n1,2\n1\n", {"a": [1, 1], "b": [2, None]}),
        ("a,b\n1,2\n,\n3,4\n,\n,\n\n", {"a": [1, None, 3], "b": [2, None, 4]}),
        ("a,b\nTRUE,true\nFalse,yes\n", {"a": [True, False], "b": ["true", "yes"]}),
        ("a,b\n99999999999999999999,1\n2,1e3\n", {"a": [1e20, 2.0], "b": [1.0, 1000.0]}),
    ],
)
def test_reads_csv(save, content, columns):
    assert read_table(save(content)).to_dict(as_series=False) == columns


@pytest.mark.parametrize("token", ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", " NA "])
def test_tokens_that_mean_missing(save, token):
    assert read_table(save(f"a,b\n{token},x\n1,y\n"))["a"].to_list() == [None, 1]
    assert read_table(save(f'a,b\n"{token}",x\n1.5,y\n'))["a"].to_list() == [None, 1.5]


def test_tokens_that_mean_missing_among_text(save):
    assert read_table(save('a,b\nNA,x\nword,"null"\nn/a ,""\n')).rows() == [
        (None, "x"),
        ("word", None),
        ("n/a ", None),
    ]


def test_the_separator_is_found_in_a_file_of_few_long_lines(save):
    long = "x" * 50_000
    table = read_table(save(f"a;b\n{long};1,5\n{long};2,5\n"))
    assert table["b"].to_list() == [1.5, 2.5]


def test_a_column_that_turns_to_text_late_is_text(save):
    column = read_table(save("a,b\n" + "1,2\n" * 20_000 + "x,3\n"))["a"]
    assert column.dtype == pl.String
    assert column[-1] == "x"


def test_columns_named_as_text_stay_text(save):
    table = read_table(save("code,n\n007,1\n010,2\n"), text={"code", "not there"})
    assert table.to_dict(as_series=False) == {"code": ["007", "010"], "n": [1, 2]}


def test_names_with_wildcards_are_names(save):
    save("a,b\n1,2\n", "t1.csv")
    assert read_table(save("a,b\n3,4\n", "t[1]*.csv"))["a"].to_list() == [3]


CLOSE_QUOTES = "close every quote that begins a cell, and double those inside a quoted cell"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.csv", "", "expected a table, got an empty file"),
        ("t.csv", " \n\n", "expected a table, got nothing but blank lines"),
        ("t.csv", "a,b\n", "expected at least one row of values, got only a header"),
        ("t.csv", "a,b\n,\n\n", "expected at least one row of values, got only a header"),
        (
            "t.csv",
            "a,b,a,b\n1,2,3,4\n",
            "expected column names all different, got 'a' and 'b' more than once; "
            "rename or remove one of them",
        ),
        (
            "t.csv",
            b"\x89PNG\r\n\x1a\n\0\0",
            "expected a table as text, got binary data; check that this is the right file",
        ),
        (
            "t.csv",
            "a,b\né,1\n".encode("latin-1"),
            "expected UTF-8 text, got 'é,1' in line 2, with the byte E9; "
            "save it as UTF-8: iconv -f latin1 -t utf-8, if the line reads well so",
        ),
        (
            "t.csv",
            "a,b\n1,2\n".encode("utf-16"),
            "expected UTF-8 text, got UTF-16 text; say --encoding utf-16, or save it as UTF-8",
        ),
        (
            "t.csv",
            "a,b\n1,2\n1,2,3\n",
            "expected rows of at most 2 cells, like the header, got 3 in line 3: '1,2,3'; "
            "put quotes around cells that hold a comma",
        ),
        (
            "t.csv",
            'a,b\n"x,2\n3,4\n',
            "expected a table as text, got '\"x,2' in line 2, with a quote that does not close; "
            f"{CLOSE_QUOTES}",
        ),
        (
            "t.docx",
            "PK",
            "expected a file named .csv, .tsv, .txt, .jsonl, .xlsx, .xls, .ods, .parquet, "
            ".feather, .arrow or .ipc, got '.docx'; convert it to one of these",
        ),
        (
            "t",
            "a,b\n",
            "expected a file named .csv, .tsv, .txt, .jsonl, .xlsx, .xls, .ods, .parquet, "
            ".feather, .arrow or .ipc, got a name without a suffix; convert it to one of these",
        ),
        (
            "t.parquet",
            "a,b\n1,2\n",
            "expected a Parquet file, got something else; give it the suffix of what it is",
        ),
        (
            "t.feather",
            "a,b\n1,2\n",
            "expected a Feather file, got something else; give it the suffix of what it is",
        ),
        (
            "t.feather",
            "FEA1....",
            "expected a Feather file, got Feather of version 1; "
            "write it again with a current pyarrow",
        ),
    ],
)
def test_says_what_is_wrong_with_a_file(save, name, content, expected):
    assert message(read_table, save(content, name)) == f"table '{name}': {expected}"


NAME_ALL = (
    "name every column (R's write.table leaves one out), or put quotes around cells that hold a "
    "comma"
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "# made by a tool\nx,y\n1,a\n",
            "expected names of columns in line 1, got '# made by a tool', where line 2 has 2 "
            "cells; delete what stands before the line of names",
        ),
        (
            "\n\nA report\nx;y\n1;a\n",
            "expected names of columns in line 3, got 'A report', where line 4 has 2 cells; "
            "delete what stands before the line of names",
        ),
        (
            "Report,,\nx,y,z\n1,2,3\n",
            "expected a name for each column, got 2 columns without one in line 1: 'Report', '' "
            "and ''; name them; if names stand further down, delete the lines above",
        ),
        (
            "x,y\nr1,1,a\nr2,2,b\n",
            "expected a name for each column, got 2 names for 3 cells in line 1: 'x,y'; "
            + NAME_ALL,
        ),
        (
            'x, y\n1, "a, b"\n2, "c, d"\n',
            "expected a name for each column, got 2 names for 3 cells in line 1: 'x, y'; "
            "delete blanks before quotes: a quote counts only where a cell begins",
        ),
        (
            "x,y\n1,a\n# the end\n",
            "expected rows of values, got '# the end' in line 3; delete lines that are comments",
        ),
        (
            'x,y\n1,5" a\n"2,b\n3,c\n',
            "expected a table as text, got '\"2,b' in line 3, with a quote that does not close; "
            f"{CLOSE_QUOTES}",
        ),
        (
            "0.1,0.1,0.2,k\n0.3,0.1,0.2,l\n",
            "expected names of columns, got numbers in line 1: '0.1', '0.1', '0.2' and 'k'; "
            "add a line of names",
        ),
        ("sep=;\n", "expected a table, got only a separator"),
        (
            "<html><body>Not found</body></html>",
            "expected a table as text, got a web page or XML; fetch the file itself, or save its "
            "table as CSV",
        ),
        (
            '[{"x": 1},\n{"x": 2}]',
            "expected a table as text, got JSON; make a CSV of it, with "
            "pandas.read_json(…).to_csv(…) say",
        ),
        (
            b"\x1f\x8b\x08",
            "expected a table as text, got a compressed file; unpack it first",
        ),
        (
            "x,y\n1,2\n".encode("utf-16-le"),
            "expected UTF-8 text, got UTF-16 text; say --encoding utf-16, or save it as UTF-8",
        ),
    ],
)
def test_says_which_line_of_a_csv_is_wrong(save, content, expected):
    assert message(read_table, save(content)) == f"table 't.csv': {expected}"


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("x^2,y\n1,a\n2,b\n", {"x^2": [1, 2], "y": ["a", "b"]}),
        ("x\x01,y\n1,a\n", {"x\x01": [1], "y": ["a"]}),
        ("sep=;\nx;y\n1,5;a\n", {"x": [1.5], "y": ["a"]}),
        ('\ufeff"sep=^"\r\n\r\nx^y\r\n1^a\r\n', {"x": [1], "y": ["a"]}),
        ("x,y\n1,a,\n2,b,,,\n", {"x": [1, 2], "y": ["a", "b"]}),
        ("x,y,,\n1,a,,\n2,b,,\n", {"x": [1, 2], "y": ["a", "b"]}),
        ('x,y\n1,5" pipe\n2,6" pipe\n', {"x": [1, 2], "y": ['5" pipe', '6" pipe']}),
        ("#x,y\n1,#2\n#3,4\n", {"#x": ["1", "#3"], "y": ["#2", "4"]}),
        ("x,y\n1,a\n\n  \n2,b\n", {"x": [1, 2], "y": ["a", "b"]}),
        ("x,y\r1,a\n2,b\r\n3,c", {"x": [1, 2, 3], "y": ["a", "b", "c"]}),
    ],
)
def test_reads_what_spreadsheets_and_people_write(save, content, columns):
    assert read_table(save(content)).to_dict(as_series=False) == columns


def test_a_table_of_one_column_says_what_may_be_amiss():
    table = pl.DataFrame({"x y": ["1 a", "2 b"]})
    with pytest.raises(InputError, match="its one column is 'x y': a table needs commas"):
        select_rows(table, "y")


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_truncated_files_are_refused(tmp_path, kind):
    whole, cut = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    write_table(TABLE, whole)
    cut.write_bytes(whole.read_bytes()[:-20])
    assert message(read_table, cut).endswith("the file is damaged: copy it again")


def test_says_what_is_wrong_with_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message(read_table, "no.csv") == (
        "table 'no.csv': expected a file that exists, got nothing there; check the name"
    )
    assert "table '.': expected files named .parquet," in message(read_table, ".")
    assert "got an empty folder" in message(read_table, ".")
    assert message(read_table, "\0.csv") == r"table: expected a file name, got '\x00.csv'"


def test_control_characters_never_reach_a_message(save):
    text = message(read_table, save("\x1b[31m,\x1b[31m\n1,2\n", "\x1b]0;x\x07.csv"))
    assert text == (
        r"table '\x1b]0;x\x07.csv': expected column names all different, "
        r"got '\x1b[31m' more than once; rename or remove one of them"
    )


def test_long_names_are_cut_in_messages(save):
    text = message(read_table, save(f"{'a' * 500},{'a' * 500}\n1,2\n"))
    assert f"got '{'a' * 59}…' more than once" in text


def test_frames_are_taken_as_they_are():
    assert read_table(TABLE) is TABLE
    assert_frame_equal(read_table(TABLE.lazy()), TABLE)
    assert message(read_table, {"a": [1]}) == (
        "table: expected the path of a file, or a Polars or pandas data frame, got dict; "
        "polars.DataFrame(…) makes one"
    )
    assert message(read_table, pl.DataFrame()) == (
        "table: expected at least one column, got an empty table"
    )
    assert message(read_table, TABLE.head(0)) == (
        "table: expected at least one row of values, got only a header"
    )


def test_pandas_frames_lose_their_index_and_keep_their_values():
    frame = pd.DataFrame(
        {
            "n": [1.5, np.nan],
            "text": ["a", None],
            "nullable": pd.array([1, None], dtype="Int64"),
            "truth": pd.array([True, None], dtype="boolean"),
            "coded": pd.Categorical([3, 4]),
            "worded": pd.Categorical(["x", None]),
            "flags": pd.Categorical([True, False]),
            "sparse": pd.arrays.SparseArray([0, 1]),
            7: np.array([1, 2.5], dtype=object),
        },
    ).set_index(pd.Index([10, 20], name="key"))
    assert read_table(frame).to_dict(as_series=False) == {
        "n": [1.5, None],
        "text": ["a", None],
        "nullable": [1, None],
        "truth": [True, None],
        "coded": ["3", "4"],
        "worded": ["x", None],
        "flags": [True, False],
        "sparse": [0, 1],
        "7": [1.0, 2.5],
    }


@pytest.mark.parametrize(
    ("column", "got"),
    [
        (
            [1, "a", None],
            "values of one type, got numbers (1) and text ('a'); "
            "make them one with .astype(str) or pandas.to_numeric",
        ),
        (
            [True, 2],
            "values of one type, got booleans (True) and numbers (2); "
            "make them one with .astype(str) or pandas.to_numeric",
        ),
        (
            ["\ud800"],
            "numbers, text or booleans, got object values that cannot be converted "
            "(UnicodeEncodeError); convert the column with .astype first, or leave it out",
        ),
        (
            np.array([1j]),
            "numbers, text or booleans, got complex128 values that cannot be converted "
            "(TypeError); convert the column with .astype first, or leave it out",
        ),
    ],
)
def test_names_the_pandas_column_that_cannot_be_read(column, got):
    dtype = None if isinstance(column, np.ndarray) else object
    frame = pd.DataFrame({"fine": 0, "bad\n": pd.Series(column, dtype=dtype)})
    assert message(read_table, frame) == rf"column 'bad\n': expected {got}"


def test_pandas_column_names():
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert message(read_table, twice) == (
        "table: expected column names all different, got 'a' more than once; "
        "rename or remove one of them"
    )
    levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert message(read_table, levels) == (
        "table: expected column names of one level, got names of several levels; "
        "join them, for example with '_'.join"
    )


def test_csv_cells_that_start_a_formula_are_quoted(tmp_path):
    cells = ["=1+1", "+x", "-y", "@z", "\tt", "\rr", "＝1", "-5", "+1.5e3", "ok", "a=b", None]
    safe = ["'=1+1", "'+x", "'-y", "'@z", "'\tt", "'\rr", "'＝1", "-5", "+1.5e3", "ok", "a=b", None]
    frame = pl.DataFrame({"=h": cells, "c": pl.Series(cells, dtype=pl.Categorical), "n": [-1] * 12})
    write_table(frame, tmp_path / "t.csv")
    back = pl.read_csv(tmp_path / "t.csv", infer_schema=False)
    assert back.columns == ["'=h", "c", "n"]
    assert back["'=h"].to_list() == back["c"].to_list() == safe
    assert back["n"].to_list() == ["-1"] * 12


def test_parquet_cells_are_left_alone(tmp_path):
    write_table(pl.DataFrame({"a": ["=1+1"]}), tmp_path / "t.parquet")
    assert pl.read_parquet(tmp_path / "t.parquet")["a"].to_list() == ["=1+1"]


def test_a_table_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message(write_table, pl.DataFrame({"a": [[1]]}), "t.csv") == (
        "output file 't.csv': expected a table that can be written, "
        "got 'CSV format does not support nested data'"
    )
    assert message(write_table, TABLE, "t.docx") == (
        "output file 't.docx': expected a file named .csv, .tsv, .parquet, .feather, .arrow or "
        ".ipc, got '.docx'; choose one of these"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_a_full_disk(tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    path.symlink_to("/dev/full")
    text = message(write_table, pl.DataFrame({"a": range(100_000)}), path)
    assert text.endswith("can be written, got No space left on device")


def test_an_output_is_checked_before_the_work(tmp_path):
    source = tmp_path / "t.csv"
    source.touch()
    assert "a file of its own" in message(check_table_path, source, inputs=[source])
    assert "got '.txt'" in message(check_table_path, tmp_path / "t.txt")
    assert check_table_path(tmp_path / "new.csv", inputs=[source]) == tmp_path / "new.csv"


def test_dates_pass_through_files(tmp_path):
    frame = pl.DataFrame({"d": [datetime.date(2020, 1, 2)]})
    write_table(frame, tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv")["d"].to_list() == ["2020-01-02"]
