"""Which implementation runs a call, and why.

Every array function in `ops`, and every pass of training, asks here and nowhere else. There are
two: "core", the specification in NumPy, and "cpu", compiled kernels tested against it. The choice
follows from the shapes and options alone, so the same call always gives the same bits.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pminusy.core.options import ARRAYS, DEFAULTS, Options
from pminusy.errors import InputError, short_repr
from pminusy.kernels.head import reference, single
from pminusy.kernels.runtime import threads

__all__ = [
    "SMALL",
    "Choice",
    "asked_for",
    "choice",
    "decide",
    "implementation",
    "in_one_step",
    "of_all_logits",
    "softmax_in_one_step",
    "why",
]

SMALL = 65
"""A call of fewer logits, as people type them, neither loads nor waits for the compiler."""

_LEAST, _LARGEST = 1e-9, 1e6  # weights, apart from 0, that single factors can carry
_VARIABLE = "PMINUSY_IMPLEMENTATION"
_DATA: Any = getattr(os.environ, "_data", None)
_ENVIRONMENT: Any = os.environ if _DATA is None else _DATA
"""What `os.environ` keeps its variables in: every call asks, and `os.environ` takes 1 µs to say no,
a tenth of a small softmax."""
_KEY: Any = _VARIABLE if _DATA is None else os.environ.encodekey(_VARIABLE)
_log = logging.getLogger("pminusy")


class Choice(NamedTuple):
    """An implementation and the reason for it."""

    name: str
    reason: str

    def module(self) -> ModuleType:
        """The implementation of the head."""
        return reference if self.name == "core" else _kernels()[0] or reference


def implementation(N: int, K: int, options: Options | None = None, *, small: int = 0) -> ModuleType:
    """Module that computes the head for N rows of K logits, or for tiles of them.

    Fewer logits than `small` are not worth loading the compiler, for a caller who knows that no
    more will come.
    """
    return choice(N, K, options, small).module()


def of_all_logits(N: int, K: int, options: Options) -> ModuleType:
    """Module that computes the head for N rows of K logits, all of which are there.

    Where that is not worth the compiler, plain float64 has the digits of the kernels.
    """
    chosen = choice(N, K, options, SMALL)
    if chosen.name == "core" and SMALL > N * K and not asked_for():
        return single
    return chosen.module()


def in_one_step(
    z: Any, y: Any, ignore_index: int, reduction: str, *, gradient: bool
) -> tuple[Any, Any] | None:
    """Loss and gradient of logits (N, K) with labels (N,) and no options, by the shortest way.

    None where that cannot be: see `kernels.head.one_block`. Labels need not have been checked.
    """
    module = None if asked_for() == "core" else _kernels()[0]
    if module is None:
        return None
    made: tuple[Any, Any] | None = module.in_one_step(z, y, ignore_index, reduction, gradient)
    return made


def softmax_in_one_step(z: NDArray[Any]) -> NDArray[Any] | None:
    """Probabilities of logits z (N, K), an array of float32 or float64, by the shortest way.

    None where that cannot be, or where a line about the call is asked for.
    """
    if z.size < SMALL or asked_for() == "core" or _log.isEnabledFor(logging.DEBUG):
        return None
    module = _kernels()[0]
    if module is None:
        return None
    made: NDArray[Any] | None = module.softmax_in_one_step(z)
    return made


def choice(N: int, K: int, options: Options | None = None, small: int = 0) -> Choice:
    """Decide, by size and options, who computes the head for N rows of K logits."""
    chosen = decide(N * K, small, lambda: f"{N:,} × {K:,} logits", lambda: _beyond_kernels(options))
    if _log.isEnabledFor(logging.DEBUG):
        _log.debug("%d × %d logits: %s, %s", N, K, chosen.name, chosen.reason)
    return chosen


def decide(
    work: int, small: int, what: Callable[[], str], beyond: Callable[[], str] = lambda: ""
) -> Choice:
    """Decide, by the amount of work in some unit; less than `small` is not worth the compiler.

    `what` names the work, and `beyond` what there is no kernel for, or "".
    """
    forced = asked_for()
    if forced == "core":
        return Choice("core", f"{_VARIABLE} says so")
    if work == 0:
        return Choice("core", "there is nothing to compute")
    if not forced and small > work:
        return Choice("core", f"{what()} are too few to load the compiler for")
    missing = beyond()
    if missing:
        return Choice("core", missing)
    module, problem = _kernels()
    if module is None:
        return Choice("core", problem)
    return Choice("cpu", _on_threads(threads.get_num_threads()))


@cache
def _on_threads(most: int) -> str:
    return f"compiled kernels on up to {most} threads"


def asked_for() -> str:
    """The implementation that the environment asks for, or ""; refused if there is none such."""
    if _KEY not in _ENVIRONMENT:
        return ""
    forced = os.environ.get(_VARIABLE, "")
    if forced not in ("", "core", "cpu"):
        raise InputError(_VARIABLE, '"core" or "cpu"', repr(forced), "or leave it unset")
    return forced


def why(N: int, K: int, **options: Any) -> str:
    """Say which implementation runs a loss over N rows of K logits, and why.

    Parameters
    ----------
    N, K
        Rows and classes.
    **options
        Options of the loss; see `pminusy.core.options.Options`.

    Returns
    -------
    str
        One line.

    Raises
    ------
    InputError
        N or K that is no whole number, an option outside its range.

    Examples
    --------
    >>> why(3, 10)
    'core: 3 × 10 logits are too few to load the compiler for'

    References
    ----------
    Calls say the same, one by one, to the logger "pminusy" at level DEBUG.
    """
    for name, value in (("N", N), ("K", K)):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 0:
            raise InputError(name, "a whole number, 0 or more", short_repr(value))
        if value >= 2**63:
            raise InputError(name, "a whole number of 64 bits", short_repr(value))
    for option in ARRAYS:
        if options.get(option.name) is not None:
            options[option.name] = _numbers(option.name, options[option.name])
    return ": ".join(choice(int(N), int(K), Options(**options), SMALL))


def _numbers(name: str, value: Any) -> Any:
    """Weights in float64; their shape is not known here."""
    try:
        if not np.iscomplexobj(value):
            with np.errstate(all="ignore"):
                return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(name, "an array of numbers", short_repr(value))


def _beyond_kernels(options: Options | None) -> str:
    """What the kernels leave to `core`: rare, and not worth the digits or the speed of others."""
    if options is None or options is DEFAULTS:
        return ""
    if options.log_base is not None:
        return "a base of the logarithm is for derivations"
    if options.num_items is not None and _astronomic(np.float64(1.0 / options.num_items)):
        return "num_items is beyond what single factors can carry"
    for option in ARRAYS:
        weights = getattr(options, option.name)
        if weights is not None and _astronomic(weights):
            return f"{option.name} has entries beyond what single factors can carry"
    return ""


def _astronomic(weights: Any) -> bool:
    if not weights.size or (
        np.minimum.reduce(weights, axis=None) >= _LEAST
        and np.maximum.reduce(weights, axis=None) <= _LARGEST
    ):
        return False
    some = weights[weights != 0]
    return bool(some.size and (some.max() > _LARGEST or some.min() < _LEAST))


@cache
def _kernels() -> tuple[ModuleType | None, str]:
    """The compiled kernels; or, with a warning, the reason why there are none."""
    try:
        module = importlib.import_module("pminusy.kernels.head.cpu")
        module.compile_something()
    except Exception as error:  # whatever is wrong with a compiler, there is another way
        problem = f"the kernels cannot be used ({type(error).__name__}: {error})".splitlines()[0]
        warnings.warn(
            f"pminusy runs without its fast kernels: {problem}", RuntimeWarning, stacklevel=2
        )
        return None, problem
    return module, ""
