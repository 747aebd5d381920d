"""Beside a loss, by demand: lse of each row, token accuracy, and entropy of the probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy import arguments
from pminusy.arguments import LossOptions, with_loss_options
from pminusy.core import transform
from pminusy.core.options import Options
from pminusy.errors import InputError, short_repr
from pminusy.kernels.dispatch import of_all_logits
from pminusy.kernels.linear import tiles
from pminusy.ops.along import Along
from pminusy.ops.call import Array, prepare, quiet
from pminusy.ops.linear import linear_cross_entropy
from pminusy.ops.loss import cross_entropy
from pminusy.ops.probabilities import log_sums

__all__ = [
    "OUTPUTS",
    "LossOutputs",
    "asked",
    "cross_entropy_outputs",
    "linear_cross_entropy_outputs",
]

OUTPUTS = ("lse", "token_accuracy", "entropy")
_EACH = Options(reduction="none")
_BLOCK = 1 << 18  # logits of a block, whose probabilities are held


class LossOutputs(NamedTuple):
    """A loss and what was asked for beside it, None where it was not.

    Attributes
    ----------
    loss
        The loss.
    lse
        ln Σ_j e^{z_j} of each row (...), after cap and temperature; 0 in rows that do not count.
    token_accuracy
        The share of rows whose most probable class is the target's (of soft targets, the most
        probable of these); with `reduction="none"`, 1 or 0 for each row (...).
    entropy
        The mean of H(p) = −Σ_k p_k ln p_k, in nats; with `reduction="none"`, that of each row.
    """

    loss: Any
    lse: Any
    token_accuracy: Any
    entropy: Any


class _OfRows(NamedTuple):
    """What logits (N, K) alone say: lse, the largest's place (−1 where there is NaN), entropy."""

    lse: Array
    top: NDArray[np.intp]
    entropy: Array


@with_loss_options()
@quiet
def cross_entropy_outputs(
    z: ArrayLike,
    y: ArrayLike,
    *,
    outputs: Iterable[str] = OUTPUTS,
    axis: int = -1,
    where: ArrayLike | None = None,
    **options: Unpack[LossOptions],
) -> LossOutputs:
    """Loss of logits, and lse, token accuracy and entropy beside it.

    Rows that are ignored, or whose sample weight is 0, do not count. Sample weights weigh both
    means, as in scikit-learn's `accuracy_score`; class weights, smoothing and `num_items` are for
    the loss alone, as in Liger's `token_accuracy`. If no row counts, both are 0, as the loss is.

    Parameters
    ----------
    z, y, axis, where, **options
        As `cross_entropy`.
    outputs
        What to compute, of "lse", "token_accuracy" and "entropy".

    Returns
    -------
    LossOutputs
        The loss as from `cross_entropy`; None for what was not asked for.

    Raises
    ------
    InputError
        As `cross_entropy`; a name in `outputs` that there is not.

    Examples
    --------
    >>> found = cross_entropy_outputs([[2.0, 0.0], [0.0, 1.0]], [0, 0])
    >>> found.lse
    array([2.12692801, 1.31326169])
    >>> float(found.token_accuracy), round(float(found.entropy), 6)
    (0.5, 0.473768)

    References
    ----------
    Hsu et al. 2024, "Liger Kernel" (`return_token_accuracy`); Shannon 1948 (entropy).
    """
    names = asked(outputs)
    if axis != -1 or where is not None:
        along = Along(z, axis, where, dict(options))
        return cross_entropy_outputs(along.z, along.targets(y), outputs=names, **along.options)
    (logits,) = arguments.floats(z=z)
    loss = cross_entropy(logits, y, **options)
    call = prepare(logits, y, options)
    blocks = [_of_logits(call.z[part], call.options, names) for part in _parts(*call.z.shape)]
    return _put_together(loss, blocks, call.y, call.options, call.rows, names)


