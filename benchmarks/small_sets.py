"""Small and middle tables: scikit-learn's own, generated families, and parts of a folder's sets.

Settings may be tuned on one half, `tuning`, and are judged on the other, `held out`. Which half a
set belongs to follows from its place in the list, and was fixed before anything was measured. What
was measured on the held-out half has been read since; sets called `new`, of other seeds, sizes and
classes, were made after the settings.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["SmallSet", "small_sets", "standardised"]

Array = np.ndarray[Any, Any]
_CS = (0.01, 1.0, 100.0)


class SmallSet(NamedTuple):
    """A table of float64 numbers, its labels, and the values of C it is fitted with."""

    name: str
    half: str  # "tuning", "held out" or "new"
    real: bool
    X: Array
    y: Array
    Cs: tuple[float, ...] = _CS


def small_sets(folder: Path | None) -> list[SmallSet]:
    """All sets; those of a folder only where it is given and has them."""
    found = []
    for sets, real in ((_shipped(), True), (_of_folder(folder), True), (_generated(), False)):
        for place, (name, X, y, Cs) in enumerate(sets):
            half = "held out" if place % 2 else "tuning"
            found.append(SmallSet(name, half, real, np.asarray(X, np.float64), y, Cs))
    for sets, real in ((_new_of_folder(folder), True), (_newly_generated(), False)):
        found += [
            SmallSet(f"new: {name}", "new", real, np.asarray(X, np.float64), y, Cs)
            for name, X, y, Cs in sets
        ]
    return found


def standardised(X: Array) -> Array:
    """Columns of mean 0 and variance 1."""
    spread = X.std(axis=0)
    return np.asarray((X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


Named = tuple[str, Array, Array, tuple[float, ...]]


def _shipped() -> Iterator[Named]:
    from sklearn import datasets

    for name in ("diabetes", "iris", "digits", "wine", "breast_cancer"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name, X, np.searchsorted(np.quantile(y, (0.5,)), y) if name == "diabetes" else y, _CS


def _of_folder(folder: Path | None) -> Iterator[Named]:
    """Parts of larger sets: the first rows of a seeded order."""
    parts: list[tuple[str, Callable[[Path], tuple[Array, Array]], int]] = [
        ("glmnet_multinomial.npz", _table, 500),
        ("anes96.npz", _table, 944),
        ("letter.npz", _table, 3000),
        ("penguins.csv", _penguins, 400),
        ("covertype_sub.npz", _table, 4000),
        ("shuttle.npz", _table, 4000),
        ("mnist.npz", _small_images, 3000),
        ("isolet.npz", _few_letters, 1500),
        ("omniglot.npz", _drawers, 2000),
        ("kdd99_10pct.npz", _table, 5000),
        ("letter.npz", _two_letters, 1500),
        ("diamonds.csv", _diamonds, 5000),
        ("shuttle.npz", _table, 700),
        ("covertype_sub.npz", _two_covers, 3000),
        ("isolet.npz", _table, 800),
        ("mnist.npz", _two_digits, 1000),
        ("kdd99_10pct.npz", _table, 1000),
        ("letter.npz", _table, 800),
    ]  # fmt: skip
    for name, read, rows in parts:
        if folder is None or not (folder / name).exists():
            continue
        X, y = read(folder / name)
        order = np.random.default_rng(0).permutation(len(y))[:rows]
        X, y = X[order], y[order]
        kept = np.isin(y, [label for label in np.unique(y) if np.sum(y == label) > 1])
        label = f"{Path(name).stem}{_WAYS.get(read, '')}, {rows:,} rows"
        yield label, X[kept], np.unique(y[kept], return_inverse=True)[1], _CS


def _table(path: Path) -> tuple[Array, Array]:
    with np.load(path) as data:
        X, y = (data[f"{a}_train" if f"{a}_train" in data else a] for a in ("X", "y"))
    return X.reshape(len(y), -1).astype(np.float64), y


def _two_letters(path: Path) -> tuple[Array, Array]:
    X, y = _table(path)
    return X, (y >= np.median(y)).astype(int)


def _few_letters(path: Path) -> tuple[Array, Array]:
    X, y = _table(path)
    kept = y < np.unique(y)[5]
    return X[kept, ::2], y[kept]


def _two_covers(path: Path) -> tuple[Array, Array]:
    X, y = _table(path)
    return X, (y == np.unique(y)[0]).astype(int)


def _small_images(path: Path) -> tuple[Array, Array]:
    X, y = _table(path)
    tiles = X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    return tiles.reshape(len(y), -1), y


def _two_digits(path: Path) -> tuple[Array, Array]:
    X, y = _small_images(path)
    kept = (y == 3) | (y == 5)
    return X[kept], y[kept]


def _drawers(path: Path) -> tuple[Array, Array]:
    """Characters of 20 people, 28 × 28 in 7 × 7 tiles: the first 30 kinds."""
    with np.load(path) as data:
        X, y = data["X"], data["y"]
    kept = y < np.unique(y)[30]
    X = X[kept].reshape(-1, 7, 4, 7, 4).astype(np.float64).mean(axis=(2, 4))
    return X.reshape(len(X), -1), y[kept]


def _penguins(path: Path) -> tuple[Array, Array]:
    return _numbers(path, "species")


def _diamonds(path: Path) -> tuple[Array, Array]:
    return _numbers(path, "cut")


_WAYS: dict[Callable[[Path], tuple[Array, Array]], str] = {
    _two_letters: " (two halves)",
    _few_letters: " (5 letters)",
    _two_covers: " (one against the rest)",
    _small_images: " (14 × 14)",
    _two_digits: " (3 against 5)",
    _drawers: " (30 characters)",
}


def _numbers(path: Path, label: str) -> tuple[Array, Array]:
    """Columns of numbers, and labels; rows that lack a number are left out."""
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    columns = [name for name in lines[0] if name != label and _is_number(lines, name)]
    whole = [line for line in lines if all(_parsed(line[name]) is not None for name in columns)]
    X = np.array([[float(line[name]) for name in columns] for line in whole])
    return X, np.array([line[label] for line in whole])


def _is_number(lines: list[dict[str, str]], name: str) -> bool:
    return sum(_parsed(line[name]) is None for line in lines) < len(lines) // 10


def _parsed(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _generated() -> Iterator[Named]:
    """Families that differ in one thing each."""
    yield "plain, 200 × 5, 2", *_blobs(0, 200, 5, 2), (1e-3, 1.0, 1e4)
    yield "plain, 2,000 × 20, 3", *_blobs(1, 2000, 20, 3), _CS
    yield "ill-conditioned 1e6, 1,000 × 15, 3", *_blobs(2, 1000, 15, 3, condition=1e6), _CS
    yield "ill-conditioned 1e3, 3,000 × 60, 2", *_blobs(3, 3000, 60, 2, condition=1e3), _CS
    yield "one class in 200, 4,000 × 20, 2", *_blobs(4, 4000, 20, 2, rare=0.005), _CS
    yield "one class in 100, 3,000 × 30, 5", *_blobs(5, 3000, 30, 5, rare=0.01), _CS
    yield "told apart, 500 × 20, 3", *_blobs(6, 500, 20, 3, distance=8.0), (0.01, 1.0, 1e4)
    yield "told apart, 800 × 40, 2", *_blobs(7, 800, 40, 2, distance=8.0), (0.01, 1.0, 1e4)
    yield "overlapping, 2,000 × 50, 4", *_blobs(8, 2000, 50, 4, distance=0.3), _CS
    yield "overlapping, 5,000 × 100, 6", *_blobs(9, 5000, 100, 6, distance=0.3), _CS
    yield "mostly 0, 1,500 × 100, 3", *_blobs(10, 1500, 100, 3, filled=0.03), _CS
    yield "mostly 0, 3,000 × 200, 4", *_blobs(11, 3000, 200, 4, filled=0.03), _CS
    yield "rows 5 times, 1,500 × 10, 3", *_blobs(12, 1500, 10, 3, copies=5), _CS
    yield "rows 5 times, 3,000 × 25, 2", *_blobs(13, 3000, 25, 2, copies=5), _CS
    yield "wide, 100 × 300, 2", *_blobs(14, 100, 300, 2), _CS
    yield "wide, 150 × 500, 3", *_blobs(15, 150, 500, 3), _CS
    yield "many classes, 2,000 × 20, 20", *_blobs(16, 2000, 20, 20), _CS
    yield "many classes, 3,000 × 30, 30", *_blobs(17, 3000, 30, 30), _CS
    yield "middle, 4,000 × 150, 4", *_blobs(18, 4000, 150, 4), _CS
    yield "middle, 5,000 × 300, 6", *_blobs(19, 5000, 300, 6), _CS


def _new_of_folder(folder: Path | None) -> Iterator[Named]:
    """Other classes and other rows of the folder's sets, and what scikit-learn ships, otherwise."""
    from sklearn import datasets

    X, y = datasets.load_digits(return_X_y=True)
    yield "digits (odd or even)", X, y % 2, _CS
    X, y = datasets.load_diabetes(return_X_y=True)
    yield "diabetes (thirds)", X, np.searchsorted(np.quantile(y, (1 / 3, 2 / 3)), y), _CS
    parts: list[tuple[str, str, Callable[[Path], tuple[Array, Array]], tuple[int, ...], int]] = [
        ("letter.npz", "4 letters", _table, (3, 9, 14, 20), 1200),
        ("isolet.npz", "vowels", _table, (0, 4, 8), 700),
        ("covertype_sub.npz", "2 covers", _table, (1, 2), 2500),
        ("shuttle.npz", "2 states", _table, (0, 3), 2000),
        ("mnist.npz", "4 against 9", _small_images, (4, 9), 900),
        ("mnist.npz", "6 digits, 100 rows", _small_images, (0, 1, 2, 5, 7, 8), 100),
    ]
    for file, name, read, classes, rows in parts:
        if folder is None or not (folder / file).exists():
            continue
        X, y = read(folder / file)
        of_classes = np.flatnonzero(np.isin(y, np.unique(y)[list(classes)]))
        chosen = np.random.default_rng(1).permutation(of_classes)[:rows]
        yield (
            f"{Path(file).stem} ({name})",
            X[chosen],
            np.unique(y[chosen], return_inverse=True)[1],
            _CS,
        )


