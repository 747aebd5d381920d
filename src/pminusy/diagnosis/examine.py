"""From one function of a running submission to its verdict."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pminusy.diagnosis.bind.binding import bindings
from pminusy.diagnosis.bind.signatures import Candidate, Proposal, leans_on
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.probes import SQUARES
from pminusy.diagnosis.findings.conclusion import conclude
from pminusy.diagnosis.findings.dropout import examine_dropout
from pminusy.diagnosis.match.reference import Reference
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.match.try_out import is_right, try_out
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
    verdict = replace(verdict, leans_on=leans_on(candidate.entry, session.inventory.functions))
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
    """The binding that does best, run on every probe; a verdict where none runs.

    What the names propose first is tried first. A proposal under which the function is right on
    every probe comes before all others; the others compete where the first is not explained.
    """
    verdict = Verdict("unfinished", candidate.name, "")
    subjects, rest, failure = _first_that_run(session, candidate, pins)
    trials: list[Trial] = []
    for subject in subjects:
        if reference is None:
            trials.append(try_out(subject, pins))
        elif reference.fits(subject):
            trials.append(try_out(subject, pins, reference=reference.outputs))
        if trials and _perfect(trials[-1]):
            return trials[-1]
    if not subjects and isinstance(failure, Raised):
        verdict = _does_not_run(verdict, failure)
    elif not subjects and isinstance(failure, Subject):
        summary = f"It returns {failure.nothing} where {_expected(failure)} is expected."
        return replace(verdict, summary=summary, exercise=failure.exercise.title)
    if reference is None and trials:
        trials = _of_other_proposals(session, candidate, pins, rest, trials)
    if reference is None:
        trials += _square_trials(session, candidate, pins, trials)
    if trials:
        return min(trials, key=_rank)
    if reference is not None and subjects:
        finding = Finding("", reference.other_arguments())
        return replace(verdict, status="wrong", findings=(finding,), summary=finding.sentence)
    return verdict


_MANY = 6  # proposals: names say nothing, and all of them compete from the start


def _first_that_run(
    session: Session, candidate: Candidate, pins: Mapping[str, Any]
) -> tuple[list[Subject], Sequence[Proposal], Subject | Raised | None]:
    """Bindings of the first proposal that runs, the proposals after it, and the first failure."""
    found: list[Subject] = []
    failure: Subject | Raised | None = None
    for i, proposal in enumerate(candidate.proposals, 1):
        for bound in bindings(session, candidate, proposal, pins):
            if isinstance(bound, Subject) and not bound.nothing:
                found.append(bound)
            elif failure is None:
                failure = bound
        if found and len(candidate.proposals) < _MANY:
            return found, candidate.proposals[i:], failure
    return found, (), failure


def _of_other_proposals(
    session: Session,
    candidate: Candidate,
    pins: Mapping[str, Any],
    proposals: Sequence[Proposal],
    trials: list[Trial],
) -> list[Trial]:
    """The trial of another proposal that is right; all trials, if the first explain nothing."""
    running = [
        bound
        for proposal in proposals
        for bound in bindings(session, candidate, proposal, pins)
        if isinstance(bound, Subject) and not bound.nothing
    ]
    for subject in running:
        if is_right(subject, pins):
            right = try_out(subject, pins)
            if _perfect(right):
                return [right]
    if all(trial.best.unexplained for trial in trials):
        return [*trials, *(try_out(subject, pins) for subject in running)]
    return trials


def _perfect(trial: Trial) -> bool:
    return trial.best.cost[:2] == (0, 0) and not trial.faults


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
        good = (
            bound
            for proposal in candidate.proposals
            for bound in bindings(session, candidate, proposal, pins, sizes)
            if isinstance(bound, Subject) and not bound.nothing and not bound.single
        )
        first = list(itertools.islice(good, 2))
        if first:
            return [try_out(subject, pins, sizes) for subject in first]
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
