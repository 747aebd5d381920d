"""Named properties of a submission, whether each holds, and what a gradient check says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.findings.as_written import called
from pminusy.diagnosis.match.faults import same_twice
from pminusy.diagnosis.match.own_gradient import (
    CONSISTENT,
    GRADIENTS,
    gradient_errors,
)
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Property
from pminusy.diagnosis.report.wording import words_of

__all__ = ["gradient_check", "properties"]


def properties(trial: Trial) -> Iterator[Property]:
    """Each component right or not, each probe that raises, and what holds whatever the numbers."""
    asked = {letter for letter, _ in trial.outputs.right[0]}
    wrong = {c for components in trial.best.where.values() for c in components}
    wrong |= set(trial.best.unexplained)
    for letter in (name for name in trial.subject.letters() if name in asked):
        yield Property(f"{called(trial.subject, letter)}, data", (letter, "data") not in wrong)
        if trial.subject.regularised and letter not in ("p", "dL_dX"):
            yield Property(
                f"{called(trial.subject, letter)}, regulariser", (letter, "ridge") not in wrong
            )
    for letter, place in trial.subject.absent:
        shape = place.startswith("an array") and letter.startswith("dL_d")
        name = called(trial.subject, letter)
        yield Property(f"the shape of {name}" if shape else f"{name} is returned", False, place)
    for probe, (without, _) in zip(trial.probes, trial.seen, strict=True):
        if without.raised is not None:
            yield Property(f"runs on {probe.name}", False, str(without.raised))
    yield from _purity(trial)
    yield from _sums(trial)


def _purity(trial: Trial) -> Iterator[Property]:
    trains = any(letter.startswith("after_") for letter in trial.subject.letters())
    if not trains:
        changed = any(without.changed for without, _ in trial.seen)
        yield Property("leaves its inputs unchanged", not changed)
        raised = call(trial.subject, trial.probes[0].inputs, readonly=True).raised
        yield Property(
            "works on read-only arrays", raised is None, "" if raised is None else str(raised)
        )
    yield Property("same answer twice", same_twice(trial))
    read = trial.subject.entry["globals"]
    yield Property(
        "computes from its arguments alone", not read,
        f"it reads the global {words_of([str(name) for name in read])}" if read else "",
    )  # fmt: skip


def _sums(trial: Trial) -> Iterator[Property]:
    """Gradients at the scores do not change with a shift of the scores, and probabilities are."""
    seen = trial.seen[0][0].values
    for letter in ("dL_dz", "dL_dz_i"):
        if letter in seen:
            sums = np.abs(np.asarray(seen[letter]).sum(1)).max()
            yield Property("rows of the gradient at the scores sum to zero", bool(sums < 1e-6))
    if "p" in seen:
        sums = np.abs(np.asarray(seen["p"]).sum(1) - 1).max()
        yield Property("rows of the probabilities sum to one", bool(sums < 1e-6))


def gradient_check(trial: Trial) -> str:
    """What a plain gradient check says, where it passes and something is wrong all the same.

    Each gradient is compared with differences of the function's own loss, with the regulariser if
    there is one, in every coordinate of so small an input. Where the check finds what the report
    says, there is nothing to add.
    """
    errors = gradient_errors(trial.subject)
    if not errors or not all(error < CONSISTENT for error in errors.values()):
        return ""
    names = words_of([trial.subject.parameter(GRADIENTS[letter]) for letter in errors])
    gradients = "the gradient" if len(errors) == 1 else "the gradients"
    verb = "is that" if len(errors) == 1 else "are those"
    return (
        f"A plain gradient check does not find this: {gradients} of {names} {verb} of the loss "
        f"that is returned (largest relative error {max(errors.values()):.1e})."
    )
