"""What may be given as blocks, what is refused, and what is noticed while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.model_selection import GroupKFold

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.estimators.streams import rows as rows_module

from .cases import Case, draw

TINY = 4000
N, D, K = 2000, 5, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, D))
Y = (X @ RNG.normal(size=(D, K)) + RNG.gumbel(size=(N, K))).argmax(axis=1)


def in_blocks(*arrays: Any, size: int = 137) -> pmy.Blocks:
    """Rows of arrays, so many at a time."""

    def factory() -> Iterator[tuple[Any, ...]]:
        for first in range(0, arrays[0].shape[0], size):
            yield tuple(array[first : first + size] for array in arrays)

    return pmy.Blocks(factory)


def given(*blocks: tuple[Any, ...]) -> pmy.Blocks:
    return pmy.Blocks(lambda: iter(blocks))


@pytest.fixture(scope="module")
def model() -> Any:
    return pmy.SoftmaxRegression(tol=1e-9).fit(X, Y)


@pytest.mark.parametrize("size", [1, 64, 333, N])
def test_the_size_of_blocks_leaves_no_trace_at_all(size: int) -> None:
    fits = [pmy.SoftmaxRegression(memory=TINY).fit(in_blocks(X, Y, size=s)) for s in (97, size)]
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)
    assert fits[0].history_[-1][:3] == fits[1].history_[-1][:3]


def test_blocks_that_memory_holds_are_a_fit_in_memory(model: Any) -> None:
    blocks = pmy.SoftmaxRegression(tol=1e-9).fit(in_blocks(X, Y))
    np.testing.assert_array_equal(blocks.coef_, model.coef_)
    assert blocks.n_passes_ == model.n_passes_


def test_a_buffer_that_is_filled_again_may_be_given(model: Any) -> None:
    def factory() -> Iterator[tuple[Any, ...]]:
        buffer, labels = np.empty((100, D)), np.empty(100, int)
        for first in range(0, N, 100):
            buffer[:], labels[:] = X[first : first + 100], Y[first : first + 100]
            yield buffer, labels

    for memory in (TINY, 1 << 30):
        fit = pmy.SoftmaxRegression(memory=memory, tol=1e-9).fit(pmy.Blocks(factory))
        np.testing.assert_allclose(fit.coef_, model.coef_, atol=1e-8)


class Sliced:
    """An array on disk as zarr and h5py have them; counts what is read."""

    def __init__(self, array: Any) -> None:
        self._array, self.most = array, 0
        self.shape, self.dtype, self.chunks = array.shape, array.dtype, (100, array.shape[1])

    def __getitem__(self, rows: slice) -> Any:
        part = self._array[rows]
        self.most = max(self.most, part.shape[0])
        return part


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_arrays_that_are_read_by_slices(model: Any, sparse: bool) -> None:
    array = Sliced(sp.csr_array(X) if sparse else X)
    fit = pmy.SoftmaxRegression(memory=60_000, tol=1e-9).fit(array, Y)
    np.testing.assert_allclose(fit.coef_, model.coef_, atol=1e-7)
    whole = pmy.SoftmaxRegression(tol=1e-9).fit(array, Y)
    np.testing.assert_allclose(whole.coef_, model.coef_, atol=1e-7)
    np.testing.assert_allclose(fit.predict_proba(array), fit.predict_proba(X), rtol=1e-12)
    assert fit.score(array, Y) == fit.score(X, Y)


def test_no_more_is_read_at_once_than_a_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    from pminusy.estimators.streams import blocks

    for name, value in (("_SLAB", 10_000), ("_SMALLEST_SLAB", 1), ("_SLABS", 1)):
        monkeypatch.setattr(blocks, name, value)
    array = Sliced(X)
    pmy.SoftmaxRegression(memory=60_000, workspace=10_000).fit(array, Y).predict(array)
    assert array.most == 200  # whole chunks of 100, about 10,000 bytes


@pytest.mark.parametrize("kind", ["array", "csr"])
def test_memmaps(tmp_path: Path, model: Any, kind: str) -> None:
    def mapped(name: str, array: Any) -> Any:
        np.save(tmp_path / name, array)
        return np.load(tmp_path / name, mmap_mode="r")

    array: Any = mapped("x.npy", X)
    if kind == "csr":
        rows = sp.csr_array(X)
        array = sp.csr_array((1, 1))
        array.data, array.indices, array.indptr = (
            mapped(f"{name}.npy", getattr(rows, name)) for name in ("data", "indices", "indptr")
        )
        array._shape = X.shape
    fit = pmy.SoftmaxRegression(memory=TINY, tol=1e-9).fit(array, mapped("y.npy", Y))
    np.testing.assert_allclose(fit.coef_, model.coef_, atol=1e-7)
    np.testing.assert_array_equal(fit.predict(array), fit.predict(X))


def test_frames_give_their_names() -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    blocks = [(frame[:900], Y[:900]), (frame[900:], Y[900:])]
    for memory in (TINY, 1 << 30):
        fit = pmy.SoftmaxRegression(memory=memory).fit(given(*blocks))
        assert fit.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(InputError, match=r"X of block 1: expected names a, b, c, d, e.*got c, a"):
        pmy.SoftmaxRegression().fit(given(blocks[0], (frame[list("cabde")], Y)))


@pytest.mark.parametrize(
    ("weighted", "scoring"),
    [
        (True, "neg_log_loss"),
        *(
            pytest.param(weighted, scoring, marks=pytest.mark.slow)
            for weighted, scoring in (
                (False, None), (False, "neg_log_loss"), (False, "roc_auc_ovr"),
                (True, None), (True, "roc_auc_ovr"),
            )
        ),
    ],
)  # fmt: skip
def test_cross_validation_chooses_alike(scoring: str | None, weighted: bool) -> None:
    labels = np.array(["low", "middle", "high"])[Y]
    weight = RNG.exponential(size=N) if weighted else None
    whole = pmy.SoftmaxRegressionCV(4, scoring=scoring, tol=1e-9)
    whole.fit(X, labels, weight)
    arrays = (X, labels) if weight is None else (X, labels, weight)
    blocks = pmy.SoftmaxRegressionCV(4, scoring=scoring, tol=1e-9, memory=TINY)
    blocks.fit(in_blocks(*arrays))
    lazy = pmy.SoftmaxRegressionCV(4, scoring=scoring, tol=1e-9, memory=TINY)
    lazy.fit(Sliced(X), labels, weight)
    for fit in (blocks, lazy):
        assert fit.C_ == whole.C_
        np.testing.assert_allclose(fit.scores_, whole.scores_, rtol=1e-7)
        np.testing.assert_allclose(fit.coef_, whole.coef_, atol=1e-6)
        assert fit.score(in_blocks(X, labels)) if scoring is None else True


def test_cross_validation_with_groups_and_l1() -> None:
    groups = np.arange(N) % 7
    folds = list(GroupKFold(3).split(X, Y, groups))
    fits = [
        pmy.SoftmaxRegressionCV([0.01, 1.0], l1_ratios=(0.5,), cv=folds, memory=m, tol=1e-8)
        for m in (1 << 30, TINY)
    ]
    whole, blocks = fits[0].fit(X, Y), fits[1].fit(in_blocks(X, Y))
    np.testing.assert_allclose(blocks.scores_, whole.scores_, rtol=1e-7)
    np.testing.assert_allclose(blocks.coef_, whole.coef_, atol=1e-5)


def test_cross_validation_refuses_scorers_that_look_at_rows() -> None:
    with pytest.raises(InputError, match=r"scoring: expected the name of a score.*make_scorer"):
        pmy.SoftmaxRegressionCV(2, scoring=lambda *_: 1.0, memory=TINY).fit(in_blocks(X, Y))


def test_summaries_of_blocks(model: Any) -> None:
    blocks = pmy.SoftmaxRegression(tol=1e-9, memory=TINY).fit(in_blocks(X, Y))
    ours, theirs = blocks.summary(in_blocks(X, Y)), model.summary(X, Y)
    np.testing.assert_allclose(ours.standard_errors, theirs.standard_errors, rtol=1e-6)
    assert ours.bic == pytest.approx(theirs.bic, rel=1e-9)


def test_predictions_of_blocks(model: Any) -> None:
    blocks = in_blocks(X, Y)
    np.testing.assert_array_equal(model.predict(blocks), model.predict(X))
    np.testing.assert_allclose(model.predict_proba(blocks), model.predict_proba(X), rtol=1e-12)
    only_x = pmy.Blocks(lambda: iter([X[:10], X[10:]]))
    np.testing.assert_array_equal(model.predict(only_x), model.predict(X))
    assert model.score(blocks) == model.score(X, Y)


def test_without_an_optimum_blocks_say_so_too() -> None:
    labels = (X[:, 0] > 0).astype(int)
    with pytest.warns(match="told apart without error"):
        pmy.SoftmaxRegression(C=np.inf, memory=TINY, max_iter=20).fit(in_blocks(X, labels))


def test_the_sample_in_memory_decides_nothing() -> None:
    """Rows sorted by label: every sample of the first of them is of one class."""
    order = np.argsort(Y, kind="stable")
    whole = pmy.SoftmaxRegression(tol=1e-9).fit(X, Y)
    for memory in (3000, 30_000):
        fit = pmy.SoftmaxRegression(tol=1e-9, memory=memory).fit(in_blocks(X[order], Y[order]))
        np.testing.assert_allclose(fit.coef_, whole.coef_, atol=1e-7)


def other(row: int, *, what: str) -> Callable[[int], tuple[Any, Any]]:
    """Rows that are others from the second visit on."""

    def arrays(visit: int) -> tuple[Any, Any]:
        if visit < 1:
            return X, Y
        inputs, labels = X.copy(), Y.copy()
        if what == "a number":
            inputs[row, 1] += 1e-9
        elif what == "a label":
            labels[row] = (labels[row] + 1) % K
        elif what == "an unknown label":
            labels[row] = 7
        elif what == "two rows swapped":
            inputs[[row, row + 1]], labels[[row, row + 1]] = X[[row + 1, row]], Y[[row + 1, row]]
        elif what == "one row less":
            inputs, labels = inputs[:-1], labels[:-1]
        else:
            inputs, labels = np.concatenate([inputs, inputs[:1]]), np.append(labels, 0)
        return inputs, labels

    return arrays


@pytest.mark.parametrize(
    "what",
    ["a number", "a label", "an unknown label", "two rows swapped", "one row less", "one row more"],
)
@pytest.mark.parametrize("row", [0, 1234])
def test_other_rows_on_a_later_visit_are_noticed(what: str, row: int) -> None:
    arrays, visits = other(row, what=what), [0]

    def factory() -> Iterator[tuple[Any, ...]]:
        inputs, labels = arrays(visits[0])
        visits[0] += 1
        for first in range(0, len(labels), 50):
            yield inputs[first : first + 50], labels[first : first + 50]

    with pytest.raises(
        InputError, match=r"X: expected .* on every visit, got .*has a file changed"
    ):
        pmy.SoftmaxRegression(memory=TINY).fit(pmy.Blocks(factory))


def test_an_iterator_that_is_used_up_is_noticed() -> None:
    used = iter([(X[:1000], Y[:1000]), (X[1000:], Y[1000:])])
    with pytest.raises(InputError, match=r"X: expected 2000 rows on every visit, got 0"):
        pmy.SoftmaxRegression(memory=TINY).fit(pmy.Blocks(lambda: used))


def test_errors_of_the_factory_come_out_as_they_are() -> None:
    def factory() -> Iterator[tuple[Any, ...]]:
        yield X, Y
        raise OSError("the disk is gone")

    for memory in (TINY, 1 << 30):
        with pytest.raises(OSError, match="the disk is gone"):
            pmy.SoftmaxRegression(memory=memory).fit(pmy.Blocks(factory))


NAN = X.copy()
NAN[7, 2] = np.nan
REFUSED: dict[str, tuple[tuple[tuple[Any, ...], ...], str]] = {
    "no blocks": ((), r"X: expected blocks with rows, got none"),
    "empty blocks": (((X[:0], Y[:0]),), r"X: expected blocks with rows, got none"),
    "only X": (((X,),), r"block 0: expected \(X, y\) or \(X, y, weight\), got 1 parts"),
    "columns": (((X, Y), (X[:, 1:], Y)), r"X of block 1: expected 5 columns.*got 4"),
    "kinds": (((X, Y), (sp.csr_array(X), Y)), r"X of block 1: expected a dense X.*got a sparse X"),
    "types": (
        ((X, Y), (X.astype(np.float32), Y)),
        r"X of block 1: expected float64.*got float32",
    ),
    "rows of y": (((X, Y[1:]),), r"y of block 0: expected 2000 rows, as X has"),
    "rows of weights": (((X, Y, Y[1:] * 1.0),), r"weight of block 0: expected 2000 rows"),
    "weights now and then": (((X, Y), (X, Y, Y)), r"block 1: expected no weights.*got weights"),
    "negative weights": (((X, Y, Y - 1.0),), r"weight of block 0: expected finite numbers from 0"),
    "NaN": (((X, Y), (NAN, Y)), r"X of block 1: expected finite numbers, got NaN in row 2007, col"),
    "text": (((X.astype(str).astype(object) + "a", Y),), r"X of block 0: expected numbers"),
    "one dimension": (((X[:, 0], Y),), r"X of block 0: expected two dimensions"),
    "labels of two types": (((X, Y), (X, Y.astype(str))), r"y of block 1: expected numbers"),
    "soft and not": (((X, Y), (X, np.eye(K)[Y])), r"y of block 1: expected labels \(n,\)"),
    "soft sums": (((X, np.eye(K)[Y] * 2),), r"y of block 0: expected labels.*sum of 2 in row 0"),
    "one class": (((X, Y * 0),), r"y: expected at least 2 classes, got 1 class"),
    "no weight": (((X, Y, Y * 0.0),), r"positive sum, got only zeros|at least one non-zero"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("memory", [TINY, 1 << 30], ids=["tiny", "ample"])
def test_refused(what: str, memory: int) -> None:
    blocks, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        pmy.SoftmaxRegression(memory=memory).fit(given(*blocks))


def test_refused_beside_blocks() -> None:
    blocks = in_blocks(X, Y)
    with pytest.raises(InputError, match=r"y: expected None beside Blocks"):
        pmy.SoftmaxRegression().fit(blocks, Y)
    with pytest.raises(InputError, match=r"X: expected rows of one batch, got Blocks"):
        pmy.SoftmaxRegression().partial_fit(blocks, Y, classes=[0, 1, 2])
    with pytest.raises(InputError, match=r"factory: expected a function .*Blocks\(lambda"):
        pmy.Blocks([(X, Y)])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"factory: expected a function that returns an iterator"):
        pmy.SoftmaxRegression().fit(pmy.Blocks(lambda: 3))  # type: ignore[arg-type,return-value]
    dual = pmy.SoftmaxRegression(solver="dual", memory=TINY)
    with pytest.raises(InputError, match=r"solver: expected one that reads.*raise memory"):
        dual.fit(in_blocks(sp.csr_array(X), Y))
    with pytest.raises(InputError, match=r"y: expected labels \(N,\) for cross-validation"):
        pmy.SoftmaxRegressionCV(memory=TINY).fit(in_blocks(X, np.eye(K)[Y]))


def test_collections_of_dask_are_refused_by_name() -> None:
    collection = type("Array", (Sliced,), {"__module__": "dask.array.core"})(X)
    calls: list[Callable[[], Any]] = [
        lambda: pmy.SoftmaxRegressionCV().fit(collection, Y),
        lambda: pmy.SoftmaxNetwork().fit(collection, Y),
        lambda: pmy.SoftmaxRegression().partial_fit(collection, Y, classes=[0, 1, 2]),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"X: expected rows of this machine, got Dask's Array"):
            call()


def test_a_memmap_that_was_written_to_in_memory_alone_keeps_what_was_written(
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "x.npy", np.zeros_like(X))
    array = np.load(tmp_path / "x.npy", mmap_mode="c")
    array[:] = X
    pmy.SoftmaxRegression(memory=TINY).fit(array, Y)
    np.testing.assert_array_equal(array, X)


def test_a_fit_that_is_interrupted_leaves_no_thread_behind() -> None:
    import threading

    def stop(progress: Any) -> None:
        if progress.iteration == 1:
            raise KeyboardInterrupt

    rows = np.repeat(X, 20, axis=0), np.repeat(Y, 20)
    fit = pmy.SoftmaxRegression(tol=0, memory=1_000_000, progress=stop, keep_interrupted=True)
    with pytest.warns(match="interrupted after 1 iteration"):
        fit.fit(in_blocks(*rows))
    assert fit.end_ == "interrupt"
    assert not [t for t in threading.enumerate() if t.name == "pminusy-read-ahead"]


@pytest.mark.slow
def test_float32_blocks_of_many_rows_are_compiled_and_read_ahead() -> None:
    """Beyond the sizes below which NumPy and no thread do the work."""
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(30_000, 20)).astype(np.float32)
    labels = (inputs @ rng.normal(size=(20, 6)) + rng.gumbel(size=(30_000, 6))).argmax(axis=1)
    for solver in ("newton", "lbfgs", "newton-cg"):
        whole = pmy.SoftmaxRegression(tol=1e-8, solver=solver).fit(inputs, labels)
        blocks = pmy.SoftmaxRegression(tol=1e-8, solver=solver, memory=1_000_000)
        blocks.fit(in_blocks(inputs, labels, size=5000))
        assert blocks.converged_
        assert blocks.objective_ == pytest.approx(whole.objective_, rel=1e-10)
        np.testing.assert_allclose(blocks.parameters_.W, whole.parameters_.W, atol=1e-6)
        assert solver == "newton-cg" or blocks.n_passes_ < 40


def test_memory_that_cannot_be_kept_to_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more rows than the least that can; others warn in no test."""
    monkeypatch.setattr(rows_module, "LEAST", 1 << 15)
    with pytest.warns(UserWarning, match=r"memory of 0\.0 MiB may be passed by some MiB: a fit"):
        pmy.SoftmaxRegression(memory=TINY).fit(in_blocks(X, Y))
    pmy.SoftmaxRegression(memory=1 << 15).fit(in_blocks(X, Y))


