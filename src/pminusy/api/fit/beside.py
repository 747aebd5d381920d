"""Whether a network is worth its trouble: beside a softmax regression on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.estimators.intervals import CONFIDENCE
from pminusy.estimators.softmax_fit import PlainRegression
from pminusy.estimators.student import student_quantile
from pminusy.present.numbers import decimals

if TYPE_CHECKING:
    from pminusy.api.fit.network import NetworkFit
    from pminusy.api.fit.training_options import TrainingOptions
    from pminusy.api.fit.training_run import TableRows
    from pminusy.api.fitted import Fitted

__all__ = ["Beside", "compared"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Beside:
    """Log losses of a network and of the softmax regression (C = 1) on the same held-out rows.

    `difference` is the network's less the regression's, `half` half of its 95 % interval: of paired
    rows, or of groups.
    """

    network: float
    regression: float
    half: float

    @property
    def difference(self) -> float:
        """What the network's log loss is more."""
        return self.network - self.regression

    @property
    def verdict(self) -> str:
        """Whether the difference is outside its interval, as a verb."""
        if not abs(self.difference) > self.half:
            return "is no different, within noise, from"
        return "beats" if self.difference < 0 else "loses to"

    @property
    def sentence(self) -> str:
        """The verdict with its numbers."""
        advice = "" if self.verdict == "beats" else ": keep that, without hidden layers"
        return (
            f"the network {self.verdict} the softmax regression (C = 1) on the held-out rows: log "
            f"loss {decimals(self.network)} against {decimals(self.regression)}, difference "
            f"{_signed(self.difference)} ± {decimals(self.half)}{advice}"
        )


def compared(
    judged: Fitted,
    options: TrainingOptions,
    network: NetworkFit,
    training: TableRows,
    held_out: TableRows,
    memory: int | None = None,
) -> Beside | None:
    """Train the regression, and compare; None where there are no rows to compare on.

    The network is compared as it was trained, without a temperature. With `memory`, training rows
    are read by slices, within so many bytes.
    """
    n = held_out.y.size
    if n < 2:
        return None
    plain = PlainRegression(
        1.0, l1_ratio=0.0, solver="auto", tol=1e-6, max_iter=5_000, progress=None,
        class_weight=options.weights_by_index(judged.schema.classes),
        time_limit=options.time_limit, keep_interrupted=True,
    )  # fmt: skip
    clf: Any = plain
    if memory is not None:
        clf = plain.regression
        clf.memory = memory
    clf.fit(training.X, training.y, training.weight)
    mine, theirs = (
        -replace(judged, hidden=hidden, W=W, b=b).log_probabilities(held_out.X)[
            np.arange(n), held_out.y
        ]
        for hidden, (W, b) in ((network.hidden_, network.parameters_), (None, clf.parameters_))
    )
    share = held_out.weight / held_out.weight.sum()
    half = _half(mine - theirs, share, held_out.groups)
    return Beside(float(share @ mine), float(share @ theirs), half)


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _half(difference: Array, share: Array, groups: NDArray[np.intp] | None) -> float:
    """Half the interval of a weighted mean of paired differences."""
    influence: Array = share * (difference - share @ difference)
    if groups is not None:
        influence = np.bincount(np.unique(groups, return_inverse=True)[1], influence).astype(float)
    n = influence.size
    if n < 2:
        return math.inf
    error = math.sqrt(float(influence @ influence) * n / (n - 1))
    return student_quantile(n - 1, (1 + CONFIDENCE) / 2) * error
