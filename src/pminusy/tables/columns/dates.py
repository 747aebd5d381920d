"""Dates and times as people write them, and what a model sees of them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.tables.columns.numerals import LONGEST

__all__ = [
    "EARLIEST", "LATEST", "ORDERS", "PARTS", "Ordered", "date_parts", "day_text", "days_of",
    "ordered", "parse_dates", "parse_whole_dates", "visible_parts",
]  # fmt: skip

ORDERS = ("mdy", "dmy")  # of dates such as 02/03/2020: where both would do the first is taken

_TIME = r"[ T]\s*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:[.,][0-9]+)?))?\s*([AaPp][Mm])?"
_ZONE = r"\s*(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?"
_WHOLE = rf"^\s*(.*?[0-9])(?:{_TIME}{_ZONE})?\s*$"
_TIME_ALONE = r"^\s*[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\s*([AaPp][Mm])?\s*$"

# Which cells a format reads, after "/", "." and "," have become "-" and blanks single ones.
_ALWAYS = (
    (r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$", "%Y-%m-%d"),
    (r"^[0-9]{1,2}[ -]+[A-Za-z]{3,9}[ -]+[0-9]{4}$", "%d %B %Y"),
    (r"^[A-Za-z]{3,9}[ -]+[0-9]{1,2}[ -]+[0-9]{4}$", "%B %d %Y"),
    (r"^[0-9]{1,2}[ -]+[A-Za-z]{3,9}[ -]+[0-9]{2}$", "%d %B %y"),
)
_NUMERIC, _SHORT = r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}$", r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{2}$"
_BY_ORDER = {
    "dmy": ((_NUMERIC, "%d-%m-%Y"), (_SHORT, "%d-%m-%y")),
    "mdy": ((_NUMERIC, "%m-%d-%Y"), (_SHORT, "%m-%d-%y")),
}

_MICROSECONDS, _DAY = 1e6, 86_400.0
EARLIEST, LATEST = 19_000_101, 21_001_231  # of dates written as whole numbers

PARTS = (
    "in days", "yearly sine", "yearly cosine", "weekly sine", "weekly cosine", "weekend",
    "daily sine", "daily cosine",
)  # fmt: skip

# Days that the dates have to span for a cycle to be seen in them: a quarter of it.
_SPANS = {"yearly": 91.0, "weekly": 2.0, "weekend": 2.0, "daily": 0.0}


def parse_dates(text: pl.Series, order: str = ORDERS[0]) -> pl.Series:
    """Read cells as dates with times; null where a cell is none.

    Time zones are left aside: the time of the day is the one that is written.

    Examples
    --------
    >>> parse_dates(pl.Series(["2020-02-01T12:30Z", "01/02/2020", "1 Feb 2020"]), "dmy").to_list()
    [datetime.datetime(2020, 2, 1, 12, 30), datetime.datetime(2020, 2, 1, 0, 0), \
datetime.datetime(2020, 2, 1, 0, 0)]
    """
    text = text.set((text.str.len_bytes() > LONGEST).fill_null(False), None)
    alone = text.str.contains(_TIME_ALONE).fill_null(False)
    if alone.any():
        text = ("1970-01-01 " + text).zip_with(alone, text)
    days = text.str.extract(_WHOLE, 1).str.replace_all(r"[/.,]", "-")
    found = pl.Series(text.name, [None] * len(text), dtype=pl.Date)
    for pattern, form in (*_ALWAYS, *_BY_ORDER[order]):
        here = days.str.contains(pattern).fill_null(False)
        if here.any():
            cells = days.set(~here, None)
            if "B" in form:
                cells = cells.str.replace_all(r"[ -]+", " ").str.replace("(?i)sept ", "Sep ")
            found = cells.str.to_date(form, strict=False).zip_with(here, found)
    seconds = _seconds(text)
    stamps = found.cast(pl.Datetime("us")) + (seconds * _MICROSECONDS).cast(pl.Int64).cast(
        pl.Duration("us")
    )
    return stamps.alias(text.name)


def _seconds(text: pl.Series) -> pl.Series:
    """Seconds since midnight, 0 where no time is written, null where it is none."""
    if not text.str.contains(":", literal=True).any():
        return pl.Series([0.0] * len(text), dtype=pl.Float64)
    hours, minutes, seconds = (
        text.str.extract(_WHOLE, group).str.replace(",", ".", literal=True).cast(pl.Float64)
        for group in (2, 3, 4)
    )
    half = text.str.extract(_WHOLE, 5).str.to_lowercase()
    twelve = half.is_not_null()
    hours = (hours % 12).zip_with(twelve, hours) + 12.0 * (half == "pm").fill_null(False)
    whole = hours * 3600.0 + minutes * 60.0 + seconds.fill_null(0.0)
    beyond = (whole >= _DAY) | (minutes >= 60) | (seconds >= 60)
    return whole.fill_null(0.0).set(beyond.fill_null(False), None)


class Ordered(NamedTuple):
    """Dates under the order of day and month that reads most cells.

    Attributes
    ----------
    order, dates
        That order, and the dates under it.
    only_this, only_other
        Which cells are dates under this order alone, and under the other alone.
    unsure
        Nothing says which order it is, and it matters.
    """

    order: str
    dates: pl.Series
    only_this: pl.Series
    only_other: pl.Series
    unsure: bool

    @property
    def contradicted(self) -> bool:
        """Whether some cells can only be one order, and some only the other."""
        return bool(self.only_this.any() and self.only_other.any())


def ordered(text: pl.Series) -> Ordered:
    """Find the order of day and month that reads most cells."""
    first, second = (parse_dates(text, order) for order in ORDERS)
    only_first = first.is_not_null() & second.is_null()
    only_second = second.is_not_null() & first.is_null()
    unsure = not (only_first | only_second).any() and not first.equals(second)
    if only_second.sum() > only_first.sum():
        return Ordered(ORDERS[1], second, only_second, only_first, unsure)
    return Ordered(ORDERS[0], first, only_first, only_second, unsure)


def parse_whole_dates(numbers: pl.Series) -> pl.Series:
    """Read whole numbers such as 20200131 as dates; null where one is none."""
    inside = numbers.is_between(EARLIEST, LATEST).fill_null(False)
    text = numbers.set(~inside, None).cast(pl.String)
    return text.str.to_date("%Y%m%d", strict=False).cast(pl.Datetime("us"))


def date_parts(dates: pl.Series, origin: float) -> dict[str, NDArray[np.float64]]:
    """What a model sees of dates: the days since an origin, the weekend, and the place in a cycle.

    Parameters
    ----------
    dates
        Of type Date, Datetime or Time.
    origin
        In days since 1970-01-01.

    Returns
    -------
    dict
        Arrays (N,) by the names of `PARTS`, NaN where there is no date.
    """
    days = days_of(dates)
    year, week, time = 2 * np.pi / 365.2425, 2 * np.pi / 7, 2 * np.pi
    # 1970-01-01 was a Thursday: with 3 more days weeks begin on Monday.
    weekday = np.mod(np.floor(days) + 3, 7)
    weekend = np.where(np.isnan(days), np.nan, weekday >= 5)
    values = (
        days - origin, np.sin(year * days), np.cos(year * days), np.sin(week * weekday),
        np.cos(week * weekday), weekend, np.sin(time * days), np.cos(time * days),
    )  # fmt: skip
    return dict(zip(PARTS, values, strict=True))


def days_of(dates: pl.Series) -> NDArray[np.float64]:
    """Days since 1970-01-01 (N,), NaN where there is no date."""
    if dates.dtype == pl.Time:
        return dates.cast(pl.Int64).cast(pl.Float64).to_numpy() / (1e9 * _DAY)
    if isinstance(dates.dtype, pl.Datetime) and dates.dtype.time_zone is not None:
        dates = dates.dt.replace_time_zone(None)
    stamps = dates.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64)
    return stamps.to_numpy() / (_MICROSECONDS * _DAY)


def visible_parts(days: NDArray[np.float64]) -> tuple[str, ...]:
    """Parts of dates that may differ over the time these dates span."""
    span = float(np.nanmax(days) - np.nanmin(days))
    return tuple(part for part in PARTS if span >= _SPANS.get(part.partition(" ")[0], 0.0))


def day_text(days: float) -> str:
    """A day as text.

    >>> day_text(18262.5)
    '2020-01-01'
    """
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(np.floor(days))).isoformat()
