"""The design matrix: by name, complete, finite, and with everything said that has to be."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pminusy.errors import InputError
from pminusy.tables.design import (
    cells,
    design_matrix,
    encode_target,
    learn_schema,
    refuse_infinite,
    select_rows,
)
from pminusy.tables.files import read_table
from pminusy.tables.schema import NumberColumn

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"

TRAINING = pl.DataFrame(
    {
        "m": [1.0, 2.0, 3.0, 4.0],
        "k": [1, None, 2, 3],
        "s": ["a", "b", "a", "b"],
        "t": ["u", None, "v", "v"],
        "b": [True, False, True, True],
        "y": [1, 2, 1, 2],
    }
)
SCHEMA = learn_schema(TRAINING, "y")


def one_row(**columns) -> pl.DataFrame:
    values = {"m": 1.0, "k": 1, "s": "a", "t": "u", "b": True} | columns
    return pl.DataFrame({name: [value] for name, value in values.items()}, strict=False)


def row(**columns) -> dict[str, float]:
    X, _ = design_matrix(one_row(**columns), SCHEMA)
    return dict(zip(SCHEMA.feature_names, X[0], strict=True))


def notes(**columns) -> tuple[str, ...]:
    return design_matrix(one_row(**columns), SCHEMA).notes


def message(frame: pl.DataFrame, schema=SCHEMA) -> str:
    with pytest.raises(InputError) as error:
        design_matrix(frame, schema)
    text = str(error.value)
    assert text.isprintable()
    return text


def test_training_rows():
    X, said = design_matrix(TRAINING, SCHEMA)
    assert said == ()
    assert X.dtype == np.float64
    assert X.flags.c_contiguous
    m, k = np.array([1, 2, 3, 4]), np.array([1, 2, 2, 3])
    expected = {
        "m": (m - 2.5) / m.std(),
        "k": (k - 2) / k.std(),
        "k is missing": [0, 1, 0, 0],
        "s = a": [1, 0, 1, 0],
        "s = b": [0, 1, 0, 1],
        "t = u": [1, 0, 0, 0],
        "t = v": [0, 0, 1, 1],
        "t is missing": [0, 1, 0, 0],
        "b = false": [0, 1, 0, 0],
        "b = true": [1, 0, 1, 1],
    }
    assert SCHEMA.feature_names == tuple(expected)
    np.testing.assert_allclose(X, np.column_stack(list(expected.values())), rtol=1e-15)


def test_order_of_columns_does_not_matter():
    shuffled = TRAINING.select("t", "y", "b", "k", "s", "m")
    np.testing.assert_array_equal(
        design_matrix(shuffled, SCHEMA).X, design_matrix(TRAINING, SCHEMA).X
    )


def test_missing_values_known_from_training_are_features():
    assert row(k=None) | {"k": 0.0, "k is missing": 1.0} == row(k=None)
    assert row(t=None)["t is missing"] == 1
    assert row(t=None)["t = u"] == 0
    assert notes(k=None, t=None) == ()


def test_missing_values_new_to_the_model_are_said():
    assert row(m=None)["m"] == 0
    assert row(m=float("nan"))["m"] == 0
    assert notes(m=None, s=None, b=None) == (
        "1 row without 'm': the median of the training rows, 2.5, is used",
        "1 row without 's', which training always had: taken as none of its values",
        "1 row without 'b', which training always had: taken as none of its values",
    )


def test_unseen_categories_are_counted_and_said():
    assert [row(s="Atlantis")[name] for name in ("s = a", "s = b")] == [0, 0]
    frame = pl.concat([one_row(s="Atlantis\x1b"), one_row(s="Atlantis\x1b"), one_row(s="Mu")])
    assert design_matrix(frame, SCHEMA).notes == (
        r"3 rows have an unseen value of 's' ('Atlantis\x1b' and 'Mu'): "
        "taken as none of its values",
    )


def test_unseen_categories_join_the_pooled_ones():
    values = ["a"] * 5 + ["b"] * 4 + ["c"]
    frame = pl.DataFrame({"s": values, "y": [i % 2 for i in range(10)]})
    schema = learn_schema(frame, "y", max_categories=2)
    X, said = design_matrix(pl.DataFrame({"s": ["c", "new", "a"]}), schema)
    assert X.tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0]]
    assert said == ("2 rows have a rare or unseen value of 's' ('c' and 'new'): taken as (other)",)


def test_columns_the_model_does_not_use_are_said():
    assert notes(z=1) == ("column 'z' is not used by the model",)
    assert notes(z=1, q=2) == ("columns 'z' and 'q' are not used by the model",)
    assert notes(y=1) == ()


def test_columns_left_out_at_training_are_not_said_again():
    schema = learn_schema(TRAINING.with_columns(c=pl.lit(1)), "y", drop=["s"])
    assert design_matrix(one_row(c=2), schema).notes == ()


def test_names_all_columns_that_are_lacking():
    assert message(pl.DataFrame({"m": [1.0], "x": [1]})) == (
        "table: expected the columns the model was trained on, got no 'k', 's', 't' and 'b'; "
        "its columns are 'm' and 'x'"
    )


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (
            "m",
            "abc\n",
            r"numbers, as at training, got text such as 'abc\n' in row 1; "
            "correct it or leave the cell empty",
        ),
        ("m", True, "numbers, as at training, got booleans such as True in row 1"),
        (
            "m",
            datetime.date(2020, 1, 1),
            "numbers, as at training, got values of type Date such as 2020-01-01 in row 1",
        ),
        ("s", 3.5, "text, as at training, got values of type Float64 such as 3.5"),
        ("s", True, "text, as at training, got booleans such as True"),
        (
            "s",
            datetime.date(2020, 1, 1),
            "text, as at training, got values of type Date such as 2020-01-01",
        ),
        ("b", 1, "booleans, as at training, got values of type Int64 such as 1"),
        (
            "k",
            float("inf"),
            "finite numbers (up to 1e+300 in size), got inf in row 1; "
            "correct it, leave its cell empty, or drop the column",
        ),
    ],
)
def test_says_which_column_is_not_what_it_was(column, value, expected):
    assert message(one_row(**{column: value})) == f"column {column!r}: expected {expected}"


def test_names_the_first_cell_that_is_no_number():
    frame = pl.DataFrame({"m": ["1", None, "word", "y"]}).with_columns(k=1, s=None, t=None, b=None)
    assert "got text such as 'word' in row 3" in message(frame)


def test_a_column_without_values_may_be_of_any_type():
    empty = pl.DataFrame({name: pl.Series([None], dtype=pl.String) for name in "mkstb"})
    X, _ = design_matrix(empty, SCHEMA)
    assert X.tolist() == [[0, 0, 1, 0, 0, 0, 0, 1, 0, 0]]


def test_codes_and_spelled_truth_are_understood():
    coded = learn_schema(pl.DataFrame({"s": ["1", "x"], "y": [1, 2]}), "y")
    assert design_matrix(pl.DataFrame({"s": [1, 2]}), coded).X.tolist() == [[1, 0], [0, 0]]
    assert row(b=" TRUE") == row(b=True)


def test_a_value_too_far_from_training_is_refused():
    schema = learn_schema(pl.DataFrame({"x": [0.0, 1e-200], "y": [1, 2]}), "y")
    assert message(pl.DataFrame({"x": [0.0, 1e200]}), schema) == (
        "column 'x': expected numbers comparable to training (mean 5e-201, spread 5e-201), "
        "got 1e+200 in row 2; correct it"
    )


def test_infinite_numbers_are_found_with_the_rows_of_the_table():
    frame = pl.DataFrame({"y": [None, "a", "b"], "x": [1.0, 2.0, float("-inf")]})
    with pytest.raises(InputError, match=r"column 'x': .* got -inf in row 3"):
        refuse_infinite(frame)
    refuse_infinite(frame, skip=["x"])


def test_cells_in_words():
    frame = one_row(m=0.1, k=None, s="a\x1b", t=None, b=False)
    assert cells(frame, 0) == {
        "m": "0.1",
        "k": "(missing)",
        "s": "a\x1b",
        "t": "(missing)",
        "b": "false",
    }


def test_long_cells_are_cut():
    assert cells(one_row(s="x" * 10**6), 0)["s"] == "x" * 199 + "…"


def test_penguins():
    table = read_table(PENGUINS)
    selected = select_rows(table, "species")
    rows = selected.frame
    schema = learn_schema(rows, "species")
    X, said = design_matrix(rows, schema)
    assert (selected.unlabelled, said, schema.left_out) == (0, (), ())
    assert schema.classes == ("Adelie", "Chinstrap", "Gentoo")
    assert np.bincount(encode_target(rows, schema)).tolist() == [152, 68, 124]
    assert X.shape == (344, 14)
    features = dict(zip(schema.feature_names, X.T, strict=True))
    assert features["sex is missing"].sum() == 11
    assert features["body_mass_g is missing"].sum() == 2


columns = st.fixed_dictionaries(
    {
        "number": st.floats(-1e6, 1e6) | st.none(),
        "whole": st.integers(-(2**40), 2**40) | st.none(),
        "word": st.text(st.characters(exclude_categories=["Cs"]), max_size=2) | st.none(),
        "truth": st.booleans() | st.none(),
        "y": st.sampled_from("ab"),
    }
)


@settings(deadline=None, max_examples=100)
@given(st.lists(columns, min_size=2, max_size=25).filter(lambda r: len({c["y"] for c in r}) == 2))
def test_every_table_becomes_finite_numbers_with_one_category_a_row(records):
    types = {
        "number": pl.Float64,
        "whole": pl.Int64,
        "word": pl.String,
        "truth": pl.Boolean,
        "y": pl.String,
    }
    frame = pl.DataFrame(records, schema=types).with_columns(i=pl.int_range(pl.len()))
    schema = learn_schema(frame, "y")
    X, said = design_matrix(frame, schema)
    assert said == ()
    assert np.isfinite(X).all()
    first = 0
    for column in schema.columns:
        block = X[:, first : first + len(column.feature_names)]
        first += block.shape[1]
        if hasattr(column, "categories"):
            np.testing.assert_array_equal(block.sum(axis=1), 1.0)
        elif isinstance(column, NumberColumn) and column.varies:
            np.testing.assert_allclose(block[:, 0].mean(), 0, atol=1e-9)
            np.testing.assert_allclose(block[:, 0].std(), 1, rtol=1e-9)
    assert first == X.shape[1]
    np.testing.assert_array_equal(X, design_matrix(frame.reverse(), schema).X[::-1])
