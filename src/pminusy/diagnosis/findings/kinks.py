"""Where a derivative is a matter of convention: ties in a max pool, ReLU at 0.

Any of the conventions that occur is right; which one is said. Anything else is not a convention.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.content import Finding

__all__ = ["at_kinks"]


def at_kinks(trial: Trial) -> tuple[str, Finding | None]:
    """The convention a layer follows at its kinks, in words; a finding where it follows none."""
    layer, letters = trial.subject.exercise.name, trial.subject.letters()
    if layer not in ("ReLU", "max pool") or "dL_dX" not in letters:
        return "", None
    inputs = _with_zeros() if layer == "ReLU" else _with_ties()
    seen = trial.subject.call(inputs)
    found = seen.values.get("dL_dX")
    choices = _relu(inputs) if layer == "ReLU" else _max_pool(inputs)
    for words, right in choices.items():
        if found is not None and found.shape == right.shape and np.allclose(found, right):
            return words, None
    what = "where inputs are 0" if layer == "ReLU" else "where a window has two maxima"
    returned = f"raises {seen.raised}" if seen.raised is not None else "is none of these"
    return "", Finding(
        f"{'relu' if layer == 'ReLU' else 'max_pool'}.ties",
        f"The gradient {what} {returned}: {'; '.join(choices)}.",
        "dL_dX", hints=("Look at equal values.", "A comparison treats equal values differently.",
                        f"It should be one of: {'; '.join(choices)}."),
    )  # fmt: skip


def _with_zeros() -> dict[str, Any]:
    return {"X": np.array([[0.0, 1.0], [-1.0, 0.0]]), "g": np.array([[2.0, 3.0], [5.0, -7.0]])}


def _relu(inputs: Mapping[str, Any]) -> dict[str, Any]:
    X, g = inputs["X"], inputs["g"]
    at_zero = (X == 0) * g
    passed = (X > 0) * g
    return {
        "at a = 0 the gradient is 0": passed,
        "at a = 0 the gradient passes": passed + at_zero,
        "at a = 0 half of the gradient passes": passed + at_zero / 2,
    }


def _with_ties() -> dict[str, Any]:
    X = np.array([[2.0, 2.0, 1.0, 0.0], [1.0, 2.0, -3.0, -3.0]]).reshape(1, 1, 2, 4)
    return {"X": X, "size": 2, "stride": 2, "g": np.array([3.0, 5.0]).reshape(1, 1, 1, 2)}


def _max_pool(inputs: Mapping[str, Any]) -> dict[str, Any]:
    size, stride = inputs["size"], inputs["stride"]
    windows = sliding_window_view(inputs["X"][0, 0], (size, size))[::stride, ::stride]
    return {
        "on ties the first maximum gets the gradient": _shared(inputs, windows, _first),
        "on ties the last maximum gets the gradient": _shared(inputs, windows, _last),
        "on ties every maximum gets the whole gradient": _shared(inputs, windows, _every),
        "on ties the maxima share the gradient": _shared(inputs, windows, _equally),
    }


def _shared(inputs: Mapping[str, Any], windows: Any, share: Any) -> Any:
    dX, size, stride = np.zeros_like(inputs["X"]), inputs["size"], inputs["stride"]
    for r, q in np.ndindex(*windows.shape[:2]):
        part = share(windows[r, q]) * inputs["g"][0, 0, r, q]
        dX[0, 0, r * stride : r * stride + size, q * stride : q * stride + size] += part
    return dX


def _every(window: Any) -> Any:
    return (window == window.max()).astype(float)


def _equally(window: Any) -> Any:
    return _every(window) / _every(window).sum()


def _first(window: Any) -> Any:
    alone = np.zeros(window.size)
    alone[window.argmax()] = 1.0
    return alone.reshape(window.shape)


def _last(window: Any) -> Any:
    return _first(window[::-1, ::-1])[::-1, ::-1]
