"""The kernels against `core`, on shapes and memory that kernels stumble over."""

import multiprocessing
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.kernels import dispatch
from pminusy.kernels.head import blocks

OPTION_SETS: tuple[Any, ...] = (
    {},
    {"reduction": "none"},
    {"label_smoothing": 0.1},
    {"z_loss": 0.01, "reduction": "sum"},
    {"softcap": 20.0, "temperature": 1.5},
)
WIDTHS = (2, 7, 31, 64, 65, 252, 507, 2048, 2049, 4100)


def made(N: int, K: int, dtype: Any = np.float64, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    z = (random.normal(size=(N, K)) * 4).astype(dtype)
    return z, random.integers(0, K, size=N), random.normal(size=(N, K)).astype(dtype)


def by(implementation, monkeypatch, function, *arguments, **options):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", implementation)
    return function(*arguments, **options)


def close(a, b, dtype):
    rtol = 2e-6 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max(initial=1e-30))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", WIDTHS)
def test_agrees_with_core_at_awkward_sizes(monkeypatch, K, dtype):
    for N in (1, 2, 7, 33):
        z, y, v = made(N, K, dtype, seed=K)
        soft = np.abs(v)
        for options in OPTION_SETS:
            for target in (y, soft):
                kernel, core = (
                    by(name, monkeypatch, pmy.cross_entropy_grad, z, target, **options)
                    for name in ("cpu", "core")
                )
                close(kernel.loss, core.loss, dtype)
                close(kernel.dL_dz, core.dL_dz, dtype)
                kernel, core = (
                    by(name, monkeypatch, pmy.cross_entropy_hvp, z, target, v, **options)
                    for name in ("cpu", "core")
                )
                close(kernel, core, dtype)
        for function in (pmy.softmax, pmy.log_softmax):
            kernel, core = (by(name, monkeypatch, function, z) for name in ("cpu", "core"))
            close(kernel, core, dtype)


def test_many_rows_and_a_very_wide_row(monkeypatch):
    for N, K in ((65_537, 3), (2, 128_256)):
        z, y, _ = made(N, K, np.float32)
        kernel, core = (by(i, monkeypatch, pmy.cross_entropy_grad, z, y) for i in ("cpu", "core"))
        close(kernel.dL_dz, core.dL_dz, np.float32)


def test_no_rows(monkeypatch):
    z = np.empty((0, 5))
    for name in ("cpu", "core"):
        loss, dL_dz = by(name, monkeypatch, pmy.cross_entropy_grad, z, [])
        assert loss == 0.0
        assert dL_dz.shape == (0, 5)


@pytest.mark.parametrize("K", [5, 70, 3000])
def test_special_values_stay_in_their_row(monkeypatch, K):
    z, y, _ = made(8, K)
    z[1, 0], z[2, 1], z[3, 1], z[4] = np.nan, -np.inf, np.inf, -np.inf
    z[5, :2] = np.inf
    z[6], y[6] = np.nan, -100
    z[7, :3] = np.inf, np.nan, -np.inf
    y[:6] = 0
    for options in ({"reduction": "none"}, {"reduction": "none", "label_smoothing": 0.1}):
        kernel, core = (
            by(name, monkeypatch, pmy.cross_entropy_grad, z, y, **options)
            for name in ("cpu", "core")
        )
        np.testing.assert_allclose(kernel.loss, core.loss, rtol=1e-14)
        np.testing.assert_allclose(kernel.dL_dz, core.dL_dz, rtol=1e-13, atol=1e-15)
        assert not kernel.dL_dz[6].any()


@pytest.mark.parametrize("K", [5, 70])
def test_a_single_row_that_is_not_ordinary(monkeypatch, K):
    z = np.zeros((1, K))
    z[0, :2] = np.inf, -np.inf
    for label, expected in ((0, 0.0), (1, np.inf)):
        loss = by("cpu", monkeypatch, pmy.cross_entropy, z, [label], reduction="none")
        assert loss.tolist() == [expected]


