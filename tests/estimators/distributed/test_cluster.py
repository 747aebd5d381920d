"""Fits on a cluster of two processes: the same bits as on threads, whatever becomes of a worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import dask
import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from tests import tiers
from tests.estimators.distributed.cases import (
    VARIANTS,
    N,
    assert_same_answer,
    cuts,
    fitted,
    in_memory,
    in_partitions,
    rows,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default:::distributed")]

MOMENTS = 10


@pytest.mark.parametrize("seed", range(36))
def test_the_same_certificate_for_any_partitions(client: Any, seed: int) -> None:
    variant = seed % len(VARIANTS)
    found = fitted(seed, variant, cuts(seed))
    assert_same_answer(found, in_memory(seed, variant))


def test_the_bits_are_those_of_threads(client: Any) -> None:
    sizes = (200, 0, 1, 250, 149)
    found = fitted(0, 0, sizes)
    with dask.config.set(scheduler="threads"):
        expected = fitted(0, 0, sizes)
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    assert found.objective_ == expected.objective_


def large() -> tuple[Any, Any]:
    """Rows whose passes take long enough to be interrupted, made by the workers themselves."""
    import dask.array as da

    def made(block_info: Any = None) -> Any:
        part = block_info[None]["chunk-location"][0]
        random = np.random.default_rng(part)
        X = random.normal(size=(20_000, 40))
        noise = random.gumbel(size=(20_000, 5))
        y = (X @ np.random.default_rng(99).normal(size=(40, 5)) + noise).argmax(axis=1)
        return np.concatenate([X, y[:, None]], axis=1)

    table = da.map_blocks(made, chunks=((20_000,) * 12, (41,)), dtype=float)
    return table[:, :40], table[:, 40].astype(int)


def fit_large() -> Any:
    """A fit of them of many visits, with hardly any rows here."""
    return pmy.SoftmaxRegression(solver="lbfgs", memory=1 << 20).fit(*large())


def pid() -> int:
    return os.getpid()


def both_workers(client: Any) -> list[int]:
    """The processes of both workers, once the one that was killed is there again."""
    found: list[int] = []
    while len(found) < 2:
        time.sleep(0.1)
        found = sorted(client.run(pid, on_error="ignore").values())
    return found


@pytest.fixture(scope="module")
def undisturbed(client: Any) -> tuple[Any, float]:
    """The fit of the large rows, and the seconds it takes once kernels are compiled."""
    for _ in range(2):
        begun = time.perf_counter()
        found = fit_large()
    return found, time.perf_counter() - begun


@pytest.mark.timeout(900)
@pytest.mark.parametrize("moment", tiers.slow(range(MOMENTS), 4))
def test_a_worker_killed_in_the_middle_of_a_fit(
    client: Any, undisturbed: tuple[Any, float], moment: int
) -> None:
    expected, seconds = undisturbed
    victim = both_workers(client)[moment % 2]
    delay = seconds * (0.05 + 0.9 * np.random.default_rng(moment).random())
    killer = threading.Timer(delay, os.kill, (victim, signal.SIGKILL))
    killer.start()
    found = fit_large()
    killer.join()
    assert victim not in client.run(pid, on_error="ignore").values()
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    assert found.objective_ == expected.objective_
    assert found.converged_


def test_workers_with_another_version_are_refused_by_name(client: Any) -> None:
    def older() -> None:
        from importlib import metadata

        library: Any = metadata
        library.kept = library.version
        library.version = lambda name: "0.0.9" if name == "pminusy" else library.kept(name)

    def restored() -> None:
        from importlib import metadata

        library: Any = metadata
        library.version = library.kept

    worker = sorted(client.scheduler_info()["workers"])[1]
    client.run(older, workers=[worker])
    try:
        with pytest.raises(InputError, match=rf"the worker at {worker}: .*here, got 0\.0\.9; inst"):
            fitted(0, 0, (N,))
    finally:
        client.run(restored, workers=[worker])
    fitted(0, 0, (N,))


def test_what_is_wrong_in_a_partition_is_said_as_on_threads(client: Any) -> None:
    X, y, _ = rows(0, frozenset())
    X[450, 2] = np.inf
    collections = in_partitions(X, (200, 0, 200, 200)), in_partitions(y, (200, 0, 200, 200))
    with pytest.raises(InputError, match=r"X of partition 3: .*got inf in row 50, column 2"):
        pmy.SoftmaxRegression().fit(*collections)


def test_a_fitted_model_predicts_on_the_cluster_and_without_it(client: Any) -> None:
    X, y, _ = rows(0, frozenset())
    found = pmy.SoftmaxRegression().fit(in_partitions(X, (300, 300)), y)
    lazy = found.predict_proba(in_partitions(X, (1, 0, 599)))
    np.testing.assert_allclose(lazy.compute(), found.predict_proba(X), rtol=1e-13)
    labels = in_partitions(y, (1, 0, 599))
    assert found.score(in_partitions(X, (1, 0, 599)), labels) == found.score(X, y)