def _newly_generated() -> Iterator[Named]:
    """The families once more, of other seeds and sizes."""
    yield "plain, 900 × 12, 4", *_blobs(100, 900, 12, 4), _CS
    yield "ill-conditioned 1e4, 1,500 × 25, 2", *_blobs(101, 1500, 25, 2, condition=1e4), _CS
    yield "one class in 50, 2,500 × 40, 3", *_blobs(102, 2500, 40, 3, rare=0.02), _CS
    yield "told apart, 600 × 15, 5", *_blobs(103, 600, 15, 5, distance=8.0), _CS
    yield "overlapping, 1,200 × 70, 2", *_blobs(104, 1200, 70, 2, distance=0.3), _CS
    yield "mostly 0, 1,000 × 60, 3", *_blobs(105, 1000, 60, 3, filled=0.05), _CS
    yield "wide, 120 × 400, 4", *_blobs(106, 120, 400, 4), _CS


def _blobs(
    seed: int,
    N: int,
    D: int,
    K: int,
    *,
    distance: float = 1.5,
    condition: float = 1.0,
    rare: float | None = None,
    filled: float = 1.0,
    copies: int = 1,
) -> tuple[Array, Array]:
    """Rows around one centre a class, in a random basis of columns of unlike sizes."""
    rng = np.random.default_rng(seed)
    share = np.full(K, 1 / K)
    if rare is not None:
        share[0] = rare
        share /= share.sum()
    y = rng.choice(K, N // copies, p=share)
    y[:K] = np.arange(K)
    centres = distance * rng.standard_normal((K, D)) / np.sqrt(D)
    X = centres[y] + rng.standard_normal((y.size, D)) / np.sqrt(D) * 2
    if condition > 1:
        basis = np.linalg.qr(rng.standard_normal((D, D)))[0]
        X = X * np.geomspace(1, condition, D) @ basis
    X = np.where(rng.random(X.shape) < filled, X, 0.0)
    return np.tile(X, (copies, 1)), np.tile(y, copies)
