"""Numbers as text, the same on every page and terminal.

A number of a page has four significant digits (`number`), a score in a terminal four decimals
(`decimals`). A value that is exactly 0 or 1 is written so that it can be told from one that was
rounded: 1 and 1.000 on a page, 1.0000 and > 0.9999 in a terminal. A `Real` is a float that
remembers what rounding to a float has lost, so that no page says "0 / 1 = 0" of e^−807.5.
"""

from __future__ import annotations

import math
from typing import Self

__all__ = [
    "NOT_DEFINED",
    "Real",
    "count",
    "decimals",
    "number",
    "share",
    "signed",
    "superscript",
    "tick",
    "worked",
]

NOT_DEFINED = "not defined"
_NEAR_1 = 0.01
_SMALLEST = 1e-300  # size below which a float has lost digits, or everything
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Real(float):
    """A float that knows the logarithm of its size, its sign, and whether it is exact.

    Parameters
    ----------
    value
        The nearest float.
    log
        ln |value| of the number meant; NaN where nobody knows more than the float.
    sign
        −1, 0 or 1; that of the float if not given.
    exact
        Whether a whole number among the floats is the number meant.
    beyond
        value − 1, to all its digits; NaN where nobody knows.
    """

    log: float
    sign: int
    exact: bool
    beyond: float

    def __new__(
        cls,
        value: float,
        log: float = math.nan,
        *,
        sign: int | None = None,
        exact: bool = False,
        beyond: float = math.nan,
    ) -> Self:
        """Make one; it stays a float."""
        self = super().__new__(cls, value)
        self.log, self.exact, self.beyond = float(log), exact, beyond
        self.sign = int(value > 0) - int(value < 0) if sign is None else sign
        return self


def superscript(exponent: int) -> str:
    """An exponent: "⁻⁹"."""
    return str(exponent).translate(_SUPERSCRIPTS)


def number(value: float) -> str:
    """Four significant digits: "0.9706", "1,234", "3.200 × 10⁻⁹", "−∞" or "not defined".

    Examples
    --------
    >>> [number(v) for v in (0.0, 1.0, 0.99996, -12.3456, 3.2e-9, float("nan"))]
    ['0', '1', '1.000', '−12.35', '3.200 × 10⁻⁹', 'not defined']

    Of a `Real` what a float has lost is said: "e^−807.5" for what is 0 as a float, "1.000" for
    what is 1 as a float alone.
    """
    exact = True
    if isinstance(value, Real):
        if abs(value) < _SMALLEST and math.isfinite(value.log):
            return f"{'−' * (value.sign < 0)}e^{number(Real(value.log, exact=True))}"
        exact = value.exact
    value = float(value)
    if math.isnan(value):
        return NOT_DEFINED
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if not exact and value == 0:
        return "0.000"
    if exact and value.is_integer() and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    mantissa, exponent = f"{value:.3e}".split("e")
    power = int(exponent)
    if -4 <= power < 3:
        text = f"{value:.{3 - power}f}"
    elif 3 <= power < 6:
        text = f"{value:,.0f}"
    else:
        text = f"{mantissa} × 10{superscript(power)}"
    return text.replace("-", "−")


def worked(value: float) -> str:
    """A number to calculate with: near 1 it is 1 and what is beyond, "1 − 0.0004127".

    −ln(0.9996) is not 0.0004128, −ln(1 − 0.0004127) is.
    """
    beyond = value.beyond if isinstance(value, Real) else math.nan
    if not abs(beyond) < _NEAR_1 or (isinstance(value, Real) and value.exact):
        return number(value)
    sign = beyond.sign if isinstance(beyond, Real) else beyond
    size = Real(abs(beyond), getattr(beyond, "log", math.nan))
    return f"1 {'−' if sign < 0 else '+'} {number(size)}"


def signed(value: float) -> str:
    """A number with its sign, also where it is positive: for gradients and differences."""
    sign = value.sign if isinstance(value, Real) else value
    return f"+{number(value)}" if sign > 0 else number(value)


def tick(value: float) -> str:
    """A mark on an axis, as short as it can be: "0.2", "10⁻⁵", "2 × 10⁻⁵"."""
    mantissa, _, exponent = f"{value:.10g}".partition("e")
    if not exponent:
        return mantissa
    power = f"10{superscript(int(exponent))}"
    return power if mantissa == "1" else f"{mantissa} × {power}"


def count(value: int) -> str:
    """A count with thousands apart: "12,345"."""
    return f"{int(value):,}"


def share(value: float) -> str:
    """A share in percent with one decimal: "97.1 %"; 100 % and 0 % only where they are exact.

    Else "< 0.1 %" and "> 99.9 %".
    """
    if math.isnan(value):
        return NOT_DEFINED
    percent = 100.0 * float(value)
    if percent in (0.0, 100.0):
        return f"{percent:.0f} %"
    if percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if percent > 99.9 else f"{percent:.1f} %"


def decimals(value: float) -> str:
    """A score with four decimals; 0 and 1 only where they are exact, "< 0.0001", "> 0.9999".

    Examples
    --------
    >>> [decimals(v) for v in (0.97126, 1.0, 0.999999, 0.0, 2e-9)]
    ['0.9713', '1.0000', '> 0.9999', '0.0000', '< 0.0001']
    """
    if 0 < value < 1e-4:
        return "< 0.0001"
    return "> 0.9999" if 0.9999 < value < 1 else f"{value:.4f}"
