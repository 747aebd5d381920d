"""Threads that run C functions: every piece once, to the same bits, whoever comes late or never."""

import multiprocessing
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import pminusy as pmy
from pminusy.kernels.runtime import helpers
from pminusy.kernels.runtime.compilation import task
from pminusy.kernels.runtime.layout import address
from pminusy.kernels.runtime.machine import add_atomically, array_at

PIECES = 200


@task
def _uneven(words):
    """Count each piece, after work of a length that nobody can foresee."""
    seen = array_at(words[2], (words[1],), np.int64)
    sums = array_at(words[3], (words[1],), np.float64)
    i = add_atomically(words, 0, 1)
    while i < words[1]:
        state, total = words[4] + 7919 * i, 0.0
        for _ in range((state * 2654435761) % 20_000):
            total += 1.0 / (1.0 + i)
        sums[i] = total
        seen[i] += 1
        i = add_atomically(words, 0, 1)


def run(threads, seed=0):
    """How often each piece was done, and what came out."""
    seen, sums = np.zeros(PIECES, np.int64), np.zeros(PIECES)
    words = np.array([0, PIECES, address(seen), address(sums), seed], np.int64)
    helpers.run(_uneven.address, address(words), threads - 1)
    return seen, sums


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_piece_is_done_once_before_the_call_ends(threads):
    _, expected = run(1)
    for _ in range(20):
        seen, sums = run(threads)
        assert (seen == 1).all()
        assert np.array_equal(sums, expected)


def test_from_many_threads_at_once():
    _, expected = run(1)
    right: list[bool] = []

    def calls():
        for threads in (2, 5, 3) * 5:
            seen, sums = run(threads)
            right.append(bool((seen == 1).all()) and np.array_equal(sums, expected))

    callers = [threading.Thread(target=calls) for _ in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert right == [True] * 90


@pytest.mark.parametrize(("N", "K"), [(20_011, 10), (2_003, 1_000), (40, 70_001)])
def test_the_same_bits_while_others_take_the_processors_away(N, K):
    random = np.random.default_rng(1)
    z, y = random.normal(size=(N, K)).astype(np.float32), random.integers(0, K, size=N)
    pmy.set_num_threads(1)
    expected, over = pmy.cross_entropy_grad(z, y), threading.Event()

    def disturb(seed):
        pause = np.random.default_rng(seed)
        while not over.is_set():
            run(1, seed)
            time.sleep(pause.uniform(0, 2e-3))

    disturbers = [threading.Thread(target=disturb, args=(seed,)) for seed in range(3)]
    for disturber in disturbers:
        disturber.start()
    try:
        for threads in (2, 3, 6, 2) * 4:
            pmy.set_num_threads(threads)
            found = pmy.cross_entropy_grad(z, y)
            assert found.loss == expected.loss
            assert np.array_equal(found.dL_dz, expected.dL_dz)
    finally:
        over.set()
        pmy.set_num_threads(None)
        for disturber in disturbers:
            disturber.join()


def _forked(threads):
    seen, _ = run(threads)
    return bool((seen == 1).all()), helpers._helpers._started


# Python warns of forking beside threads; that it works is what is tested
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_helpers_of_its_own():
    run(3)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map_async(_forked, [2]).get(timeout=300) == [(True, 1)]


def test_where_no_thread_can_be_started_the_caller_does_all(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(helpers, "_helpers", helpers._Helpers())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    seen, _ = run(4)
    assert (seen == 1).all()


def test_helpers_sleep_when_there_is_nothing_to_do_and_let_the_process_end():
    code = """
import time, numpy as np, pminusy as pmy
pmy.set_num_threads(3)
z, y = np.zeros((4096, 100), np.float32), np.zeros(4096, int)
pmy.cross_entropy_grad(z, y)
before = time.process_time()
time.sleep(0.5)
print(time.process_time() - before < 0.1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
