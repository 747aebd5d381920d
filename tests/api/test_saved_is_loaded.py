"""What is trained can be saved, and what is saved can be loaded: bounds are checked beforehand."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.tables.untrusted import LONGEST_TEXT
from tests import tiers

LONG = "q" * (LONGEST_TEXT + 1)


def _table(**columns):
    return pl.DataFrame({"x": [0.0, 1.0] * 20, "y": ["a", "b"] * 20, **columns})


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            _table(y=[LONG, "b"] * 20),
            "target 'y': expected labels of at most 1,000,000 characters, got "
            f"'{'q' * 59}…', 1,000,001 of them; shorten it",
        ),
        (
            _table(k=[LONG, "u", "v", "u"] * 10),
            "column 'k': expected categories of at most 1,000,000 characters, got "
            f"'{'q' * 59}…', 1,000,001 of them; shorten it, or leave the column out with --drop k",
        ),
        (
            _table(**{LONG: [1.0, 2.0] * 20}),
            "table: expected names of columns of at most 1,000,000 characters, got "
            f"'{'q' * 59}…', 1,000,001 of them; rename or drop it",
        ),
    ],
)
def test_text_too_long_for_a_model_file_is_refused_before_training(table, expected):
    with pytest.raises(InputError) as error:
        pmy.fit_table(table, target="y")
    assert str(error.value) == expected


def test_text_just_short_enough_comes_back(tmp_path):
    long = LONG[1:]
    table = _table(y=[long, "b"] * 20, k=[long, "u", "v", "u"] * 10, **{long: [1.0, 2.0] * 20})
    model = pmy.fit_table(table, target="y")
    model.save(tmp_path / "m.safetensors")
    again = pmy.load(tmp_path / "m.safetensors")
    assert again.schema == model.schema
    assert again.predict(table).equals(model.predict(table))


def test_more_text_than_a_header_holds_is_refused_before_training():
    texts = [f"{i}".zfill(900_000) for i in range(50)]
    table = pl.DataFrame(
        {"k": texts * 4, "n": [f"日{t}" for t in texts] * 4, "y": list("ab") * 100}
    )
    with pytest.raises(InputError, match=r"^table: expected names of columns, .* below 96 MB, got"):
        pmy.fit_table(table, target="y")


def test_weights_too_uneven_for_shares_of_classes():
    table = _table(w=[1e-300, 1e300] * 20)
    with pytest.raises(InputError, match="weight 'w': expected weights of comparable size"):
        pmy.fit_table(table, target="y", weight="w")


TEXTS = ["", " ", "a", "日本", "\x00", "\x1b[0m", '"', "\\", "(other)", "x = y", "is missing", "\n",
         "😀", "null", "NaN", "1e400", "\u202e", "'", "é"]  # fmt: skip


def _column(r: random.Random, rows: int):
    kind = r.choice(["numbers", "huge", "tiny", "whole", "words", "truth", "gaps", "enum", "equal"])
    match kind:
        case "numbers":
            return [r.gauss(0, 1) for _ in range(rows)]
        case "huge":
            return [r.choice([1e300, -1e300, 0.0]) for _ in range(rows)]
        case "tiny":
            return [r.choice([5e-324, 1e-310, 0.0]) for _ in range(rows)]
        case "whole":
            return [r.choice([2**62, -(2**62), 0, 1]) for _ in range(rows)]
        case "words":
            return [r.choice(TEXTS) for _ in range(rows)]
        case "truth":
            return [r.choice([True, False, None]) for _ in range(rows)]
        case "gaps":
            return [r.choice([None, 1.5]) for _ in range(rows)]
        case "enum":
            return pl.Series([r.choice(TEXTS) for _ in range(rows)], dtype=pl.Enum(TEXTS))
        case _:
            return ["same"] * rows


LABELS: list[list[Any]] = [
    TEXTS, [0, 1], [-(2**63), 2**63 - 1], [2**64 - 1, 0], [0.5, 1e300, -0.0], [True, False],
    [1e16, 1e15], [1, 2, None],
]  # fmt: skip


def saved_is_loaded(seed: int, folder) -> bool:
    """Train on a wild table; what comes out of its file is what went in. False: no such model."""
    r = random.Random(seed)
    rows = 60
    labels = r.choice(LABELS)
    names = r.sample(TEXTS, r.randint(1, 4))
    data: dict[str, Any] = {name: _column(r, rows) for name in names}
    target = r.choice([name for name in [*TEXTS, "y"] if name not in names])
    data[target] = pl.Series(
        [r.choice(labels) for _ in range(rows)],
        dtype=pl.UInt64 if labels[0] == 2**64 - 1 else None,
    )
    try:
        model = pmy.fit_table(pl.DataFrame(data), target=target, test_size=r.choice([0, 0.2]))
    except InputError:
        return False
    path = folder / "m.safetensors"
    model.save(path)
    again = pmy.load(path)
    assert again.schema == model.schema
    assert again.settings == model.settings
    assert again.predict(pl.DataFrame(data)).equals(model.predict(pl.DataFrame(data)))
    return True


@pytest.mark.filterwarnings("ignore")
def test_wild_tables(tmp_path):
    assert sum(saved_is_loaded(seed, tmp_path) for seed in range(40)) > 15


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", tiers.slow(range(4), 1))
def test_many_wild_tables(tmp_path, part):
    assert sum(saved_is_loaded(seed, tmp_path) for seed in range(40 + part, 1000, 4)) > 100
