"""What a fit of a network says about its end, in sentences."""

from __future__ import annotations

from pminusy.errors import InputError
from pminusy.training.network.record import Explosion

__all__ = [
    "exploded",
    "interrupted",
    "not_finite",
    "nothing_kept",
    "out_of_epochs",
    "out_of_iterations",
    "worse_than_equal",
]

_REMEDY = "scale the features, lower learning_rate_init ({rate:g}) or set clip_norm"


def interrupted(rounds: int) -> str:
    """The user ended training, after so many epochs or iterations."""
    if not rounds:
        return "Training interrupted by user before its first epoch ended."
    return "Training interrupted by user: the best parameters so far are kept."


def worse_than_equal(last: float, first: float, equal: float, rate: float) -> str:
    """The loss rose, above that of a network that knows nothing."""
    return (
        f"the loss of the last epoch, {last:.3g}, is above that of the first, {first:.3g}, and "
        f"above {equal:.3g}, that of equal probabilities: {_REMEDY.format(rate=rate)}"
    )


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
