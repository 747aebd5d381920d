"""What every test runs under: fixed Hypothesis profiles, uninitialised memory that shows, skips."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import settings

from pminusy.kernels.runtime import memory
from tests import needs

settings.register_profile("ci", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile("dev", database=None, deadline=None, max_examples=60)
settings.load_profile("dev" if os.environ.get("HYPOTHESIS_PROFILE") == "dev" else "ci")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test of the sandbox where there is none."""
    if item.get_closest_marker("sandbox") and needs.missing_sandbox():
        pytest.skip(needs.missing_sandbox())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a skipped test where nothing may skip."""
    return _strict((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Make a failure of a skipped file where nothing may skip."""
    return _strict((yield))


def _strict(report: Report) -> Report:
    if needs.STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not needs.may_skip(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason} (PMINUSY_NO_SKIP is set: nothing may be skipped)"
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Fill what `np.empty` returns with NaN: an entry nobody wrote is then seen in the result.

    Before any test is collected: Numba knows `np.empty` by what it finds in NumPy when it is first
    imported, and compiles no kernel that allocates where another function stands there later.
    """
    empty, empty_like, take = np.empty, np.empty_like, memory._Store.take

    def poisoned(array: Any) -> Any:
        if array.dtype.kind == "f":
            array.fill(np.nan)
        elif array.dtype.kind in "iu":
            array.fill(np.iinfo(array.dtype).max)
        return array

    def dirtied(buffer: Any) -> Any:
        return buffer if buffer is None else poisoned(buffer)

    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(np, "empty", lambda *a, **k: poisoned(empty(*a, **k)))
    patch.setattr(np, "empty_like", lambda *a, **k: poisoned(empty_like(*a, **k)))
    patch.setattr(memory._Store, "take", lambda *a: dirtied(take(*a)))
