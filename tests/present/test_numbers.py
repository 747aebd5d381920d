"""Numbers as they are written."""

import math

import pytest

from pminusy.present import numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.99996, "1.000"),
        (0.5, "0.5000"),
        (0.00012345, "0.0001234"),
        (9.99996, "10.00"),
        (-12.3456, "−12.35"),
        (1234.5, "1,234"),
        (999.96, "1,000"),
        (123456.7, "123,457"),
        (2.5e6, "2.500 × 10⁶"),
        (4.24835e-18, "4.248 × 10⁻¹⁸"),
        (-1.5e300, "−1.500 × 10³⁰⁰"),
        (5e-324, "4.941 × 10⁻³²⁴"),
        (math.nan, "not defined"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_number(value, written):
    assert numbers.number(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0.25, "+0.2500"), (-0.25, "−0.2500"), (0.0, "0"), (-0.0, "0")]
)
def test_signed(value, written):
    assert numbers.signed(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.2, "0.2"), (3 * 0.2, "0.6"), (1.0, "1"), (1e-5, "10⁻⁵"), (2e-12, "2 × 10⁻¹²")],
)
def test_tick(value, written):
    assert numbers.tick(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.99999, "> 99.9 %"),
        (1e-6, "< 0.1 %"),
        (0.0009, "< 0.1 %"),
        (0.9712, "97.1 %"),
    ],
)
def test_share_says_all_or_none_only_where_it_is_exact(value, written):
    assert numbers.share(value) == written
