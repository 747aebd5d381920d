"""Tables with every kind of column that a model knows, and rows with what training never saw."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

__all__ = ["made"]


def made(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table to train on, and one to predict: missing values and unseen categories in it."""
    r = random.Random(seed)
    N, K = r.choice([60, 150, 300]), r.choice([2, 3, 7])
    cells: dict[str, list[Any]] = {}
    unseen: dict[str, Any] = {}
    for place in range(r.randint(1, 7)):
        name, values, new = r.choice(_MAKERS)(r, N)
        name = r.choice([f"{name} {place}", f"label {place}", f"mass, \n{place}"])
        if r.random() < 0.5:
            values = [None if r.random() < 0.15 else value for value in values]
        cells[name], unseen[name] = values, new
    cells["number"] = [r.gauss(0, 1) for _ in range(N)]
    labels = _labels(r, K)
    cells["y"] = [labels[min(K - 1, int(abs(x) * K / 2))] for x in cells["number"]]
    table = pl.DataFrame(cells)
    later = table.head(20).to_dict(as_series=False)
    for name, new in unseen.items():
        later[name][3], later[name][7] = new, None
    return table, pl.DataFrame(later, schema=table.schema)


def _labels(r: random.Random, K: int) -> list[Any]:
    kinds: list[list[Any]] = [
        [f"class {k}" for k in range(K)],
        [10 * k - 20 for k in range(K)],
        [k + 0.5 for k in range(K)],
    ]
    if K == 2:
        kinds.append([False, True])
    return r.choice(kinds)


def _large(r: random.Random, N: int) -> tuple[str, list[Any], Any]:
    return "large", [round(r.gauss(1e6, 3), 2) for _ in range(N)], -7.5e5


def _whole(r: random.Random, N: int) -> tuple[str, list[Any], Any]:
    return "whole", [r.randrange(-50, 50) for _ in range(N)], 1000


def _words(r: random.Random, N: int) -> tuple[str, list[Any], Any]:
    words = [f"wörd {i}" for i in range(r.choice([2, 5, 90]))]  # more than 50: some are pooled
    return "words", [r.choice(words) for _ in range(N)], "never seen"


def _flags(r: random.Random, N: int) -> tuple[str, list[Any], Any]:
    return "flags", [r.random() < 0.5 for _ in range(N)], True


def _days(r: random.Random, N: int) -> tuple[str, list[Any], Any]:
    first = date(1960, 5, 17)
    return "days", [first + timedelta(days=r.randrange(30_000)) for _ in range(N)], date(1900, 1, 1)


def _times(r: random.Random, N: int) -> tuple[str, list[Any], Any]:
    first = datetime(2019, 12, 30, 5, 7, 9)
    values = [first + timedelta(seconds=r.randrange(50_000_000)) for _ in range(N)]
    return "times", values, datetime(2030, 2, 3)


_MAKERS = (_large, _whole, _words, _flags, _days, _times)
