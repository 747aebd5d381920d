"""One run of `core` at the numbers of a context: its quantities, and how exact each of them is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from pminusy.core import linear
from pminusy.core.options import Options
from pminusy.core.trace import Trace
from pminusy.derivation.steps.context import Computed

__all__ = ["CoreRun", "are_floats"]

_PARAMETERS = ("dL_dW", "dL_db", "dL_dX")


@dataclass(frozen=True, eq=False)
class CoreRun:
    """A run of the head, from logits that are the exact ones rounded to float64.

    Parameters
    ----------
    target
        Classes (N,) or target masses (N, K).
    u
        The logits (N, K) that were given or come from the layer.
    options
        Options of the loss.
    layer
        X (N, D), W (K, D) and b (K,) of the layer; None without one.
    exact
        Whether the softmax sees numbers of the reader's, not rounded on the way.
    differences
        Whether entries of the gradient are differences S p − q, rounded relative to both.
    factors
        What each row's loss is multiplied by afterwards, (N,); None for nothing.
    """

    target: Any
    u: Any
    options: Options
    layer: tuple[Any, Any, Any] | None = None
    exact: bool = True
    differences: bool = False
    factors: Any = None

    def computed(self, name: str, *, letter: str = "") -> Computed:
        """One quantity: all rows, as `core.trace` has them."""
        N, K = self.u.shape
        scale, ulps = None, self._ulps
        if name in ("z", "u") and self.layer is not None:
            return self._of_layer(name, letter)
        if name in ("dL_dz", "dL_du"):
            scale = self._sizes if self.differences else None
        elif name in _PARAMETERS:
            assert self.layer is not None
            X, W, _ = self.layer
            scale = {
                "dL_dW": lambda: self._sizes.T @ np.abs(X),
                "dL_db": lambda: self._sizes.sum(0),
                "dL_dX": lambda: self._sizes @ np.abs(W),
            }[name]()
            ulps += N + K
        elif name in ("L", "dL_dp"):
            ulps = 2 * ulps + N
        return Computed(name, self._value(name), ulps, scale, letter)

    def _of_layer(self, name: str, letter: str) -> Computed:
        """Logits of the layer, with the rounding of its products."""
        assert self.layer is not None
        X, W, b = self.layer
        run = Trace(self.target, X=X, W=W, b=b, options=self.options)
        if name == "z" and self.options.transforms_logits:  # from exact u, not from the layer's
            return Computed(name, self._trace["z"].value, self._ulps, None, letter)
        scale = np.abs(X) @ np.abs(W).T + np.abs(b)
        return Computed(name, run[name].value, X.shape[1] + 6.0, scale, letter)

    def _value(self, name: str) -> Any:
        value = self._trace[name].value
        if self.factors is None:
            return value
        if name == "L":
            return (self.factors * self._trace["L_i"].value).sum()
        if name in _PARAMETERS:
            return self._by_parameter(name)
        return self.factors[:, None] * value if name in ("dL_dz", "dL_du") else value

    def _by_parameter(self, name: str) -> Any:
        """A gradient of the layer from that at the logits, each row with its factor."""
        assert self.layer is not None
        X, W, _ = self.layer
        gradient = self._value(self._at_logits)
        if name == "dL_dW":
            return linear.weight_gradient(gradient, X)
        return (
            linear.bias_gradient(gradient)
            if name == "dL_db"
            else linear.input_gradient(gradient, W)
        )

    @property
    def _at_logits(self) -> str:
        return "dL_du" if self.options.transforms_logits else "dL_dz"

    @cached_property
    def _trace(self) -> Trace:
        X, W, b = self.layer or (None, None, None)
        options = self.options
        if self.factors is not None:
            options = replace(options, reduction="sum")
        return Trace(self.target, u=self.u, X=X, W=W, b=b, options=options)

    @cached_property
    def _sizes(self) -> Any:
        """Sizes of what each entry of the gradient at the logits is a difference of (N, K)."""
        run, options = self._trace, self.options
        p, q = run["p"].value, run["q"].value
        lse = run["m"].value + np.log(run["s"].value)
        factor = (1 + 2 * options.z_loss * np.abs(lse))[:, None]
        sizes = np.maximum(q.sum(1, keepdims=True) * factor * p, q)
        if self.factors is not None:
            sizes = np.abs(self.factors)[:, None] * sizes
        if options.softcap is not None:
            sizes = sizes * (1 - np.tanh(self.u / options.softcap) ** 2)
        return sizes / options.temperature

    @cached_property
    def _ulps(self) -> float:
        """Units in the last place: none for the rounding of z where there is none."""
        base = self.options.log_base
        rounded = 4.0 if base is None else 4.0 + 1 / abs(np.log(base))
        if self.exact:
            return rounded
        largest = float(np.abs(self._trace["z"].value).max(initial=0.0))
        if self.options.softcap is not None:
            largest += float(np.abs(self.u).max(initial=0.0)) / self.options.softcap
        return 12.0 + rounded + 4.0 * largest


def are_floats(array: Any) -> bool:
    """Whether `core` can be given these very numbers."""
    return all(value == float(value) for value in np.ravel(array))