@pytest.mark.parametrize("K", [5, 70])
def test_ignored_everywhere_and_nowhere(K):
    z, y, _ = made(400, K)
    loss, dL_dz = pmy.cross_entropy_grad(z, np.full(400, -100))
    assert loss == 0.0
    assert not dL_dz.any()
    assert pmy.cross_entropy(z, y, ignore_index=-7) == pmy.cross_entropy(z, y)


def test_any_strides_and_read_only_memory():
    z, y, v = made(600, 40)
    expected = pmy.cross_entropy_grad(z, y)
    wide = np.zeros((1200, 80))
    wide[::2, 1::2] = z
    locked = z.copy()
    locked.setflags(write=False)
    for view in (np.asfortranarray(z), wide[::2, 1::2], z[::-1].copy()[::-1], locked):
        got = pmy.cross_entropy_grad(view, y)
        assert got.loss == expected.loss
        assert np.array_equal(got.dL_dz, expected.dL_dz)
    into = np.zeros((40, 600)).T
    assert pmy.cross_entropy_grad(z, y, out=into).dL_dz is into
    assert np.array_equal(into, expected.dL_dz)
    assert np.array_equal(pmy.cross_entropy_hvp(locked, y, v), pmy.cross_entropy_hvp(z, y, v))


@pytest.mark.parametrize("K", [6, 300, 3000])
@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_in_place(K, options):
    z, y, v = made(50, K)
    for target in (y, np.abs(v)):
        expected = pmy.cross_entropy_grad(z, target, **options).dL_dz
        own = z.copy()
        assert pmy.cross_entropy_grad(own, target, out=own, **options).dL_dz is own
        assert np.array_equal(own, expected)
    for function in (pmy.softmax, pmy.log_softmax):
        own = z.copy()
        assert np.array_equal(function(own, out=own), function(z))
    own = v.copy()
    pmy.cross_entropy_hvp(z, y, own, out=own, **options)
    assert np.array_equal(own, pmy.cross_entropy_hvp(z, y, v, **options))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [65, 1001, 5003])
def test_large_results_are_written_past_the_caches_to_the_same_bits(K, dtype, monkeypatch):
    monkeypatch.setattr(blocks, "_NON_TEMPORAL", 1 << 23)
    N = (1 << 23) // (K * np.dtype(dtype).itemsize) + 1
    z, y, _ = made(N, K, dtype)
    z[1] += 500.0  # a reference that no row before would guess
    memory = np.empty(N * K + 3, dtype)
    whole = memory[3:].reshape(N, K)  # no line begins with a cache line
    pmy.cross_entropy_grad(z, y, reduction="sum", out=whole)
    for start in range(0, N, 100):
        part = slice(start, min(N, start + 100))
        few = pmy.cross_entropy_grad(z[part], y[part], reduction="sum").dL_dz
        assert np.array_equal(few, whole[part])


