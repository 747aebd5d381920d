"""The pool: how many threads, and what it does with errors."""

import multiprocessing
import threading

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.kernels.runtime import processor, threads
from pminusy.kernels.runtime.blas import one_thread_each


@pytest.fixture(autouse=True)
def forget_the_default(monkeypatch):
    monkeypatch.setattr(threads, "_default", None)


@pytest.mark.parametrize(("value", "expected"), [("3", 3), ("2,4", 2), (" 5 ", 5), ("0", 1)])
def test_threads_from_the_environment(monkeypatch, value, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert threads.get_num_threads() == expected


def test_the_quota_counts_and_so_do_those_above(tmp_path, monkeypatch):
    group = tmp_path / "a" / "b"
    group.mkdir(parents=True)
    (tmp_path / "a" / "cpu.max").write_text("150000 100000\n")
    (group / "cpu.max").write_text("max 100000\n")
    own = tmp_path / "cgroup"
    own.write_text("0::/a/b\n")
    assert processor._cpu_quota(tmp_path, own) == 1.5
    assert processor._cpu_quota(tmp_path, tmp_path / "missing") is None
    monkeypatch.setattr(processor, "_cpu_quota", lambda: 0.5)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads.get_num_threads() == 1


def test_every_block_runs_once_and_errors_come_back():
    pmy.set_num_threads(3)
    seen: list[int] = []
    threads.run(seen.append, 100)
    assert sorted(seen) == list(range(100))

    def fails(i):
        if i == 7:
            raise KeyError(i)

    with pytest.raises(KeyError, match="7"):
        threads.run(fails, 20)
    pmy.set_num_threads(None)


def test_helpers_keep_to_the_error_state_of_their_caller():
    pmy.set_num_threads(3)
    all_here, found = threading.Barrier(3), []

    def work(i):
        all_here.wait(timeout=10)  # one block a thread
        found.append(np.geterr()["invalid"])

    with np.errstate(invalid="raise"):
        threads.run(work, 3)
    pmy.set_num_threads(None)
    assert found == ["raise"] * 3


def _forked(_):
    blas = one_thread_each
    with blas:
        inside = blas._inside
    return inside, blas._inside, not blas._changed


# Python warns of forking beside threads; that it works is what is tested
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_amid_products_has_its_blas_threads_back():
    fork = multiprocessing.get_context("fork")
    with one_thread_each, one_thread_each._lock, fork.Pool(1) as pool:
        assert pool.map_async(_forked, [0]).get(timeout=20) == [(1, 0, True)]


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_a_number_of_threads_that_is_none(n):
    with pytest.raises(InputError, match=r"^n: expected a whole number of threads"):
        pmy.set_num_threads(n)
