"""CSV row by row, for files Polars reads otherwise than pandas does, or not at all.

Python's `csv` splits rows as pandas does: a quote counts only where a cell begins, so `5" pipe` is
text, and any of the three ends of line ends a row. It is slow and knows the number of each line, so
it is asked where `is_plain` says that a file is not plain, and when something has to be said.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.wording import count, shown

__all__ = ["COMMENT", "is_plain", "refuse_encoding", "rewritten"]

COMMENT = r"^#+(\s|[A-Za-z!]|$)"  # how a comment begins: "#1" may be a value
_CHUNK = 1 << 22  # bytes looked at together
_END = "\0end of the table"  # a line of our own after the last, to see whether a quote is open
_QUOTE, _FEED, _RETURN, _SPACE, _TAB = b'"\n\r \t'


class _Row(NamedTuple):
    line: int  # where it begins, from 1
    text: str  # its first line
    cells: list[str]


def is_plain(data: memoryview, separator: str) -> bool:
    """Tell whether Polars reads some bytes of a CSV, without a byte-order mark, as pandas does.

    That is so where every quote stands at an end of its cell or is doubled, no carriage return
    stands alone, and there are no blank lines before the end.
    """
    array = np.frombuffer(data, np.uint8)
    end = _end_of_content(array)
    if bytes(data[end:]).partition(b"\n")[2].strip(b"\r\n"):  # a last line of blanks alone
        return False
    edges = np.isin(np.arange(256), [ord(separator), _QUOTE, _FEED, _RETURN])
    quotes = 0
    indented = False  # a line that begins with a blank may hold nothing else
    for start in range(0, end, _CHUNK):
        chunk = _with_neighbours(array, start, min(start + _CHUNK, end))
        feed, after = chunk[:-1] == _FEED, chunk[1:]
        ends = (after == _FEED) | (after == _RETURN)
        lone = (chunk[:-1] == _RETURN) & (after != _FEED)
        if lone.any() or (feed & ends)[start == 0 :].any():
            return False
        indented |= bool((feed & ((after == _SPACE) | (after == _TAB))).any())
        at = np.flatnonzero(chunk[1:-1] == _QUOTE) + 1
        opening = (np.arange(at.size) + quotes) % 2 == 0
        if not (edges[chunk[at[opening] - 1]].all() and edges[chunk[at[~opening] + 1]].all()):
            return False
        quotes += at.size
    blank = rb"\n *\r?\n" if separator == "\t" else rb"\n[ \t]*\r?\n"
    return quotes % 2 == 0 and not (indented and re.search(blank, data[:end]))


def _with_neighbours(array: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    """Part of the bytes and one more at each side, an end of line where the file has none."""
    chunk = np.full(stop - start + 2, _FEED, np.uint8)
    first, last = max(start - 1, 0), min(stop + 1, array.size)
    chunk[first - start + 1 : last - start + 1] = array[first:last]
    return chunk


def _end_of_content(array: NDArray[np.uint8]) -> int:
    """Where the last line that is not blank ends."""
    end = array.size
    while end and array[end - 1] in (_FEED, _RETURN, _SPACE, _TAB):
        end -= 1
    return end


def rewritten(what: str, data: memoryview, separator: str, first_line: int) -> bytes:
    """Write a CSV anew so that Polars reads it as pandas would: all cells quoted, no blank lines.

    Cells beyond the header are left out where they are all empty, as spreadsheets leave them.

    Raises
    ------
    InputError
        A quote that does not close, a row longer than the header, a comment; with its line.
    """
    whole = io.StringIO()
    writer = csv.writer(whole, quoting=csv.QUOTE_ALL, lineterminator="\n", delimiter=separator)
    with _any_length():
        rows = _rows(what, data, separator, first_line)
        header = next(rows)
        writer.writerow(header.cells)
        width = len(header.cells)
        for row in rows:
            if any(row.cells[width:]):
                raise _longer(what, separator, header, row, rows)
            if width > 1 and len(row.cells) == 1 and re.match(COMMENT, row.text):
                got = f"{shown(row.text)} in line {row.line:,}"
                raise InputError(what, "rows of values", got, "delete lines that are comments")
            writer.writerow(row.cells[:width])
    return whole.getvalue().encode("utf-8", "surrogateescape")


def _rows(what: str, data: memoryview, separator: str, first_line: int) -> Iterator[_Row]:
    """All rows but blank lines; of one column alone, a blank line is a missing value."""
    lines = _Lines(data, first_line)
    width = 0
    for cells in csv.reader(lines, delimiter=separator):
        line, text = lines.taken()
        if cells[-1:] == [_END]:
            return
        if cells and cells[-1].rstrip("\n").endswith(_END):
            got = f"{shown(text)} in line {line:,}, with a quote that does not close"
            remedy = "close every quote that begins a cell, and double those inside a quoted cell"
            raise InputError(what, "a table as text", got, remedy)
        if cells and (len(cells) > 1 or width == 1 or text.strip()):
            width = width or len(cells)
            yield _Row(line, text, cells)
        elif width == 1:
            yield _Row(line, text, [""])


class _Lines:
    """The lines of a file, and which of them the reader has taken since it was asked last."""

    def __init__(self, data: memoryview, number: int) -> None:
        self._lines = io.TextIOWrapper(
            io.BytesIO(data), encoding="utf-8", errors="surrogateescape", newline=""
        )
        self._number = self._next = number
        self._first: str | None = None

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._first = line if self._first is None else self._first
            self._next += 1
            yield line if line.endswith(("\n", "\r")) else f"{line}\n"
        yield f"{_END}\n"

    def taken(self) -> tuple[int, str]:
        """Number and text of the first line taken."""
        number, first = self._number, (self._first or "").rstrip("\r\n")
        self._number, self._first = self._next, None
        return number, first


@contextmanager
def _any_length() -> Iterator[None]:
    """Let cells be as long as they are; the limit of `csv` is one for the process."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _longer(what: str, separator: str, header: _Row, row: _Row, rest: Iterator[_Row]) -> InputError:
    """Build the error about a row longer than the header, by what the rows after it are like."""
    width, longest = len(header.cells), len(row.cells)
    alike = all(len(other.cells) == longest for other, _ in zip(rest, range(50), strict=False))
    names, cells = count(width, "name"), count(longest, "cell")
    if header.text.startswith("#") or (width == 1 and longest > 1 and alike):
        got = f"{shown(header.text)}, where line {row.line:,} has {cells}"
        remedy = "delete what stands before the line of names"
        return InputError(what, f"names of columns in line {header.line:,}", got, remedy)
    if alike and row.line == header.line + 1:
        got = f"{names} for {cells} in line {header.line:,}: {shown(header.text)}"
        if _BEFORE_QUOTE.search(row.text):
            remedy = _remedy(separator, row)
        else:
            sign = _NAMES.get(separator, shown(separator))
            remedy = (
                f"name every column (R's write.table leaves one out), or put quotes around cells "
                f"that hold {sign}"
            )
        return InputError(what, "a name for each column", got, remedy)
    expected = f"rows of at most {count(width, 'cell')}, like the header"
    got = f"{longest:,} in line {row.line:,}: {shown(row.text)}"
    return InputError(what, expected, got, _remedy(separator, row))


