"""Targets, weights and options, checked once and before a path is chosen.

What is no tensor, types and shapes are checked by Python, also while code is traced. Values are
checked at once in eager code; in code that is traced, compiled or transformed two registered
operators check them when the code runs on real data, and what they return is needed for the loss,
so that no compiler can leave them out. On a CUDA device nothing waits: there an assertion of
torch's on the device takes the place of the error that names the entry.

Labels come out as int64, with −1 where a row is ignored: no path compares `ignore_index` with them
again, in whatever type.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pminusy import arguments
from pminusy.core.options import TENSORS, Options, beside_a_mean, first_invalid
from pminusy.errors import InputError, short_repr
from pminusy.torch.arrays import FLOATS, array, leave_the_compiler, refuse
from pminusy.torch.plain import IGNORED, TensorOptions

__all__ = [
    "all_in_range",
    "check_options",
    "check_values",
    "denominator",
    "is_soft",
    "plain_options",
    "resolve",
]

NUM_ITEMS = next(option for option in TENSORS if option.kind == "scalar")
_INTEGERS = (
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint16,
    torch.uint32,
    torch.uint64,
)


def check_options(settings: TensorOptions, losses: torch.Size, K: int) -> None:
    """Refuse options out of range, and weights of another type or shape or with a gradient."""
    check_values(settings)
    for option, value in zip(TENSORS, settings.tensors(), strict=True):
        if value is None:
            continue
        if option.kind == "scalar":
            _check_weights(option.name, value, (), "a number, or a tensor of shape ()")
        elif option.entries == "class":
            _check_weights(option.name, value, (K,), f"shape ({K},)")
        else:
            expected = f"the shape of the losses, {tuple(losses)}"
            _check_weights(option.name, value, tuple(losses), expected)


def check_values(settings: TensorOptions) -> None:
    """Refuse options out of range."""
    invalid = first_invalid(settings)
    if invalid is not None:
        name, expected, value = invalid
        leave_the_compiler(f"{name}: expected {expected}")
        raise InputError(name, expected, short_repr(value))
    if settings.num_items is not None and settings.reduction != "mean":
        refuse(*beside_a_mean(settings.reduction))


def denominator(value: float | Tensor) -> Tensor:
    """`num_items` as a tensor: a number is one on CPU, which goes with those of any device."""
    if isinstance(value, Tensor):
        return value
    if not NUM_ITEMS.accepts(value):
        refuse(NUM_ITEMS.name, NUM_ITEMS.expected, short_repr(value))
    return torch.tensor(float(value), dtype=torch.float64)


def plain_options(*numbers: Any) -> TensorOptions | None:
    """Options that leave rows with labels as they are; None if one does not, or is invalid."""
    try:
        return _plain_options(*numbers)
    except (InputError, TypeError):  # a value that no cache can hold is no number
        return None


@lru_cache(maxsize=64, typed=True)
def _plain_options(*numbers: Any) -> TensorOptions | None:
    settings = TensorOptions(None, None, *numbers)
    return settings if Options(**settings._asdict()).plain else None


def _check_weights(name: str, value: Any, shape: tuple[int, ...], expected: str) -> None:
    if not isinstance(value, Tensor):
        refuse(name, "a tensor", type(value).__name__, "convert it with torch.as_tensor")
    if value.requires_grad:
        refuse(name, "a tensor without gradient", "one that requires it", "detach it")
    if value.dtype not in FLOATS and value.dtype not in _INTEGERS:
        refuse(name, "numbers of a floating type or integers", str(value.dtype))
    if tuple(value.shape) != shape:
        refuse(name, expected, f"shape {tuple(value.shape)}")


def is_soft(target: Tensor, losses: torch.Size, logits: torch.Size) -> bool:
    """Whether targets are probabilities, of the shape of the logits, and not class indices."""
    if target.dtype not in FLOATS and target.dtype not in _INTEGERS and target.dtype != torch.bool:
        refuse("target", "integer class indices or probabilities", str(target.dtype))
    if target.shape == logits:
        return True
    if target.shape != losses:
        expected = f"class indices of shape {tuple(losses)} or probabilities of {tuple(logits)}"
        refuse("target", expected, f"shape {tuple(target.shape)}")
    if target.dtype not in _INTEGERS:
        refuse("target", "integer class indices", str(target.dtype), "use .long()")
    return False


def resolve(
    target: Tensor, settings: TensorOptions, K: int, soft: torch.dtype | None, traced: bool
) -> tuple[Tensor, TensorOptions]:
    """Target and weights with their values checked, and weights of rows as (N,).

    Class indices come as int64, −1 where ignored; soft targets that are no floating numbers come in
    the type `soft`, which is None where targets are class indices.
    """
    checked = [
        value if value is None else _not_negative(option.name, value, traced)
        for option, value in zip(TENSORS, settings.tensors(), strict=True)
    ]
    settings = settings.with_tensors(
        [
            value if value is None or option.entries != "row" else value.reshape(-1)
            for option, value in zip(TENSORS, checked, strict=True)
        ]
    )
    if soft is not None:
        floating = target if target.is_floating_point() else target.to(soft)
        return _not_negative("target", floating, traced), settings
    labels = _labels_operator if traced else _labels
    y = labels(target, K, int(settings.ignore_index))
    return y, settings if y is target else settings._replace(ignore_index=IGNORED)


def _labels(target: Tensor, K: int, ignore_index: int) -> Tensor:
    """Class indices of real tensors."""
    c: Tensor = target.long()
    if target.device.type == "cuda":
        used = c != ignore_index
        torch._assert_async(
            torch.all(~used | ((c >= 0) & (c < K))),
            f"target: expected class indices from 0 to {K - 1}, or {ignore_index} (ignore_index)",
        )
        return torch.where(used, c, IGNORED)
    if not all_in_range(array(c), K):  # hardly ever
        arguments.class_indices("target", array(target), K, ignore_index)
    elif not 0 <= ignore_index < K:
        return c
    return torch.where(c != ignore_index, c, IGNORED)


def all_in_range(labels: NDArray[np.int64], K: int) -> bool:
    """Whether all are class indices from 0 to K − 1."""
    unsigned = labels.view(np.uint64)  # of which negative ones are large
    return bool(np.maximum.reduce(unsigned, axis=None, initial=0) < K)


def _not_negative(name: str, values: Tensor, traced: bool) -> Tensor:
    if traced:  # the sum makes what follows depend on the check
        zero: Tensor = _not_negative_operator(values.detach(), name)
        return values + zero
    _check_not_negative(name, values.detach())
    return values


@np.errstate(invalid="ignore")  # comparisons of NaN
def _check_not_negative(name: str, values: Tensor) -> None:
    expected = "a finite target mass ≥ 0" if name == "target" else "a finite number ≥ 0"
    if name == NUM_ITEMS.name:
        _check_denominator(values)
    elif values.device.type == "cuda":
        fine = torch.all((values >= 0) & torch.isfinite(values))
        torch._assert_async(fine, f"{name}: expected {expected}")
    else:
        arguments.not_negative(name, array(values), expected)


def _check_denominator(value: Tensor) -> None:
    if value.device.type == "cuda":
        fine = torch.all((value >= 1e-30) & (value <= 1e30))
        torch._assert_async(fine, f"{NUM_ITEMS.name}: expected {NUM_ITEMS.expected}")
        return
    for number in value.reshape(-1).tolist():  # several under vmap
        if not NUM_ITEMS.accepts(number):
            raise InputError(NUM_ITEMS.name, NUM_ITEMS.expected, short_repr(number))


@torch.library.custom_op(
    "pminusy::labels",
    mutates_args=(),
    schema="(Tensor target, SymInt classes, int ignore_index) -> Tensor",
)
def _labels_operator(target: Tensor, classes: int, ignore_index: int) -> Tensor:
    """Class indices in int64, −1 where ignored; an error names one that is out of range."""
    found = _labels(target, classes, ignore_index)
    return torch.empty_like(found, memory_format=torch.contiguous_format).copy_(
        found
    )  # an operator returns no input


@_labels_operator.register_fake
def _(target: Tensor, classes: int, ignore_index: int) -> Tensor:
    return target.new_empty(target.shape, dtype=torch.int64)


@_labels_operator.register_vmap
def _(info: Any, in_dims: Any, target: Tensor, classes: int, ignore_index: int) -> Any:
    found = _labels_operator(target.movedim(in_dims[0], 0), classes, ignore_index)
    return found, 0


@torch.library.custom_op(
    "pminusy::not_negative", mutates_args=(), schema="(Tensor values, str name) -> Tensor"
)
def _not_negative_operator(values: Tensor, name: str) -> Tensor:
    """0, of the type of the values; an error if one is negative, infinite or NaN."""
    _check_not_negative(name, values)
    return values.new_zeros(())


@_not_negative_operator.register_fake
def _(values: Tensor, name: str) -> Tensor:
    return values.new_empty(())


@_not_negative_operator.register_vmap
def _(info: Any, in_dims: Any, values: Tensor, name: str) -> Any:
    return _not_negative_operator(values, name), None
