"""Hidden layers as options of `fit_table`, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from pminusy.errors import InputError
from pminusy.estimators.parameters.checks import require_count, require_number

__all__ = ["NetworkOptions", "network_options"]

_ACTIVATIONS = ("relu", "tanh", "logistic", "gelu", "identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """Hidden layers, and how they are trained; None where the default of the estimator stands."""

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    batch_norm: bool
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    alpha: float | None
    early_stopping: bool

    def settings(self) -> dict[str, float | str]:
        """What the model remembers of them, those left alone aside."""
        kept: dict[str, float | str] = {"hidden": ", ".join(map(str, self.hidden))}
        kept["activation"] = self.activation
        if self.dropout:
            kept["dropout"] = self.dropout
        for name in ("batch_norm", "early_stopping"):
            if getattr(self, name):
                kept[name.replace("_", " ")] = "yes"
        for name in ("epochs", "batch_size", "learning_rate", "alpha"):
            if getattr(self, name) is not None:
                kept[name.replace("_", " ")] = getattr(self, name)
        return kept


def network_options(
    *,
    hidden: Any,
    activation: Any,
    dropout: Any,
    batch_norm: Any,
    epochs: Any,
    batch_size: Any,
    learning_rate: Any,
    alpha: Any,
    early_stopping: Any,
) -> NetworkOptions | None:
    """Check the options; None where no hidden layers are asked for, and then nothing else may be.

    Raises
    ------
    InputError
        An option out of its range, or one that says nothing without hidden layers.
    """
    said = {
        "activation": activation, "dropout": dropout or None, "batch_norm": batch_norm or None,
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "alpha": alpha,
        "early_stopping": early_stopping or None,
    }  # fmt: skip
    if hidden is None:
        for name, value in said.items():
            if value is not None:
                got, remedy = "none", "give hidden=64, or leave it out"
                raise InputError(name.replace("_", "-"), "hidden layers beside it", got, remedy)
        return None
    activation = "relu" if activation is None else activation
    if activation not in _ACTIVATIONS:
        raise InputError("activation", f"one of {', '.join(_ACTIVATIONS)}", repr(activation))
    require_number("dropout", dropout, positive=False)
    if not dropout < 1:
        raise InputError("dropout", "a share in [0, 1)", repr(dropout))
    for name, value in (("batch-norm", batch_norm), ("early-stopping", early_stopping)):
        if not isinstance(value, bool | np.bool_):
            raise InputError(name, "True or False", repr(value))
    for name, value in (("epochs", epochs), ("batch-size", batch_size)):
        if value is not None:
            require_count(name, value, 1)
    if learning_rate is not None:
        require_number("learning-rate", learning_rate)
    if alpha is not None:
        require_number("alpha", alpha, positive=False)
    return NetworkOptions(
        hidden=_units(hidden), activation=activation, dropout=float(dropout),
        batch_norm=bool(batch_norm), epochs=None if epochs is None else int(epochs),
        batch_size=None if batch_size is None else int(batch_size),
        learning_rate=None if learning_rate is None else float(learning_rate),
        alpha=None if alpha is None else float(alpha), early_stopping=bool(early_stopping),
    )  # fmt: skip


def _units(hidden: Any) -> tuple[int, ...]:
    many = isinstance(hidden, Iterable) and not isinstance(hidden, str)
    units: list[Any] = list(hidden) if many else [hidden]
    right = [not isinstance(n, bool) and isinstance(n, Integral) and int(n) > 0 for n in units]
    if not units or not all(right):
        expected = "units of each hidden layer, whole numbers above 0"
        raise InputError("hidden", expected, repr(hidden)[:60])
    return tuple(map(int, units))
