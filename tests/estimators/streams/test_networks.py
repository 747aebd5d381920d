"""Networks trained on rows that are not in memory: the same steps, whatever the rows come in."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from pminusy import Blocks, SoftmaxNetwork
from pminusy.errors import InputError
from pminusy.estimators.network import streamed
from pminusy.kernels.runtime import threads
from pminusy.training.network import caller
from pminusy.training.network.visits import StreamedRows

SMALL = 120_000  # bytes, of which a quarter holds some 300 of the rows below


def rows(N: int = 3000, K: int = 3, seed: int = 0) -> tuple[Any, Any]:
    """Rows whose classes are worth a hidden layer."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 6))
    z = np.stack([X[:, 0] * X[:, 1], X[:, 2], np.abs(X[:, 3])], axis=1)[:, :K]
    return X, (2 * z + rng.gumbel(size=z.shape)).argmax(axis=1)


def fitted(X: Any, y: Any = None, weight: Any = None, **options: Any) -> SoftmaxNetwork:
    """A fit, without what it says of its end."""
    eval_set = options.pop("eval_set", None)
    given: dict[str, Any] = {"hidden_layer_sizes": (12,), "max_iter": 3, "random_state": 0}
    net = SoftmaxNetwork(**given | options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        net.fit(X, y, weight, eval_set=eval_set)
    return net


def in_blocks(X: Any, y: Any, weight: Any = None, size: int = 170) -> Blocks:
    def factory():
        for first in range(0, X.shape[0], size):
            part = slice(first, first + size)
            yield (X[part], y[part]) if weight is None else (X[part], y[part], weight[part])

    return Blocks(factory)


class Sliced:
    """An array that is read by slices alone, and counts the rows that were read at once."""

    def __init__(self, X: Any) -> None:
        self._X, self.shape, self.dtype, self.most = X, X.shape, X.dtype, 0

    def __getitem__(self, part: slice) -> Any:
        assert isinstance(part, slice)
        found = self._X[part]
        self.most = max(self.most, found.shape[0])
        return found


def same(net: SoftmaxNetwork, other: SoftmaxNetwork, rtol: float = 0.0) -> None:
    for mine, yours in zip(
        [*net.coefs_, *net.intercepts_], [*other.coefs_, *other.intercepts_], strict=True
    ):
        np.testing.assert_allclose(mine, yours, rtol=rtol, atol=rtol)
    for norm, its in zip(net.norms_, other.norms_, strict=True):
        for a, b in zip(norm[1:], its[1:], strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 64},
    "dropout": {"dropout": 0.3, "batch_size": 50},
    "batch norm, a last batch of one row": {"batch_norm": True, "batch_size": 2999},
    "several batches a step": {"average_gradients": 3, "batch_size": 33, "clip_norm": 0.5},
    "averaged": {"average_weights": 0.9, "batch_norm": "inputs", "batch_size": 70},
    "weights": {"class_weight": "balanced", "label_smoothing": 0.1},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "more rows a batch than memory holds": {"batch_size": 1100},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("kind", ["blocks", "slices", "sparse"])
def test_rows_in_their_order_are_trained_to_the_same_bits_as_in_memory(options, kind, monkeypatch):
    """The steps are the same; only where the rows are is another place."""
    monkeypatch.setattr("pminusy.estimators.streams.blocks._SMALLEST_SLAB", 10_000)
    X, y = rows()
    weight = None if "average_weights" in options else np.random.default_rng(1).random(len(y))
    if kind == "sparse":
        if options.get("batch_norm") == "inputs":
            return
        X = sp.csr_array(X * (np.abs(X) > 0.7))
    there: Any = Sliced(X) if kind == "slices" else X
    streamed_net = (
        fitted(there, y, weight, shuffle=False, memory=SMALL, **options)
        if kind == "slices"
        else fitted(in_blocks(X, y, weight), shuffle=False, memory=SMALL, **options)
    )
    whole = fitted(X, y, weight, shuffle=False, **options)
    # "balanced" adds weights up block by block, which rounds in another way
    same(streamed_net, whole, 1e-10 if "class_weight" in options else 0.0)
    np.testing.assert_allclose(streamed_net.loss_curve_, whole.loss_curve_, rtol=1e-12)
    assert streamed_net.t_ == whole.t_ == 3 * len(y)
    if kind == "slices":
        assert there.most < len(y) / 3


def test_what_memory_holds_is_trained_as_in_memory():
    X, y = rows()
    same(fitted(in_blocks(X, y)), fitted(X, y))
    same(fitted(Sliced(X), y, early_stopping=True), fitted(X, y, early_stopping=True))


def test_every_row_is_visited_once_an_epoch(monkeypatch):
    """Each row has a number of its own in a feature; which rows steps see is written down."""
    X, y = rows()
    X[:, 5] = np.arange(len(y))
    seen: list[Any] = []
    made = streamed.RowsOfBlocks._made

    def noted(self, block):
        kernel_rows, counted = made(self, block)
        seen.append(block.X[:, 5].copy())
        return kernel_rows, counted

    parts: list[Any] = []
    epoch = StreamedRows.epoch

    def told(self, random):
        for part in epoch(self, random):
            parts.append(seen[-1][part.order])
            yield part

    monkeypatch.setattr(streamed.RowsOfBlocks, "_made", noted)
    monkeypatch.setattr(StreamedRows, "epoch", told)
    fitted(Sliced(X), y, memory=SMALL, max_iter=2, batch_size=20)
    numbers = np.concatenate(parts).astype(int)
    first, second = numbers[: len(y)], numbers[len(y) :]
    for visited in (first, second):
        np.testing.assert_array_equal(np.sort(visited), np.arange(len(y)))
    assert (first != second).mean() > 0.99
    assert len(parts) > 10
    # shuffled by blocks and within: neighbours come from all over the file
    assert np.median(np.abs(np.diff(first))) > len(y) / 20


def test_the_order_of_blocks_is_mixed_within_what_is_held(monkeypatch):
    X, y = rows()
    X[:, 5] = np.arange(len(y))
    net = fitted(in_blocks(X, y), memory=SMALL)
    again = fitted(in_blocks(X, y, size=13), memory=SMALL)
    same(net, again)  # whatever the size of the blocks


@pytest.mark.parametrize("kind", ["blocks", "slices"])
def test_shuffled_rows_are_learnt_as_well_as_in_memory(kind):
    """Log loss on other rows, against the spread of seeds of fits in memory."""
    X, y = rows()
    X_new, y_new = rows(seed=1)

    def loss(net: SoftmaxNetwork) -> float:
        return float(-net.predict_log_proba(X_new)[np.arange(len(y_new)), y_new].mean())

    options: dict[str, Any] = {"max_iter": 30, "learning_rate_init": 0.005}
    whole = [loss(fitted(X, y, random_state=seed, **options)) for seed in range(5)]
    read = [
        loss(
            fitted(Sliced(X), y, random_state=seed, memory=SMALL, **options)
            if kind == "slices"
            else fitted(in_blocks(X, y), random_state=seed, memory=SMALL, **options)
        )
        for seed in range(5)
    ]
    apart = abs(np.mean(whole) - np.mean(read))
    assert apart < 3 * np.hypot(np.std(whole), np.std(read)) / np.sqrt(5) + 0.005


def test_sorted_slices_are_mixed():
    """All rows of a class after the other: blocks in an order of their own leave no trace of it."""
    X, y = rows()
    order = np.argsort(y, kind="stable")
    net: Any = fitted(
        Sliced(X[order]), y[order], memory=SMALL, max_iter=20, learning_rate_init=0.005
    )
    whole = fitted(X, y, max_iter=20, learning_rate_init=0.005)
    assert net.score(X, y) > whole.score(X, y) - 0.03


def test_bits_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(caller, "_ALONE", 0)  # small steps would run on one thread
    X, y = rows()
    options: dict[str, Any] = {"memory": SMALL, "hidden_layer_sizes": (90,), "batch_size": 200}
    found = []
    try:
        for n in (1, 2):
            threads.set_num_threads(n)
            found.append(fitted(Sliced(X), y, dropout=0.2, early_stopping=True, **options))
    finally:
        threads.set_num_threads(None)
    same(*found)


@pytest.mark.parametrize("kind", ["blocks", "slices"])
def test_early_stopping_holds_rows_out(kind):
    X, y = rows()
    options: dict[str, Any] = {"memory": SMALL, "early_stopping": True, "max_iter": 40}
    net = (
        fitted(Sliced(X), y, **options) if kind == "slices" else fitted(in_blocks(X, y), **options)
    )
    assert len(net.validation_scores_) == net.n_iter_
    held = len(y) - net.t_ / net.n_iter_
    # an eighth of the memory holds fewer rows than a tenth of them
    assert 50 < held < 300
    assert net.validation_losses_[-1] < net.validation_losses_[0]


def test_the_same_rows_are_held_out_of_blocks_and_slices():
    X, y = rows()
    options: dict[str, Any] = {"memory": SMALL, "early_stopping": True, "shuffle": False}
    same(fitted(Sliced(X), y, **options), fitted(in_blocks(X, y), **options))


def test_soft_targets_float32_and_text_labels():
    X, y = rows()
    soft = np.eye(3)[y] * 0.8 + 0.2 / 3
    same(
        fitted(in_blocks(X, soft), shuffle=False, memory=SMALL),
        fitted(X, soft, shuffle=False),
    )
    names = np.array(["c", "a", "b"])[y]
    small = X.astype(np.float32)
    net = fitted(Sliced(small), names, shuffle=False, memory=SMALL)
    same(net, fitted(small, names, shuffle=False))
    assert net.coefs_[0].dtype == np.float32
    assert net.classes_.tolist() == ["a", "b", "c"]
    assert net.n_features_in_ == 6


def test_bytes_are_trained_as_in_memory():
    X, y = rows()
    pixels = (50 * np.abs(X)).clip(0, 255).astype(np.uint8)
    net = fitted(Sliced(pixels), y, shuffle=False, memory=SMALL)
    same(net, fitted(pixels, y, shuffle=False))


def test_predictions_of_blocks_and_slices_are_those_of_arrays():
    X, y = rows()
    net: Any = fitted(X, np.array(["u", "v", "w"])[y], memory=SMALL)
    for method in ("predict", "predict_proba", "predict_log_proba", "logits"):
        ask = getattr(net, method)
        whole = ask(X)
        for other in (Sliced(X), in_blocks(X, y), Blocks(lambda: iter([X[:1000], X[1000:]]))):
            found = ask(other)
            if method == "predict":
                np.testing.assert_array_equal(found, whole)
            else:
                np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-12)
    names = np.array(["u", "v", "w"])[y]
    assert net.score(in_blocks(X, names)) == pytest.approx(net.score(X, names), abs=1e-12)
    assert net.score(Sliced(X), names) == net.score(X, names)


