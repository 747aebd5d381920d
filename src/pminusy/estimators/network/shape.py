"""The shape of a network from its parameters, and the memory that its training takes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.errors import InputError, short_repr
from pminusy.training.network.data import ADAM, SGD
from pminusy.training.network.layout import Network
from pminusy.training.network.quasi_newton import BLOCK

if TYPE_CHECKING:
    from pminusy.estimators.network.rows import CheckedRows
    from pminusy.estimators.network.streamed import RowsOfBlocks

__all__ = ["batch_rows", "checked_network", "hidden_units", "method_of", "network_of"]

_PLAIN = {
    "dropout": 0.0,
    "batch_norm": False,
    "average_weights": 0.0,
    "clip_norm": None,
    "average_gradients": 1,
    "progress": None,
    "checkpoint": None,
}
"""What L-BFGS, which has no mini-batches, needs of parameters that are about them."""


def hidden_units(sizes: Any) -> tuple[int, ...]:
    """Units of the hidden layers: a number, or some."""
    sizes = sizes.tolist() if isinstance(sizes, np.ndarray) else sizes
    listed = list(sizes) if isinstance(sizes, Iterable) else [sizes]
    for n in listed:
        whole = isinstance(n, Integral) and not isinstance(n, bool | np.bool_)
        if not whole or n < 1:
            raise InputError(
                "hidden_layer_sizes", "whole numbers, which must be > 0", short_repr(listed)
            )
    return tuple(int(n) for n in listed)


def network_of(
    features: int, hidden: tuple[int, ...], classes: int, activation: str, batch_norm: bool | str
) -> Network:
    """The network for so many features and classes; two classes have one logit."""
    units = (features, *hidden, classes if classes > 2 else 1)
    first = {False: len(hidden) + 1, True: 1, "inputs": 0}[batch_norm]
    return Network(units, activation, tuple(range(first, len(hidden) + 1)))


def checked_network(
    estimator: Any, checked: CheckedRows | RowsOfBlocks, *, goes_on: bool
) -> Network:
    """The network of an estimator for these rows; refused where it cannot be trained."""
    rows, features = checked.shape
    network = network_of(
        features, hidden_units(estimator.hidden_layer_sizes), len(checked.classes),
        estimator.activation, estimator.batch_norm,
    )  # fmt: skip
    if 0 in network.normalised and checked.sparse:
        raise InputError(
            "batch_norm",
            'True or False for sparse X, which "inputs" would fill with numbers',
            "'inputs'",
            "scale the columns with sklearn.preprocessing.MaxAbsScaler, or pass X.toarray()",
        )
    if estimator.solver == "lbfgs":
        for name, plain in _PLAIN.items():
            if (value := getattr(estimator, name)) != plain:
                expected = f"{plain!r} with solver='lbfgs'"
                raise InputError(name, expected, repr(value), "use solver='adam' or 'sgd'")
    if network.normalised and batch_rows(estimator, rows) == 1:
        got = "batches of 1 row, whose variance is 0"
        raise InputError("batch_norm", "batches of at least 2 rows", got, "raise batch_size")
    _require_memory(network, estimator, rows, checked.dtype)
    if goes_on:
        _require_same_layers(network, estimator)
    return network


def method_of(estimator: Any) -> int:
    """The rule of the steps."""
    return ADAM if estimator.solver == "adam" else SGD


def batch_rows(estimator: Any, rows: int) -> int:
    """Rows of a batch, or of a block for L-BFGS."""
    if estimator.solver == "lbfgs":
        return min(BLOCK, rows)
    return min(200 if estimator.batch_size == "auto" else int(estimator.batch_size), rows)


def _require_same_layers(network: Network, estimator: Any) -> None:
    before = [W.shape for W in estimator.coefs_]
    now = list(zip(network.units, network.units[1:], strict=False))
    levels = tuple(norm.level for norm in estimator.norms_)
    if levels != network.normalised:
        raise InputError(
            "batch_norm", f"that of the last fit (levels {levels or 'none'})",
            repr(estimator.batch_norm), "set warm_start=False, or make a new network",
        )  # fmt: skip
    if before != now:
        raise InputError(
            "hidden_layer_sizes", f"the layers of the last fit, {before}", f"{now}",
            "set warm_start=False, or make a new network",
        )  # fmt: skip


def _training_memory(
    network: Network, batch: int, itemsize: int, *, method: int, average: bool, slopes: bool
) -> int:
    """Bytes of training: parameters with gradient, moments and the best so far; one batch."""
    copies = 4 + (method == ADAM) + average
    levels = 2 + slopes + bool(network.normalised)
    return itemsize * (copies * network.size + levels * batch * sum(network.units))


def _require_memory(network: Network, estimator: Any, rows: int, dtype: Any) -> None:
    """Refuse a network that this machine has no memory to train."""
    needed = _training_memory(
        network, batch_rows(estimator, rows), np.dtype(dtype).itemsize,
        method=method_of(estimator), average=estimator.average_weights > 0,
        slopes=estimator.dropout > 0 or estimator.activation == "gelu",
    )  # fmt: skip
    there = _physical_memory()
    if there is None or needed <= there:
        return
    raise InputError(
        "hidden_layer_sizes",
        f"a network that can be trained in the {there / 1e9:,.0f} GB of this machine",
        f"layers of {', '.join(f'{n:,}' for n in network.units)} units: {network.size:,} "
        f"parameters, {needed / 1e9:,.0f} GB with gradient and moments",
        "use smaller layers",
    )


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
