"""CSV files of every kind are read as pandas reads them, or refused with the line."""

from __future__ import annotations

import io
import random
import re
import warnings
from collections import Counter

import pandas as pd
import pytest

from pminusy.errors import InputError
from pminusy.tables.files import read_table
from pminusy.tables.formats.csv_text import MISSING
from tests import tiers
from tests.tables.csv_cases import Case, combinations, make

ALL = combinations()
SAMPLE = random.Random(11).sample(ALL, 400)
PARTS = 16


def _by_pandas(case: Case, **options) -> pd.DataFrame:
    content = case.content
    first = content.partition(b"\n")[0].partition(b"\r")[0]
    if re.fullmatch(rb"(\xef\xbb\xbf)?sep=.", first):
        content = content[len(first) :].lstrip(b"\r\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of trailing separators
        return pd.read_csv(
            io.BytesIO(content), sep=case.separator, na_values=list(MISSING), keep_default_na=False,
            index_col=False, encoding="utf-8", **options,
        )  # fmt: skip


def _rows(frame) -> list[tuple[object, ...]]:
    rows = [tuple(None if value != value else value for value in row) for row in frame]
    while rows and all(value is None for value in rows[-1]):
        del rows[-1]
    return rows


def outcome(case: Case, path) -> str:
    """Compare one file; return what became of it."""
    path.write_bytes(case.content)
    try:
        names = read_table(path).columns
        table = read_table(path, text=names)
    except InputError as error:
        message = str(error)
        assert message.isprintable()
        assert re.search(r"line \d|UTF-16", message), message
        if case.name.endswith(("comment first", "comment inside", "open quote", "long row")):
            return "refused for its shape"
        assert "UTF" in message or "cell" in message or "quote" in message, message
        return "refused"
    theirs = _by_pandas(case, dtype=str)
    kept = [i for i, name in enumerate(theirs) if not str(name).startswith("Unnamed")]
    assert names == [str(theirs.columns[i]) for i in kept]
    expected = _rows(theirs.iloc[:, kept].astype(object).itertuples(index=False, name=None))
    assert _rows(table.rows()) == expected
    return "as pandas"


def sweep(combinations_, folder) -> Counter[str]:
    counts: Counter[str] = Counter()
    for i, combination in enumerate(combinations_):
        case = make(combination, 0)
        suffix = ("csv", "txt", "tsv")[i % 3]
        try:
            counts[outcome(case, folder / f"t.{suffix}")] += 1
        except Exception as error:
            raise AssertionError(f"{case.name}: {case.content[:2000]!r}") from error
    return counts


def test_a_sample(tmp_path):
    counts = sweep(SAMPLE, tmp_path)
    assert counts["as pandas"] > 120
    assert counts["refused"] + counts["refused for its shape"] > 100


@pytest.mark.parametrize("part", tiers.slow(range(PARTS), 3))
def test_all(tmp_path, part):
    counts = sweep(ALL[part::PARTS], tmp_path)
    assert sum(counts.values()) == len(ALL[part::PARTS])


def test_a_last_line_of_blanks_is_no_row(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"k|x|y\n  |1|2\n a|3|4\n  \n")
    assert read_table(path).rows() == [("  ", 1, 2), (" a", 3, 4)]
