"""Parquet and Feather files that are whole and cannot be read are not called damaged."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

import pminusy as pmy

Y = pa.array(["a", "b"] * 9)
NUMBERS = pa.array(range(18))
WIDE = pa.array([Decimal("1.5")] * 18, pa.decimal256(40, 2))
INTERVAL = pa.array([(1, 2, 3)] * 18, pa.month_day_nano_interval())

REWRITE = "write the file again with that column as float64 or text, or without it"
NONE = "one that Polars does not have"
ANEW = (
    "copy it again if it is damaged; else write it again, with names of columns all different "
    "and columns of numbers or text"
)


@pytest.mark.parametrize(
    ("kind", "arrays", "expected"),
    [
        (
            "parquet",
            {"x": NUMBERS, "X": NUMBERS},
            "expected column names all different, got \"column with name 'x' has more than one "
            "occurrence\"; rename or remove one of them",
        ),
        ("feather", {"x": NUMBERS, "X": NUMBERS},
         f"expected Feather data, got data that Polars cannot read; {ANEW}"),
        ("parquet", {"x": WIDE},
         "expected types of columns that Polars has, got 'precision must be between 1 and 38, "
         f"got 40'; {REWRITE}"),
        ("feather", {"x": WIDE},
         f"expected types of columns that Polars has, got {NONE}; {REWRITE}"),
        ("feather", {"x": INTERVAL},
         f"expected types of columns that Polars has, got {NONE}; {REWRITE}"),
        ("feather", {"x": pa.array(["p", "q"] * 9, pa.string_view())},
         f"expected Feather data, got data that Polars cannot read; {ANEW}"),
    ],
)  # fmt: skip
def test_says_what_is_the_matter(tmp_path, capfd, kind, arrays, expected):
    names = [name.lower() for name in arrays]
    table = pa.Table.from_arrays([*arrays.values(), Y], names=[*names, "y"])
    path = tmp_path / f"t.{kind}"
    write = {"parquet": pa.parquet.write_table, "feather": pa.feather.write_feather}[kind]
    write(table, path)
    with pytest.raises(pmy.InputError) as error:
        pmy.fit_table(path, target="y")
    assert str(error.value) == f"table '{path}': {expected}"
    assert capfd.readouterr().err == ""  # no page about a panic


def test_missing_categories_in_a_feather_file_of_pandas(tmp_path):
    frame = pd.DataFrame({"k": pd.Categorical(["p", "q", None] * 6), "y": ["a", "b"] * 9})
    frame.to_feather(tmp_path / "t.feather")
    try:
        pmy.fit_table(tmp_path / "t.feather", target="y")
    except pmy.InputError as error:
        assert "save the frame as Parquet" in str(error)  # noqa: PT017  # newer Polars may read it


@pytest.mark.parametrize("kind", ["parquet", "feather"])
@pytest.mark.parametrize("kept", [4, 6, 9, 40, 200])
def test_files_that_are_cut_off_are_damaged(tmp_path, kind, kept):
    path = tmp_path / f"t.{kind}"
    pd.DataFrame({"x": range(50), "y": ["a", "b"] * 25}).pipe(
        lambda frame: getattr(frame, f"to_{kind}")(path)
    )
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(pmy.InputError) as error:
        pmy.fit_table(path, target="y")
    assert str(error.value).endswith(("copy it again", "give it the suffix of what it is"))
