"""What a model knows about its table: columns, their features, the classes. Plain data, as JSON."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, cast, get_args

from pminusy.tables.untrusted import Fields, damaged
from pminusy.tables.wording import shown

__all__ = ["LARGEST", "OTHER", "CategoryColumn", "LeftOut", "NumberColumn", "Schema", "TargetType"]

OTHER = "(other)"  # the pooled rare categories

LARGEST = 1e300  # the largest number in size a column may hold: sums stay far from overflow

TargetType = Literal["String", "Boolean", "Int64", "UInt64", "Float64"]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: one feature (x − mean) / scale, missing values first set to the median.

    Parameters
    ----------
    name, dtype
        The column and its Polars type at training.
    median
        Of the training values, without the missing ones.
    mean, scale
        Mean and standard deviation (population) of the training values after imputation. A scale of
        0 means that all values were equal: only the indicator is a feature.
    indicator
        Training had missing values, so a second feature is 1 where the value is missing.
    """

    name: str
    dtype: str
    median: float
    mean: float
    scale: float
    indicator: bool

    @property
    def varies(self) -> bool:
        """Whether the number itself is a feature."""
        return self.scale > 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the design matrix."""
        return (self.name,) * self.varies + (f"{self.name} is missing",) * self.indicator

    @classmethod
    def from_fields(cls, fields: Fields) -> NumberColumn:
        """Rebuild a column from untrusted JSON."""
        scale = fields.number("scale", LARGEST)
        if scale < 0:
            raise damaged("a scale ≥ 0", repr(scale))
        if scale == 0 and not fields.truth("indicator"):
            raise damaged("a column with a feature", "a scale of 0 and no indicator")
        return cls(
            name=fields.text("name"),
            dtype=fields.text("dtype"),
            median=fields.number("median", LARGEST),
            mean=fields.number("mean", LARGEST),
            scale=scale,
            indicator=fields.truth("indicator"),
        )


@dataclass(frozen=True)
class CategoryColumn:
    """A column of text, categories or booleans: one feature per category, 1 where it is that one.

    Parameters
    ----------
    name, dtype
        The column and its Polars type at training.
    categories
        Those with a feature of their own, in natural order; booleans are "false" and "true".
    pooled_values
        How many rarer values share the feature "(other)"; 0 means there is no such feature.
    has_missing
        Training had missing values: they are a category of their own.
    """

    name: str
    dtype: str
    categories: tuple[str, ...]
    pooled_values: int
    has_missing: bool

    @property
    def pooled(self) -> bool:
        """Whether rare values share a feature."""
        return self.pooled_values > 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the design matrix."""
        names = [f"{self.name} = {category}" for category in self.categories]
        if self.pooled:
            names.append(f"{self.name} = {OTHER}")
        if self.has_missing:
            names.append(f"{self.name} is missing")
        return tuple(names)

    @classmethod
    def from_fields(cls, fields: Fields) -> CategoryColumn:
        """Rebuild a column from untrusted JSON."""
        return cls(
            name=fields.text("name"),
            dtype=fields.text("dtype"),
            categories=_at_least_one(fields.texts("categories")),
            pooled_values=fields.count("pooled_values"),
            has_missing=fields.truth("has_missing"),
        )


@dataclass(frozen=True)
class LeftOut:
    """A column of the training table that is not used, and why: "{name} is left out: {reason}"."""

    name: str
    reason: str

    @classmethod
    def from_json(cls, value: object) -> LeftOut:
        """Rebuild an entry from untrusted JSON."""
        fields = Fields(value, "a left-out column")
        return cls(fields.text("name"), fields.text("reason"))


