"""Arguments of the array functions: checked once, here, with errors that say what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy.core.options import (
    DEFAULTS,
    TENSORS,
    LossOption,
    LossOptions,
    Options,
    options_of,
)
from pminusy.errors import InputError, short_repr

__all__ = [
    "LossOptions",
    "are_rows",
    "axis_of_classes",
    "class_indices",
    "classes_last",
    "compressed_rows",
    "floats",
    "known_options",
    "linear_layer",
    "loss_options",
    "mask",
    "not_negative",
    "output",
    "plain_array",
    "row_factors",
    "same_shape",
    "targets",
    "wanted",
    "with_loss_options",
]

Array = NDArray[Any]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


_NAMES = {
    explain: frozenset(option.name for option in options_of(explain=explain))
    for explain in (False, True)
}
_ANNOTATIONS = {
    "array": "ArrayLike", "scalar": "SupportsFloat", "int": "int", "float": "float",
    "word": "Reduction",
}  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


def with_loss_options(*, explain: bool = False) -> Callable[[F], F]:
    """Let a function that takes `**options` show each of them, with its default, in its signature.

    `help`, `inspect.signature` and notebooks read that; type checkers read `LossOptions`.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = list(signature.parameters.values())[:-1]
        shown = [_parameter(option) for option in options_of(explain=explain)]
        vars(function)["__signature__"] = signature.replace(parameters=[*own, *shown])
        return function

    return decorate


def _parameter(option: LossOption) -> inspect.Parameter:
    annotation = _ANNOTATIONS[option.kind] + (" | None" if option.optional else "")
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=option.default,
        annotation=annotation,
    )


def floats(**named: ArrayLike) -> list[Array]:
    """Arrays of one floating type: float32 or float64 as given; lists and integers follow.

    Raises
    ------
    InputError
        Another type, or float32 beside float64.
    """
    values = list(named.values())
    if _ready(values):
        return values
    arrays = {name: _numeric(name, value) for name, value in named.items()}
    given = {name: array.dtype for name, array in arrays.items() if _fixes_type(named[name], array)}
    if len(set(given.values())) > 1:
        mixed = ", ".join(f"{name} {dtype}" for name, dtype in given.items())
        *first, last = given
        names = f"{', '.join(first)} and {last}"
        raise InputError(names, "one floating type", mixed, "convert one of them with .astype")
    dtype = next(iter(given.values()), np.dtype(np.float64))
    return [np.asarray(array, dtype=dtype) for array in arrays.values()]


def are_rows(z: ArrayLike) -> TypeGuard[Array]:
    """Whether logits are a plain array (N, K) of a floating type, with two classes or more."""
    if type(z) is not np.ndarray or z.ndim != 2 or z.shape[1] < 2:
        return False
    return z.dtype is _FLOATS[0] or z.dtype is _FLOATS[1]


def _ready(values: list[Any]) -> TypeGuard[list[Array]]:
    """Whether all are plain arrays of one floating type: what `floats` would return as it is."""
    dtype = getattr(values[0], "dtype", None)
    if dtype is not _FLOATS[0] and dtype is not _FLOATS[1]:
        return False
    return all([type(value) is np.ndarray and value.dtype is dtype for value in values])  # noqa: C419  # quicker


def _fixes_type(original: ArrayLike, array: Array) -> bool:
    """A floating array has chosen its type; a list or integers have not."""
    return hasattr(original, "dtype") and array.dtype in _FLOATS


def plain_array(name: str, value: ArrayLike) -> Array:
    """NumPy array of this machine's byte order; a mask is not dropped in silence."""
    if type(value) is np.ndarray and value.dtype.isnative:
        return value
    if hasattr(value, "mask") and hasattr(value, "filled"):
        remedy = "fill it with .filled(value); to leave rows out use ignore_index or sample_weight"
        raise InputError(name, "a plain array", "a masked array", remedy)
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(name, "an array of numbers", "rows of different lengths") from None
    except (TypeError, OverflowError) as error:
        raise InputError(name, "an array of numbers", f"{type(value).__name__}: {error}") from None
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _numeric(name: str, value: ArrayLike) -> Array:
    array = plain_array(name, value)
    if array.dtype not in _FLOATS and array.dtype.kind not in "iu":
        remedy = "convert it with .astype(numpy.float32) or .astype(numpy.float64)"
        raise InputError(
            name, "numbers of type float32 or float64 (or integers)", str(array.dtype), remedy
        )
    return array


def compressed_rows(X: Any) -> Any:
    """X as a CSR matrix if it is a sparse one of SciPy's, else None."""
    return X.tocsr() if hasattr(X, "tocsr") else None


def classes_last(name: str, z: Array) -> Array:
    """Refuse logits without at least two classes on the last axis."""
    if z.ndim == 0:
        raise InputError(
            name, "logits of shape (..., K), classes on the last axis", "a single number"
        )
    if z.shape[-1] < 2:
        remedy = "for two classes give both logits, (0, z) in place of z"
        raise InputError(name, "at least 2 classes on the last axis", f"shape {z.shape}", remedy)
    return z


