"""What a model knows about its table: columns, their features, the classes. Plain data, as JSON."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, cast, get_args

from pminusy.tables.columns.date_column import DateColumn
from pminusy.tables.columns.finding import ColumnFinding, as_lines
from pminusy.tables.columns.numerals import Numerals
from pminusy.tables.columns.words import WordsColumn
from pminusy.tables.reading import AS_THE_FILE_SAYS, Reading
from pminusy.tables.untrusted import LARGEST, Fields, damaged
from pminusy.tables.wording import count, listed, shown

__all__ = [
    "OTHER",
    "CategoryColumn",
    "Column",
    "DateColumn",
    "LeftOut",
    "NumberColumn",
    "Schema",
    "TargetType",
    "WordsColumn",
]

OTHER = "(other)"  # the pooled rare categories

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
    numerals
        How numbers are written where the column is text; None where it held numbers.
    marks
        Cells of text that were missing at training, beside the common marks.
    """

    name: str
    dtype: str
    median: float
    mean: float
    scale: float
    indicator: bool
    numerals: Numerals | None = None
    marks: tuple[str, ...] = ()

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
            numerals=_numerals(fields),
            marks=fields.texts("marks") if fields.has("marks") else (),
        )


def _numerals(fields: Fields) -> Numerals | None:
    if not fields.has("numerals") or fields.get("numerals") is None:
        return None
    signs = fields.items("numerals")
    if len(signs) != 2 or signs[0] not in (".", ",") or signs[1] not in ("", *",. '_"):
        raise damaged("signs of numbers", "others")
    return Numerals(str(signs[0]), str(signs[1]))


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
    reference
        The first category has no feature: the others are compared with it.
    """

    name: str
    dtype: str
    categories: tuple[str, ...]
    pooled_values: int
    has_missing: bool
    reference: bool = False

    @property
    def pooled(self) -> bool:
        """Whether rare values share a feature."""
        return self.pooled_values > 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the design matrix."""
        own = self.categories[self.reference :]
        names = [f"{self.name} = {category}" for category in own]
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
            reference=fields.has("reference") and fields.truth("reference"),
        )


@dataclass(frozen=True)
class LeftOut:
    """A column of the training table that is not used, and why: "{name} is left out: {reason}".

    Columns with the same `group` are named in one note: "it is the same in every training row".
    """

    name: str
    reason: str
    group: str = ""

    @classmethod
    def from_json(cls, value: object) -> LeftOut:
        """Rebuild an entry from untrusted JSON."""
        fields = Fields(value, "a left-out column")
        group = fields.text("group") if fields.has("group") else ""
        return cls(fields.text("name"), fields.text("reason"), group)


Column = NumberColumn | CategoryColumn | DateColumn | WordsColumn


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
    findings
        What each column of the training table was taken for and why, in its order.
    told
        Sentences about columns that are always said.
    reading
        How files are read: for prediction as for training.
    literal_target
        Labels that say NA, None and the like are classes, not missing.
    """

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]
    target: str
    classes: tuple[str, ...]
    target_dtype: TargetType
    weight: str | None = None
    findings: tuple[ColumnFinding, ...] = ()
    told: tuple[str, ...] = ()
    reading: Reading = AS_THE_FILE_SAYS
    literal_target: bool = False

    def __str__(self) -> str:
        """What each column was taken for and why, a line each."""
        lines = as_lines(self.findings)
        widths = [max(map(len, cells), default=0) for cells in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip()
            for line in lines
        )

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the D features, for people: "mass", "mass is missing", "sex = MALE"."""
        return tuple(name for column in self.columns for name in column.feature_names)

    @property
    def text_columns(self) -> frozenset[str]:
        """Columns a CSV must be read with as text, so that "007" stays "007"."""
        names = {
            c.name
            for c in self.columns
            if not isinstance(c, NumberColumn) or c.numerals is not None
        }
        return frozenset(names | ({self.target} if self.target_dtype == "String" else set()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the columns, one sentence each."""
        pooled = [
            f"{shown(c.name)}: of its {len(c.categories) + c.pooled_values:,} values the "
            f"{len(c.categories):,} most frequent have a feature each, the others share one"
            for c in self.columns
            if isinstance(c, CategoryColumn) and c.pooled
        ]
        return (*_left_out_notes(self.left_out), *pooled, *self.told)

    def to_json(self) -> dict[str, Any]:
        """Return the schema as JSON values, exactly: floats keep all their digits."""
        return {
            "columns": [{"kind": _KINDS[type(c)], **_as_json(c)} for c in self.columns],
            "left_out": [_as_json(c) for c in self.left_out],
            "target": self.target,
            "classes": list(self.classes),
            "target_dtype": self.target_dtype,
            "weight": self.weight,
            "findings": [_as_json(finding) for finding in self.findings],
            "told": list(self.told),
            "reading": self.reading.to_json(),
            "literal_target": self.literal_target,
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
            findings=tuple(map(ColumnFinding.from_json, _later(fields, "findings"))),
            told=fields.texts("told") if fields.has("told") else (),
            reading=Reading.from_json(fields.get("reading"))
            if fields.has("reading")
            else AS_THE_FILE_SAYS,
            literal_target=fields.has("literal_target") and fields.truth("literal_target"),
        )
        _check_whole(schema)
        return schema


def _as_json(value: Column | LeftOut | ColumnFinding) -> dict[str, Any]:
    """As `asdict`, which takes ten times as long where 100,000 columns have no parts of theirs."""
    return asdict(value) if isinstance(value, DateColumn) else dict(vars(value))


def _at_least_one(categories: tuple[str, ...]) -> tuple[str, ...]:
    if not categories:
        raise damaged("a category column with categories", "none")
    return categories


def _later(fields: Fields, key: str) -> list[object]:
    """A list that files of earlier versions do not have."""
    return fields.items(key) if fields.has(key) else []


def _left_out_notes(columns: tuple[LeftOut, ...]) -> list[str]:
    """One sentence a column, or one for all that are left out for the same reason."""
    groups: dict[str, list[LeftOut]] = {}
    for column in columns:
        groups.setdefault(column.group or column.reason, []).append(column)
    return [
        f"{shown(same[0].name)} is left out: {same[0].reason}"
        if len(same) == 1
        else f"{count(len(same), 'column')} are left out: {group} ({listed(c.name for c in same)})"
        for group, same in groups.items()
    ]


_KINDS: dict[type, str] = {
    NumberColumn: "number",
    CategoryColumn: "category",
    DateColumn: "date",
    WordsColumn: "words",
}


def _column(value: object) -> Column:
    fields = Fields(value, "a column")
    match fields.one_of("kind", tuple(_KINDS.values())):
        case "number":
            return NumberColumn.from_fields(fields)
        case "date":
            return DateColumn.from_fields(fields)
        case "words":
            return WordsColumn.from_fields(fields)
        case _:
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