@dataclass(frozen=True)
class Schema:
    """Columns in, classes out.

    Parameters
    ----------
    columns
        The columns used, in the order of their features.
    left_out
        Columns seen at training and not used.
    target
        Name of the column to be predicted.
    classes
        Its values as text, in natural order (numbers by size): class k of the model is classes[k].
    target_dtype
        The Polars type in which labels are given back.
    weight
        Name of the column of row weights, or None.
    """

    columns: tuple[NumberColumn | CategoryColumn, ...]
    left_out: tuple[LeftOut, ...]
    target: str
    classes: tuple[str, ...]
    target_dtype: TargetType
    weight: str | None = None

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the D features, for people: "mass", "mass is missing", "sex = MALE"."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def text_columns(self) -> frozenset[str]:
        """Columns a CSV must be read with as text, so that "007" stays "007"."""
        names = {c.name for c in self.columns if isinstance(c, CategoryColumn)}
        return frozenset(names | ({self.target} if self.target_dtype == "String" else set()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the columns, one sentence each."""
        left_out = [f"{shown(c.name)} is left out: {c.reason}" for c in self.left_out]
        pooled = [
            f"{shown(c.name)}: of its {len(c.categories) + c.pooled_values:,} values the "
            f"{len(c.categories):,} most frequent have a feature each, the others share one"
            for c in self.columns
            if isinstance(c, CategoryColumn) and c.pooled
        ]
        return tuple(left_out + pooled)

    def to_json(self) -> dict[str, Any]:
        """Return the schema as JSON values, exactly: floats keep all their digits."""
        return {
            "columns": [
                {"kind": "number" if isinstance(c, NumberColumn) else "category", **asdict(c)}
                for c in self.columns
            ],
            "left_out": [asdict(c) for c in self.left_out],
            "target": self.target,
            "classes": list(self.classes),
            "target_dtype": self.target_dtype,
            "weight": self.weight,
        }

    @classmethod
    def from_json(cls, value: object) -> Schema:
        """Rebuild a schema from untrusted JSON values.

        Raises
        ------
        InputError
            Anything that `to_json` could not have written.
        """
        fields = Fields(value, "a schema")
        schema = cls(
            columns=tuple(_column(item) for item in fields.items("columns")),
            left_out=tuple(LeftOut.from_json(item) for item in fields.items("left_out")),
            target=fields.text("target"),
            classes=fields.texts("classes"),
            target_dtype=cast(TargetType, fields.one_of("target_dtype", get_args(TargetType))),
            weight=None if fields.get("weight") is None else fields.text("weight"),
        )
        _check_whole(schema)
        return schema


def _at_least_one(categories: tuple[str, ...]) -> tuple[str, ...]:
    if not categories:
        raise damaged("a category column with categories", "none")
    return categories


def _column(value: object) -> NumberColumn | CategoryColumn:
    fields = Fields(value, "a column")
    if fields.one_of("kind", ("number", "category")) == "number":
        return NumberColumn.from_fields(fields)
    return CategoryColumn.from_fields(fields)


def _check_whole(schema: Schema) -> None:
    """Check what depends on several entries."""
    names = [c.name for c in (*schema.columns, *schema.left_out)] + [schema.target]
    if schema.weight is not None:
        names.append(schema.weight)
    if len(set(names)) < len(names):
        raise damaged("columns of a schema all different", "one of them twice")
    if not schema.feature_names:
        raise damaged("a schema with at least one feature", "none")
    if len(schema.classes) < 2:
        raise damaged("a schema with at least two classes", f"{len(schema.classes)}")
    for name in schema.classes:
        if not _fits(name, schema.target_dtype):
            raise damaged(f"a class of type {schema.target_dtype}", shown(name))


def _fits(name: str, dtype: TargetType) -> bool:
    """Tell whether the name of a class is a label of the target's type."""
    match dtype:
        case "Boolean":
            return name in ("false", "true")
        case "Int64" | "UInt64":
            lowest, bits = (-(2**63), 63) if dtype == "Int64" else (0, 64)
            whole = re.fullmatch("0|-?[1-9][0-9]{0,19}", name)
            return whole is not None and lowest <= int(name) < 2**bits
        case "Float64":
            try:
                return math.isfinite(float(name))
            except ValueError:
                return False
        case _:
            return True
