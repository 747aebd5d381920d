"""A column of dates in a schema: its features, what training knows of them, and back from JSON."""

from __future__ import annotations

from dataclasses import dataclass

from pminusy.tables.columns.dates import ORDERS, PARTS, day_text
from pminusy.tables.untrusted import LARGEST, Fields, damaged

__all__ = ["DateColumn", "DatePart"]


@dataclass(frozen=True)
class DatePart:
    """One number of a date, (value − mean) / scale; its mean where the date is missing.

    Parameters
    ----------
    part
        One of `dates.PARTS`.
    mean, scale
        Of the training values, without the missing ones.
    """

    part: str
    mean: float
    scale: float


@dataclass(frozen=True)
class DateColumn:
    """A column of dates: days since the first of training, and where they are in a cycle.

    Parameters
    ----------
    name, dtype
        The column and its Polars type at training.
    order
        Of day and month in text, "mdy" or "dmy"; "ymd" where there is no question.
    origin
        The first day of training, in days since 1970-01-01.
    parts
        Those that differ between training rows.
    indicator
        Training had missing values, so a feature is 1 where the value is missing.
    marks
        Cells of text that were missing at training, beside the common marks.
    """

    name: str
    dtype: str
    order: str
    origin: float
    parts: tuple[DatePart, ...]
    indicator: bool
    marks: tuple[str, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the design matrix."""
        names = [
            f"{self.name} in days since {day_text(self.origin)}"
            if part.part == PARTS[0]
            else f"{self.name}, {part.part}"
            for part in self.parts
        ]
        return tuple(names + [f"{self.name} is missing"] * self.indicator)

    @classmethod
    def from_fields(cls, fields: Fields) -> DateColumn:
        """Rebuild a column from untrusted JSON."""
        parts = tuple(_part(item) for item in fields.items("parts"))
        indicator = fields.truth("indicator")
        if not parts and not indicator:
            raise damaged("a column with a feature", "no part of a date and no indicator")
        if len({part.part for part in parts}) < len(parts):
            raise damaged("parts of a date all different", "one of them twice")
        return cls(
            name=fields.text("name"),
            dtype=fields.text("dtype"),
            order=fields.one_of("order", (*ORDERS, "ymd")),
            origin=fields.number("origin", 1e6),
            parts=parts,
            indicator=indicator,
            marks=fields.texts("marks"),
        )


def _part(value: object) -> DatePart:
    fields = Fields(value, "a part of a date")
    scale = fields.number("scale", LARGEST)
    if scale <= 0:
        raise damaged("a scale > 0", repr(scale))
    return DatePart(fields.one_of("part", PARTS), fields.number("mean", LARGEST), scale)
