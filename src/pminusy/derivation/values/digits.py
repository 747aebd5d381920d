"""Numbers as they are shown: rounded once, from the exact value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pminusy.derivation.engine.decimals import decimals
from pminusy.present.numbers import superscript

__all__ = ["Digits", "as_text", "chopped", "rounded", "sum_note"]

_SMALL, _LARGE = -4, 7
_INFINITE = "∞"
_REST = 40
"""Within so many of the last digits worked with, a number is what rounding left of an exact 0."""
_UNSURE_BITS = 133
"""The same in bits."""


def chopped(value: Any) -> Any:
    """Round off what rounding left of an exact 0."""
    return value * 0 if abs(value) < decimals.mpf(10) ** (_REST - decimals.dps) else value


@dataclass(frozen=True)
class Digits:
    """A rounded number: sign, digits with a point, and a power of ten (None where not needed).

    `rest` is what a whole number leaves out, where rounding would make a number look exact that is
    not: 1 − 4.2×10⁻¹⁸.
    """

    negative: bool
    mantissa: str
    exponent: int | None = None
    rest: Digits | None = None

    @property
    def text(self) -> str:
        """In Unicode."""
        power = "" if self.exponent is None else f"×10{superscript(self.exponent)}"
        return f"{'−' if self.negative else ''}{self.mantissa}{power}{self._after('−', 'text')}"

    @property
    def latex(self) -> str:
        """In LaTeX."""
        power = "" if self.exponent is None else rf"\times 10^{{{self.exponent}}}"
        mantissa = r"\infty" if self.mantissa == _INFINITE else self.mantissa
        return f"{'-' if self.negative else ''}{mantissa}{power}{self._after('-', 'latex')}"

    @property
    def plain(self) -> str:
        """As a computer reads it, without the rest."""
        power = "" if self.exponent is None else f"e{self.exponent}"
        mantissa = "inf" if self.mantissa == _INFINITE else self.mantissa
        return f"{'-' if self.negative else ''}{mantissa}{power}"

    def _after(self, minus: str, form: str) -> str:
        if self.rest is None:
            return ""
        size = getattr(replace(self.rest, negative=False), form)
        return f" {minus if self.rest.negative else '+'} {size}"


def rounded(value: Any, digits: int = 5, *, rest: bool = False) -> Digits:
    """Round to so many significant digits; zeros at the end are left off.

    With `rest`, what a whole number leaves out is said beside it.
    """
    value = decimals.mpf(value)
    shown = _rounded(value, digits)
    return replace(shown, rest=_rest(value, shown, digits)) if rest else shown


def _rest(value: Any, shown: Digits, digits: int) -> Digits | None:
    if shown.exponent is not None or not shown.mantissa.isdigit() or shown.mantissa == "0":
        return None
    left_out = value - decimals.mpf(shown.plain)
    known = abs(value.man_exp[0]).bit_length() - _UNSURE_BITS
    if not left_out or abs(left_out) < decimals.mpf(2) ** -known:
        return None
    return _rounded(left_out, digits)


def _rounded(value: Any, digits: int) -> Digits:
    if not value:
        return Digits(False, "0")
    if decimals.isinf(value):
        return Digits(bool(value < 0), _INFINITE)
    shown = decimals.nstr(
        abs(value), digits, min_fixed=-decimals.inf, max_fixed=-decimals.inf, strip_zeros=False
    )
    mantissa, _, power = shown.partition("e")
    exponent = int(power or 0)
    if _SMALL <= exponent < max(_LARGE, digits):
        return Digits(bool(value < 0), _fixed(mantissa, exponent))
    return Digits(bool(value < 0), _stripped(mantissa), exponent)


def _fixed(mantissa: str, exponent: int) -> str:
    figures = mantissa.replace(".", "")
    if exponent < 0:
        return _stripped("0." + "0" * (-exponent - 1) + figures)
    figures = figures.ljust(exponent + 1, "0")
    return _stripped(f"{figures[: exponent + 1]}.{figures[exponent + 1 :]}")


def _stripped(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def as_text(value: Any, digits: int = 5, *, rest: bool = False) -> str:
    """Rounded number in Unicode."""
    return rounded(value, digits, rest=rest).text


def sum_note(values: list[Any], digits: int = 5) -> str:
    """What to say where shown numbers do not add up though the exact ones do; "" where they do."""
    exact = sum(values, decimals.mpf(0))
    target = next((goal for goal in (0, 1) if abs(exact - goal) < decimals.mpf(10) ** -28), None)
    if target is None:
        return ""
    shown = sum((decimals.mpf(rounded(value, digits).plain) for value in values), decimals.mpf(0))
    total = as_text(shown, digits + 3)
    if total == str(target) or abs(shown - target) < decimals.mpf(10) ** -30:
        return ""
    return f"rounded, these add up to {total}; exactly they add up to {target}"
