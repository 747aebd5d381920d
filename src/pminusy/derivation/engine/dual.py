"""Dual numbers: `value + slope ε` with ε² = 0, whose ε-part is an exact derivative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Dual"]

_NOTHING = 0
"""Slope of a number that is not dual."""


@dataclass(frozen=True)
class Dual:
    """`value + slope ε` with ε² = 0; `level` keeps nested derivatives apart."""

    value: Any
    slope: Any
    level: int

    __array_ufunc__ = None

    def _with(self, other: Any) -> tuple[Any, Any]:
        """The other number's parts at this level."""
        if isinstance(other, Dual) and other.level == self.level:
            return other.value, other.slope
        return other, _NOTHING

    def _below(self, other: Any) -> bool:
        return isinstance(other, Dual) and other.level > self.level

    def __add__(self, other: Any) -> Any:
        if self._below(other):
            return other + self
        value, slope = self._with(other)
        return Dual(self.value + value, self.slope + slope, self.level)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Dual(-self.value, -self.slope, self.level)

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if self._below(other):
            return other * self
        value, slope = self._with(other)
        return Dual(self.value * value, self.slope * value + self.value * slope, self.level)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if self._below(other):
            return Dual(self / other.value, -(self * other.slope) / other.value**2, other.level)
        value, slope = self._with(other)
        if not isinstance(other, Dual) or other.level != self.level:
            return Dual(self.value / value, self.slope / value, self.level)
        return Dual(
            self.value / value, (self.slope * value - self.value * slope) / value**2, self.level
        )

    def __rtruediv__(self, other: Any) -> Any:
        return Dual(other / self.value, -(other * self.slope) / self.value**2, self.level)

    def __pow__(self, exponent: int) -> Any:
        if exponent == 0:
            return self.value**0
        return Dual(
            self.value**exponent,
            self.slope * self.value ** (exponent - 1) * exponent,
            self.level,
        )
