"""Whether the mistakes a verdict names return the same numbers on inputs the checker never saw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.check.run_source import trial_of
from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.probes import draw
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["confirmed"]

_MEASURED = ("shape.", "runs.", "purity.", "absent.", "rows.")  # facts, not formulas


def confirmed(source: str, verdict: Verdict, pins: Sequence[str]) -> bool | None:
    """Whether the named mistakes hold on unseen inputs; None where only facts were measured."""
    if all(finding.id.startswith(_MEASURED) for finding in verdict.findings):
        return None
    trial = trial_of(source, verdict.name, pins)
    if trial is None or trial.best.unexplained or isinstance(trial.subject.exercise, Layer):
        return None
    if trial.square or not trial.best.mistakes:
        return None
    return all(_holds(trial, inputs) for inputs in _unseen(trial))


def _unseen(trial: Trial) -> Iterator[dict[str, Any]]:
    """Inputs of other sizes and seeds than the checker's own."""
    sizes = ((1, 4, 5), (1, 6, 3)) if trial.subject.single else ((7, 3, 5), (5, 6, 3), (3, 4, 5))
    for seed, (N, D, K) in enumerate(sizes, 101):
        inputs = draw(trial.subject.given, seed, N, D, K)
        yield inputs


def _holds(trial: Trial, inputs: dict[str, Any]) -> bool:
    strength = 0.4 if trial.subject.regularised else 0.0
    seen = call(trial.subject, {**inputs, "r": strength} if trial.subject.regularised else inputs)
    right = trial.outputs.run(inputs, (), strength)
    if seen.raised is not None:
        return any(mistake.batch for mistake in trial.best.mistakes) or bool(trial.faults)
    made = trial.outputs.run(inputs, trial.best.mistakes, strength)
    by_engine = trial.subject.numbers not in ("arrays", "tensors")
    return all(
        (made is not None and _same(value, made.get(letter)))
        or (right is not None and _same(value, right.get(letter)))
        or _side(trial, letter, value, inputs, strength)
        for letter, value in seen.values.items()
        if not (letter.startswith("dL_d") and by_engine)  # which derives what was written
    )


def _side(trial: Trial, letter: str, value: Any, inputs: dict[str, Any], strength: float) -> bool:
    """Whether it has the mistakes that the explanation has of this result alone."""
    own = [
        m for m in trial.best.mistakes
        if any(component[0] == letter for component in trial.best.where[m.id])
    ]  # fmt: skip
    made = trial.outputs.run(inputs, own, strength)
    return made is not None and _same(value, made.get(letter))


def _same(value: Any, made: Any) -> bool:
    if made is None:
        return False
    one, other = np.asarray(value, dtype=float), np.asarray(made, dtype=float)
    return one.shape == other.shape and bool(
        np.allclose(one, other, rtol=1e-4, atol=1e-6, equal_nan=True)
    )
