"""Ten splits of a table, and the loss of both on each."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedShuffleSplit

import pminusy as pmy
from benchmarks.tables import pipeline
from benchmarks.tables.sources import Source, Text

__all__ = ["Comparison", "compare"]

MOST = 4_000  # rows of a table, at random: ten splits with cross-validation in each
_TEST = 0.25
_LARGEST = -np.log(np.finfo(np.float64).eps)  # loss of a row, as in sklearn.metrics.log_loss


@dataclass(frozen=True, slots=True)
class Comparison:
    """Log loss (splits, 2) of `fit_table(cv=5)` and of the pipeline on the held-out rows."""

    source: Source
    rows: int
    columns: int
    classes: int
    losses: NDArray[np.float64]

    @property
    def difference(self) -> float:
        """Mean of ours less theirs."""
        return float(np.mean(self.losses[:, 0] - self.losses[:, 1]))

    @property
    def standard_error(self) -> float:
        """Of that mean, from the differences of the splits."""
        paired = self.losses[:, 0] - self.losses[:, 1]
        return float(paired.std(ddof=1) / np.sqrt(paired.size))

    @property
    def worse(self) -> bool:
        """Whether ours is worse by more than two standard errors (and more than rounding)."""
        return self.difference > 2 * self.standard_error + 1e-6


def compare(source: Source, text: Text, splits: int) -> Comparison:
    """Train and score both on the same rows of each split."""
    labels = np.array(text.labels())
    chosen = np.arange(labels.size)
    if chosen.size > MOST:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, MOST, replace=False))
    splitter = StratifiedShuffleSplit(splits, test_size=_TEST, random_state=0)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        train, test = Path(folder) / "train.csv", Path(folder) / "test.csv"
        for of_train, of_test in splitter.split(chosen, labels[chosen]):
            text.write(train, chosen[of_train])
            text.write(test, chosen[of_test])
            theirs = pipeline.losses(train, test, source)
            ours = _ours(train, test, source.target, labels[chosen[of_test]])
            found.append([np.minimum(loss, _LARGEST).mean() for loss in (ours, theirs)])
    classes = np.unique(labels).size
    return Comparison(source, chosen.size, len(text.header), classes, np.array(found))


def _ours(train: Path, test: Path, target: str, labels: NDArray[np.str_]) -> NDArray[np.float64]:
    """−log p of the labels (n,) of a test file, after training on another file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pmy.fit_table(train, target=target, test=test, cv=5, as_={target: "category"})
        predicted = model.predict(test)
    own = [
        row[f"p({label.strip()})"]
        for row, label in zip(predicted.iter_rows(named=True), labels, strict=True)
    ]
    with np.errstate(divide="ignore"):
        return -np.log(np.array(own, dtype=np.float64))