def axis_of_classes(name: str, axes: int, axis: int) -> int:
    """Number of the axis of classes, counted from 0."""
    whole = isinstance(axis, int | np.integer) and not isinstance(axis, bool)
    if axes == 0:
        raise InputError(name, "logits with an axis of classes", "a single number")
    if not whole or not -axes <= axis < axes:
        expected = f"a whole number from {-axes} to {axes - 1}, an axis of {name}"
        raise InputError("axis", expected, short_repr(axis))
    return int(axis) % axes


def mask(name: str, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """An array of True and False that NumPy can make one of this shape."""
    array = plain_array(name, value)
    if array.dtype != np.bool_:
        remedy = "compare it with something, as in where=z > 0"
        raise InputError(name, "an array of True and False", f"type {array.dtype}", remedy)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        expected = f"a shape that broadcasts to that of z, {shape}"
        raise InputError(name, expected, f"shape {array.shape}") from None


def same_shape(name: str, array: Array, other: str, shape: tuple[int, ...]) -> Array:
    """Refuse an array that is not of the shape of another."""
    if array.shape != shape:
        raise InputError(name, f"the shape of {other}, {shape}", f"shape {array.shape}")
    return array


def output(out: Array, z: Array, *inputs: Array) -> None:
    """Refuse an `out` that cannot take a result like z, or overlaps an input in part."""
    if not isinstance(out, np.ndarray):
        raise InputError("out", "a NumPy array", type(out).__name__)
    same_shape("out", out, "z", z.shape)
    if out.dtype != z.dtype:
        raise InputError("out", f"the type of z, {z.dtype}", str(out.dtype))
    if not out.flags.writeable:
        raise InputError("out", "an array that can be written to", "a read-only one")
    for array in (z, *inputs):
        the_same = (
            out.__array_interface__["data"] == array.__array_interface__["data"]
            and out.strides == array.strides
        )
        if not the_same and np.may_share_memory(out, array):
            remedy = "pass that very array, or one of its own"
            raise InputError("out", "memory of its own", "part of an input's memory", remedy)


def targets(y: ArrayLike, z: Array, ignore_index: int) -> Array:
    """Targets as class indices (N,) or soft targets (N, K), N the number of rows of z (..., K)."""
    K, rows = z.shape[-1], z.shape[:-1]
    array = plain_array("y", y)
    if array.shape == z.shape:
        no_class_to_ignore(ignore_index)
        return _soft_targets(array, y, z, K)
    if array.shape != rows:
        remedy = "flatten it with y.ravel()" if array.shape == (*rows, 1) else ""
        expected = f"class indices of shape {rows} or soft targets of shape {z.shape}"
        raise InputError("y", expected, f"shape {array.shape}", remedy)
    if array.size > 0 and array.dtype.kind not in "iu":
        expected = f"integer class indices (or soft targets of shape {z.shape})"
        raise InputError(
            "y", expected, f"{array.dtype} of shape {array.shape}", "convert with .astype(int)"
        )
    return class_indices("y", array, K, ignore_index)


def no_class_to_ignore(ignore_index: int) -> None:
    """Refuse a class to ignore beside soft targets: a mixture has none, which is torch's rule."""
    if ignore_index >= 0:
        expected = "a number below 0 with soft targets"
        remedy = "give the rows to leave out a sample_weight of 0"
        raise InputError("ignore_index", expected, str(ignore_index), remedy)


def class_indices(name: str, labels: Array, K: int, ignore_index: int) -> Array:
    """Labels (N,) from integers of any shape and type, each from 0 to K − 1 or `ignore_index`."""
    if labels.size == 0:
        return np.empty(0, dtype=np.intp)
    if labels.dtype == np.intp:  # nearly always, and then this is the end of it
        unsigned = labels.view(np.uintp)  # of which negative ones are large
        if np.maximum.reduce(unsigned, axis=None) < K:
            return labels.ravel()
    elif labels.min() >= 0 and labels.max() < K:
        return labels.ravel().astype(np.intp)
    bad = (labels != ignore_index) & ((labels < 0) | (labels >= K))
    if bad.any():
        expected = f"a class index from 0 to {K - 1}, or {ignore_index} (ignore_index)"
        remedy = "count classes from 0" if labels.max() == K and labels.min() > 0 else ""
        raise InputError(*_first(name, labels, bad, expected), remedy)
    return labels.ravel().astype(np.intp)


def _first(name: str, array: Array, bad: NDArray[np.bool_], expected: str) -> tuple[str, str, str]:
    """Name, expectation and value of the first bad entry."""
    if array.ndim == 0:
        return name, expected, str(array)
    index = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), array.shape))
    return f"{name}[{', '.join(map(str, index))}]", expected, str(array[index])


