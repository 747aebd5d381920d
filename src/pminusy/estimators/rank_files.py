"""How well rows are ranked, of more rows than memory holds: areas under curves from sorted files.

The log-probabilities of a class are divided into files by ranges of values, and each range is
sorted in memory; sums are carried from one to the next. So areas are those of all rows, and no
approximations. The influence of each row on them goes to a file in the order of the rows, because
of a mean over classes it is a sum over all of them. Files are read from beginning to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.intervals import Measured
from pminusy.estimators.score_sums import ScoreSums

__all__ = ["RankFiles", "bytes_a_row", "pieces"]

Array = NDArray[Any]

_CHUNK = 1 << 17  # rows that are read at once
_A_VALUE = 160  # bytes of a value that is sorted, with all that is made of it
_MOST_RANGES, _SAMPLED = 256, 1 << 14
_RECORD = np.dtype([("score", "f8"), ("weight", "f8")])  # weight < 0: of another class
_PAIR = np.dtype(("f8", (2,)))  # influences on both scores
_NAMES = ("ROC AUC", "average precision")


def bytes_a_row(classes: int) -> int:
    """Bytes of a row in all files."""
    return 8 * len(_columns(classes)) + 4 + 8 + _RECORD.itemsize + 2 * _PAIR.itemsize


def _columns(classes: int) -> list[int]:
    """Classes that are set against the others: of two the second alone."""
    return list(range(classes)) if classes > 2 else [1]


class _Below(NamedTuple):
    """Sums over all values below: weights of the class and of others, and what precision gains."""

    own: float = 0.0
    others: float = 0.0
    gained: float = 0.0
    lost: float = 0.0


class RankFiles:
    """Rows in the files of a folder.

    Parameters
    ----------
    folder
        Where the files are; whoever made it removes it.
    classes
        Their number.
    room
        Bytes for what is sorted at once.
    """

    def __init__(self, folder: Path, classes: int, room: int) -> None:
        self._folder, self._room, self._open = folder, room, ExitStack()
        self._columns, self._rows = _columns(classes), 0
        self._of_class, self._kept = np.zeros((classes, 2)), 0
        names = ["labels", "weights", *(f"class-{k}" for k in self._columns)]
        self._files: dict[str, BinaryIO] = {
            name: self._open.enter_context((folder / name).open("wb")) for name in names
        }

    def add(self, y: Array, log_p: Array, weight: Array) -> None:
        """Write rows: labels (n,), log-probabilities (n, K) and weights (n,), which are not 0."""
        y.astype(np.int32).tofile(self._files["labels"])
        weight.tofile(self._files["weights"])
        for k in self._columns:
            np.ascontiguousarray(log_p[:, k]).tofile(self._files[f"class-{k}"])
        self._rows += y.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is not written yet."""
        self._open.close()

    def rankings(self, sums: ScoreSums) -> dict[str, Measured]:
        """Areas under the ROC and the precision-recall curve, means over classes, by their names.

        `sums` are those of the same rows.
        """
        kept = [k for k in self._columns if 0 < sums.rows[k] < self._rows]
        if not kept:
            return {}
        K = sums.rows.size
        of_class = np.zeros((K, 2))  # the part of the influence that rows of a class have in common
        values, sizes = np.zeros((len(kept), 2)), []
        whole, squares = sums.weight.sum(), sums.squares.sum()
        for i, k in enumerate(kept):
            own, others = sums.weight[k], whole - sums.weight[k]
            values[i] = roc, precision = self._areas(k, own, others, first=i == 0)
            of_class[:, 0] -= roc / np.where(np.arange(K) == k, own, others)
            of_class[k, 1] -= precision / own
            sizes.append(min(own**2 / sums.squares[k], others**2 / (squares - sums.squares[k])))
        self._of_class, self._kept = of_class, len(kept)
        variance = sum((part**2).sum(axis=0) for part in self.influences())
        size = len(kept) ** 2 / sum(1 / size for size in sizes)
        return {
            name: Measured(float(values[:, j].mean()), float(variance[j]), float(size))
            for j, name in enumerate(_NAMES)
        }

    def influences(self) -> Iterator[Array]:
        """ω ψ / Σ ω of both areas (n, 2), in the order of the rows; `rankings` comes before."""
        influences = pieces(self._folder / "influences", _PAIR)
        for psi, (_, y, weight) in zip(influences, self._rows_of(self._columns[0]), strict=True):
            yield weight[:, None] * (psi + self._of_class[y]) / self._kept

    def _areas(self, k: int, P: float, N: float, *, first: bool) -> tuple[float, float]:
        """Areas of a class of weight P among others of weight N; influences are added up."""
        bounds = self._bounds(k)
        self._divide(k, bounds)
        roc = average = 0.0
        below = _Below()
        for i in range(bounds.size + 1):
            found = _areas_of_range(self._folder / f"range-{i}", below, P, N)
            roc, average, below = roc + found[0], average + found[1], found[2]
        self._add_influences(k, bounds, first=first)
        for i in range(bounds.size + 1):
            (self._folder / f"range-{i}").unlink()
            (self._folder / f"range-{i}.influence").unlink()
        return roc, average

    def _bounds(self, k: int) -> Array:
        """Values that divide the log-probabilities of a class into ranges that can be sorted."""
        ranges = min(-(-self._rows * _A_VALUE // self._room), _MOST_RANGES)
        step = max(1, self._rows // _SAMPLED)
        column = pieces(self._folder / f"class-{k}", np.dtype("f8"))
        sample = np.sort(np.concatenate([part[::step] for part in column]))
        return np.unique(sample[np.arange(1, ranges) * sample.size // ranges])

    def _divide(self, k: int, bounds: Array) -> None:
        with ExitStack() as stack:
            files = [
                stack.enter_context((self._folder / f"range-{i}").open("wb"))
                for i in range(bounds.size + 1)
            ]
            for score, y, weight in self._rows_of(k):
                records = np.empty(y.size, _RECORD)
                records["score"], records["weight"] = score, np.where(y == k, weight, -weight)
                where = np.searchsorted(bounds, score, "right")
                for i, file in enumerate(files):
                    records[where == i].tofile(file)

    def _add_influences(self, k: int, bounds: Array, *, first: bool) -> None:
        """Bring the influences of all ranges into the order of the rows, and add them up."""
        before, after = self._folder / "influences", self._folder / "influences.new"
        with ExitStack() as stack:
            files = [
                stack.enter_context((self._folder / f"range-{i}.influence").open("rb"))
                for i in range(bounds.size + 1)
            ]
            known = None if first else pieces(before, _PAIR)
            out = stack.enter_context(after.open("wb"))
            for score, _, _ in self._rows_of(k):
                where = np.searchsorted(bounds, score, "right")
                total = np.zeros((score.size, 2)) if known is None else next(known)
                for i, file in enumerate(files):
                    mine = np.flatnonzero(where == i)
                    total[mine] += np.fromfile(file, _PAIR, mine.size)
                total.tofile(out)
        after.replace(before)

    def _rows_of(self, k: int) -> Iterator[tuple[Array, Array, Array]]:
        """Log-probabilities of a class, labels and weights, some rows at a time."""
        files = (f"class-{k}", "f8"), ("labels", "i4"), ("weights", "f8")
        yield from zip(
            *(pieces(self._folder / name, np.dtype(kind)) for name, kind in files), strict=True
        )


def _areas_of_range(path: Path, below: _Below, P: float, N: float) -> tuple[float, float, _Below]:
    """What a range adds to both areas, and the sums below the next; influences go to a file.

    The formulas are those of influence.py, without the terms that are the same for all rows of a
    class.
    """
    s, own, others = _sorted(path)
    lower = (below.others + np.cumsum(others) - others / 2) / N
    upper = 1 - (below.own + np.cumsum(own) - own / 2) / P
    every = own + others
    named = np.maximum(P + N - below.own - below.others - np.cumsum(every) + every, every)
    precision = (P - below.own - np.cumsum(own) + own) / named
    gained = below.gained + np.cumsum(own / named)
    lost = below.lost + np.cumsum(own * precision / named)
    with path.with_name(f"{path.name}.influence").open("wb") as out:
        for part in pieces(path, _RECORD):
            at, mine = np.searchsorted(s, part["score"]), part["weight"] > 0
            roc = np.where(mine, lower[at] / P, upper[at] / N)
            average = (np.where(mine, precision[at] + gained[at], 0.0) - lost[at]) / P
            np.stack([roc, average], axis=1).tofile(out)
    if not s.size:
        return 0.0, 0.0, below
    after = _Below(
        below.own + own.sum(), below.others + others.sum(), float(gained[-1]), float(lost[-1])
    )
    return float(own @ lower) / P, float(own @ precision) / P, after


def _sorted(path: Path) -> tuple[Array, Array, Array]:
    """Distinct scores, ascending, with the weights of the class and of others that have each."""
    none = (np.empty(0), np.empty(0), np.empty(0))
    found = [
        _joined(part["score"], np.maximum(part["weight"], 0), np.maximum(-part["weight"], 0))
        for part in pieces(path, _RECORD)
    ]
    return _joined(*(np.concatenate(arrays) for arrays in zip(none, *found, strict=True)))


def _joined(score: Array, own: Array, others: Array) -> tuple[Array, Array, Array]:
    s, at = np.unique(score, return_inverse=True)
    return s, np.bincount(at, own, s.size), np.bincount(at, others, s.size)


def pieces(path: Path, dtype: np.dtype[Any]) -> Iterator[Array]:
    """A file in pieces of so many entries."""
    with path.open("rb") as file:
        while (part := np.fromfile(file, dtype, _CHUNK)).size:
            yield part
