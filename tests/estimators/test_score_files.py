"""Scores of rows that come block by block, against `assess`, which has all of them in memory."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pminusy.estimators import rank_files
from pminusy.estimators.group_files import GroupFile
from pminusy.estimators.intervals import Intervals, intervals_of
from pminusy.estimators.rank_files import RankFiles, bytes_a_row
from pminusy.estimators.score_sums import ScoreSums
from pminusy.estimators.scores import Assessment, assess, score
from pminusy.present.metrics import class_metrics
from tests import tiers


def drawn(seed: int) -> tuple[Any, Any, Any]:
    """Labels, log-probabilities and weights, with ties in some; a class may have no row."""
    rng = np.random.default_rng(seed)
    n, K = int(rng.integers(2, 3000)), int(rng.choice([2, 3, 8, 12]))
    z = rng.normal(size=(n, K)) * rng.choice([0.1, 1.0, 30.0])
    if rng.random() < 0.5:
        z = np.round(z)
    log_p = z - np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
    log_p -= z.max(axis=1, keepdims=True)
    y = rng.integers(0, max(1, K - int(rng.integers(0, 3))), n)
    if seed % 5 == 0:
        y = log_p.argmax(axis=1)  # every row right
    weight = np.ones(n) if rng.random() < 0.5 else rng.exponential(size=n) + 1e-3
    return y, log_p, weight


def check(seed: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    y, log_p, weight = drawn(seed)
    rng = np.random.default_rng(seed)
    chunk = int(rng.choice([1, 37, 1 << 17])) if y.size < 300 else 100
    monkeypatch.setattr(rank_files, "_CHUNK", chunk)
    K, predicted = log_p.shape[1], log_p.argmax(axis=1)
    room = int(rng.choice([1, 160 * y.size // 3 + 1, 1 << 30]))
    sums, files, by_group = ScoreSums(K), RankFiles(folder, K, room), GroupFile(folder)
    groups = rng.integers(-1, int(rng.choice([1, 7, 300])), y.size)
    with files, by_group:
        for rows in np.array_split(np.arange(y.size), int(rng.integers(1, 6))):
            sums.add(y[rows], log_p[rows], weight[rows], predicted[rows])
            files.add(y[rows], log_p[rows], weight[rows])
            by_group.add(y[rows], log_p[rows], weight[rows], predicted[rows], groups[rows])
    found = sums.decisions() | files.rankings(sums) | sums.top()
    expected = assess(y, log_p, weight)
    named = dict(expected.scores.named()) | dict(expected.ranking)
    assert list(found) == list(named)
    for name, value in named.items():
        assert found[name].value == pytest.approx(value, rel=1e-12, abs=1e-13), name
    ends = intervals_of(found, y.size)
    assert (ends.rows, ends.groups, ends.sentence) == (
        expected.intervals.rows, None, expected.intervals.sentence,
    )  # fmt: skip
    assert list(ends) == list(expected.intervals)
    for name, interval in expected.intervals.items():
        assert ends[name] == pytest.approx(interval, rel=1e-6, abs=1e-9), name
    require_intervals_by_group(
        by_group.intervals(found, sums, files.influences(), groups=int(groups.max()) + 1),
        assess(y, log_p, weight, groups=np.where(groups < 0, 1000 + np.arange(y.size), groups)),
    )
    metrics = class_metrics(y, predicted, K, weight)
    for mine, other in zip(sums.by_class(), metrics, strict=True):
        assert astuple(mine) == pytest.approx(astuple(other), rel=1e-12, nan_ok=True)
    shares = np.full(K, 1 / K) if rng.random() < 0.5 else rng.dirichlet(np.ones(K))
    baseline = score(y, np.broadcast_to(np.log(shares), log_p.shape), weight)
    for (_, value), (_, known) in zip(
        sums.of_shares(shares).named(), baseline.named(), strict=True
    ):
        assert value == pytest.approx(known, rel=1e-12)
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert size <= y.size * (bytes_a_row(K) + GroupFile.BYTES_A_ROW)


def require_intervals_by_group(ends: Intervals, expected: Assessment) -> None:
    other = expected.intervals
    assert (ends.rows, ends.groups, list(ends)) == (other.rows, other.groups, list(other))
    for name, interval in other.items():
        assert ends[name] == pytest.approx(interval, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("seed", range(12))
def test_the_scores_of_all_rows(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, tmp_path, monkeypatch)


@pytest.mark.parametrize("seed", tiers.slow(range(100, 300), 60))
def test_the_scores_of_all_rows_of_more(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(seed, tmp_path, monkeypatch)
