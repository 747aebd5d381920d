"""The schema as JSON: encoded and decoded exactly; what it could not have written is refused."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pminusy.errors import InputError
from pminusy.tables.columns.date_column import DateColumn, DatePart
from pminusy.tables.columns.finding import ColumnFinding
from pminusy.tables.columns.numerals import Numerals
from pminusy.tables.reading import Reading
from pminusy.tables.schema import CategoryColumn, LeftOut, NumberColumn, Schema

DATE = DateColumn(
    "day",
    "Date",
    "dmy",
    18262.0,
    (DatePart("in days", 3.0, 2.0), DatePart("weekend", 0.3, 0.4)),
    True,
)
SCHEMA = Schema(
    columns=(
        NumberColumn("mass", "Float64", 4050.0, 4201.75, 800.78, True),
        NumberColumn("flat", "Int64", 5.0, 5.0, 0.0, True),
        CategoryColumn("sex", "String", ("FEMALE", "MALE"), 0, True),
        CategoryColumn("town", "String", ("Rome",), 7, False),
    ),
    left_out=(LeftOut("name", "it looks like names"),),
    target="species",
    classes=("1", "2", "10"),
    target_dtype="Int64",
    weight="w",
)


def through_json(schema: Schema) -> Schema:
    return Schema.from_json(json.loads(json.dumps(schema.to_json())))


def test_feature_names():
    assert SCHEMA.feature_names == (
        "mass",
        "mass is missing",
        "flat is missing",
        "sex = FEMALE",
        "sex = MALE",
        "sex is missing",
        "town = Rome",
        "town = (other)",
    )


def test_notes_and_text_columns():
    assert SCHEMA.notes == (
        "'name' is left out: it looks like names",
        "'town': of its 8 values the 1 most frequent have a feature each, the others share one",
    )
    assert SCHEMA.text_columns == {"sex", "town"}


def test_there_and_back():
    assert through_json(SCHEMA) == SCHEMA


RICH = Schema(
    columns=(
        NumberColumn("price", "String", 4.0, 4.5, 1.5, True, Numerals(",", "."), ("Total",)),
        CategoryColumn("sex", "String", ("FEMALE", "MALE"), 0, True, reference=True),
        DATE,
    ),
    left_out=(LeftOut("flat", "it is 1 in every training row", "they are the same"),),
    target="y",
    classes=("a", "b"),
    target_dtype="String",
    findings=(
        ColumnFinding("price", "number", "3 of 4 cells are numbers", 1),
        ColumnFinding("y", "target"),
    ),
    told=("'price': 3 of 4 cells are numbers",),
    reading=Reading(missing=("?",), sep=";", decimal=",", header=False),
    literal_target=True,
)


def test_all_that_is_known_of_columns_goes_there_and_back():
    assert through_json(RICH) == RICH
    assert RICH.feature_names == (
        "price",
        "price is missing",
        "sex = MALE",
        "sex is missing",
        "day in days since 2020-01-01",
        "day, weekend",
        "day is missing",
    )


def test_a_file_of_an_earlier_version_knows_nothing_of_findings():
    old = {
        key: value
        for key, value in SCHEMA.to_json().items()
        if key not in ("findings", "told", "reading", "literal_target")
    }
    for column in old["columns"]:
        for key in ("numerals", "marks", "reference"):
            column.pop(key, None)
    assert Schema.from_json(json.loads(json.dumps(old))) == SCHEMA


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
finite = st.floats(-1e300, 1e300)
categories = st.lists(text, min_size=1, max_size=4, unique=True).map(tuple)
numbers = st.builds(
    NumberColumn, text, text, finite, finite, st.floats(5e-324, 1e300), st.booleans()
)
category = st.builds(CategoryColumn, text, text, categories, st.integers(0, 2**62), st.booleans())


@settings(deadline=None, max_examples=80)
@given(
    st.lists(numbers | category, min_size=1, max_size=5, unique_by=lambda c: c.name),
    st.lists(text, min_size=2, max_size=5, unique=True),
)
def test_any_schema_goes_there_and_back(columns, classes):
    target = "t" + "".join(c.name for c in columns)
    schema = Schema(tuple(columns), (), target, tuple(classes), "String")
    assert through_json(schema) == schema
    assert len(schema.feature_names) == sum(len(c.feature_names) for c in columns)


def with_entry(path: str, value: object) -> dict[str, Any]:
    tree = json.loads(json.dumps(SCHEMA.to_json()))
    *parents, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    node: Any = tree
    for key in parents:
        node = node[key]
    node[last] = value
    return dict(tree)


REMEDY = "; the model file is damaged or was changed by hand; fit the model again"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], "expected a schema as an object, got a list of 0"),
        ({}, "expected a schema with an entry 'columns', got none"),
        (with_entry("columns", {}), "expected 'columns' of a schema to be a list, got a dict of 0"),
        (with_entry("columns", []), "expected a schema with at least one feature, got none"),
        (with_entry("columns.0", None), "expected a column as an object, got None"),
        (
            with_entry("columns.0.kind", ["x"]),
            "expected 'kind' of a column to be one of number, category, date, words, got a list "
            "of 1",
        ),
        (
            with_entry("columns.0.scale", float("nan")),
            "expected 'scale' of a column to be a number up to 1e+300, got nan",
        ),
        (
            with_entry("columns.0.mean", 10**400),
            "expected 'mean' of a column to be a number up to 1e+300, "
            "got a number of more than 38 digits",
        ),
        (with_entry("columns.0.scale", -1.0), "expected a scale ≥ 0, got -1.0"),
        (
            with_entry("columns.1.indicator", False),
            "expected a column with a feature, got a scale of 0 and no indicator",
        ),
        (
            with_entry("columns.0.median", True),
            "expected 'median' of a column to be a number, got True",
        ),
        (
            with_entry("columns.0.indicator", 1),
            "expected 'indicator' of a column to be true or false, got 1",
        ),
        (
            with_entry("columns.2.categories", ["a", "a"]),
            "expected 'categories' of a column all different, got one of them twice",
        ),
        (
            with_entry("columns.2.categories", []),
            "expected a category column with categories, got none",
        ),
        (
            with_entry("columns.2.categories", ["\ud800"]),
            r"expected 'categories' of a column to be text, got '\ud800'",
        ),
        (
            with_entry("columns.3.pooled_values", -1),
            "expected 'pooled_values' of a column to be a whole number ≥ 0, got -1",
        ),
        (
            with_entry("columns.0.name", "sex"),
            "expected columns of a schema all different, got one of them twice",
        ),
        (
            with_entry("target", "sex"),
            "expected columns of a schema all different, got one of them twice",
        ),
        (with_entry("target", 5), "expected 'target' of a schema to be text, got 5"),
        (with_entry("classes", ["1"]), "expected a schema with at least two classes, got 1"),
        (
            with_entry("classes", ["1", "x\n"]),
            r"expected a class of type Int64, got 'x\n'",
        ),
        (
            with_entry("classes", ["1", str(2**63)]),
            f"expected a class of type Int64, got '{2**63}'",
        ),
        (
            with_entry("target_dtype", "Object"),
            "expected 'target_dtype' of a schema to be one of String, Boolean, Int64, UInt64, "
            "Float64, got 'Object'",
        ),
        (
            with_entry("left_out.0.reason", None),
            "expected 'reason' of a left-out column to be text, got None",
        ),
    ],
)
def test_refuses_what_it_could_not_have_written(value, expected):
    with pytest.raises(InputError) as error:
        Schema.from_json(value)
    assert str(error.value) == f"model file: {expected}{REMEDY}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(
    [
        *("columns", "columns.0", "columns.0.name", "columns.0.mean", "columns.0.dtype"),
        *("columns.2", "columns.2.categories", "columns.3.pooled_values", "left_out", "left_out.0"),
        *("target", "classes", "target_dtype", "weight"),
    ]
)


@settings(deadline=None, max_examples=200)
@given(paths, json_values)
def test_any_other_value_is_an_input_error_or_harmless(path, value):
    try:
        schema = Schema.from_json(with_entry(path, value))
    except InputError:
        return
    assert through_json(schema) == schema
    pl.DataFrame({name: [0] for name in {*schema.classes, schema.target}})