@pytest.mark.parametrize("K", [3, 10, 64, 300, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_have_little_in_common(monkeypatch, K, dtype):
    z, y, v = made(70, K, dtype)
    z *= 10.0 ** np.random.default_rng(1).integers(-3, 5, size=(70, 1))
    z += 10.0 ** np.random.default_rng(2).integers(-3, 8, size=(70, 1))
    y[::3] = z[::3].argmax(axis=1)
    y[5] = -100
    for options in ({"reduction": "none"}, {"reduction": "none", "label_smoothing": 0.1}):
        kernel, core = (
            by(name, monkeypatch, pmy.cross_entropy_grad, z, y, **options)
            for name in ("cpu", "core")
        )
        close(kernel.loss, core.loss, dtype)
        close(kernel.dL_dz, core.dL_dz, dtype)
    for function in (pmy.softmax, pmy.log_softmax):
        kernel, core = (by(name, monkeypatch, function, z) for name in ("cpu", "core"))
        np.testing.assert_allclose(kernel, core, rtol=2e-6, atol=1e-38)
    kernel, core = (
        by(name, monkeypatch, pmy.cross_entropy_hvp, z, y, v) for name in ("cpu", "core")
    )
    close(kernel, core, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_smallest_probabilities_of_a_tile_far_below(monkeypatch, dtype):
    K, tiny = 4097, np.finfo(dtype).tiny
    z = np.zeros((9, K), dtype)
    powers = np.array([1e30, 1e8, 10, 2, 1, 0.5, 1e-3, 1e-6, 1e-20])
    depths = np.log(powers) + np.log(float(tiny) * K)
    z[:, -1] = depths.astype(dtype)  # alone in its tile
    z[:, 2048:4096] = depths[:, None].astype(dtype) - 1
    least = np.finfo(dtype).smallest_subnormal
    for function in (pmy.softmax, pmy.log_softmax):
        kernel, core = (by(name, monkeypatch, function, z) for name in ("cpu", "core"))
        error = np.abs(kernel.astype(float) - core)
        assert (error <= 8 * np.finfo(dtype).eps * np.abs(core) + 2.0 * float(least)).all()


def test_a_tile_of_nothing_but_nan_or_masks(monkeypatch):
    for at in (2048, slice(2048, 4096)):
        for value in (np.nan, -np.inf):
            z = np.zeros((1, 4097))
            z[0, at] = value
            options: Any = {"label_smoothing": 0.1} if value != -np.inf else {}
            for target in ([3], np.where(np.isneginf(z), 0.0, 1.0)):
                kernel, core = (
                    by(name, monkeypatch, pmy.cross_entropy_grad, z, target, **options)
                    for name in ("cpu", "core")
                )
                np.testing.assert_allclose(kernel.dL_dz, core.dL_dz, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("z_loss", [0.0, 0.1])
def test_curvature_beside_an_infinite_logit(monkeypatch, z_loss):
    z, y, v = made(4, 7)
    z[0, 2] = z[1, 0] = z[1, 5] = np.inf
    z[2] = 1e100
    kernel, core = (
        by(name, monkeypatch, pmy.cross_entropy_hvp, z, y, v, reduction="sum", z_loss=z_loss)
        for name in ("cpu", "core")
    )
    rows = slice(None) if z_loss == 0.0 else slice(2, None)
    np.testing.assert_allclose(kernel[rows], core[rows], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("K", [5, 70, 3000])
def test_a_row_of_nan_that_does_not_count_is_zero_under_a_cap(monkeypatch, K):
    z, y, v = made(3, K, np.float32)
    z[0] = z[1] = np.nan
    y[0] = -100
    options: Any = {"sample_weight": [1.0, 0.0, 1.0], "softcap": 20.0}
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "cpu")
    for result in (
        pmy.cross_entropy_grad(z, y, **options).dL_dz,
        pmy.cross_entropy_hvp(z, y, v, **options),
    ):
        assert (result[:2] == 0.0).all()
        assert np.isfinite(result[2]).all()


def test_out_that_cannot_be_used_is_refused():
    z, y, _ = made(40, 50)
    locked = np.empty_like(z)
    locked.setflags(write=False)
    unusable: Any = (np.empty((40, 49)), np.empty((40, 50), np.float32), locked, [[0.0]], z[::-1])
    for out in unusable:
        with pytest.raises(InputError, match=r"^out: expected"):
            pmy.cross_entropy_grad(z, y, out=out)


def test_more_logits_than_an_int32_counts():
    row, y = made(1, 70_000, np.float32)[0], np.zeros(31_000, dtype=int)
    z = np.broadcast_to(row, (31_000, 70_000))  # 2.2e9 logits in the memory of one row
    assert z.size > 2**31
    loss = pmy.cross_entropy(z[:2], y[:2])
    few = pmy.cross_entropy(z[-300:], y[-300:], reduction="none")
    assert np.allclose(few, loss, rtol=1e-6)
    sliced = np.broadcast_to(row[:, :3], (2**30, 3))[-5000:]
    assert pmy.softmax(sliced).shape == (5000, 3)


@pytest.mark.slow  # 2.2e9 exponentials
@pytest.mark.parametrize(("N", "K"), [(31_000, 70_000), (72_000_000, 30)])
def test_all_of_more_logits_than_an_int32_counts(N, K):
    row = made(1, K, np.float32)[0]
    z, y = np.broadcast_to(row, (N, K)), np.zeros(N, np.int8)
    y[-1] = 1  # the last row is seen
    assert z.size > 2**31
    first, last = pmy.cross_entropy(row, [0]), pmy.cross_entropy(row, [1])
    total = pmy.cross_entropy(z, y, reduction="sum")
    expected = (N - 1) * np.float64(first) + np.float64(last)
    assert total == pytest.approx(expected, rel=3e-7)
    X, W = np.broadcast_to(np.float32(1.0), (N, 1)), row.T.copy()
    if K > 64:
        dW: Any = pmy.linear_cross_entropy_grad(X, W, None, y, wrt=("W",)).dL_dW
        one = pmy.cross_entropy_grad(row, [0]).dL_dz[0]
        np.testing.assert_allclose(dW[2:, 0], one[2:], rtol=1e-4)


def test_same_bits_for_any_number_of_threads():
    z, y, _ = made(3000, 40, np.float32)
    results = []
    for threads in (1, 2, 3, 7):
        pmy.set_num_threads(threads)
        loss, dL_dz = pmy.cross_entropy_grad(z, y)
        results.append((loss.tobytes(), dL_dz.tobytes()))
    pmy.set_num_threads(None)
    assert len(set(results)) == 1


def _loss_of_seed(seed):
    z, y, _ = made(900, 30, seed=seed)
    return float(pmy.cross_entropy_grad(z, y).loss)


def test_from_several_threads_at_once():
    pmy.set_num_threads(2)
    expected = [_loss_of_seed(seed) for seed in range(12)]
    found = [0.0] * 12

    def work(seed):
        found[seed] = _loss_of_seed(seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    pmy.set_num_threads(None)
    assert found == expected


# Python warns of forking beside threads; that it works is what is tested
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_in_a_forked_child():
    pmy.set_num_threads(2)
    expected = _loss_of_seed(1)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_loss_of_seed, [1, 1, 1]) == [expected] * 3
    pmy.set_num_threads(None)


def test_under_joblib():
    joblib = pytest.importorskip("joblib")
    expected = [_loss_of_seed(seed) for seed in range(4)]
    found = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(_loss_of_seed)(seed) for seed in range(4)
    )
    assert found == expected


def _python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


_CALL = (
    "import numpy as np, pminusy as pmy;"
    "print(float(pmy.cross_entropy(np.zeros((100, 20)), np.zeros(100, int))))"
)


def test_a_cache_folder_that_cannot_be_written_is_no_trouble(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    run = _python(_CALL, NUMBA_CACHE_DIR=str(blocked / "cache"), HOME=str(blocked))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "2.995732273553991"
    assert not run.stderr


def test_without_numba_core_runs_after_one_warning():
    code = "import sys; sys.modules['numba'] = None;" + _CALL + ";" + _CALL
    run = _python(code)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["2.995732273553991"] * 2
    assert run.stderr.count("RuntimeWarning") == 1


def test_why_says_what_runs(monkeypatch):
    assert pmy.why(3, 10).startswith("core: 3 × 10 logits are too few")
    assert pmy.why(32, 10).startswith("cpu: compiled kernels")
    assert pmy.why(0, 10) == "core: there is nothing to compute"
    assert pmy.why(1000, 10).startswith("cpu: compiled kernels")
    assert pmy.why(1000, 10, weight=np.full(10, 1e200)).startswith("core: weight has entries")
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "gpu")
    with pytest.raises(InputError, match="PMINUSY_IMPLEMENTATION"):
        dispatch.choice(10, 10)
