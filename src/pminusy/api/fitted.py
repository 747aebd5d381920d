"""A trained model: its schema and its linear layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels.dispatch import implementation

if TYPE_CHECKING:
    from pminusy.estimators.threshold import Threshold
    from pminusy.tables.schema import Schema
    from pminusy.training.network.hidden import HiddenLayers

__all__ = ["Fitted"]

_FEW_LOGITS = 1 << 15
"""Of all rows of a table: fewer take less time in NumPy than it takes to load the compiler."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A linear layer on the features of a table, or on what hidden layers make of them.

    Attributes
    ----------
    schema
        Columns, their statistics and categories, target and classes.
    W, b
        Weights (K, D) on the standardised features (of a network on its last hidden units), and
        bias (K,), both divided by the temperature where the model is calibrated.
    shares
        Share of each class (K,) among the training rows: what the majority baseline knows.
    settings
        Options of the fit.
    converged
        Whether training ended at an optimum; None where nobody says, in files of version 0.1.
    notes
        What was said about the fit, a sentence each: warnings, then columns and rows left out.
    held_out
        Which rows of the table, from 0, were held out when the model was scored; None where nobody
        says.
    refitted
        Whether the model was then trained on these too.
    threshold
        From which probability the positive one of two classes is predicted; None where the most
        probable class is.
    """

    schema: Schema
    W: NDArray[np.float64]
    b: NDArray[np.float64]
    shares: NDArray[np.float64]
    settings: dict[str, float | str] = field(default_factory=dict)
    converged: bool | None = None
    notes: tuple[str, ...] = ()
    held_out: NDArray[np.int64] | None = None
    refitted: bool = False
    threshold: Threshold | None = None
    hidden: HiddenLayers | None = None

    def head_inputs(self, X: Any) -> Any:
        """What the linear layer takes: X (N, D) itself, or the last hidden units (N, units)."""
        if self.hidden is None:
            return X
        from pminusy.training.network.hidden import outputs

        return outputs(self.hidden, X)

    def logits(self, X: Any) -> NDArray[np.float64]:
        """Logits (N, K) of standardised features X (N, D), an array or sparse rows."""
        z: NDArray[np.float64] = self.head_inputs(X) @ self.W.T + self.b
        return z

    def contributions(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], Any]:
        """What each feature of a row x (D,) adds to each logit (K, D), and the rest of it (K,).

        W_kd x_d with the bias left over; of a network gradient × input, ∂z_k/∂x_d x_d, which is
        exact only as far as the network is straight between the row and the mean of the table.
        """
        if self.hidden is None:
            return self.W * x, None
        from pminusy.training.network.hidden import forward, jacobian

        levels = forward(self.hidden, x[None])
        found = jacobian(self.hidden, levels, self.W) * x
        z = levels[-1].output[0] @ self.W.T + self.b
        return found, z - found.sum(axis=1)

    def log_probabilities(self, X: Any) -> NDArray[np.float64]:
        """Log-probabilities (N, K) of standardised features X (N, D), an array or sparse rows."""
        z = self.logits(X)
        with np.errstate(all="ignore"):
            log_p: NDArray[np.float64] = implementation(*z.shape, small=_FEW_LOGITS).log_softmax(z)
        return log_p

    def decided(self, log_p: NDArray[np.float64]) -> NDArray[np.intp]:
        """Index of the class (N,) predicted from log-probabilities or logits (N, K)."""
        return log_p.argmax(axis=1) if self.threshold is None else self.threshold.predicted(log_p)