def _remedy(separator: str, row: _Row) -> str:
    if _BEFORE_QUOTE.search(row.text):
        return "delete blanks before quotes: a quote counts only where a cell begins"
    if '"' in row.text:
        return "double the quotes inside a quoted cell"
    if row.text.startswith("#"):
        return "delete lines that are comments"
    return f"put quotes around cells that hold {_NAMES.get(separator, shown(separator))}"


_BEFORE_QUOTE = re.compile(r"[^\w\s] +\"")  # a separator, then blanks
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def refuse_encoding(what: str, data: memoryview, first_line: int) -> None:
    """Refuse bytes that are not UTF-8, with the line of the first.

    Raises
    ------
    InputError
        That line, read as Windows or Latin-1 would write it.
    """
    for number, line in enumerate(io.BytesIO(data), start=first_line):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            code = _encoding(line)
            text = line.rstrip(b"\r\n").decode(code, errors="replace")
            got = f"{shown(text)} in line {number:,}, with the byte {line[error.start]:02X}"
            remedy = f"save it as UTF-8: iconv -f {code} -t utf-8, if the line reads well so"
            raise InputError(what, "UTF-8 text", got, remedy) from None


def _encoding(line: bytes) -> str:
    """The likelier of the two encodings of Western Europe."""
    return "cp1252" if re.search(rb"[\x80-\x9f]", line) else "latin1"
