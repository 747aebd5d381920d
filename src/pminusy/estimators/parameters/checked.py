"""Parameters of estimators: refused in our words, by scikit-learn's means."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import cache
from typing import Any

from sklearn.utils._param_validation import InvalidParameterError

from pminusy.errors import InputError

__all__ = ["CheckedParameters", "ParameterError"]

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
