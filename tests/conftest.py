"""What every test runs under: fixed Hypothesis profiles, and uninitialised memory that shows."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

# A borrowed machine with a GPU has less installed: what needs no more than pytest still runs there.
if importlib.util.find_spec("hypothesis") is not None:
    from hypothesis import settings

    settings.register_profile("ci", derandomize=True, database=None, deadline=None, max_examples=60)
    settings.register_profile("dev", database=None, deadline=None, max_examples=60)
    settings.load_profile("dev" if os.environ.get("HYPOTHESIS_PROFILE") == "dev" else "ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take pytest-timeout's setting where that plugin is not installed."""
    if importlib.util.find_spec("pytest_timeout") is None:
        parser.addini("timeout", "seconds a test may take: needs pytest-timeout")


@pytest.fixture(autouse=True, scope="session")
def poisoned_memory() -> Iterator[None]:
    """Fill what `np.empty` returns with NaN: an entry nobody wrote is then seen in the result."""
    empty, empty_like = np.empty, np.empty_like

    def poisoned(array: Any) -> Any:
        if array.dtype.kind == "f":
            array.fill(np.nan)
        elif array.dtype.kind in "iu":
            array.fill(np.iinfo(array.dtype).max)
        return array

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "empty", lambda *a, **k: poisoned(empty(*a, **k)))
        patch.setattr(np, "empty_like", lambda *a, **k: poisoned(empty_like(*a, **k)))
        yield
