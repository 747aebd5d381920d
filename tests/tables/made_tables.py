"""Seeded tables made from column kinds × marks × encodings × separators × sizes × options.

Every column knows what it was made from, so `check` has an oracle of its own: the values, written
down before they became text. `python -m tests.tables.made_tables 5000 20000` runs that many, from
that seed on.
"""

from __future__ import annotations

import datetime
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pminusy.errors import InputError
from pminusy.estimators.split import split_in_time
from pminusy.tables.columns.recognise import recognise
from pminusy.tables.design import design_matrix
from pminusy.tables.files import is_text, read_table
from pminusy.tables.labels import settled_labels
from pminusy.tables.learning import learn_schema
from pminusy.tables.reading import reading_of
from pminusy.tables.target import row_times
from tests.tables.sheets import xlsx

DAY0 = datetime.date(2015, 3, 1)
MARKS = ("", "NA", "?", "-", "#DIV/0!", "unknown", "n.a.", "--", "Total", "*")
ENCODINGS = ("utf-8", "utf-8-sig", "latin1", "cp1252", "utf-16")
SEPARATORS = (",", ";", "\t", "|")
SIZES = (40, 60, 150)
COMMENTS = (None, "#", "//")
PACKING = ("", ".gz")
_SHEETS = 0.15  # share of the tables that are Excel sheets


class Column(NamedTuple):
    """A column: its cells as text, what it is, and its values (None where there is none)."""

    cells: list[str]
    taken: str
    values: list[Any]


Maker = Callable[[random.Random, int], Column]


def _numbers(write: Callable[[float], str], digits: int, spread: float) -> Maker:
    def make(r: random.Random, n: int) -> Column:
        values = [round(r.uniform(0.01, spread), digits) for _ in range(n)]
        return Column([write(v) for v in values], "number", values)

    return make


def _dates(form: str, *, time: bool = False) -> Maker:
    def make(r: random.Random, n: int) -> Column:
        days = [DAY0 + datetime.timedelta(days=r.randint(0, 1500)) for _ in range(n)]
        # One day that tells the order of day and month, as 1,500 days nearly always do.
        days[0] = datetime.date(2016, 4, 27)
        stamps = [datetime.datetime(d.year, d.month, d.day) for d in days]
        if time:
            stamps = [s + datetime.timedelta(minutes=r.randint(0, 1439)) for s in stamps]
        return Column([s.strftime(form) for s in stamps], "date", stamps)

    return make


def _words(words: tuple[str, ...]) -> Maker:
    def make(r: random.Random, n: int) -> Column:
        cells = [r.choice(words) for _ in range(n)]
        cells[: len(words)] = words
        return Column(cells, "category", cells)

    return make


def _codes(r: random.Random, n: int) -> Column:
    pool = [f"{r.randint(0, 99_999):05}" for _ in range(8)] + ["01234"]
    cells = [r.choice(pool) for _ in range(n)]
    cells[0] = "01234"
    return Column(cells, "category", cells)


def _names(r: random.Random, n: int) -> Column:
    cells = [f"{r.choice('abcdef')}{r.randint(0, 9_999):04}-{i}" for i in range(n)]
    return Column(cells, "left out", cells)


def _titles(r: random.Random, n: int) -> Column:
    first = r.sample(["Ann", "Bob", "Cy"], 3)
    cells = [f"{first[i % 3]} number {i}" for i in range(n)]
    return Column(cells, "words", cells)


def _counter(r: random.Random, n: int) -> Column:
    first = r.randint(0, 1000)
    return Column([str(first + i) for i in range(n)], "left out", list(range(n)))


def _constant(r: random.Random, n: int) -> Column:
    return Column(["7"] * n, "left out", [7] * n)


def _comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def _european(value: float) -> str:
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


