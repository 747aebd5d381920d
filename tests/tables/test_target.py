"""The target column: rows with a label, what is not a class, labels as numbers and back."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pminusy.errors import InputError
from pminusy.tables.learning import learn_schema
from pminusy.tables.target import (
    decode_labels,
    encode_target,
    learn_classes,
    row_weights,
    select_rows,
    unseen_labels,
)

NAN, INF = float("nan"), float("inf")


def message(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as error:
        call(*arguments, **options)
    text = str(error.value)
    assert text.isprintable()
    return text


def test_rows_without_a_label_are_dropped_and_counted():
    frame = pl.DataFrame({"y": ["a", None, "b", "b"], "x": [1, 2, 3, 4]})
    rows, dropped = select_rows(frame, "y")
    assert dropped == 1
    assert rows["x"].to_list() == [1, 3, 4]


def test_nan_is_a_missing_label():
    rows, dropped = select_rows(pl.DataFrame({"y": [1.0, NAN, 2.0, 2.0]}), "y")
    assert dropped == 1
    assert learn_classes(rows, "y") == (("1", "2"), "Float64")


REGRESSION = "predicting a number is regression: group it into classes first"
NAMES = "a name or an identifier cannot be learned: choose another target"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([None, None], "expected a label in some rows, got none in any row"),
        ([NAN, None], "expected a label in some rows, got none in any row"),
        (["a", None, "a"], "expected at least two classes, got only 'a'"),
        (
            ["a", "b", "c"],
            f"expected classes with several rows each, got 3 distinct values in 3 rows; {NAMES}",
        ),
        (
            [str(i // 2) for i in range(99)],
            f"expected classes with several rows each, got 50 distinct values in 99 rows; {NAMES}",
        ),
        (
            [i % 21 + 0.5 for i in range(1000)],
            f"expected classes, got 21 distinct values in 1,000 rows; {REGRESSION}",
        ),
        (
            [i // 2 for i in range(1000)],
            f"expected classes, got 500 distinct values in 1,000 rows; {REGRESSION}",
        ),
        (
            [i % 21 * 25 for i in range(100)],
            f"expected classes, got 21 distinct values in 100 rows; {REGRESSION}",
        ),
        (
            [datetime.date(2020, 1, 1)] * 3,
            "expected classes: text, booleans or whole numbers, got values of type Date",
        ),
    ],
)
def test_says_why_a_column_cannot_be_the_target(labels, expected):
    frame = pl.DataFrame({"y": labels})
    assert message(select_rows, frame, "y") == f"target 'y': {expected}"


@pytest.mark.parametrize(
    "labels",
    [
        [i % 26 for i in range(60)],  # codes without a gap
        [i % 150 for i in range(1500)],  # many, each with ten rows
        [i % 20 + 0.5 for i in range(40)],  # few, though not whole
        [str(i % 40) for i in range(80)],
    ],
)
def test_accepts_as_classes(labels):
    frame = pl.DataFrame({"y": labels})
    assert select_rows(frame, "y")[0].height == len(labels)


def test_offers_the_closest_name():
    frame = pl.DataFrame({"Species": ["a"], "x": [1]})
    assert message(select_rows, frame, "specis") == (
        "target 'specis': expected a column of the table, got none of that name; "
        "did you mean 'Species'?"
    )
    assert message(select_rows, frame, "zzz") == (
        "target 'zzz': expected a column of the table, got none of that name; "
        "its columns are 'Species' and 'x'"
    )
    assert message(select_rows, frame, 0) == (
        "target: expected the name of a column, as text, got int 0"
    )


def test_an_infinite_label_is_refused():
    assert message(select_rows, pl.DataFrame({"y": [1.0, INF, 2.0]}), "y").startswith(
        "column 'y': expected finite numbers (up to 1e+300 in size), got inf in row 2"
    )


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, -1, 2, 1], "expected finite weights ≥ 0, got -1 in row 2"),
        ([1, None, 2, 1], "expected finite weights ≥ 0, got no value in row 2"),
        ([1, NAN, 2, 1], "expected finite weights ≥ 0, got no value in row 2"),
        ([1, 1, INF, 1], "expected finite weights ≥ 0, got inf in row 3"),
        ([0, 0, 0, 1], "expected at least one weight above 0, got 0 in every row"),
        (["a", "b", "c", "d"], "expected a column of numbers, got values of type String"),
    ],
)
def test_says_what_is_wrong_with_weights(weights, expected):
    frame = pl.DataFrame({"y": ["a", "b", "b", None], "w": weights}, strict=False)
    assert message(select_rows, frame, "y", "w") == f"weight 'w': {expected}"


def test_weights_matter_only_where_there_is_a_label():
    frame = pl.DataFrame({"y": ["a", None, "b", "b"], "w": [1, -1, 0, 2.5]}, strict=False)
    rows, _ = select_rows(frame, "y", "w")
    assert row_weights(rows, "w").tolist() == [1.0, 0.0, 2.5]
    assert "none of that name" in message(select_rows, frame, "y", "v")
    assert message(select_rows, frame, "y", "y") == (
        "weight 'y': expected a column other than the target, got the target"
    )


@pytest.mark.parametrize(
    ("labels", "names", "dtype"),
    [
        ([10, 9, 1], ("1", "9", "10"), "Int64"),
        ([2**64 - 1, 0], ("0", str(2**64 - 1)), "UInt64"),
        ([10.0, 9.0, -0.0], ("0", "9", "10"), "Float64"),
        ([0.5, 0.25], ("0.25", "0.5"), "Float64"),
        ([True, False], ("false", "true"), "Boolean"),
        (["class 10", "class 9", "a"], ("a", "class 9", "class 10"), "String"),
        (["02", "2", "1", "²"], ("1", "02", "2", "²"), "String"),
    ],
)
def test_classes_are_in_natural_order_and_come_back_in_their_own_type(labels, names, dtype):
    column = pl.Series("y", labels)
    frame = pl.DataFrame({"y": column, "x": range(len(labels))})
    assert learn_classes(frame, "y") == (names, dtype)
    schema = learn_schema(frame, "y")
    codes = encode_target(frame, schema)
    assert codes.dtype == np.intp
    assert decode_labels(codes, schema).to_list() == labels


def test_whole_numbers_too_large_for_an_integer_are_labels_too():
    labels = [2.0**64, 1.0, 2.0**53]
    frame = pl.DataFrame({"y": labels, "x": [1, 2, 3]})
    schema = learn_schema(frame, "y")
    assert encode_target(frame, schema).tolist() == [2, 0, 1]
    assert decode_labels(np.arange(3), schema).to_list() == sorted(labels)


def test_categoricals_and_enums_are_text():
    for dtype in (pl.Categorical, pl.Enum(["b", "a"])):
        frame = pl.DataFrame({"y": pl.Series(["b", "a", "b"], dtype=dtype)})
        assert learn_classes(frame, "y") == (("a", "b"), "String")


def test_one_class_left_among_the_training_rows():
    assert message(learn_classes, pl.DataFrame({"y": ["a", "a"]}), "y") == (
        "target 'y': expected at least two classes, got only 'a'"
    )


def test_missing_and_unseen_labels_have_no_class():
    schema = learn_schema(pl.DataFrame({"y": [1, 2], "x": [1, 2]}), "y")
    frame = pl.DataFrame({"y": ["1", "x10", " 2.0", None, "x9", "x9"]})
    assert encode_target(frame, schema).tolist() == [0, -1, 1, -1, -1, -1]
    assert unseen_labels(frame, schema) == {"x9": 2, "x10": 1}
    truth = learn_schema(pl.DataFrame({"y": [True, False], "x": [1, 2]}), "y")
    assert encode_target(pl.DataFrame({"y": ["TRUE", "maybe"]}), truth).tolist() == [1, -1]
    words = learn_schema(pl.DataFrame({"y": ["1", "x"], "x": [1, 2]}), "y")
    assert encode_target(pl.DataFrame({"y": [1, 2]}), words).tolist() == [0, -1]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=9, unique=True)
    | st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, unique=True)
    | st.lists(
        st.floats(-1e300, 1e300, allow_nan=False), min_size=2, max_size=9, unique_by=lambda x: x
    )
)
def test_any_labels_survive_the_way_to_numbers_and_back(labels):
    frame = pl.DataFrame({"y": labels, "x": range(len(labels))})
    schema = learn_schema(frame, "y")
    codes = encode_target(frame, schema)
    assert sorted(codes) == list(range(len(labels)))
    assert decode_labels(codes, schema).to_list() == labels
