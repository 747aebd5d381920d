"""The fixtures of `conftest`: memory that nobody wrote shows."""

import numpy as np


def test_uninitialised_memory_is_poisoned():
    assert np.isnan(np.empty(3)).all()
    assert np.isnan(np.empty_like(np.ones(3, dtype=np.float32))).all()
    assert (np.empty(2, dtype=np.intp) > 10**9).all()
