"""One cause of a loss and a gradient that are both wrong: the probabilities they are made from.

The gradient p − Y tells which p a program has. If its loss is −ln p_y of that very p, both are
formed rightly, and p is what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.subject import Seen
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Finding

__all__ = ["implied_probabilities", "shared_cause"]

_CLOSE = 1e-6


def shared_cause(trial: Trial) -> Finding | None:
    """That loss and gradient are of one p, which is wrong; None where they are not."""
    data = {letter for letter, part in trial.best.unexplained if part == "data"}
    if trial.best.mistakes or trial.against or "L" not in data or len(data) < 2:
        return None
    found = [p for probe, (seen, _) in zip(trial.probes, trial.seen, strict=True)
             for p in _consistent(trial, probe.inputs, seen)]  # fmt: skip
    if not found:
        return None
    sums = np.concatenate([p.sum(1) for p in found])
    normalised = bool(np.all(np.abs(sums - 1) <= _CLOSE))
    cause = "it is not the softmax of the scores" if normalised else "its rows do not sum to one"
    sentence = (
        "the loss and the gradient have one cause: both are formed rightly from the same p, and "
        f"this p is wrong: {cause}."
    )
    look = (
        "where the exponentials of the scores are taken" if normalised
        else "where p is normalised: at the sum of the exponentials, or at its logarithm"
    )  # fmt: skip
    where = ("the loss", "the gradient")
    return Finding("", sentence, "p", where=where, hints=(f"Look {look}.", sentence, sentence))


def _consistent(trial: Trial, inputs: Mapping[str, Any], seen: Seen) -> Iterator[Any]:
    """The p of the gradient, if the loss is of the same p."""
    p = implied_probabilities(trial, inputs, seen)
    if p is None or "L" not in seen.values:
        return
    rows = np.arange(inputs["y"].size)
    with np.errstate(all="ignore"):
        losses = -np.log(p[rows, inputs["y"]])
    mean = trial.best.conventions.reduction == "mean"
    loss = losses.mean() if mean else losses.sum()
    if np.isfinite(loss) and abs(loss - float(seen.values["L"])) <= _CLOSE * max(1.0, abs(loss)):
        yield p


def implied_probabilities(trial: Trial, inputs: Mapping[str, Any], seen: Seen) -> Any:
    """p as the gradient p − Y has it, (N, K); None where that is not known."""
    gradient = _at_scores(trial, inputs, seen)
    if gradient is None or {"T", "eps"} & set(trial.subject.given):
        return None
    y = inputs["y"]
    divisor = y.size if trial.best.conventions.reduction == "mean" else 1
    return gradient * divisor + (y[:, None] == np.arange(gradient.shape[1]))


def _at_scores(trial: Trial, inputs: Mapping[str, Any], seen: Seen) -> Any:
    """The gradient at the scores: as it came, or from that of the weights, for one row of X."""
    if trial.subject.exercise.name == "logits":
        return seen.values.get("dL_dz")
    weights = seen.values.get("dL_dW")
    if trial.subject.exercise.name != "linear" or weights is None or len(inputs["X"]) != 1:
        return None
    if float(inputs.get("r", 0.0)):
        return None
    x = np.asarray(inputs["X"][0], dtype=np.float64)
    gradient = weights @ x / (x @ x)
    fits = np.allclose(np.outer(gradient, x), weights, rtol=_CLOSE, atol=1e-12)
    return gradient[None, :] if fits else None
