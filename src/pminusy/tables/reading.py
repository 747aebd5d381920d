"""How a file is read and what its cells mean: the user's word where the file does not say."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from pminusy.errors import InputError
from pminusy.tables.untrusted import Fields
from pminusy.tables.wording import closest, shown

__all__ = ["AS_THE_FILE_SAYS", "KINDS", "Reading", "kinds_of", "names_in", "reading_of"]

KINDS = ("number", "category", "words", "date", "dmy", "mdy")

_DECIMALS, _THOUSANDS = (".", ","), (",", ".", " ", "'", "_")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Options of reading a table; None and "" leave it to the file.

    Parameters
    ----------
    missing
        Cells that mean a missing value, in every column, beside empty ones, NA and the like.
    header
        Whether the first line names the columns; without it they are column_1, column_2 …
    sep, decimal, thousands
        Signs between cells, before decimals and between thousands.
    encoding
        Of text; UTF-8 where not given.
    comment
        How lines begin that are not rows.
    sheet
        Of an Excel file that has several.
    """

    missing: tuple[str, ...] = ()
    header: bool = True
    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    comment: str | None = None
    sheet: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the default, as JSON values."""
        default = asdict(AS_THE_FILE_SAYS)
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    @classmethod
    def from_json(cls, value: object) -> Reading:
        """Rebuild the options from untrusted JSON."""
        known = {"missing": [], "header": True, **value} if isinstance(value, dict) else value
        fields = Fields(known, "reading")
        missing, header = fields.texts("missing"), fields.truth("header")
        signs = {
            name: fields.text(name)
            for name in ("sep", "decimal", "thousands", "encoding", "comment", "sheet")
            if isinstance(value, dict) and name in value
        }
        return reading_of(missing=missing, header=header, **signs)


AS_THE_FILE_SAYS = Reading()


def reading_of(
    *,
    missing: str | Iterable[str] = (),
    header: bool = True,
    sep: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    sheet: str | None = None,
) -> Reading:
    """Check the options of reading.

    Raises
    ------
    InputError
        Signs that are not one, an encoding that is not known.
    """
    if sep is not None:
        sep = _NAMES.get(sep, sep)
        if not isinstance(sep, str) or len(sep) != 1 or not sep.isascii() or sep in '"\r\n':
            raise InputError("sep", "one sign, such as ; or tab", shown(sep))
    if decimal is not None and decimal not in _DECIMALS:
        raise InputError("decimal", "a point or a comma", shown(decimal))
    if thousands is not None:
        thousands = _NAMES.get(thousands, thousands)
        if thousands not in _THOUSANDS:
            expected = "a comma, a point, a blank, an apostrophe or an underscore"
            raise InputError("thousands", expected, shown(thousands))
        if thousands == decimal or (decimal is None and thousands == "."):
            if thousands == decimal:
                raise InputError("thousands", "another sign than decimal", shown(thousands))
            decimal = ","
    if encoding is not None:
        encoding = _encoding(encoding)
    if comment is not None and not (isinstance(comment, str) and comment.strip()):
        raise InputError("comment", "how lines that are comments begin", shown(comment))
    if sheet is not None and not (isinstance(sheet, str) and sheet):
        raise InputError("sheet", "the name of a sheet", shown(sheet))
    return Reading(
        missing=_marks(missing), header=bool(header), sep=sep, decimal=decimal,
        thousands=thousands, encoding=encoding, comment=comment, sheet=sheet,
    )  # fmt: skip


def _encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except (LookupError, TypeError, ValueError):
        remedy = "utf-8, latin1, cp1252 and utf-16 are the usual ones"
        raise InputError("encoding", "one that Python knows", shown(name), remedy) from None
    if not codec._is_text_encoding:  # base64, gzip and the like
        raise InputError("encoding", "an encoding of text", shown(name))
    return codec.name


def _marks(missing: str | Iterable[str]) -> tuple[str, ...]:
    marks = (missing,) if isinstance(missing, str) else tuple(missing)
    for mark in marks:
        if not isinstance(mark, str):
            raise InputError("missing", "cells as text", f"{type(mark).__name__} {shown(mark)}")
    return tuple(dict.fromkeys(marks))


def kinds_of(given: Any, names: Iterable[str]) -> dict[str, str]:
    """What columns are said to be, by name: `zip=category,day=date`, or a mapping.

    Raises
    ------
    InputError
        No column of that name, or no such kind.
    """
    present = list(names)
    asked = given.items() if hasattr(given, "items") else _pairs(given, set(present))
    kinds: dict[str, str] = {}
    for name, kind in asked:
        if name not in present:
            remedy = closest(str(name), present)
            expected = "a column of the table"
            raise InputError(f"as {shown(str(name))}", expected, "none of that name", remedy)
        if kind not in KINDS:
            raise InputError(f"as {shown(name)}", f"one of {', '.join(KINDS)}", shown(kind))
        if kinds.setdefault(name, kind) != kind:
            raise InputError(f"as {shown(name)}", "one kind", f"{kinds[name]} and {kind}")
    return kinds


def names_in(given: Any) -> frozenset[str]:
    """All names that may be meant, before the names of the table are known."""
    if given is None or hasattr(given, "items"):
        return frozenset(str(name) for name in given or ())
    texts = (given,) if isinstance(given, str) else tuple(given)
    parts = [part for text in texts for part in (text, *text.split(","))]
    return frozenset(part.rpartition("=")[0].strip() for part in parts)


def _pairs(given: Any, present: set[str]) -> list[tuple[str, str]]:
    texts = (given,) if isinstance(given, str) else tuple(given or ())
    pairs = []
    for text in texts:
        whole = _pair(text)
        # A name may hold commas: where the whole is one column, it is not divided.
        several = whole[0] not in present and "," in text
        pairs += [_pair(part) for part in text.split(",")] if several else [whole]
    return pairs


def _pair(text: str) -> tuple[str, str]:
    name, equals, kind = text.rpartition("=")
    if not equals:
        raise InputError("as", "COLUMN=KIND, such as zip=category", shown(text))
    return name.strip(), kind.strip()
