"""The numbers of one row, read from `core.trace`: z → p → L → dL_dz → dL_dW.

Every line of that with its proof is the work of `pminusy explain`. Here it would cost a fit 0.1 to
3 s and the libraries of that command; the page names the command in place of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from pminusy.core.trace import Quantity, Trace
from pminusy.present.numbers import Real
from pminusy.report.probabilities import complement, exponential, probability
from pminusy.report.weights import Grid, grid, largest

__all__ = ["ClassNumbers", "RowNumbers", "row_numbers"]

Array = NDArray[Any]
CLASSES = 6
FEATURES, FEATURE_CLASSES = 8, 4
_NEARLY_SURE = -40.0  # ln(1 − p) below which −ln p is 1 − p to the last digit
QUANTITIES = ("z", "s", "p", "L_i", "L", "dL_dz", "dL_dW")


@dataclass(frozen=True, slots=True)
class ClassNumbers:
    """The numbers of one class k on the way from its logit to the gradient there."""

    k: int
    z: float
    shifted: float
    exp: Real
    p: Real
    q: float
    g: float


@dataclass(frozen=True, slots=True, eq=False)
class RowNumbers:
    """Numbers of the run of one row; `lines` are the true class, its rival, then by probability.

    `weighted` is Σ_d W_kd x_d of the true class, S the total of its target mass, and
    `example` is the entry (k, d) of the largest |dL_dW|, None where the run has no features.
    """

    lines: list[ClassNumbers]
    classes_left: int
    weighted: float
    m: float
    s: float
    L: float
    S: float
    one_hot: bool
    quantities: dict[str, Quantity]
    gradient: Grid
    features_left: int
    inputs: list[float]
    example: tuple[int, int] | None
    product: tuple[float, float, float] | None  # of the example: ∂L/∂z_k, x_d and ∂L/∂W_kd


def row_numbers(trace: Trace, true: int, rival: int) -> RowNumbers:
    """Numbers of the run of one row, from its record.

    Parameters
    ----------
    trace
        Record of a run of one row with X, W and b.
    true, rival
        The row's class, and the most probable other one.
    """
    z, q, g = (_row(trace, name) for name in ("z", "q", "dL_dz"))
    x, dL_dW = _row(trace, "X"), trace["dL_dW"].value.astype(np.float64)  # (D,), (K, D)
    m, s, L = (float(np.ravel(trace[name].value)[0]) for name in ("m", "s", "L"))
    one_hot = bool((q == (np.arange(q.size) == true)).all())
    with np.errstate(invalid="ignore"):  # a masked logit is −∞
        log_p = z - m - math.log(s)
    slopes = [
        _slope(log_p, float(g[k]), k, true) if one_hot else float(g[k]) for k in range(q.size)
    ]
    shown = largest(log_p, CLASSES, keep=(true, rival))
    gradient = _with_lost(grid(dL_dW, FEATURES, FEATURE_CLASSES, keep=(true, rival)), slopes, x)
    top = np.unravel_index(int(np.abs(dL_dW).argmax()), dL_dW.shape) if dL_dW.size else None
    return RowNumbers(
        lines=[_line(k, z, m, log_p, q, slopes[k]) for k in shown],
        classes_left=q.size - len(shown),
        weighted=float(trace["W"].value[true].astype(np.float64) @ x),
        m=m,
        s=_sum(s, z - m),
        L=_loss(L, log_p, true) if one_hot else L,
        S=float(q.sum()),
        one_hot=one_hot,
        quantities={name: trace[name] for name in QUANTITIES},
        gradient=gradient,
        features_left=x.size - len(gradient.features),
        inputs=[float(x[d]) for d in gradient.features],
        example=(int(top[0]), int(top[1])) if top is not None else None,
        product=_product(slopes, x, dL_dW, top),
    )


def _sum(s: float, shifted: Array) -> Real:
    """Σ e^(z_k − m), and what of it is beyond the largest, which is 1."""
    others = np.delete(shifted, int(shifted.argmax()))
    log = float(logsumexp(others)) if others.size else -math.inf
    return Real(s, math.log(s), exact=log == -math.inf, beyond=exponential(log))


def _slope(log_p: Array, g: float, k: int, true: int) -> Real:
    """∂L/∂z_k = p_k − y_k, with its logarithm where it is nothing as a float."""
    log = complement(log_p, true) if k == true else float(log_p[k])
    sign = 0 if log == -math.inf else -1 if k == true else 1
    return Real(g, log, sign=sign, exact=probability(log_p, k).exact)


def _loss(L: float, log_p: Array, true: int) -> Real:
    """−ln p of the true class; where p is nearly 1, that is 1 − p."""
    rest = complement(log_p, true)
    return Real(L, rest if rest < _NEARLY_SURE else math.log(L), exact=rest == -math.inf)


def _times(slope: float, x: float) -> float:
    """A slope times a feature."""
    if not isinstance(slope, Real) or x == 0:
        return float(slope) * x
    if slope.sign == 0:
        return 0.0
    sign = slope.sign * (1 if x > 0 else -1)
    return Real(float(slope) * x, slope.log + math.log(abs(x)), sign=sign, exact=slope.exact)


def _product(
    slopes: list[float], x: Array, dL_dW: Array, top: tuple[Any, ...] | None
) -> tuple[float, float, float] | None:
    if top is None:
        return None
    k, d = int(top[0]), int(top[1])
    product = float(dL_dW[k, d]) or _times(slopes[k], float(x[d]))
    return slopes[k], float(x[d]), product


def _with_lost(gradient: Grid, slopes: list[float], x: Array) -> Grid:
    """The grid, its entries that are 0 as floats with the logarithms they have."""
    values = [
        [
            value or _times(slopes[k], float(x[d]))
            for k, value in zip(gradient.classes, row, strict=True)
        ]
        for d, row in zip(gradient.features, gradient.values, strict=True)
    ]
    return replace(gradient, values=values)


def _row(trace: Trace, name: str) -> NDArray[np.float64]:
    return np.asarray(trace[name].value[0], dtype=np.float64)


def _line(k: int, z: Array, m: float, log_p: Array, q: Array, g: float) -> ClassNumbers:
    shifted = float(z[k]) - m  # a masked logit is −∞, and its exponential 0
    exp = Real(1.0, 0.0, exact=True) if shifted == 0 else exponential(shifted)
    return ClassNumbers(k, float(z[k]), shifted, exp, probability(log_p, k), float(q[k]), g)
