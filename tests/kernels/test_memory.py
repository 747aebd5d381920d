"""The store of memory for results: bounded, shared by nobody, given back when asked."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.kernels.runtime import memory

SIZE = 2 * memory.SMALLEST


@pytest.fixture(autouse=True)
def empty_store():
    memory.release_memory()
    yield
    memory.set_memory_limit(256 << 20)
    memory.release_memory()


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_every_view_is_gone():
    array = memory.empty((SIZE // 4,), np.float32)
    where, view = address(array), array[10:20].reshape(2, 5)
    del array
    gc.collect()
    assert memory.held() == 0  # the view is alive
    other = memory.empty((SIZE // 8,), np.float64)
    assert address(other) != where
    del view
    assert memory.held() > 0
    again = memory.empty((SIZE // 8,), np.float64)
    assert address(again) == where
    assert again.dtype == np.float64
    assert again.flags.writeable
    assert again.flags.c_contiguous
    assert where % 64 == 0


def test_small_results_and_much_larger_buffers_are_left_alone():
    small = memory.empty((10,), np.float64)
    assert small.base is None
    del small
    large = memory.empty((8 * SIZE,), np.uint8)
    where = address(large)
    del large
    assert address(memory.empty((SIZE,), np.uint8)) != where


def test_the_store_is_bounded_and_can_be_emptied():
    memory.set_memory_limit(3 * SIZE)
    arrays = [memory.empty((SIZE,), np.uint8) for _ in range(6)]
    arrays.clear()
    assert 0 < memory.held() <= 3 * SIZE
    memory.set_memory_limit(SIZE)
    assert memory.held() <= SIZE
    memory.set_memory_limit(0)
    assert memory.held() == 0
    off = memory.empty((SIZE,), np.uint8)
    del off
    assert memory.held() == 0
    with pytest.raises(InputError, match=r"^limit: expected a whole number"):
        memory.set_memory_limit(-1)


def test_a_gradient_that_is_kept_is_not_written_over():
    z = np.random.default_rng(0).normal(size=(600, 1000)).astype(np.float32)
    y = np.zeros(600, int)
    kept = pmy.cross_entropy_grad(z, y).dL_dz
    copy = kept.copy()
    for _ in range(3):
        pmy.cross_entropy_grad(-z, y)
    assert np.array_equal(kept, copy)


def test_several_threads_at_once():
    def work(i, wrong):
        for _ in range(200):
            array = memory.empty((SIZE,), np.uint8)
            array[::4096] = i
            if not (array[::4096] == i).all():
                wrong.append(i)

    wrong: list[int] = []
    threads = [threading.Thread(target=work, args=(i, wrong)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert memory.held() <= 256 << 20


def _child(array):
    array[:] = 7
    mine = memory.empty((SIZE,), np.uint8)
    mine[:] = 9
    return memory.held()


# Python warns of forking beside threads; that it works is what is tested
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_store_of_its_own():
    spare, array = (memory.empty((SIZE,), np.uint8) for _ in range(2))
    array[:] = 1
    del spare
    with memory._store.lock, multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_child, (array,)) == 0  # forked while the lock was held
    assert (array == 1).all()


def test_too_little_memory_is_said_before_work_starts(monkeypatch):
    monkeypatch.setattr(memory, "_available", lambda: 10 * 2**20)
    message = r"^memory: expected 16\.0 GiB for the result, got 0\.0 GiB; take fewer rows"
    z = np.broadcast_to(np.zeros(1 << 16, np.float32), (1 << 16, 1 << 16))
    with pytest.raises(InputError, match=message) as caught:
        pmy.cross_entropy_grad(z, np.zeros(1 << 16, int))
    assert isinstance(caught.value, MemoryError)


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="only Linux says")
def test_what_the_system_could_give_is_a_size_in_bytes():
    available = memory._available()
    assert available is not None
    assert 2**20 < available < 2**50


def test_more_than_any_address_space_is_refused_too():
    with pytest.raises(MemoryError, match=r"^memory: expected"):
        memory.empty((1 << 62,), np.float64)


def test_the_environment_turns_it_off():
    code = (
        "import numpy as np; from pminusy.kernels.runtime import memory;"
        "a = memory.empty((1 << 22,), np.uint8); del a; print(memory.held())"
    )
    for value, expected in (("0", True), ("", False)):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PMINUSY_MEMORY": value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (int(run.stdout) == 0) is expected
