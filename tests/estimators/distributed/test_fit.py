"""Fits of Dask's collections on threads of this process: the answer is that in memory."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import KilledWorker
from distributed.client import CancelledFuturesGroup, FutureCancelledError, FuturesCancelledError

import pminusy as pmy
from pminusy.errors import InputError
from tests.estimators.distributed.cases import (
    VARIANTS,
    D,
    N,
    assert_same_answer,
    cuts,
    fitted,
    in_memory,
    in_partitions,
    rows,
)

X, Y, _ = rows(0, frozenset())
SIZES = (200, 0, 1, 250, 149)


@pytest.mark.parametrize("variant", range(len(VARIANTS)))
def test_the_answer_is_that_in_memory(variant: int) -> None:
    assert_same_answer(fitted(variant, variant, cuts(variant)), in_memory(variant, variant))


def test_the_same_partitions_give_the_same_bits() -> None:
    one = fitted(1, 0, SIZES)
    with dask.config.set(scheduler="synchronous"):
        other = fitted(1, 0, SIZES)
    np.testing.assert_array_equal(one.coef_, other.coef_)
    assert one.objective_ == other.objective_


def test_the_number_of_threads_leaves_no_trace() -> None:
    found = []
    try:
        for threads in (1, 2):  # which would share the tiles of a partition of this size
            pmy.set_num_threads(threads)
            found.append(fitted(1, 1, (N,)))
    finally:
        pmy.set_num_threads(None)
    np.testing.assert_array_equal(found[0].coef_, found[1].coef_)


def _group(reason: str) -> CancelledFuturesGroup:
    """Several pieces of work that were given up for one reason."""
    return CancelledFuturesGroup(errors=[FutureCancelledError("sum", reason)], reason=reason)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FutureCancelledError("sum", "scheduler-connection-lost"), "scheduler: .* lost connection"),
        (FuturesCancelledError([_group("scheduler-restart")]), "scheduler: .* got a restart of it"),
        (FuturesCancelledError([_group("by hand")]), "scheduler: .* got cancelled work"),
        (KilledWorker("sum", None, 3), "X: expected partitions that workers can hold"),
    ],
)
def test_what_dask_gives_up_is_said_in_a_line(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> None:
        raise error

    monkeypatch.setattr(dask, "compute", lost)
    with pytest.raises(InputError, match=message):
        pmy.SoftmaxRegression().fit(in_partitions(X, SIZES), Y)


def test_targets_in_memory_beside_an_array_of_known_rows() -> None:
    found = pmy.SoftmaxRegression().fit(in_partitions(X, SIZES), Y)
    assert_same_answer(found, pmy.SoftmaxRegression().fit(X, Y))
    other_cuts = in_partitions(Y, (10, 590))
    again = pmy.SoftmaxRegression().fit(in_partitions(X, SIZES), other_cuts)
    np.testing.assert_array_equal(found.coef_, again.coef_)


def test_a_fit_is_numpy_s_and_pickles() -> None:
    found = fitted(0, 2, SIZES)
    assert type(found.coef_) is np.ndarray
    assert list(found.feature_names_in_) == [f"size {j}" for j in range(D)]
    assert found.n_features_in_ == D
    again = pickle.loads(pickle.dumps(found))
    frame = pd.DataFrame(X, columns=found.feature_names_in_)
    np.testing.assert_array_equal(again.predict_proba(frame), found.predict_proba(frame))


def test_only_a_sample_is_held_here(monkeypatch: pytest.MonkeyPatch) -> None:
    from pminusy.estimators.distributed.source import DaskSource

    seen: list[int] = []
    whole = DaskSource.__init__

    def noted(self: Any, parts: Any, summary: Any, held: Any) -> None:
        seen.append(held[1].omega.size)
        whole(self, parts, summary, held)

    monkeypatch.setattr(DaskSource, "__init__", noted)
    found = fitted(0, 0, SIZES, memory=64_000)
    assert seen == [150]
    assert_same_answer(found, in_memory(0, 0))


def test_progress_checkpoint_and_summary_work_as_always(tmp_path: Any) -> None:
    seen: list[int] = []
    file = tmp_path / "fit.checkpoint"
    found = fitted(
        0, 0, SIZES, checkpoint=file, progress=lambda progress: seen.append(progress.iteration)
    )
    assert seen == [progress.iteration for progress in found.history_]
    again = fitted(0, 0, SIZES, checkpoint=file)
    assert again.n_passes_ < found.n_passes_
    np.testing.assert_allclose(again.objective_, found.objective_, rtol=1e-12)
    with pytest.raises(InputError, match="checkpoint"):
        fitted(1, 0, SIZES, checkpoint=file)
    expected = pmy.SoftmaxRegression().fit(X, Y).summary(X, Y)
    summary = found.summary(in_partitions(X, SIZES), in_partitions(Y, SIZES))
    np.testing.assert_allclose(summary.standard_errors, expected.standard_errors, rtol=1e-6)


def test_separable_rows_without_a_penalty_are_said() -> None:
    far = np.concatenate([X[:300] - 99, X[300:] + 99])
    labels = np.repeat([0, 1], 300)
    with pytest.warns(match="told apart without error"):
        found = pmy.SoftmaxRegression(C=np.inf).fit(in_partitions(far, SIZES), labels)
    assert not found.converged_


def with_nan(part: Any, block_info: Any = None) -> Any:
    part = part.copy()
    if block_info[0]["chunk-location"][0] == 3:
        part[2, 1] = np.nan
    return part


def fit(X: Any, y: Any, *weight: Any, **options: Any) -> Callable[[], Any]:
    return lambda: pmy.SoftmaxRegression(**options).fit(X, y, *weight)


ARRAY, TARGETS = in_partitions(X, SIZES), in_partitions(Y, SIZES)
FRAME = in_partitions(X, SIZES, frozenset({"frame"}))
LABELS = in_partitions(Y, SIZES, frozenset({"frame"}))
UNKNOWN = in_partitions(X, SIZES, frozenset({"unknown"}))


def renamed(part: pd.DataFrame, partition_info: Any = None) -> pd.DataFrame:
    third = partition_info is not None and partition_info["number"] == 3
    return part.rename(columns={"size 1": "length"}) if third else part


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "NaN": (
        fit(ARRAY.rechunk({1: -1}).map_blocks(with_nan, dtype=float), TARGETS),
        r"X of partition 3: expected finite numbers, got NaN in row 2, column 1; drop",
    ),
    "other columns": (
        fit(FRAME.map_partitions(renamed, meta=FRAME._meta, enforce_metadata=False), LABELS),
        r"X of partition 3: expected names size 0.*, as partition 0 has, got size 0, length",
    ),
    "no y": (fit(ARRAY, None), r"y: expected labels .* beside a Dask collection, got None"),
    "fewer partitions": (fit(FRAME, TARGETS.rechunk(N)), r"y: expected 5 partitions.*got 1; part"),
    "other rows": (
        fit(UNKNOWN, in_partitions(Y, (1, 199, 0, 251, 149))),
        r"y of partition 0: expected 200 rows, as X has, got \(1,\)",
    ),
    "fewer rows": (fit(ARRAY, Y[1:]), r"y: expected 600 rows, as X has, got \(599,\)"),
    "rows not known": (
        fit(UNKNOWN, Y), r"y: expected a Dask collection .* not known, got ndarray; or compute_ch",
    ),
    "one class": (fit(ARRAY, 0 * TARGETS), r"y: expected at least 2 classes, got 1 class \(0\)"),
    "numbers that are no labels": (
        fit(ARRAY, TARGETS + 0.5), r"y of partition 0: expected labels .*, got continuous numbers",
    ),
    "labels of two types": (
        fit(ARRAY, TARGETS.map_blocks(lambda y: y if len(y) > 200 else y.astype(str), dtype=int)),
        r"y of partition 3: expected labels of text, as partition 0 has, got numbers",
    ),
    "negative weight": (
        fit(ARRAY, TARGETS, TARGETS - 1.0), r"weight of partition 0: expected finite numbers",
    ),
    "no weight": (fit(ARRAY, TARGETS, 0.0 * TARGETS), r"sample_weight: expected a positive sum"),
    "no rows": (
        fit(in_partitions(X[:0], (0, 0)), Y[:0]), r"X: expected partitions with rows, got none",
    ),
    "dual": (
        fit(in_partitions(X, SIZES, frozenset({"sparse"})), TARGETS, solver="dual"),
        r"solver: expected one that reads rows anew",
    ),
    "one dimension": (fit(TARGETS, TARGETS), r"X: expected a Dask array .*Array of 1 dimension$"),
    "a bag": (
        fit(dask.delayed(1), Y), r"X: expected a Dask array \(N, D\) or dataframe, got Dask's Del",
    ),
    "text": (
        fit(FRAME.assign(kind="ash"), LABELS), r"X of partition 0: expected numbers, got",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    call, message = REFUSED[what]
    with pytest.raises(InputError, match=message):
        call()


def test_rows_that_are_others_when_they_are_made_anew_are_noticed() -> None:
    from pminusy.estimators.distributed.partition import numbered, read_partition, summary_of

    read = read_partition(4, X, Y, None)
    summary = summary_of(4, read)
    (size,), (mark,) = summary.sizes, summary.marks
    assert numbered(4, read, np.arange(3), size, mark).y.dtype == np.int32
    other = read_partition(4, X[::-1], Y[::-1], None)
    with pytest.raises(InputError, match=r"partition 4: expected the same rows.*fix the seed"):
        numbered(4, other, np.arange(3), size, mark)
    with pytest.raises(InputError, match=r"partition 4: expected 600 rows, as on the first"):
        numbered(4, read_partition(4, X[1:], Y[1:], None), np.arange(3), size, mark)


def assert_close(found: Any, expected: Any) -> None:
    """Few rows and many are not computed alike, to some units in the last place."""
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["array", "frame"])
@pytest.mark.parametrize("classes", [2, 3])
def test_predictions_are_lazy_and_of_the_kind_that_came_in(kind: str, classes: int) -> None:
    labels = np.array(["ash", "birch", "cedar"])[np.minimum(Y, classes - 1)]
    given = FRAME if kind == "frame" else ARRAY
    inputs = FRAME.compute() if kind == "frame" else X
    found = pmy.SoftmaxRegression().fit(inputs, labels)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        lazy, expected = getattr(found, method)(given), getattr(found, method)(inputs)
        assert isinstance(lazy, dd.DataFrame | dd.Series if kind == "frame" else da.Array)
        computed = lazy.compute()
        assert lazy.ndim == computed.ndim == expected.ndim
        assert_close(np.asarray(computed), expected)
        if kind == "frame":
            pd.testing.assert_index_equal(computed.index, inputs.index)
            if expected.ndim == 2:
                assert list(lazy.columns) == list(computed.columns) == list(found.classes_)
        else:
            assert lazy.dtype == expected.dtype
            assert lazy.chunks[0] == SIZES
            assert lazy.compute_chunk_sizes().shape == expected.shape
    assert found.score(given, in_partitions(labels, SIZES)) == found.score(inputs, labels)
    weight = np.arange(N) / 7.0
    np.testing.assert_allclose(
        found.score(given, in_partitions(labels, SIZES), in_partitions(weight, SIZES)),
        found.score(inputs, labels, weight), rtol=1e-12,
    )  # fmt: skip


def test_predictions_are_those_of_the_model_as_it_was() -> None:
    found = pmy.SoftmaxRegression().fit(X, Y)
    lazy, expected = found.predict_proba(ARRAY), found.predict_proba(X)
    found.fit(X, Y[::-1])
    assert_close(lazy.compute(), expected)


def test_predictions_refused() -> None:
    found = pmy.SoftmaxRegression().fit(FRAME.compute(), Y)
    with pytest.raises(InputError, match=r"X: expected 5 columns, as in fit, got 4"):
        found.predict(ARRAY[:, 1:])
    with pytest.raises(InputError, match=r"top_k: expected None beside a Dask collection, got 2"):
        found.predict_proba(ARRAY, top_k=2)
    with pytest.raises(InputError, match=r"X: expected the columns of fit .*got size 0, length"):
        found.predict(FRAME.rename(columns={"size 1": "length"})).compute()
    with pytest.raises(InputError, match=r"X: expected a Dask array"):
        found.predict(TARGETS)
    with pytest.raises(InputError, match=r"y: expected labels \(n,\) for a score"):
        found.score(ARRAY, in_partitions(np.eye(3)[Y], SIZES))
