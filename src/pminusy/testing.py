"""For other people's tests: an assertion that names the mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pminusy.api.check import check

__all__ = ["assert_correct"]


def assert_correct(
    target: Callable[..., Any], *, pin: str | Iterable[str] = "", allow_fragile: bool = False
) -> None:
    """Fail with the whole report unless an implementation is correct.

    Parameters
    ----------
    target
        A function or class; see `pminusy.check`.
    pin
        Conventions that are required, as "mean,half".
    allow_fragile
        Accept what is right on ordinary inputs and breaks on extreme ones.

    Raises
    ------
    AssertionError
        It is not correct; the message is the report.

    Examples
    --------
    >>> import numpy as np
    >>> def softmax(z):
    ...     e = np.exp(z - z.max(axis=1, keepdims=True))
    ...     return e / e.sum(axis=1, keepdims=True)
    >>> assert_correct(softmax)
    """
    verdict = check(target, pin=pin)
    if not (verdict.ok or (allow_fragile and verdict.status == "fragile")):
        raise AssertionError(f"\n{verdict}")
