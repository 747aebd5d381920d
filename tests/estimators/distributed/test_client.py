"""Fits by an active client, whose workers are threads of this process; processes: test_cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import dask
import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from tests.estimators.distributed.cases import fitted, in_partitions, rows

pytestmark = pytest.mark.filterwarnings("ignore:::distributed")

SIZES = (200, 0, 1, 250, 149)


@pytest.fixture
def client() -> Iterator[Any]:
    """The client of two workers."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_the_bits_are_those_without_a_client_and_after_a_worker_is_lost(client: Any) -> None:
    with dask.config.set(scheduler="synchronous"):
        expected = fitted(0, 0, SIZES)
    found = fitted(0, 0, SIZES)
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    lost: list[str] = []

    def lose(progress: Any) -> None:
        if progress.iteration == 1:
            number, worker = next(iter(client.cluster.workers.items()))
            client.sync(worker.close)
            lost.append(str(number))

    again = fitted(0, 0, SIZES, progress=lose)
    assert lost
    np.testing.assert_array_equal(again.coef_, expected.coef_)
    assert again.objective_ == expected.objective_


def test_what_is_refused_and_what_is_predicted(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, _ = rows(0, frozenset())
    found = pmy.SoftmaxRegression().fit(X, y)
    collections = in_partitions(X, SIZES), in_partitions(y, SIZES)
    lazy = found.predict_proba(collections[0])
    np.testing.assert_allclose(lazy.compute(), found.predict_proba(X), rtol=1e-13)
    assert found.score(*collections) == found.score(X, y)
    other = {"inproc://one": "0.1.0", "tcp://two": "no pminusy"}
    monkeypatch.setattr(type(client), "run", lambda *a, **k: other)
    with pytest.raises(InputError, match=r"the worker at tcp://two: expected pminusy .*, got no p"):
        pmy.SoftmaxRegression().fit(*collections)
