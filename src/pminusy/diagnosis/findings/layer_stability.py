"""Layers on inputs that lose digits: batch norm far from 0, and of a feature that is constant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.findings.wording import number
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.content import Fragility, Property

__all__ = ["layer_stability"]

_OFFSET = 1e8  # mean(x²) − μ² keeps no digit of a variance of 1 there
_CLOSE = 1e-2


def layer_stability(trial: Trial) -> tuple[list[Property], list[Fragility]]:
    """Properties of such inputs, and what breaks the layer there."""
    if trial.subject.exercise.name != "batch norm":
        return [], []
    cases = {
        "features far from 0": _inputs(np.array([[1.0], [2.0], [4.0]]) + _OFFSET),
        "a constant feature": _inputs(np.full((3, 1), 2.0)),
    }
    properties, fragilities = [], []
    for name, inputs in cases.items():
        seen, right = trial.subject.call(inputs), trial.right(inputs)
        value = seen.values.get("out")
        assert right is not None
        holds = value is not None and _close(value, right["out"])
        properties.append(Property(f"stable: {name}", holds))
        if not holds:
            returned = f"raises {seen.raised}" if value is None else number(value.ravel())
            broken = _FAR if name == "features far from 0" else _CONSTANT
            correct = f"out = {number(right['out'].ravel())}"
            fragilities.append(replace(broken, returns=f"out = {returned}", correct=correct))
    return properties, fragilities


_FAR = Fragility(
    "batch_norm.cancellation",
    "The variance loses its digits where the mean is large beside it: mean(x²) − μ² subtracts two "
    "nearly equal numbers. Compute mean((x − μ)²).",
    "σ² = mean(x²) − μ²", "σ² = mean of (x − μ)²", "x = (1, 2, 4) + 1e8",
)  # fmt: skip
_CONSTANT = Fragility(
    "batch_norm.constant_feature",
    "A feature that is constant in a batch has variance 0: ε must keep the division finite.",
    "", "√(σ² + ε)", "x = (2, 2, 2)",
)  # fmt: skip


def _inputs(X: Any) -> dict[str, Any]:
    one = np.ones(1)
    return {
        "X": X, "gamma": one, "beta": 0.0 * one, "old_mean": 0.0 * one, "old_var": one,
        "momentum": 0.9, "eps": 1e-5, "g": np.array([[1.0], [-2.0], [0.5]]),
    }  # fmt: skip


def _close(value: Any, right: Any) -> bool:
    return value.shape == right.shape and bool(np.allclose(value, right, rtol=_CLOSE, atol=_CLOSE))
