"""What every test runs under: fixed Hypothesis profiles, and uninitialised memory that shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from pminusy.kernels import memory

settings.register_profile("ci", derandomize=True, database=None, deadline=None, max_examples=60)
settings.register_profile("dev", database=None, deadline=None, max_examples=60)
settings.load_profile("dev" if os.environ.get("HYPOTHESIS_PROFILE") == "dev" else "ci")


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

    def dirtied(buffer: Any) -> Any:
        return buffer if buffer is None else poisoned(buffer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "empty", lambda *a, **k: poisoned(empty(*a, **k)))
        take = memory._Store.take
        patch.setattr(memory._Store, "take", lambda *a: dirtied(take(*a)))
        patch.setattr(np, "empty_like", lambda *a, **k: poisoned(empty_like(*a, **k)))
        yield
