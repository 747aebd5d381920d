"""In `core` ∞ and NaN are values; whoever calls it mutes NumPy's warnings, as `ops` does."""

from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def infinities_are_values() -> Iterator[None]:
    """Mute what NumPy has to say about infinities and NaN."""
    with np.errstate(all="ignore"):
        yield
