"""Kernels on torch's own threads: the same bits, and never where that would hang."""

import multiprocessing
import subprocess
import sys
import threading

import numpy as np
import pytest

import pminusy as pmy
from pminusy.kernels.runtime import openmp

torch = pytest.importorskip("torch")

SHAPES = [(30_011, 10), (2_003, 1_000), (19, 70_001)]
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="GOMP_parallel: Linux alone"
)


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setattr(openmp._team, "_skips", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    pmy.set_num_threads(2)
    yield
    torch.set_num_threads(before)
    pmy.set_num_threads(None)


@pytest.fixture
def runs(monkeypatch):
    """Whether each call had the team."""
    found: list[bool] = []
    team = openmp.run

    def watched(*arguments):
        found.append(team(*arguments))
        return found[-1]

    monkeypatch.setattr(openmp, "run", watched)
    return found


def made(N, K, dtype=np.float32):
    random = np.random.default_rng(N)
    return random.normal(size=(N, K)).astype(dtype), random.integers(0, K, size=N)


def same(found, expected):
    return np.array_equal(found.loss, expected.loss) and np.array_equal(found.dL_dz, expected.dL_dz)


@linux
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_bits_by_the_team_by_our_pool_and_by_one_thread(shape, dtype, runs, monkeypatch):
    z, y = made(shape[0], shape[1], dtype)
    by_team = pmy.cross_entropy_grad(z, y)
    assert runs == [True]
    monkeypatch.setattr(openmp._team, "_useless", True)
    by_pool = pmy.cross_entropy_grad(z, y)
    assert runs == [True, False]
    pmy.set_num_threads(1)
    alone = pmy.cross_entropy_grad(z, y)
    assert same(by_team, alone)
    assert same(by_pool, alone)


def test_not_with_another_number_of_threads_than_torch_has(runs):
    z, y = made(2_003, 1_000)
    expected = pmy.cross_entropy_grad(z, y)
    pmy.set_num_threads(3)
    assert same(pmy.cross_entropy_grad(z, y), expected)
    assert runs[-1] is False


@linux
def test_callers_at_once_do_not_wait_for_the_team():
    z, y = made(2_003, 1_000)
    expected = pmy.cross_entropy_grad(z, y)
    right: list[bool] = []

    def calls():
        right.extend(same(pmy.cross_entropy_grad(z, y), expected) for _ in range(10))

    callers = [threading.Thread(target=calls) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert right == [True] * 60


def test_not_while_it_is_in_use(monkeypatch, runs):
    z, y = made(2_003, 1_000)
    with openmp._team._busy:
        pmy.cross_entropy_grad(z, y)
    assert runs == [False]


@linux
def test_a_team_that_is_no_help_is_left_alone_for_longer_and_longer(runs):
    z, y = made(2_003, 1_000)
    for pause in (1, 2, 4):
        openmp.report(helped=False)
        del runs[:]
        for _ in range(pause):
            pmy.cross_entropy_grad(z, y)
        assert runs == [False] * pause
        openmp._team._skips = 0
    openmp.report(helped=True)
    pmy.cross_entropy_grad(z, y)
    assert runs[-1] is True


def _forked(_):
    z, y = made(2_003, 1_000)
    return pmy.cross_entropy_grad(z, y)


# Python warns of forking beside threads; that it works is what is tested
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_not_in_a_forked_child_where_its_threads_are_gone():
    z, y = made(2_003, 1_000)
    torch.ones(1_000_000).mul_(2)  # torch has a team
    expected = pmy.cross_entropy_grad(z, y)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        (found,) = pool.map_async(_forked, [0]).get(timeout=300)
    assert same(found, expected)


def test_torch_is_not_loaded_for_it():
    code = (
        "import sys, numpy as np, pminusy as pmy; z = np.zeros((4096, 100), np.float32)\n"
        "pmy.cross_entropy_grad(z, np.zeros(4096, int)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