def _soft_targets(array: Array, y: ArrayLike, z: Array, K: int) -> Array:
    if array.dtype.kind == "b":
        array = array.astype(z.dtype)
    _, soft = floats(z=z, y=array if hasattr(y, "dtype") else array.tolist())
    not_negative("y", soft, "a finite target mass ≥ 0")
    return soft.reshape(-1, K)


def not_negative(name: str, array: Array, expected: str = "a finite number ≥ 0") -> None:
    """Refuse an array with an entry that is negative, infinite or NaN."""
    bad = ~((array >= 0) & np.isfinite(array))
    if bad.any():
        raise InputError(*_first(name, array, bad, expected))


def loss_options(options: Mapping[str, Any], rows: tuple[int, ...], K: int) -> Options:
    """Options with their arrays checked: `weight` (K,), `sample_weight` of the rows' shape."""
    if not options:
        return DEFAULTS
    known_options(options)
    checked = dict(options)
    for option in TENSORS:
        value = checked.get(option.name)
        if value is None:
            continue
        if option.kind == "scalar":
            checked[option.name] = _scalar(option, value)
        else:
            shape = (K,) if option.entries == "class" else rows
            checked[option.name] = _weights(option, value, shape).ravel()
    return Options(**checked)


def known_options(options: Mapping[str, Any], *, explain: bool = False) -> None:
    """Refuse a keyword that is no option, as Python refuses one that is no parameter."""
    if options.keys() <= _NAMES[explain]:
        return
    known = [option.name for option in options_of(explain=explain)]
    unknown = [name for name in options if name not in known]
    if unknown:
        message = f"unexpected keyword argument {unknown[0]!r}; the options are {', '.join(known)}"
        raise TypeError(message)


def _weights(option: LossOption, value: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    weights = _numeric(option.name, value).astype(np.float64)
    if weights.shape != shape:
        raise InputError(option.name, f"shape {shape}", f"shape {weights.shape}")
    not_negative(option.name, weights, option.expected)
    return weights


def _scalar(option: LossOption, value: Any) -> Any:
    """The number itself if it is in an array of no axes."""
    if not isinstance(value, np.ndarray):
        return value
    if value.ndim:
        remedy = f"pass {option.name}.item()" if value.size == 1 else ""
        raise InputError(option.name, option.expected, f"an array of shape {value.shape}", remedy)
    return value.item()


def row_factors(
    grad_output: ArrayLike | None, rows: tuple[int, ...], options: Options
) -> Array | None:
    """`grad_output`: one factor a row, for `reduction="none"` only."""
    if grad_output is None:
        return None
    if options.reduction != "none":
        remedy = 'pass reduction="none", or multiply the gradient yourself'
        raise InputError(
            "grad_output", f"nothing with reduction={options.reduction!r}", "an array", remedy
        )
    factors = _numeric("grad_output", grad_output)
    return same_shape("grad_output", factors, "the losses", rows).ravel()


def linear_layer(X: Any, W: ArrayLike, b: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """Inputs, weights and bias of one type and of shapes that fit."""
    sparse = compressed_rows(X)
    entries = X if sparse is None else sparse.data
    named = {"X": entries, "W": W} if b is None else {"X": entries, "W": W, "b": b}
    X, W, *bias = floats(**named)
    if sparse is not None:
        X = type(sparse)((X, sparse.indices, sparse.indptr), shape=sparse.shape)
    for name, array, shape in (("X", X, "(N, D)"), ("W", W, "(K, D)")):
        if array.ndim != 2:
            raise InputError(name, f"shape {shape}", f"shape {array.shape}")
    if X.shape[1] != W.shape[1]:
        expected = f"as many features as X, shape (K, {X.shape[1]})"
        remedy = "W has one row a class: transpose it" if X.shape[1] == W.shape[0] else ""
        raise InputError("W", expected, f"shape {W.shape}", remedy)
    if W.shape[0] < 2:
        remedy = "for two classes give both rows, (0, w) in place of w"
        raise InputError("W", "at least 2 rows, one a class", f"shape {W.shape}", remedy)
    if bias and bias[0].shape != (W.shape[0],):
        raise InputError("b", f"one entry a class, shape ({W.shape[0]},)", f"shape {bias[0].shape}")
    return X, W, bias[0] if bias else None


def wanted(wrt: tuple[str, ...]) -> None:
    """Refuse names of gradients that there are not."""
    expected = 'names among "X", "W" and "b"'
    if not isinstance(wrt, str | tuple | list | set | frozenset):
        raise InputError("wrt", expected, short_repr(wrt), 'the default is ("X", "W", "b")')
    unknown = [name for name in wrt if not isinstance(name, str) or name not in ("X", "W", "b")]
    if unknown:
        raise InputError("wrt", expected, short_repr(unknown[0]))