@pytest.mark.slow  # a kernel of its own is compiled
def test_many_classes_in_blocks() -> None:
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(6000, 30)).astype(np.float32)
    labels = (inputs @ rng.normal(size=(30, 90)) + 2 * rng.gumbel(size=(6000, 90))).argmax(axis=1)
    whole = pmy.SoftmaxRegression(tol=1e-7, solver="lbfgs").fit(inputs, labels)
    blocks = pmy.SoftmaxRegression(tol=1e-7, solver="lbfgs", memory=200_000)
    blocks.fit(in_blocks(inputs, labels))
    assert blocks.converged_
    assert blocks.objective_ == pytest.approx(whole.objective_, rel=1e-9)


def test_cases_are_of_every_kind() -> None:
    """The generator draws what its tests are about."""
    drawn = [draw(seed) for seed in range(200)]
    assert len({repr(sorted(case.parameters)) for case in drawn}) >= 4
    assert {type(case.X) for case in drawn} == {np.ndarray, sp.csr_array}
    kinds: list[Callable[[Case], bool]] = [
        lambda case: 0 in case.sizes,
        lambda case: max(case.sizes) == 1,
        lambda case: case.y.ndim == 2,
        lambda case: case.weight is not None and 0.0 in case.weight,
        lambda case: case.parameters.get("l1_ratio") == 1.0,
        lambda case: np.isinf(case.parameters["C"]),
    ]
    assert all(any(kind(case) for case in drawn) for kind in kinds)