@with_loss_options()
@quiet
def linear_cross_entropy_outputs(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    *,
    outputs: Iterable[str] = OUTPUTS,
    workspace: int = tiles.WORKSPACE,
    **options: Unpack[LossOptions],
) -> LossOutputs:
    """Loss of a linear layer, and lse, token accuracy and entropy beside it.

    What is beside the loss takes one more product of X and W, never holding all logits.

    Parameters
    ----------
    X, W, b, y, workspace, **options
        As `linear_cross_entropy`.
    outputs
        As `cross_entropy_outputs`.

    Returns
    -------
    LossOutputs
        As `cross_entropy_outputs`, of rows (N,).

    Raises
    ------
    InputError
        As `linear_cross_entropy` and `cross_entropy_outputs`.

    Examples
    --------
    >>> found = linear_cross_entropy_outputs([[1.0]], [[2.0], [0.0]], None, [0], outputs=["lse"])
    >>> found.lse
    array([2.12692801])

    References
    ----------
    As `cross_entropy_outputs`.
    """
    names = asked(outputs)
    loss = linear_cross_entropy(X, W, b, y, workspace=workspace, **options)
    X, W, b = arguments.linear_layer(X, W, b)
    N, K = X.shape[0], W.shape[0]
    call = prepare(np.broadcast_to(np.zeros((), W.dtype), (N, K)), y, options)
    entries = max(K, workspace // (4 * W.dtype.itemsize))
    blocks = []
    for part in _parts(N, K, entries):
        z = np.asarray(X[part] @ W.T)
        blocks.append(_of_logits(z if b is None else z + b, call.options, names))
    return _put_together(loss, blocks, call.y, call.options, (N,), names)


def asked(outputs: Iterable[str]) -> tuple[str, ...]:
    """The names of outputs, checked."""
    expected = 'names among "lse", "token_accuracy" and "entropy"'
    if not isinstance(outputs, tuple | list | set | frozenset):
        raise InputError("outputs", expected, short_repr(outputs), f"the default is {OUTPUTS}")
    for name in outputs:
        if name not in OUTPUTS:
            raise InputError("outputs", expected, short_repr(name))
    return tuple(name for name in OUTPUTS if name in outputs)


def _parts(N: int, K: int, entries: int = _BLOCK) -> Iterator[slice]:
    step = max(1, entries // K)
    for start in range(0, N, step):
        yield slice(start, min(N, start + step))


def _of_logits(u: Array, options: Options, names: tuple[str, ...]) -> _OfRows:
    """What logits (n, K) alone say; empty where it was not asked for."""
    z = transform.logits(u, options) if options.transforms_logits else u
    nothing = np.empty(0, z.dtype)
    lse = log_sums(z) if "lse" in names else nothing
    top = np.empty(0, np.intp)
    if "token_accuracy" in names:
        top = z.argmax(axis=1)
        top = np.where(np.isnan(np.take_along_axis(z, top[:, None], 1)[:, 0]), -1, top)
    if "entropy" not in names:
        return _OfRows(lse, top, nothing)
    head = of_all_logits(z.shape[0], z.shape[1], _EACH)
    # the entropy of p is its cross-entropy with itself: Σ_k p_k (lse − z_k)
    return _OfRows(lse, top, head.cross_entropy(z, head.softmax(z), _EACH))


def _put_together(
    loss: Array,
    blocks: list[_OfRows],
    y: Array,
    options: Options,
    rows: tuple[int, ...],
    names: tuple[str, ...],
) -> LossOutputs:
    weights = np.ones(y.shape[0]) if options.sample_weight is None else options.sample_weight
    labels = y if y.ndim == 1 else y.argmax(axis=1)
    counts = weights > 0
    if y.ndim == 1:
        counts = counts & (y != options.ignore_index)
    dtype = np.asarray(loss).dtype
    empty = _OfRows(*(np.empty(0, dtype) for _ in OUTPUTS))
    lse, top, entropy = (np.concatenate(each) for each in zip(*(blocks or [empty]), strict=True))

    def mean(values: Array) -> Array:
        values = np.where(counts, values, 0.0)
        if options.reduction == "none":
            return values.astype(dtype).reshape(rows)
        weighed = np.where(counts, weights, 0.0)
        total = weighed.sum()
        return np.asarray((values * weighed).sum() / (total or 1.0), dtype)

    return LossOutputs(
        loss,
        np.where(counts, lse, 0).astype(dtype).reshape(rows) if "lse" in names else None,
        mean(np.equal(top, labels)) if "token_accuracy" in names else None,
        mean(entropy) if "entropy" in names else None,
    )
