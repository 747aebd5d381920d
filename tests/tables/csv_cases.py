"""Seeded CSV files: kinds of columns × marks × encodings × separators × line ends × quoting."""

from __future__ import annotations

import itertools
import random
from typing import NamedTuple

KINDS = {
    "whole": lambda r: str(r.randint(-500, 500)),
    "broken": lambda r: repr(round(r.uniform(-9, 9), r.randint(0, 6))),
    "powers": lambda r: f"{r.uniform(-9, 9):.3e}",
    "truth": lambda r: r.choice(["true", "True", "FALSE"]),
    "words": lambda r: r.choice(["ant", "bee", "Käfer", "日本", "x"]),
    "blanks": lambda r: r.choice([" a", "b ", "  ", "c d"]),
    "signs": lambda r: r.choice(["#1", "=1", "-", "?", "'", "x^2", "(", "%"]),
    "dates": lambda r: f"20{r.randint(10, 25)}-0{r.randint(1, 9)}-1{r.randint(0, 9)}",
    "codes": lambda r: f"{r.randint(0, 999):03}",
}
# What may stand in a cell that only a quote can hold, or that looks as if it did.
MARKS = {
    "plain": lambda r, sep: "",
    "missing": lambda r, sep: r.choice(["", "NA", "nan", "NULL", "#N/A"]),
    "separator": lambda r, sep: f"a{sep}b",
    "doubled quotes": lambda r, sep: 'say "hi" ',
    "line ends": lambda r, sep: r.choice(["one\ntwo", "one\r\ntwo", "\none\n\n"]),
    "inches": lambda r, sep: r.choice(['5" pipe', '5"', 'a"b"c']),
    "text after a quote": lambda r, sep: r.choice(['"a"b', '"a" ', '""b']),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")
SEPARATORS = (",", ";", "\t", "|")
LINE_ENDS = ("\n", "\r\n", "\r", "mixed")
QUOTING = ("needed", "all", "text")
SHAPES = (
    "plain", "short rows", "long row", "trailing separators", "blank lines", "sep=",
    "comment first", "comment inside", "open quote", "no last line end", "unnamed column",
    "one row",
)  # fmt: skip

RAW = ("inches", "text after a quote")  # written as they are, whatever the quoting


class Case(NamedTuple):
    """A file, the separator in it, and how it came about."""

    content: bytes
    separator: str
    name: str


def combinations() -> list[tuple[str, ...]]:
    return list(itertools.product(MARKS, ENCODINGS, SEPARATORS, LINE_ENDS, QUOTING, SHAPES))


def make(combination: tuple[str, ...], seed: int) -> Case:
    mark, encoding, separator, line_end, quoting, shape = combination
    r = random.Random(f"{combination} {seed}")
    kinds = r.choices(list(KINDS), k=r.choice([2, 3, 5]))
    names = [f"{kind} {i}" for i, kind in enumerate(kinds)]
    rows = [[KINDS[kind](r) for kind in kinds] for _ in range(1 if shape == "one row" else 24)]
    raw = set()
    if mark != "plain":
        for row in r.sample(range(len(rows)), (len(rows) + 3) // 4):
            column = r.randrange(len(kinds))
            rows[row][column] = MARKS[mark](r, separator)
            if mark in RAW:
                raw.add((row, column))
    lines = [_line(names, separator, quoting, ())]
    lines += [
        _line(row, separator, quoting, {c for at, c in raw if at == i})
        for i, row in enumerate(rows)
    ]
    lines = _shaped(lines, shape, separator, r)
    ends = [r.choice(["\n", "\r\n", "\r"]) if line_end == "mixed" else line_end for _ in lines]
    text = "".join(line + end for line, end in zip(lines, ends, strict=True))
    if shape == "no last line end":
        text = text.rstrip("\r\n")
    return Case(text.encode(encoding, errors="replace"), separator, "-".join(combination))


def _line(cells: list[str], separator: str, quoting: str, raw: object) -> str:
    assert isinstance(raw, set | tuple)
    return separator.join(
        cell if i in raw else _cell(cell, separator, quoting) for i, cell in enumerate(cells)
    )


def _cell(cell: str, separator: str, quoting: str) -> str:
    word = not cell.replace(".", "").replace("-", "").isdigit()
    needed = any(sign in cell for sign in (separator, '"', "\n", "\r"))
    if needed or quoting == "all" or (quoting == "text" and word):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _shaped(lines: list[str], shape: str, separator: str, r: random.Random) -> list[str]:
    at = r.randrange(1, len(lines))
    match shape:
        case "short rows":
            lines[at] = lines[at].partition(separator)[0]
        case "long row":
            lines[at] += f"{separator}more"
        case "trailing separators":
            lines = [lines[0], *(line + separator for line in lines[1:])]
        case "blank lines":
            lines[at:at] = ["", "  "]
        case "sep=":
            lines.insert(0, f"sep={separator}")
        case "comment first":
            lines.insert(0, "# made by a tool")
        case "comment inside":
            lines.insert(at, "# and so on")
        case "open quote":
            lines[at] = '"' + lines[at].replace('"', "")
        case "unnamed column":
            lines = [line + separator for line in lines]
    return lines