KINDS: dict[str, Maker] = {
    "whole": _numbers(lambda v: f"{v:.0f}", 0, 5000),
    "broken": _numbers(lambda v: f"{v:.3f}", 3, 9),
    "powers": _numbers(lambda v: f"{v:.6e}", 6, 9),
    "thousands": _numbers(lambda v: f"{v:,.0f}", 0, 9_999_999),
    "blank thousands": _numbers(lambda v: f"{v:,.0f}".replace(",", " "), 0, 9_999_999),
    "dollars": _numbers(lambda v: f"${v:,.2f}", 2, 90_000),
    "euros": _numbers(lambda v: f"{v:.2f} €", 2, 90),
    "percent": _numbers(lambda v: f"{v:.1f} %", 1, 90),
    "decimal comma": _numbers(_comma, 2, 90),
    "european": _numbers(_european, 2, 900_000),
    "accounting": _numbers(lambda v: f"{v:.2f}", 2, 90),
    "iso dates": _dates("%Y-%m-%d"),
    "iso times": _dates("%Y-%m-%dT%H:%M:00", time=True),
    "american dates": _dates("%m/%d/%Y"),
    "european dates": _dates("%d.%m.%Y"),
    "named dates": _dates("%d %b %Y"),
    "whole dates": _dates("%Y%m%d"),
    "words": _words(("ant", "bee", "cat", "dog")),
    "accents": _words(("Käfer", "fête", "año")),
    "grades": _words(("0", "1", "2", "3+")),
    "signs": _words(("+", "-")),
    "codes": _codes,
    "names": _names,
    "titles": _titles,
    "counter": _counter,
    "constant": _constant,
}
_MARKED = ("number", "date")  # kinds in which a mark is a missing value


class Made(NamedTuple):
    """A file, how it is to be read, and what its columns are."""

    content: bytes
    suffix: str
    options: dict[str, Any]
    columns: dict[str, Column]
    labels: list[str]


def make(seed: int) -> Made:
    """Make a table from a seed."""
    r = random.Random(seed)
    encoding, separator, n = r.choice(ENCODINGS), r.choice(SEPARATORS), r.choice(SIZES)
    comment, header = r.choice(COMMENTS), r.random() < 0.85
    kinds = r.sample(list(KINDS), r.randint(2, 6))
    if encoding in ("latin1",):
        kinds = [kind for kind in kinds if kind != "euros"] or ["broken"]
    # First one without marks: a line that begins with #DIV/0! would be a comment.
    columns = {"kept column": KINDS["broken"](r, n)}
    columns |= {f"{kind} column": _marked(KINDS[kind](r, n), kind, r) for kind in kinds}
    labels = [r.choice(["yes", "no", "maybe"]) for _ in range(n)]
    labels[:6] = ["yes", "no", "maybe"] * 2
    names = [*columns, "label"]
    rows = list(zip(*(column.cells for column in columns.values()), labels, strict=True))
    lines = [names] * header + [list(row) for row in rows]
    text = "".join(separator.join(_quoted(c, separator) for c in line) + "\n" for line in lines)
    if comment is not None:
        text = f"{comment} made by a tool\n{text}{comment} the end\n"
    content = text.encode(encoding)
    options: dict[str, Any] = {"comment": comment, "header": header}
    if encoding not in ("utf-8", "utf-8-sig"):
        options["encoding"] = encoding
    if r.random() < 0.3:
        options["sep"] = separator
    packing, suffix = r.choice(PACKING), ".csv"
    if r.random() < _SHEETS:
        content, suffix = _sheet(lines, columns, r, options), ".xlsx"
        options = {"header": header, **{k: v for k, v in options.items() if k == "sheet"}}
    if packing:
        import gzip

        content = gzip.compress(content, mtime=0)
    return Made(content, f"{suffix}{packing}", options, columns, labels)


def _sheet(
    lines: list[list[str]], columns: dict[str, Column], r: random.Random, options: dict[str, Any]
) -> bytes:
    """An Excel file of the same: of some columns the values in place of their cells as text."""
    typed = [
        c for c, column in enumerate(columns.values()) if _has_types(column) and r.random() < 0.5
    ]
    made = list(columns.values())
    rows: list[list[Any]] = [list(line) for line in lines]
    first = len(rows) - len(made[0].cells)
    for c in typed:
        for row, value in zip(rows[first:], made[c].values, strict=True):
            row[c] = value
    if r.random() < 0.5:
        rows.insert(r.randint(first, len(rows)), [None] * len(rows[0]))
    if r.random() < 0.5:
        rows = [[], *([None, *row] for row in rows)]
    if r.random() < 0.5:
        options["sheet"] = "Data"
        return xlsx({"Notes": [["read me"]], "Data": rows})
    return xlsx({"Data": rows})


