"""Which columns a model uses, how, and why it leaves others out."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pminusy.errors import InputError
from pminusy.tables.learning import learn_schema
from pminusy.tables.schema import CategoryColumn, NumberColumn

INF = float("inf")


def labelled(**columns) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    return pl.DataFrame({"y": [i % 2 for i in range(rows)], **columns}, strict=False)


def message(frame, **options) -> str:
    with pytest.raises(InputError) as error:
        learn_schema(frame, "y", **options)
    text = str(error.value)
    assert text.isprintable()
    return text


def test_numbers_are_imputed_by_the_median_then_standardised():
    (column,) = learn_schema(labelled(x=[1, 2, None, 9]), "y").columns
    assert isinstance(column, NumberColumn)
    assert (column.median, column.mean, column.indicator) == (2.0, 3.5, True)
    assert column.scale == pytest.approx(np.std([1, 2, 2, 9]), rel=1e-15)


def test_weight_and_target_are_no_features():
    schema = learn_schema(labelled(x=[1, 2], w=[1, 2]), "y", weight="w")
    assert schema.feature_names == ("x",)
    assert schema.weight == "w"


def test_text_booleans_and_categories_are_categories_in_natural_order():
    frame = labelled(
        t=["n10", "n9", None],
        b=[True, False, True],
        c=pl.Series(["b", "a", "b"], dtype=pl.Categorical),
        e=pl.Series(["z", "y", "z"], dtype=pl.Enum(["z", "y"])),
    )
    assert learn_schema(frame, "y").columns == (
        CategoryColumn("t", "String", ("n9", "n10"), 0, True),
        CategoryColumn("b", "Boolean", ("false", "true"), 0, False),
        CategoryColumn("c", "Categorical", ("a", "b"), 0, False),
        CategoryColumn("e", "Enum", ("y", "z"), 0, False),
    )


def test_decimals_and_small_integers_are_numbers():
    frame = labelled(d=pl.Series(["1.5", "2.5"]).cast(pl.Decimal(10, 2)), i=[0, 1])
    assert learn_schema(frame, "y").feature_names == ("d", "i")


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("x", [None] * 24, "it has no values"),
        ("x", [float("nan")] * 24, "it has no values"),
        ("x", [5] * 24, "it is 5 in every training row"),
        ("x", [0.1] * 24, "it is 0.1 in every training row"),
        ("x", ["q\n"] * 24, r"it is 'q\n' in every training row"),
        ("x", [True] * 24, "it is True in every training row"),
        ("id", range(24), "it identifies the rows: whole numbers, no two the same"),
        ("", range(24), "it identifies the rows: whole numbers, no two the same"),
        ("Unnamed: 0", range(24), "it identifies the rows: whole numbers, no two the same"),
        ("customer_id", range(7, 31), "it identifies the rows: whole numbers, no two the same"),
        ("PassengerId", range(24), "it identifies the rows: whole numbers, no two the same"),
        (
            "x",
            [f"n{i}" for i in range(24)],
            "it looks like names, not categories (24 different values in 24 rows)",
        ),
        (
            "x",
            [f"n{i}" if i < 11 else None for i in range(24)],
            "it looks like names, not categories (11 different values in 11 rows)",
        ),
    ],
)
def test_leaves_out(name, values, reason):
    schema = learn_schema(labelled(**{name: values, "kept": range(24)}), "y")
    (left_out,) = schema.left_out
    assert (left_out.name, left_out.reason) == (name, reason)
    assert schema.feature_names == ("kept",)
    assert schema.notes == (f"{name!r} is left out: {reason}",)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("paid", range(24)),  # not a name of row numbers
        ("id", [i // 2 for i in range(24)]),  # some occur twice
        ("id", [i + 0.5 for i in range(24)]),  # not whole
        ("x", [f"n{i % 12}" for i in range(24)]),  # half of them distinct
        ("x", [f"n{i}" for i in range(10)]),  # few
    ],
)
def test_keeps(name, values):
    assert learn_schema(labelled(**{name: values}), "y").left_out == ()


def test_a_value_that_is_sometimes_missing_is_a_feature_though_constant():
    schema = learn_schema(labelled(x=[5, None, 5], c=["a", None, "a"]), "y")
    assert schema.feature_names == ("x is missing", "c = a", "c is missing")


def test_rare_categories_are_pooled_above_the_limit():
    values = ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["e"] * 2 + ["d"] * 2
    schema = learn_schema(labelled(x=values), "y", max_categories=4)
    assert schema.columns == (CategoryColumn("x", "String", ("a", "b", "c", "d"), 1, False),)
    assert schema.notes == (
        "'x': of its 5 values the 4 most frequent have a feature each, the others share one",
    )


def test_a_category_called_other_joins_the_pooled_ones():
    values = ["(other)"] * 9 + ["a"] * 5 + ["b"] * 4 + ["c"]
    schema = learn_schema(labelled(x=values), "y", max_categories=2)
    assert schema.feature_names == ("x = a", "x = b", "x = (other)")


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        (
            "x",
            [[1], [2]],
            "numbers, text or booleans, got values of type List; "
            "make columns of numbers from it, or leave it out with --drop x",
        ),
        (
            "x",
            [{"\x1b": 1}, {"\x1b": 2}],
            "numbers, text or booleans, got values of type Struct; "
            "make columns of numbers from it, or leave it out with --drop x",
        ),
        (
            "x",
            [b"a", b"b"],
            "numbers, text or booleans, got values of type Binary; "
            "make columns of numbers from it, or leave it out with --drop x",
        ),
        (
            "x",
            [1.0, INF],
            "finite numbers (up to 1e+300 in size), got inf in row 2; "
            "correct it, leave its cell empty, or drop the column",
        ),
        (
            "x",
            [1.0, 2.0, -1e301],
            "finite numbers (up to 1e+300 in size), got -1e+301 in row 3; "
            "correct it, leave its cell empty, or drop the column",
        ),
    ],
)
def test_refuses(name, values, expected):
    frame = labelled(**{name: values})
    assert message(frame) == f"column {name!r}: expected {expected}"
    kept = frame.with_columns(kept=pl.int_range(pl.len()))
    assert learn_schema(kept, "y", drop=[name]).feature_names == ("kept",)


def test_text_with_some_dates_is_text():
    assert learn_schema(labelled(x=["2020-01-01", "never"]), "y").left_out == ()


def test_drop():
    frame = labelled(mass=[1, 2], x=[3, 4])
    schema = learn_schema(frame, "y", drop="mass")
    assert schema.notes == ("'mass' is left out: dropped as asked",)
    assert message(frame, drop=["mas"]) == (
        "drop 'mas': expected a column of the table, got none of that name; did you mean 'mass'?"
    )
    assert message(frame, drop=["y"]) == "drop 'y': expected a column to learn from, got the target"
    assert message(frame, drop=["x"], weight="x") == (
        "drop 'x': expected a column to learn from, got the weight"
    )


def test_nothing_left():
    assert message(pl.DataFrame({"y": [0, 1]})) == (
        "table: expected at least one column to learn from, got only the target"
    )
    assert message(labelled(x=[1, 2], z=["a", "a"]), drop=["x"]) == (
        "table: expected at least one column to learn from, "
        "got none left ('x': dropped as asked; 'z': it is 'a' in every training row)"
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-1e300, 1e300) | st.none(), min_size=2, max_size=30))
def test_mean_and_scale_never_overflow(values):
    frame = labelled(x=values, kept=range(len(values)))
    column = learn_schema(frame.with_columns(pl.col("x").cast(pl.Float64)), "y").columns[0]
    assert isinstance(column, NumberColumn)
    assert np.isfinite([column.median, column.mean, column.scale]).all()
    assert column.varies or column.indicator