def test_a_memmap_of_other_rows_may_be_the_eval_set(tmp_path):
    X, y = rows()
    X_new, y_new = rows(seed=1)
    mapped = np.memmap(tmp_path / "X", np.float64, "w+", shape=X_new.shape)
    mapped[:] = X_new
    options: dict[str, Any] = {"memory": SMALL, "early_stopping": "loss", "max_iter": 15}
    net = fitted(X, y, eval_set=(mapped, y_new), **options)
    whole = fitted(X, y, eval_set=(X_new, y_new), **options)
    same(net, whole)
    np.testing.assert_allclose(net.validation_losses_, whole.validation_losses_, rtol=1e-12)


def test_training_goes_on_from_a_checkpoint(tmp_path):
    X, y = rows()
    options: dict[str, Any] = {
        "memory": SMALL, "dropout": 0.2, "batch_norm": True, "early_stopping": True,
        "max_iter": 6, "checkpoint": tmp_path / "c", "checkpoint_seconds": 0,
    }  # fmt: skip

    def stop(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    whole = fitted(Sliced(X), y, **options | {"checkpoint": None})
    first = fitted(Sliced(X), y, progress=stop, **options)
    assert first.end_ == "interrupt"
    on = fitted(Sliced(X), y, **options)
    same(on, whole)
    assert on.loss_curve_ == whole.loss_curve_
    X[7] += 1e-9
    with pytest.raises(InputError, match="other data"):
        fitted(Sliced(X), y, **options)


def test_warm_start_goes_on_with_blocks():
    X, y = rows()
    net = SoftmaxNetwork(5, max_iter=2, warm_start=True, random_state=0, memory=SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        before = net.fit(in_blocks(X, y)).loss_
        assert net.fit(in_blocks(X, y)).loss_ < before
        with pytest.raises(InputError, match="same classes"):
            net.fit(in_blocks(X, np.minimum(y, 1)))


def test_what_cannot_be_is_refused_by_name():
    X, y = rows()
    with pytest.raises(InputError, match=r"solver: expected 'adam' or 'sgd'.*memory"):
        fitted(in_blocks(X, y), solver="lbfgs", memory=SMALL)
    with pytest.raises(InputError, match=r"X: expected rows of one batch, got Blocks"):
        SoftmaxNetwork().partial_fit(in_blocks(X, y), None, classes=[0, 1, 2])
    with pytest.raises(InputError, match="eval_set X"):
        fitted(X, y, eval_set=(in_blocks(X, y), y))
    with pytest.raises(InputError, match="y: expected None beside Blocks"):
        fitted(in_blocks(X, y), y)
    with pytest.raises(InputError, match="at least 2 classes"):
        fitted(in_blocks(X, 0 * y), memory=SMALL)
    with pytest.raises(InputError, match="a positive sum"):
        fitted(in_blocks(X, y, 0.0 * y), memory=SMALL)
    with pytest.raises(InputError, match="True or False for sparse X"):
        fitted(in_blocks(sp.csr_array(X), y), batch_norm="inputs", memory=SMALL)
    with pytest.raises(InputError, match="validation_fraction"):
        fitted(Sliced(X), y, early_stopping=True, validation_fraction=0.0, memory=SMALL)
    X[2001, 4] = np.nan
    with pytest.raises(InputError, match="NaN in row 2001, column 4"):
        fitted(Sliced(X), y, memory=SMALL)


def test_a_network_that_is_not_fitted_says_so():
    X, y = rows(20)
    for ask in (SoftmaxNetwork().predict, SoftmaxNetwork().score):
        with pytest.raises(NotFittedError):
            ask(in_blocks(X, y))


@pytest.mark.parametrize("weight", [0.0, np.nan, -1.0])
def test_weights_of_the_eval_set_are_checked_by_name(weight):
    X, y = rows(60)
    with pytest.raises(InputError, match="eval_set sample_weight: expected 60 finite weights"):
        fitted(X, y, eval_set=(X, y, np.full(60, weight)))


def test_other_rows_on_a_later_visit_are_refused():
    X, y = rows()
    visits = []

    def factory():
        visits.append(1)
        moved = X if len(visits) == 1 else X + 1e-9
        for first in range(0, len(y), 500):
            yield moved[first : first + 500], y[first : first + 500]

    with pytest.raises(InputError, match="the same rows on every visit"):
        fitted(Blocks(factory), memory=SMALL)
