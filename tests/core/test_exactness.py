"""Every function under every option against 50-digit arithmetic.

The promise is 4 units in the last place (one smallest subnormal below the smallest normal number).
What is reached is about 0.5, and that is what is held here: a slip from 0.5 to 3.9 fails too. Where
a result is subnormal it is rounded twice, at worst 0.75 of a smallest subnormal.
"""

from collections.abc import Mapping

import numpy as np
import pytest

from tests import tiers
from tests.exactness import IMPLEMENTATIONS, OPTIONS, Worst, measure
from tests.generator import batches


@pytest.fixture(autouse=True)
def specification_itself(monkeypatch):
    """Large batches too: the kernels have a promise of their own."""
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "core")


REACHED: Mapping[str, float] = {"float32": 0.51, "float64": 0.76}
WITH_LIBRARY_TANH = 3.0
"""z under a soft-cap, and the bend of the cap in H v, are as good as the library's tanh."""


def limit(function: str, option: str, dtype: str) -> float:
    capped = option in ("soft-cap", "cap and temperature", "everything")
    if capped and dtype == "float64" and function in ("z", "H v"):
        return WITH_LIBRARY_TANH
    return REACHED[dtype]


def beyond_limit(worst: Worst) -> Worst:
    return {key: error for key, error in worst.items() if not error <= limit(*key[1:])}


@pytest.mark.parametrize("option", OPTIONS)
def test_about_half_a_unit_in_the_last_place(option):
    worst = measure(batches(seed=20, rows=260), [option])
    assert {function for _, function, _, _ in worst} >= {"loss", "gradient", "H v"}
    assert {dtype for _, _, _, dtype in worst} == {"float32", "float64"}
    assert beyond_limit(worst) == {}


def test_the_measure_sees_two_units_in_the_last_place():
    class Careless:
        """The package, with every result two units in the last place too large."""

        def __getattr__(self, name):
            def careless(*args, **options):
                result = getattr(IMPLEMENTATIONS["pminusy"], name)(*args, **options)
                return (
                    tuple(map(self.off, result)) if isinstance(result, tuple) else self.off(result)
                )

            return careless

        @staticmethod
        def off(value):
            return np.where(np.isfinite(value), np.nextafter(np.nextafter(value, 9e9), 9e9), value)

    worst = measure(batches(seed=22, rows=60), ["plain"], {"careless": Careless()})
    assert set(worst) == {
        ("careless", function, "plain", dtype)
        for function in ("loss", "gradient", "H v", "p", "ln p", "Jacobian")
        for dtype in ("float32", "float64")
    }
    assert min(worst.values()) > 1.4


@pytest.mark.parametrize("rows", tiers.counts(4_000, 24_000))
def test_thousands_of_rows(rows):
    assert beyond_limit(measure(batches(seed=21, rows=rows))) == {}
