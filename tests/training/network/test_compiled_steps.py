"""Compiled steps against their specification, and the same bits on any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.kernels.runtime import threads
from pminusy.training.network import caller
from tests.training.network.cases import CASES, Case, epochs, made


def _trained(case: Case, compiled: bool):
    trainer, counted = made(case)
    trainer._compiled = compiled
    (schedule,) = epochs(trainer, counted, case)
    found = trainer.buffers
    return (
        schedule.losses.sum(axis=1),
        schedule.squares.sum(axis=1),
        found.theta,
        found.average,
        found.running,
        found.first,
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_compiled_is_the_specification(name, dtype):
    case = CASES[name]._replace(dtype=dtype)
    few = np.finfo(dtype).eps * (2000 if case.method else 300)  # Adam divides by what is near 0
    for expected, found in zip(_trained(case, False), _trained(case, True), strict=True):
        assert np.isfinite(found).all()
        size = np.abs(expected).max(initial=1e-300)
        np.testing.assert_allclose(found / size, expected / size, rtol=0, atol=few)


@pytest.mark.parametrize("name", ["many tasks", "everything", "sparse", "relu"])
def test_the_same_bits_on_any_number_of_threads(name, monkeypatch):
    monkeypatch.setattr(caller, "_ALONE", 0)  # small steps would run on one thread
    found = []
    for n in (1, 2, 3, 5):
        threads.set_num_threads(n)
        try:
            found.append(_trained(CASES[name], True))
        finally:
            threads.set_num_threads(None)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_batch_without_mass_moves_nothing():
    case = Case(rows=100, batch=50)
    for compiled in (False, True):
        trainer, counted = made(case)
        trainer._compiled = compiled
        trainer.rows.omega[:] = counted[:] = 0
        before = trainer.buffers.theta.copy()
        (schedule,) = epochs(trainer, counted, case)
        assert not schedule.update.any()
        np.testing.assert_array_equal(trainer.buffers.theta, before)
        assert schedule.losses.sum() == 0


def test_nan_and_overflow_show_in_the_loss():
    for compiled in (False, True):
        for value in (np.nan, 1e308):
            trainer, counted = made(Case(activation="relu"))
            trainer._compiled = compiled
            trainer.buffers.theta[:] = value
            (schedule,) = epochs(trainer, counted, Case())
            assert not np.isfinite(schedule.losses.sum())
