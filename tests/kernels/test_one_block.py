"""A call in one step of compiled code gives the bits of the general way, or leaves it to that."""

import numpy as np
import pytest

import pminusy as pmy
from pminusy.core.options import Options
from pminusy.kernels.head import cpu, one_block

SHAPES = [(1, 2), (3, 4), (32, 10), (7, 63), (5, 64), (5, 65), (100, 100), (3, 3000), (500, 5)]


@pytest.fixture(autouse=True)
def _compiled(monkeypatch):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "cpu")


def rows(shape, dtype, odd):
    random = np.random.default_rng(5)
    z = (random.normal(size=shape) * 10.0 ** random.integers(-2, 4, (shape[0], 1))).astype(dtype)
    if odd:
        some = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 0.0], dtype)
        at = random.integers(0, z.size, max(1, z.size // 9))
        z.reshape(-1)[at] = random.choice(some, at.size)
    return z, random.integers(0, shape[1], shape[0])


def in_general(monkeypatch, function, *arguments, **options):
    with monkeypatch.context() as patch:
        patch.setattr(one_block, "labelled", lambda *a: None)
        patch.setattr(one_block, "unlabelled", lambda *a: False)
        return function(*arguments, **options)


@pytest.mark.parametrize("odd", [False, True], ids=["ordinary", "odd"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_one_step_gives_the_bits_of_the_general_way(monkeypatch, shape, dtype, reduction, odd):
    z, y = rows(shape, dtype, odd)
    called = []
    labelled = one_block.labelled

    def noted(*arguments):
        called.append(labelled(*arguments))
        return called[-1]

    monkeypatch.setattr(one_block, "labelled", noted)
    for function in (pmy.cross_entropy, pmy.cross_entropy_grad):
        found = function(z, y, reduction=reduction)
        assert called.pop() is not None
        expected = in_general(monkeypatch, function, z, y, reduction=reduction)
        pairs = zip(*(r if isinstance(r, tuple) else (r,) for r in (found, expected)), strict=True)
        for one, other in pairs:
            assert one.dtype == other.dtype == dtype
            assert one.shape == other.shape
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(pmy.softmax(z), in_general(monkeypatch, pmy.softmax, z))


@pytest.mark.parametrize("label", [-1, -2, -100, 3, 2**62, -(2**63)])
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("K", [3, 70])
def test_a_label_of_no_class_is_left_to_the_general_way(label, ignore_index, K):
    label = K if label == 3 else label
    z, y = np.zeros((4, K)), np.array([0, 0, label, 0])
    before = z.copy()
    assert one_block.labelled(z, y, ignore_index, "mean", z) is None
    np.testing.assert_array_equal(z, before)
    y[2] = 1
    assert (one_block.labelled(z, y, ignore_index, "mean", z) is None) == (ignore_index == 1)


def _strided(z):
    return np.repeat(z, 2, axis=1)[:, ::2]


def _read_only(z):
    z = z.copy()
    z.flags.writeable = False
    return z


def _unaligned(z):
    memory = np.zeros(z.nbytes + 1, np.uint8)[1:]
    memory = memory.view(z.dtype).reshape(z.shape)
    memory[...] = z
    return memory


@pytest.mark.parametrize("lay", [_strided, _read_only, _unaligned, np.asfortranarray])
def test_memory_that_lies_otherwise_gives_the_same(lay):
    z, y = rows((6, 5), np.float64, False)
    expected = pmy.cross_entropy_grad(z, y)
    found = pmy.cross_entropy_grad(lay(z), y)
    np.testing.assert_array_equal(found.dL_dz, expected.dL_dz)
    np.testing.assert_array_equal(found.loss, expected.loss)
    np.testing.assert_array_equal(pmy.softmax(lay(z)), pmy.softmax(z))
    np.testing.assert_array_equal(pmy.cross_entropy_grad(z, lay(y[:, None])[:, 0]).loss, found.loss)


def test_results_are_new_arrays_every_time():
    z, y = rows((6, 5), np.float64, False)
    first = pmy.cross_entropy_grad(z, y)
    kept = first.loss.copy(), first.dL_dz.copy()
    pmy.cross_entropy_grad(z + 1, (y + 1) % 5)
    np.testing.assert_array_equal(first.loss, kept[0])
    np.testing.assert_array_equal(first.dL_dz, kept[1])


def test_what_is_more_than_one_block_is_not_one_step():
    z = np.zeros((70_000, 1), np.float32)
    assert cpu.in_one_step(z, np.zeros(70_000, np.intp), -100, "mean", gradient=False) is None
    assert not one_block.unlabelled(np.zeros((0, 3)), np.zeros((0, 3)))


@pytest.mark.parametrize(
    "more",
    [{"label_smoothing": 0.1}, {"temperature": 2.0}, {"softcap": 3.0}, {"z_loss": 0.1},
     {"weight": np.ones(3)}, {"sample_weight": np.ones(2)}, {"log_base": 2.0}],
    ids=lambda more: next(iter(more)),
)  # fmt: skip
def test_options_are_not_plain(more):
    assert Options().plain
    assert Options(ignore_index=1, reduction="sum").plain
    assert not Options(**more).plain
