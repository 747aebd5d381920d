"""Parameters of estimators: refused in our words, by scikit-learn's means."""

from __future__ import annotations

import math
import re
import sys
from abc import ABC, abstractmethod
from functools import cache
from numbers import Integral, Real
from typing import Any

from sklearn.utils._param_validation import InvalidParameterError

from pminusy.errors import InputError

__all__ = [
    "HELD",
    "CheckedParameters",
    "ParameterError",
    "holds",
    "require_count",
    "require_number",
]

HELD = f"a number that float64 holds, {sys.float_info.min:.2g} to {sys.float_info.max:.2g} in size"

_REFUSAL = re.compile(r"The '(\w+)' parameter of \w+ must be (.*)\. Got (.*) instead\.", re.DOTALL)


_PLAIN = frozenset((type(None), bool, int, float, str))
_CHECKED: dict[tuple[Any, ...], Any] = {}  # what valid parameters came to: each fit asks
_MOST_CHECKED = 1000


class ParameterError(InputError, InvalidParameterError):
    """A parameter that cannot be: `InputError`, and what scikit-learn raises for it."""


class CheckedParameters(ABC):
    """Checks all parameters when `fit` begins, as scikit-learn does by `_parameter_constraints`."""

    @abstractmethod
    def _check_parameters(self) -> Any:
        """Checks with messages of their own; the rest are of the kind "an instance of bool".

        What it returns follows from the parameters alone.
        """

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """scikit-learn's, which reads the signature of the constructor anew for every fit."""
        return super()._get_param_names()  # type: ignore[misc,no-any-return]

    def _checked_parameters(self) -> Any:
        """`_check_parameters`, known where the same plain values were checked before."""
        values = self._plain_parameters()
        found = _CHECKED.get(values)
        return self._check_parameters() if found is None else found

    def _plain_parameters(self) -> tuple[Any, ...]:
        """Class, parameters and their types; empty where some may change, or compare oddly."""
        held = vars(self)
        try:
            values = [held[name] for name in self._get_param_names()]
        except KeyError:  # a subclass keeps them otherwise
            return ()
        types = tuple(map(type, values))
        return (type(self), *values, types) if _PLAIN.issuperset(types) else ()

    def _validate_params(self) -> None:
        values = self._plain_parameters()
        if values in _CHECKED:
            return
        try:
            found = self._check_parameters()
            super()._validate_params()  # type: ignore[misc]
            if values:
                if len(_CHECKED) >= _MOST_CHECKED:
                    _CHECKED.clear()
                _CHECKED[values] = found
        except InputError as error:
            raise ParameterError(*error.args) from None
        except InvalidParameterError as error:
            said = _REFUSAL.fullmatch(str(error))
            if said is None:
                raise
            raise ParameterError(said[1], said[2], said[3]) from None


def require_number(
    name: str, value: Any, *, positive: bool = True, upper: float = math.inf
) -> None:
    """Refuse what is not a number above 0 (or from 0), and at most `upper`."""
    wanted = "a number above 0" if positive else "a number from 0"
    if upper < math.inf:
        wanted += f" to {upper:g}"
    valid = not isinstance(value, bool) and isinstance(value, Real) and value == value
    if not valid or value < 0 or (positive and value == 0) or value > upper:
        raise InputError(name, wanted, repr(value))
    if not holds(value):
        raise InputError(name, HELD, f"{value:.4g}" if isinstance(value, float) else "another")


def holds(value: Any) -> bool:
    """Whether float64 holds a number without overflow and with all its digits."""
    try:
        size = abs(float(value))
    except OverflowError:
        return False
    return not 0 < size < sys.float_info.min


def require_count(name: str, value: Any, least: int = 0) -> None:
    """Refuse what is not a whole number from `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(name, f"a whole number from {least}", repr(value))
