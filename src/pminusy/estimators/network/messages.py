"""What a fit of a network says about its end, in sentences."""

from __future__ import annotations

from pminusy.errors import InputError
from pminusy.training.network.record import Explosion

__all__ = [
    "INTERRUPTED",
    "exploded",
    "not_finite",
    "nothing_kept",
    "out_of_epochs",
    "out_of_iterations",
]

INTERRUPTED = "Training interrupted by user: the best parameters so far are kept."

_REMEDY = "scale the features, lower learning_rate_init ({rate:g}) or set clip_norm"


def out_of_epochs(epochs: int) -> str:
    """The largest number of epochs was not enough."""
    return (
        f"Stochastic Optimizer: Maximum iterations ({epochs}) reached and the optimization hasn't "
        "converged yet."
    )


def out_of_iterations(message: str) -> str:
    """L-BFGS ended before its criterion was met."""
    return (
        f"lbfgs failed to converge: {message}. Increase max_iter or max_fun, or scale the features "
        "(sklearn.preprocessing)."
    )


def exploded(explosion: Explosion, rate: float) -> str:
    """The loss was not finite, and the best parameters before that are kept."""
    return (
        f"the loss is {explosion.loss} in step {explosion.step} of epoch {explosion.epoch}: "
        "training stopped, and the best parameters so far are kept; "
        f"{_REMEDY.format(rate=rate)}"
    )


def nothing_kept(explosion: Explosion, rate: float) -> InputError:
    """The loss was not finite in the first epoch: there is nothing to keep."""
    return InputError(
        "training",
        "a finite loss and finite parameter weights",
        f"{explosion.loss} in step {explosion.step} of the first epoch",
        _REMEDY.format(rate=rate),
    )


def not_finite(loss: float) -> InputError:
    """L-BFGS met a loss that is not finite from its start."""
    return InputError(
        "training", "a finite loss", f"{loss}", "scale the features (sklearn.preprocessing)"
    )
