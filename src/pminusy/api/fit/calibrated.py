"""Temperature scaling of a table model on its held-out rows, evaluated on other rows.

The temperature of the model is fitted to all held-out rows. Its effect is evaluated by halves: each
half under a temperature fitted to the other, so that no row is evaluated with a temperature it
helped to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pminusy import ops
from pminusy.errors import InputError
from pminusy.estimators.calibration import Reliability, reliability, temperature_scaling
from pminusy.estimators.split import stratified_split

if TYPE_CHECKING:
    from pminusy.api.fit.training_run import TableRows
    from pminusy.api.fitted import Fitted

__all__ = ["Calibration", "calibrated"]

_FEWEST = 20  # held-out rows: fewer say next to nothing of a temperature

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A temperature, and the held-out rows before it and after, each half by that of the other."""

    temperature: float
    log_p_before: Array  # (n, K)
    log_p_after: Array  # (n, K)
    before: Reliability
    after: Reliability


def calibrated(fitted: Fitted, rows: TableRows, seed: int) -> tuple[Fitted, Calibration | None]:
    """The model under its temperature, and what that did; unchanged where no temperature is best.

    softmax(z / T) of z = W x + b is the layer (W / T, b / T), so that is what the model becomes:
    whoever predicts, evaluates, explains or saves it needs to know nothing of temperatures.
    """
    n = rows.y.size
    if n < _FEWEST:
        remedy = "hold out more of the table, or leave calibration out"
        raise InputError("calibrate", f"at least {_FEWEST} held-out rows", f"{n}", remedy)
    z = fitted.logits(rows.X)
    whole = temperature_scaling(z, rows.y, rows.weight)
    halves = stratified_split(rows.y, 0.5, seed)
    after = ops.log_softmax(z)
    before = after.copy()
    bounded = whole.bounded
    for half, other in (halves, halves[::-1]):
        of_other = temperature_scaling(z[other], rows.y[other], rows.weight[other])
        bounded = bounded and of_other.bounded
        after[half] = ops.log_softmax(z[half] / of_other.temperature)
    if not bounded:
        return fitted, None
    T = whole.temperature
    cut = fitted.threshold
    if cut is not None and cut.rows:  # chosen before: the same decisions under the temperature
        cut = cut.under(T)
    settings = {**fitted.settings, "temperature": T}
    scaled = replace(fitted, W=fitted.W / T, b=fitted.b / T, settings=settings, threshold=cut)
    shown = (
        reliability(np.exp(log_p), rows.y, bins=10, sample_weight=rows.weight)
        for log_p in (before, after)
    )
    return scaled, Calibration(T, before, after, *shown)
