"""The linear layer tile by tile against all logits at once."""

import importlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.kernels.linear import products

OPTION_SETS: tuple[Any, ...] = (
    {},
    {"reduction": "sum", "label_smoothing": 0.1},
    {"reduction": "none", "temperature": 2.0},
    {"z_loss": 0.01, "softcap": 20.0},
)
SHAPES = ((5, 3, 4), (3000, 20, 10), (500, 33, 70), (700, 20, 300))


def made(N: int, D: int, K: int, dtype: Any = np.float64) -> Any:
    random = np.random.default_rng(N)
    X, W, V = (random.normal(size=s).astype(dtype) for s in ((N, D), (K, D), (K, D)))
    b, v = (random.normal(size=K).astype(dtype) for _ in range(2))
    return X, W, b, random.integers(0, K, size=N), V, v


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
@pytest.mark.parametrize("tight", [False, True], ids=["roomy", "tight"])
def test_equals_logits_first(shape, options, tight):
    X, W, b, y, V, v = made(*shape)
    N, D, K = shape
    room = {"workspace": 2 * 8 * K * D + 8 * K * 41} if tight else {}
    z, A = X @ W.T + b, X @ V.T + v
    loss, g = pmy.cross_entropy_grad(z, y, **options)
    R = pmy.cross_entropy_hvp(z, y, A, **options)
    near = {"rtol": 1e-9, "atol": 1e-11 * np.abs(g).max() * N}
    for inputs in (X, scipy.sparse.csr_array(X), np.asfortranarray(X)):
        got: Any = pmy.linear_cross_entropy_grad(inputs, W, b, y, **room, **options)
        np.testing.assert_allclose(got.loss, loss, rtol=1e-12)
        np.testing.assert_allclose(got.dL_dX, g @ W, **near)
        np.testing.assert_allclose(got.dL_dW, g.T @ X, **near)
        np.testing.assert_allclose(got.dL_db, g.sum(0), **near)
        alone = pmy.linear_cross_entropy(inputs, W, b, y, **room, **options)
        np.testing.assert_allclose(alone, loss, rtol=1e-12)
        H: Any = pmy.linear_cross_entropy_hvp(inputs, W, b, y, V, v, **room, **options)
        np.testing.assert_allclose(H.HV_W, R.T @ X, rtol=1e-9, atol=1e-10 * np.abs(R).max() * N)
        np.testing.assert_allclose(H.HV_b, R.sum(0), rtol=1e-9, atol=1e-10 * np.abs(R).max() * N)


def test_a_matrix_is_copied_only_where_blas_would_have_to():
    X = np.zeros((12, 10))
    wide = np.zeros((3, 6), np.dtype([("a", np.float64), ("b", np.int32)]))["a"]
    for ready in (X, X.T, X[:, 2:5], X[2:5].T, X[::2], X[:, 2:5].T, np.zeros((0, 3))):
        assert products.ready(ready) is ready
    for scattered in (
        X[:, ::2],
        X[:, ::2].T,
        X[::-1],
        X[:, ::-1],
        wide,
        np.broadcast_to(X[0], (3, 10)),
    ):
        copy = products.ready(scattered)
        assert copy.flags.c_contiguous or copy.flags.f_contiguous
        assert not np.may_share_memory(copy, scattered)


def test_gradients_are_skipped_when_not_wanted():
    X, W, b, y, *_ = made(500, 33, 70)
    got: Any = pmy.linear_cross_entropy_grad(X, W, b, y, wrt=("W",))
    everything: Any = pmy.linear_cross_entropy_grad(X, W, b, y)
    assert got.dL_dX is None
    assert got.dL_db is None
    assert np.array_equal(got.dL_dW, everything.dL_dW)


@pytest.mark.parametrize("shape", [(3000, 20, 10), (700, 20, 300)], ids=str)
def test_same_bits_every_time_and_no_rows(shape):
    N, D, K = shape
    X, W, b, y, *_ = made(N, D, K, np.float32)
    first: Any
    again: Any
    first, again = (pmy.linear_cross_entropy_grad(X, W, b, y) for _ in range(2))
    assert all(np.array_equal(p, q) for p, q in zip(first, again, strict=True))
    nothing: Any = pmy.linear_cross_entropy_grad(X[:0], W, b, y[:0])
    assert nothing.loss == 0.0
    assert not nothing.dL_dW.any()


@pytest.mark.parametrize("K", [5, 80], ids=["few classes", "many classes"])
def test_the_error_of_a_sum_does_not_grow_with_the_rows(K):
    X, W, b, y, *_ = made(2**10, 8, K, np.float32)
    errors = []
    for times in (1, 2**3, 2**7):  # up to 2¹⁷ rows, in hundreds of tiles
        tall, labels = np.tile(X, (times, 1)), np.tile(y, times)
        exact: Any = pmy.linear_cross_entropy_grad(
            tall.astype(np.float64), W.astype(np.float64), b.astype(np.float64), labels
        ).dL_dW
        got: Any = pmy.linear_cross_entropy_grad(tall, W, b, labels, workspace=150_000).dL_dW
        errors.append(np.abs(got - exact).max() / np.abs(exact).max())
    assert max(errors) <= 2 * errors[0] + 1e-7


@pytest.mark.parametrize("by", ["cpu", "reference"])
def test_a_careful_sum_keeps_what_float32_rounds_off(by):
    implementation = importlib.import_module(f"pminusy.kernels.head.{by}")
    random = np.random.default_rng(0)
    parts = [(random.normal(size=(7, 65)) + 0.3).astype(np.float32) for _ in range(400)]
    total, low = parts[0].copy(), np.zeros((7, 65), np.int8)
    plain = total.copy()
    for part in parts[1:]:
        implementation.add_carefully(total, low, part)
        plain += part
    exact = np.sum(parts, axis=0, dtype=np.float64)
    assert np.abs(total - exact).max() <= 1.0 * np.spacing(np.abs(exact).max().astype(np.float32))
    assert np.abs(plain - exact).max() > 4 * np.abs(total - exact).max()
    extremes = np.array([[np.inf, np.nan, 3e38, -np.inf, 1e-45, -3e38]], np.float32)
    low = np.zeros(extremes.shape, np.int8)
    with np.errstate(all="ignore"):
        for _ in range(2):
            implementation.add_carefully(extremes, low, np.full((1, 6), 3e38, np.float32))
    expected = [[np.inf, np.nan, np.inf, -np.inf, np.inf, np.float32(3e38)]]
    np.testing.assert_array_equal(extremes, np.array(expected, np.float32))


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"reduction": "none"}], ids=str)
@pytest.mark.parametrize("shape", [(700, 64, 9000), (4000, 50, 200), (70_000, 20, 10)], ids=str)
def test_memory_stays_within_the_workspace(shape, options):
    N, D, K = shape
    X, W, b, y, *_ = made(N, D, K, np.float32)
    workspace = 3 * 2**20
    pmy.linear_cross_entropy_grad(X[:200], W, b, y[:200], **options)  # compiles
    tracemalloc.start()
    try:
        got: Any = pmy.linear_cross_entropy_grad(X, W, b, y, workspace=workspace, **options)
        outputs = sum(array.nbytes for array in got)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - outputs <= workspace + 40 * N  # labels and factors of rows come beside


@pytest.mark.parametrize("workspace", [0, True, 2.5, 100])
def test_a_workspace_that_is_too_small_is_refused(workspace):
    X, W, b, y, *_ = made(500, 33, 70)
    with pytest.raises(InputError, match=r"^workspace: expected"):
        pmy.linear_cross_entropy(X, W, b, y, workspace=workspace)
