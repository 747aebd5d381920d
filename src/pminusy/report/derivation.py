"""The derivation in numbers for one row, read from `core.trace`: z → p → L → dL_dz → dL_dW."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core.trace import Quantity, Trace
from pminusy.report.weights import Grid, grid, largest

__all__ = ["Derivation", "Line", "derivation"]

Array = NDArray[Any]
CLASSES = 6
FEATURES, FEATURE_CLASSES = 8, 4
QUANTITIES = ("z", "s", "p", "L_i", "L", "dL_dz", "dL_dW")


@dataclass(frozen=True, slots=True)
class Line:
    """The numbers of one class k on the way from its logit to the gradient there."""

    k: int
    z: float
    shifted: float
    exp: float
    p: float
    q: float
    g: float


@dataclass(frozen=True, slots=True, eq=False)
class Derivation:
    """Numbers of the run of one row; `lines` are the true class, its rival, then by probability.

    `weighted` is Σ_d W_kd x_d of the true class, S the total of its target mass, and
    `example` is the entry (k, d) of the largest |dL_dW|, None where the run has no features.
    """

    lines: list[Line]
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


def derivation(trace: Trace, true: int, rival: int) -> Derivation:
    """Numbers of the run of one row, from its record.

    Parameters
    ----------
    trace
        Record of a run of one row with X, W and b.
    true, rival
        The row's class, and the most probable other one.
    """
    z, p, q, g = (_row(trace, name) for name in ("z", "p", "q", "dL_dz"))
    x, dL_dW = _row(trace, "X"), trace["dL_dW"].value.astype(np.float64)  # (D,), (K, D)
    m, s, L = (float(np.ravel(trace[name].value)[0]) for name in ("m", "s", "L"))
    shown = largest(p, CLASSES, keep=(true, rival))
    gradient = grid(dL_dW, FEATURES, FEATURE_CLASSES, keep=(true, rival))
    top = np.unravel_index(int(np.abs(dL_dW).argmax()), dL_dW.shape) if dL_dW.size else None
    return Derivation(
        lines=[_line(k, z, m, p, q, g) for k in shown],
        classes_left=p.size - len(shown),
        weighted=float(trace["W"].value[true].astype(np.float64) @ x),
        m=m,
        s=s,
        L=L,
        S=float(q.sum()),
        one_hot=bool((q == (np.arange(q.size) == true)).all()),
        quantities={name: trace[name] for name in QUANTITIES},
        gradient=gradient,
        features_left=x.size - len(gradient.features),
        inputs=[float(x[d]) for d in gradient.features],
        example=(int(top[0]), int(top[1])) if top is not None else None,
    )


def _row(trace: Trace, name: str) -> NDArray[np.float64]:
    return np.asarray(trace[name].value[0], dtype=np.float64)


def _line(k: int, z: Array, m: float, p: Array, q: Array, g: Array) -> Line:
    with np.errstate(all="ignore"):  # a masked logit is −∞, and its exponential 0
        shifted = float(z[k] - m)
        return Line(
            k, float(z[k]), shifted, float(np.exp(shifted)), float(p[k]), float(q[k]), float(g[k])
        )
