"""Numbers as people write them: 1,234.5, 3,5, $5, 3 %, (12), with marks where one is missing."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

__all__ = [
    "CANDIDATES",
    "COMMON_MARKS",
    "LONGEST",
    "PLAIN",
    "Numerals",
    "is_common_mark",
    "parse_numbers",
]

# What stands in a column of numbers or dates where there is none, in lower case. In a column of
# words the same sign may well be a value ("+" and "-"), and stays one.
COMMON_MARKS = (
    "?", "??", "???", "-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "**", "#", "x", "na",
    "n.a.", "n.a", "n/a", "#n/a", "nan", "nil", "null", "none", "<na>", "<null>", "unknown", "unk",
    "unk.", "undefined", "undef", "missing", "not available", "not applicable", "not known",
    "no data", "nodata", "no value", "tbd", "tba", "#div/0!", "#value!", "#ref!", "#num!",
    "#name?", "#null!", "#n/a n/a", "error", "#error", "#error!", "blank", "(blank)", "empty",
)  # fmt: skip

_CURRENCY = "$€£¥₹"
_AROUND = rf"^\s*([+-]?)\s*[{_CURRENCY}]?\s*([+-]?)\s*(.*?)\s*[{_CURRENCY}%‰]?\s*$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_BLANKS = {" ": "[ \u00a0\u2009\u202f]", "'": "['’]"}  # as typed, and as typeset


LONGEST = 64  # bytes of a cell: what is longer is no number and no date


class Numerals(NamedTuple):
    """The sign before the decimals and the sign between thousands; "" for none."""

    decimal: str = "."
    thousands: str = ""


PLAIN = Numerals()

# In the order they are tried: the first that reads most cells is taken.
CANDIDATES = (
    PLAIN,
    Numerals(".", ","),
    Numerals(",", ""),
    Numerals(",", "."),
    Numerals(",", " "),
    Numerals(".", " "),
    Numerals(".", "'"),
    Numerals(",", "'"),
    Numerals(".", "_"),
)


def is_common_mark(text: pl.Series) -> pl.Series:
    """Tell which cells are signs that people put where a number is missing."""
    return text.str.strip_chars().str.to_lowercase().is_in(COMMON_MARKS)


def parse_numbers(text: pl.Series, numerals: Numerals = PLAIN) -> pl.Series:
    """Read cells as float64; null where a cell is no number written so.

    A currency sign, a percent sign (3 % is 3), blanks around and parentheses for a negative number
    are left out; thousands count only where they stand in groups of three.

    Examples
    --------
    >>> cells = pl.Series(["1,234.5", "$5", "3 %", "(12)", "1,2"])
    >>> parse_numbers(cells, Numerals(".", ",")).to_list()
    [1234.5, 5.0, 3.0, -12.0, None]
    """
    cells = text.set((text.str.len_bytes() > LONGEST).fill_null(False), None)
    cells = cells.str.replace(r"^\s*\((.*)\)\s*$", "-$1").str.replace_all("−", "-", literal=True)
    cells = cells.str.replace(_AROUND, "$1$2$3")
    if numerals.thousands:
        cells = _without_thousands(cells, numerals)
    if numerals.decimal != ".":
        foreign = cells.str.contains(".", literal=True)
        cells = cells.set(foreign.fill_null(False), None)
        cells = cells.str.replace(numerals.decimal, ".", literal=True)
    cells = cells.set(~cells.str.contains(_NUMBER).fill_null(False), None)
    return cells.cast(pl.Float64, strict=False)


def _without_thousands(cells: pl.Series, numerals: Numerals) -> pl.Series:
    between = _BLANKS.get(numerals.thousands, f"[{numerals.thousands}]")
    grouped = rf"^[+-]?[1-9][0-9]{{0,2}}({between}[0-9]{{3}})+([{numerals.decimal}][0-9]*)?$"
    whole = cells.str.contains(grouped).fill_null(False)
    return cells.str.replace_all(between, "").zip_with(whole, cells)