def _has_types(column: Column) -> bool:
    """Whether its values are numbers, or dates without the hours that a float would round."""
    return column.taken == "number" or (
        column.taken == "date" and all(v is None or v.minute == v.hour == 0 for v in column.values)
    )


def _marked(column: Column, kind: str, r: random.Random) -> Column:
    mark, share = r.choice(MARKS), r.choice([0.0, 0.02, 0.08])
    if column.taken not in _MARKED or kind == "whole dates":
        return column
    cells, values = list(column.cells), list(column.values)
    for i in range(1, len(cells)):
        if r.random() < share and (i > 3):
            cells[i], values[i] = mark, None
    most = sum(v is None for v in values) <= 0.09 * len(values)
    return Column(cells, column.taken, values) if most else column


def _quoted(cell: str, separator: str) -> str:
    return f'"{cell}"' if separator in cell else cell


def check(made: Made, folder: Path) -> Counter[str]:
    """Read a table and compare each column with what it was made from; counts of kinds."""
    path = folder / f"t{made.suffix}"
    path.write_bytes(made.content)
    reading = reading_of(**made.options)
    names = [*made.columns, "label"]
    if not made.options["header"]:
        names = [f"column_{i + 1}" for i in range(len(names))]
    target = names[-1]
    assert is_text(path)
    frame = read_table(path, reading=reading, literal=(target,))
    assert frame.columns == names, (frame.columns, names)
    found = recognise(frame, reading=reading, skip=(target,), from_text=True)
    labels = settled_labels(found.frame, target, from_text=True)
    assert labels.frame[target].to_list() == made.labels
    schema = learn_schema(labels.frame, target, recognised=found.columns)
    findings = {finding.name: finding for finding in schema.findings}
    counts: Counter[str] = Counter()
    for name, (label, column) in zip(names, made.columns.items(), strict=False):
        assert findings[name].taken == column.taken, (label, findings[name], column.cells[:8])
        _check_values(found.frame[name].to_list(), column, label)
        _check_split(labels.frame, name, column, label)
        counts[label] += 1
    # The file as prediction reads it: the same numbers.
    again = read_table(path, reading=reading, text=schema.text_columns)
    np.testing.assert_array_equal(
        design_matrix(labels.frame, schema).X, design_matrix(again, schema).X
    )
    return counts


def _check_split(frame: pl.DataFrame, name: str, column: Column, label: str) -> None:
    """The rows held out by a column without gaps are those of its largest values."""
    values = column.values
    if column.taken not in _MARKED or None in values or len(set(values)) < 2:
        return
    train, held_out = split_in_time(row_times(frame, name), 0.2)
    assert sorted([*train, *held_out]) == list(range(len(values))), label
    assert max(values[i] for i in train) < min(values[i] for i in held_out), label


def _check_values(found: list[Any], column: Column, label: str) -> None:
    if column.taken in ("left out", "category", "words"):
        return
    missing = [value is None for value in found]
    assert missing == [value is None for value in column.values], label
    for mine, made in zip(found, column.values, strict=True):
        if made is None:
            continue
        if column.taken == "date":
            assert mine == made, (label, mine, made)
        else:
            assert abs(mine - made) <= 1e-9 * abs(made), (label, mine, made)


def main(number: int, first: int = 0) -> None:
    """Run many tables, of the seeds from `first` on; the seed of each that fails, and counts."""
    counts: Counter[str] = Counter()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + number):
            try:
                counts += check(make(seed), Path(folder))
            except (AssertionError, InputError) as error:
                failed += 1
                sys.stdout.write(f"seed {seed}: {type(error).__name__} {str(error)[:300]}\n")
    sys.stdout.write(f"{number} tables, {failed} failed; {sum(counts.values())} columns\n")
    for kind, n in sorted(counts.items()):
        sys.stdout.write(f"{n:6} {kind}\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
