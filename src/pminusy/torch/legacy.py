"""Arguments that are torch's alone: those it calls deprecated, by its own rule, and its chunks."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

from pminusy.errors import InputError

__all__ = ["options_of_torch", "reduction_of"]


def reduction_of(
    reduction: str, size_average: bool | None, reduce: bool | None, stacklevel: int = 3
) -> str:
    """`reduction`, unless a deprecated argument is given: then that rules, with a warning.

    Parameters
    ----------
    reduction
        "mean", "sum", "none", or "elementwise_mean", an old name of "mean".
    size_average, reduce
        "none" where `reduce` is false, else "mean", or "sum" where `size_average` is false.
    stacklevel
        Whose line the warning shows; 3 is the caller of the function that calls this one.

    Source: `torch.nn._reduction`.
    """
    if size_average is None and reduce is None:
        if reduction != "elementwise_mean":
            return reduction
        _warn("reduction='elementwise_mean' is", "mean", stacklevel)
        return "mean"
    summed = reduce is None or reduce
    averaged = size_average is None or size_average
    found = ("mean" if averaged else "sum") if summed else "none"
    _warn("size_average and reduce are", found, stacklevel)
    return found


def options_of_torch(options: Any) -> None:
    """Refuse what is neither None nor torch's own options of chunks, which 2.13 has."""
    known = getattr(nn, "LinearCrossEntropyOptions", ())
    if options is not None and not isinstance(options, known):
        expected = "None or a torch.nn.LinearCrossEntropyOptions"
        raise InputError("options", expected, type(options).__name__)


def _warn(what: str, reduction: str, stacklevel: int) -> None:
    message = f"{what} deprecated in torch; pass reduction={reduction!r}"
    warnings.warn(message, UserWarning, stacklevel=stacklevel + 1)
