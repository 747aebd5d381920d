"""From one function of a running submission to its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pminusy.diagnosis.bind.binding import bindings
from pminusy.diagnosis.bind.signatures import Candidate, leans_on
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.probes import SQUARES
from pminusy.diagnosis.findings.conclusion import conclude
from pminusy.diagnosis.findings.dropout import examine_dropout
from pminusy.diagnosis.match.reference import Reference
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.match.try_out import try_out
from pminusy.diagnosis.report.verdict import Finding, Verdict
from pminusy.diagnosis.run.session import Raised, Session

__all__ = ["best_trial", "examine"]


def examine(
    session: Session,
    candidate: Candidate,
    pins: Mapping[str, Any],
    reference: Reference | None = None,
) -> Verdict:
    """Check one function of a running submission, against a teacher's own if that is unusual."""
    verdict = Verdict("unfinished", candidate.name, "There is nothing in it yet.")
    verdict = replace(verdict, leans_on=leans_on(candidate.entry))
    if candidate.entry["empty"]:
        return verdict
    if candidate.proposals[0].exercise == "dropout":
        return examine_dropout(session, candidate, pins, verdict)
    found = best_trial(session, candidate, pins, reference)
    if isinstance(found, Trial):
        return conclude(found, verdict)
    return replace(found, leans_on=verdict.leans_on)


def best_trial(
    session: Session,
    candidate: Candidate,
    pins: Mapping[str, Any],
    reference: Reference | None = None,
) -> Trial | Verdict:
    """The binding that does best, run on every probe; a verdict where none runs."""
    verdict = Verdict("unfinished", candidate.name, "")
    trials: list[Trial] = []
    other_arguments = False
    for bound in bindings(session, candidate, pins):
        if isinstance(bound, Raised):
            verdict = _does_not_run(verdict, bound)
        elif bound.nothing:
            summary = f"It returns {bound.nothing} where {_expected(bound)} is expected."
            return replace(verdict, summary=summary, exercise=bound.exercise.title)
        elif reference is None:
            trials.append(try_out(bound, pins))
        elif reference.fits(bound):
            trials.append(try_out(bound, pins, reference=reference.outputs))
        else:
            other_arguments = True
        if trials and trials[-1].best.cost[:2] == (0, 0) and not trials[-1].faults:
            return trials[-1]
    if reference is None:
        trials += _square_trials(session, candidate, pins, trials)
    if trials:
        return min(trials, key=_rank)
    if reference is not None and other_arguments:
        finding = Finding("", reference.other_arguments())
        return replace(verdict, status="wrong", findings=(finding,), summary=finding.sentence)
    return verdict


_ENOUGH = 0.6  # of the probes, to call a binding explained


def _rank(trial: Trial) -> tuple[bool, int, tuple[int, int, int], bool, int, int]:
    """How well a binding does: whether it explains, what it reads, what is odd, how usual it is."""
    letters, cost = trial.subject.letters(), trial.best.cost
    read = sum(letter in without.values for without, _ in trial.seen for letter in letters)
    explained = cost[0] == 0 and read >= _ENOUGH * len(trial.seen) * len(letters) > 0
    columns = "K×N" in trial.subject.layouts.values()
    faults = len(trial.faults)
    wrong = (cost[0], cost[1] + faults, cost[2])
    return not explained, 0 if explained else -read, wrong, columns, faults, -read


def _square_trials(
    session: Session, candidate: Candidate, pins: Mapping[str, Any], others: Sequence[Trial]
) -> list[Trial]:
    """Trials on inputs two of whose sizes agree, where it does not run as it is named."""
    layer = isinstance(EXERCISES[candidate.proposals[0].exercise], Layer)  # has sizes of its own
    if layer or any(_usual(trial) for trial in others):
        return []
    for sizes in SQUARES:
        bound = bindings(session, candidate, pins, sizes)
        good = [s for s in bound if isinstance(s, Subject) and not s.nothing and not s.single]
        if good:
            return [try_out(subject, pins, sizes) for subject in good[:2]]
    return []


def _usual(trial: Trial) -> bool:
    """Whether it runs as it is named: on class indices, and on every probe."""
    usual = trial.subject.layouts.get("y", "index") in ("index", "scalar")
    return usual and all(without.raised is None for without, _ in trial.seen)


def _does_not_run(verdict: Verdict, raised: Raised) -> Verdict:
    summary = f"It raises {raised}."
    if raised.type == "NotImplementedError":
        return replace(verdict, summary="It raises NotImplementedError: it is not written yet.")
    if raised.type in ("NameError", "UnboundLocalError"):
        summary = (
            f"It uses a name that is neither an argument nor defined: {raised}. A variable of the "
            "notebook counts as undefined here: a function computes from its arguments alone."
        )
    elif raised.type == "ModuleNotFoundError":
        summary = f"It needs a module that is not available here: {raised}."
    return replace(verdict, status="does not run", summary=summary)


def _expected(subject: Subject) -> str:
    words = {
        "L": "the loss",
        "p": "an array of probabilities",
        "log_p": "an array of log-probabilities",
        "R": "the penalty",
    }
    return words.get(subject.exercise.outputs[0], "trained parameters")
