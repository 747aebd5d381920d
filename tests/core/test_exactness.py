"""Every function under every option against 50-digit arithmetic.

The promise is 4 units in the last place (one smallest subnormal below the smallest normal number).
What is reached is about 0.5, and that is what is held here: a slip from 0.5 to 3.9 fails too. Where
a result is subnormal it is rounded twice, at worst 0.75 of a smallest subnormal.
"""

from collections.abc import Mapping

import pytest

from tests.exactness import OPTIONS, Worst, measure

REACHED: Mapping[str, float] = {"float32": 0.51, "float64": 0.76}
WITH_LIBRARY_TANH = 3.0
"""z under a soft-cap, and the bend of the cap in H v, are as good as the library's tanh."""


def limit(function: str, option: str, dtype: str) -> float:
    capped = option in ("soft-cap", "cap and temperature", "everything")
    if capped and dtype == "float64" and function in ("z", "H v"):
        return WITH_LIBRARY_TANH
    return REACHED[dtype]


def beyond_limit(worst: Worst) -> dict[tuple[str, str, str], float]:
    return {key: error for key, error in worst.items() if not error <= limit(*key)}


@pytest.mark.parametrize("option", OPTIONS)
def test_about_half_a_unit_in_the_last_place(option):
    worst = measure(seed=20, rows=260, names=[option])
    assert {function for function, _, _ in worst} >= {"loss", "gradient", "H v"}
    assert {dtype for _, _, dtype in worst} == {"float32", "float64"}
    assert beyond_limit(worst) == {}


@pytest.mark.slow
def test_twenty_thousand_rows():
    assert beyond_limit(measure(seed=21, rows=24_000)) == {}
