"""Whether gradients that are returned are those of the loss that is returned: by differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.probes import STRENGTH, probes

__all__ = ["CONSISTENT", "GRADIENTS", "gradient_error", "gradient_errors"]

GRADIENTS = {
    "dL_dz": "z", "dL_dW": "W", "dL_db": "b", "dL_dW1": "W1", "dL_db1": "b1",
    "dL_dp": "p",
}  # fmt: skip
CONSISTENT = 1e-5  # relative error up to which a gradient is that of the loss
_STEP = 1e-5


def checked_gradients(subject: Subject) -> list[str]:
    """The gradients returned beside the loss, of something that is given."""
    letters = subject.letters()
    if "L" not in letters:
        return []
    return [n for n, of in GRADIENTS.items() if n in letters and of in subject.given]


def gradient_errors(subject: Subject) -> dict[str, float]:
    """The largest relative error in each of them, where it can be computed."""
    errors = {name: _error(subject, name) for name in checked_gradients(subject)}
    return {name: error for name, error in errors.items() if error is not None}


def gradient_error(subject: Subject) -> float | None:
    """The largest relative error in the first of them; None where it cannot be computed."""
    names = checked_gradients(subject)
    return _error(subject, names[0]) if names else None


def _error(subject: Subject, name: str) -> float | None:
    inputs = dict(probes(subject.given, subject.single)[0].inputs)
    if subject.regularised:
        inputs["r"] = STRENGTH
    seen = call(subject, inputs)
    if name not in seen.values:
        return None
    gradient = np.asarray(seen.values[name], dtype=np.float64)
    worst = 0.0
    for index in np.ndindex(gradient.shape):
        numeric = _difference(subject, inputs, GRADIENTS[name], index)
        if numeric is None:
            return None
        analytic = float(gradient[index])
        size = max(1e-8, abs(numeric) + abs(analytic))
        worst = np.maximum(worst, abs(numeric - analytic) / size)  # NaN stays
    return float(worst)


def _difference(subject: Subject, inputs: dict[str, Any], letter: str, index: Any) -> float | None:
    losses = []
    for sign in (1.0, -1.0):
        moved = np.array(inputs[letter])
        moved[index] += sign * _STEP
        loss = call(subject, {**inputs, letter: moved}).values.get("L")
        if loss is None:
            return None
        losses.append(float(loss))
    return (losses[0] - losses[1]) / (2 * _STEP)
