"""The penalty: from scikit-learn's parameters to the strengths of ½ ‖W‖² and ‖W‖₁, and back."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from pminusy.errors import InputError
from pminusy.estimators.parameters.checks import require_number

__all__ = ["Penalty", "PenaltyName", "penalty_of", "warn_of_contradictions"]

_SHARES = ("l1_ratio_", "l1_ratio", "l1_ratios")  # fitted or given
_NAMES = ("deprecated", "l1", "l2", "elasticnet")


class Penalty(NamedTuple):
    """Strengths beside C: of ½ ‖W‖² and of ‖W‖₁."""

    ridge: float
    lasso: float


def penalty_of(penalty: Any, C: Any, l1_ratio: Any) -> tuple[float, Penalty]:
    """C and the penalty, from scikit-learn's parameters, `penalty` by its older name included."""
    require_number("C", C)
    if l1_ratio is None and penalty == "elasticnet":
        raise InputError(
            "l1_ratio", 'a number from 0 to 1 with penalty="elasticnet"', "None", "set l1_ratio"
        )
    l1_ratio = 0.0 if l1_ratio is None else l1_ratio
    require_number("l1_ratio", l1_ratio, positive=False, upper=1.0)
    ratio = float(l1_ratio)
    if penalty is None or (isinstance(penalty, str) and penalty == "none"):
        return math.inf, Penalty(1.0, 0.0)
    if not isinstance(penalty, str) or penalty not in _NAMES:
        expected = '"l2", "l1", "elasticnet" or None'
        raise InputError("penalty", expected, repr(penalty), "or leave it out and set l1_ratio")
    ratio = {"l1": 1.0, "l2": 0.0}.get(penalty, ratio)
    return float(C), Penalty(1.0 - ratio, ratio)


def warn_of_contradictions(penalty: Any, C: float, l1_ratio: Any) -> None:
    """Say which of two parameters counts, where they say different things.

    `penalty="l1"` beside the default l1_ratio=0 is no contradiction: so it was written before
    there was another way.
    """
    if penalty is None or penalty == "none":
        if C != 1.0:
            _warn("Setting penalty=None will ignore the C and l1_ratio parameters")
        return
    ratio = 0.0 if l1_ratio is None else l1_ratio
    if penalty in ("l1", "l2") and 0 < ratio < 1:
        _warn(
            "l1_ratio parameter is only used when penalty is 'elasticnet'. "
            f"Got (penalty={penalty}) with l1_ratio={l1_ratio}"
        )
    elif penalty == "l2" and ratio == 1:
        _warn(f"Inconsistent values: penalty=l2 with l1_ratio={l1_ratio}. Set l1_ratio only")


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=5)


class PenaltyName:
    """`penalty` reads "l1" where the share of L1 says so.

    `SelectFromModel` asks for that name, and for an l1_ratio only in classes whose names it
    knows. The parameter itself, as it was given, is what `get_params` returns.
    """

    @property
    def penalty(self) -> Any:
        """The parameter; "l1" where it was left out and the share of L1 is 1."""
        given = vars(self)["penalty"]
        shares = [vars(self)[name] for name in _SHARES if name in vars(self)]
        left_out = isinstance(given, str) and given == "deprecated"
        return "l1" if left_out and shares and _only_ones(shares[0]) else given

    @penalty.setter
    def penalty(self, given: Any) -> None:
        vars(self)["penalty"] = given

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters as they were given."""
        params: dict[str, Any] = super().get_params(deep)  # type: ignore[misc]
        return params | {"penalty": vars(self)["penalty"]}


def _only_ones(shares: Any) -> bool:
    try:
        values = np.asarray(shares, float)
    except (TypeError, ValueError):  # refused when fit begins
        return False
    return values.size > 0 and bool(np.all(values == 1))
