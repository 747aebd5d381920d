"""Intervals by groups, of more rows than memory holds.

The variance of a score is Σ_g (Σ_{i in g} ω_i ψ_i / Σ ω)² over groups g, as in intervals.py. The
influences ψ need the scores of all rows, so what they are made of goes to a file, and is read again
once the scores are known. In memory are the sums of each group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.intervals import Intervals, Measured, intervals_of
from pminusy.estimators.rank_files import pieces
from pminusy.estimators.score_sums import ScoreSums
from pminusy.estimators.scores import TOP

__all__ = ["BYTES_A_GROUP", "GroupFile"]

Array = NDArray[Any]

_RECORD = np.dtype([("group", "i8"), ("y", "i4"), ("right", "?"), ("rank", "i4"), ("loss", "f8"),
                    ("weight", "f8")])  # fmt: skip
_AREAS = ("ROC AUC", "average precision")
_SCORES = 3 + len(_AREAS) + len(TOP)
BYTES_A_GROUP = 8 * (_SCORES + 2) + 200  # its sums, and its name


class GroupFile:
    """What influences are made of, row by row, in a file of a folder.

    A group is a number from 0; a row of a number below 0 is a group of its own.
    """

    BYTES_A_ROW = _RECORD.itemsize

    def __init__(self, folder: Path) -> None:
        self._path = folder / "groups"
        self._file = self._path.open("wb")

    def add(self, y: Array, log_p: Array, weight: Array, predicted: Array, group: Array) -> None:
        """Write rows: labels, log-probabilities (n, K), weights, predicted classes, groups (n,)."""
        own = log_p[np.arange(y.size), y]
        records = np.empty(y.size, _RECORD)
        records["group"], records["y"], records["right"] = group, y, predicted == y
        records["rank"] = (log_p > own[:, None]).sum(axis=1)
        records["loss"], records["weight"] = -own, weight
        records.tofile(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is not written yet."""
        self._file.close()

    def intervals(
        self,
        scores: Mapping[str, Measured],
        sums: ScoreSums,
        areas: Iterable[Array],
        *,
        groups: int,
        merged: Array | None = None,
    ) -> Intervals:
        """Intervals of scores that are known.

        Parameters
        ----------
        scores
            Of all rows, by their names.
        sums
            Of the same rows.
        areas
            ω ψ / Σ ω of both areas under curves (n, 2), as many rows at a time as here.
        groups
            Their number G.
        merged
            Other numbers (G,) of the groups that were written; below 0 for rows that are alone.
        """
        found = _Sums(groups, len(scores))
        with_areas = iter(areas) if _AREAS[0] in scores else repeat(None)
        for rows, of_areas in zip(pieces(self._path, _RECORD), with_areas, strict=False):
            group = rows["group"]
            if merged is not None and merged.size:
                group = np.where(group < 0, group, merged[group])
            found.add(group, rows["weight"], _shares(rows, scores, sums, of_areas))
        return found.intervals(scores, int(sums.rows.sum()))


def _shares(
    rows: Array, scores: Mapping[str, Measured], sums: ScoreSums, areas: Array | None
) -> Array:
    """ω ψ / Σ ω of each score (n, S), in their order; the formulas are those of influence.py."""
    y, weight, whole = rows["y"], rows["weight"], sums.weight.sum()
    recall = sums.hit / np.where(sums.rows, sums.weight, 1.0)
    of_class = sums.weight[y] * np.count_nonzero(sums.rows) / whole
    psi = {
        "accuracy": rows["right"] - scores["accuracy"].value,
        "balanced accuracy": (rows["right"] - recall[y]) / of_class,
        "log loss": rows["loss"] - scores["log loss"].value,
    }
    for top in TOP:
        name = f"top-{top} accuracy"
        if name in scores:
            psi[name] = (rows["rank"] < top) - scores[name].value
    shares = {name: weight * column / whole for name, column in psi.items()}
    if areas is not None:
        shares |= {name: areas[:, j] for j, name in enumerate(_AREAS)}
    return np.column_stack([shares[name] for name in scores])


class _Sums:
    """Sums over groups, of the influences on each of some scores."""

    def __init__(self, groups: int, scores: int) -> None:
        self._of_group = np.zeros((scores + 2, groups))  # influences; weights; rows
        self._alone = np.zeros(scores)  # Σ of squares, of rows that are alone
        self._rows_alone, self._weight_alone, self._squares = 0, 0.0, 0.0

    def add(self, group: Array, weight: Array, shares: Array) -> None:
        """Add rows: numbers (n,) and weights (n,) with the influences on each score (n, S)."""
        alone = group < 0
        self._squares += float(weight @ weight)
        self._rows_alone += int(alone.sum())
        self._weight_alone += float(weight[alone] @ weight[alone])
        self._alone += (shares[alone] ** 2).sum(axis=0)
        together = group[~alone]
        for sums, column in zip(
            self._of_group, (*shares.T, weight, np.ones(weight.size)), strict=True
        ):
            sums += np.bincount(together, column[~alone], sums.size)

    def intervals(self, scores: Mapping[str, Measured], rows: int) -> Intervals:
        """As those of rows in memory."""
        *sums, weights, counts = self._of_group
        observed = int(np.count_nonzero(counts)) + self._rows_alone
        if observed < 2:
            return Intervals(rows, observed)
        of_groups = self._weight_alone + float(weights @ weights)
        smaller = min(self._squares / of_groups, 1.0)
        measured = {
            name: Measured(score.value, float(alone + of_group @ of_group), score.size * smaller)
            for (name, score), alone, of_group in zip(
                scores.items(), self._alone, sums, strict=True
            )
        }
        return replace(intervals_of(measured, observed), rows=rows, groups=observed)
