"""How far probabilities can be believed, and the one-parameter correction: temperature scaling.

p = softmax(z / T), with T by maximum likelihood on held-out logits. In β = 1 / T the loss is
convex, so Newton's method needs a few steps and no tuning.

Sources: Guo, Pleiss, Sun & Weinberger 2017, "On calibration of modern neural networks"; Naeini,
Cooper & Hauskrecht 2015 (expected calibration error).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy import ops
from pminusy.errors import InputError
from pminusy.present.metrics import reliability_bins

__all__ = ["Reliability", "Temperature", "reliability", "temperature_scaling"]

Array = NDArray[Any]

_LARGEST = 1e6  # of β and of T: beyond, held-out rows are all right (or all wrong) with certainty


@dataclass(frozen=True, slots=True)
class Temperature:
    """A temperature, and what it does to the held-out loss."""

    temperature: float
    loss_before: float  # mean cross-entropy, nats
    loss_after: float
    bounded: bool  # False where the best temperature is 0 or infinite

    def probabilities(self, logits: ArrayLike) -> Array:
        """softmax(z / T) of logits (N, K)."""
        return ops.softmax(np.asarray(logits, np.float64) / self.temperature)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Confidence against accuracy, bin by bin: the data of a reliability diagram."""

    edges: Array  # (B + 1,)
    confidence: Array  # (B,) mean largest probability, NaN in an empty bin
    accuracy: Array  # (B,) share that is right, NaN in an empty bin
    share: Array  # (B,) of the weight of all rows
    expected_error: float  # Σ share |accuracy − confidence|
    largest_error: float


def temperature_scaling(
    logits: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> Temperature:
    """Temperature T > 0 that minimises Σ_i w_i L(z_i / T, y_i), by Newton in ln T.

    Parameters
    ----------
    logits
        Logits z (N, K) of rows the model was not trained on.
    y
        Class indices (N,).
    sample_weight
        Weights w of the rows (N,); all 1 where not given.

    Returns
    -------
    Temperature
        `temperature`, the mean loss in nats `loss_before` and `loss_after`, and whether the minimum
        is `bounded` (not where every row is right, or where the logits say less than nothing).

    Raises
    ------
    InputError
        Shapes that do not fit, no rows, labels that are not whole numbers of a class.

    Examples
    --------
    >>> round(temperature_scaling([[2.0, 0.0]] * 3 + [[0.0, 2.0]], [0, 0, 1, 1]).temperature, 4)
    1.8205

    References
    ----------
    Guo et al. 2017, "On calibration of modern neural networks".
    """
    z, labels, weight = _checked(logits, y, sample_weight)
    rows = np.arange(labels.size)
    d = z - z[rows, labels][:, None]  # logits against the label's: (N, K)
    weight = weight / weight.sum()

    def derivatives(beta: float) -> tuple[float, float]:
        p = ops.softmax(beta * d)
        mean = (p * d).sum(axis=1)
        spread = (p * (d - mean[:, None]) ** 2).sum(axis=1)
        return float(weight @ mean), float(weight @ spread)

    counted = d[weight > 0]
    bounded = True
    if (counted <= 0).all():  # every row right: surer is always better
        beta, bounded = _LARGEST, False
    elif derivatives(0.0)[0] >= 0:  # worse than no logits at all
        beta, bounded = 1 / _LARGEST, False
    else:
        beta = _root(derivatives)
    before, after = (
        float(ops.cross_entropy(t * z, labels, sample_weight=weight, reduction="sum"))
        for t in (1.0, beta)
    )
    return Temperature(1.0 / beta, before, after, bounded)


def _root(derivatives: Any) -> float:
    """Where the first derivative is 0: Newton in ln β, kept in a bracket."""
    low, high, log_beta = -np.log(_LARGEST), np.log(_LARGEST), 0.0
    for i in range(200):
        beta = float(np.exp(log_beta))
        slope, curvature = derivatives(beta)
        if slope > 0:
            high = log_beta
        else:
            low = log_beta
        # d/dlnβ = β ∂, d²/dlnβ² = β ∂ + β² ∂²
        bend = slope + beta * curvature
        step = log_beta - slope / bend if bend > 0 and i < 40 else 0.5 * (low + high)
        if not low < step < high:
            step = 0.5 * (low + high)
        if abs(step - log_beta) < 1e-13:
            break
        log_beta = step
    return float(np.exp(step))


def reliability(
    probabilities: ArrayLike,
    y: ArrayLike,
    *,
    bins: int = 15,
    sample_weight: ArrayLike | None = None,
) -> Reliability:
    """Reliability: how often the likeliest class is right, by how likely it was said to be.

    In bins of equal width; the expected error is Σ_b share_b |right_b − confidence_b|.

    Parameters
    ----------
    probabilities
        Probabilities p (N, K).
    y
        Class indices (N,).
    bins
        Number of bins between 0 and 1.
    sample_weight
        Weights of the rows (N,); all 1 where not given.

    Returns
    -------
    Reliability
        `edges` of the bins; in each the mean `confidence`, the share
        that is right (`accuracy`), both NaN without rows, and the `share` of all rows;
        `expected_error` and `largest_error`.

    Raises
    ------
    InputError
        Shapes that do not fit, rows that do not sum to 1, `bins` below 1.

    Examples
    --------
    >>> found = reliability([[0.9, 0.1], [0.9, 0.1]], [0, 1], bins=2)
    >>> round(found.expected_error, 3)
    0.4

    References
    ----------
    Guo et al. 2017, "On calibration of modern neural networks".
    """
    p, labels, weight = _checked(probabilities, y, sample_weight)
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise InputError("bins", "a whole number above 0", repr(bins))
    if p.min(initial=0.0) < 0 or not np.allclose(p.sum(axis=1), 1, atol=1e-4):
        raise InputError("probabilities", "rows that sum to 1", "others", "apply softmax to logits")
    found = reliability_bins(p, labels, int(bins), weight)
    return Reliability(
        edges=found.edges,
        confidence=found.confidence,
        accuracy=found.accuracy,
        share=found.share,
        expected_error=found.expected_error,
        largest_error=float(found.gaps.max()),
    )


def _checked(
    z: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Array, Array, Array]:
    scores, labels = np.asarray(z, np.float64), np.asarray(y)
    if scores.ndim != 2 or scores.shape[0] == 0:
        raise InputError("logits", "an array (N, K) with rows", f"shape {scores.shape}")
    if labels.shape != scores.shape[:1] or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            "y", f"class indices ({scores.shape[0]},)", f"{labels.dtype} {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise InputError("y", f"indices from 0 to {scores.shape[1] - 1}", "others")
    if not np.isfinite(scores).all():
        raise InputError("logits", "finite numbers", "NaN or inf")
    weight = np.ones(labels.size) if sample_weight is None else np.asarray(sample_weight, float)
    if (
        weight.shape != labels.shape
        or not np.isfinite(weight).all()
        or weight.min() < 0
        or not weight.sum() > 0
    ):
        raise InputError("sample_weight", f"numbers from 0 ({labels.size},), not all 0", "others")
    return scores, labels, weight
