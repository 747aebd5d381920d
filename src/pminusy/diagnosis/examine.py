"""From one function of a running submission to its verdict."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.binding import bindings
from pminusy.diagnosis.bind.call import call, with_results
from pminusy.diagnosis.bind.signatures import Candidate, Proposal, leans_on
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.probes import SQUARES, STRENGTH
from pminusy.diagnosis.findings.conclusion import conclude
from pminusy.diagnosis.findings.dropout import examine_dropout
from pminusy.diagnosis.match.reference import Reference
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.match.try_out import is_right, try_out
from pminusy.diagnosis.report.verdict import Finding, Verdict
from pminusy.diagnosis.run.session import Raised, Session

__all__ = ["NO_EXERCISE", "best_trial", "examine"]


NO_EXERCISE = "This is no exercise I know: no reading of the catalogue fits what it does."


def examine(
    session: Session,
    candidate: Candidate,
    pins: Mapping[str, Any],
    reference: Reference | None = None,
) -> Verdict:
    """Check one function of a running submission, against a teacher's own if that is unusual."""
    verdict = Verdict("unfinished", candidate.name, "There is nothing in it yet.", cause="starter")
    inventory = session.inventory
    leans = leans_on(candidate.entry, inventory.functions, inventory.imported)
    verdict = replace(verdict, leans_on=leans)
    if candidate.entry["empty"]:
        return verdict
    if candidate.proposals[0].exercise == "dropout":
        return _without_cause(examine_dropout(session, candidate, pins, verdict))
    found = best_trial(session, candidate, pins, reference)
    if isinstance(found, Trial):
        concluded = _without_cause(conclude(found, verdict, pins))
        if (
            reference is None
            and concluded.status == "wrong"
            and _another_exercise(found, candidate)
        ):
            return replace(
                verdict, status="unknown", summary=NO_EXERCISE, cause="no exercise",
                concerns=(candidate.name,),
            )  # fmt: skip
        return concluded
    return replace(found, leans_on=verdict.leans_on)


_OF_OTHERS = re.compile(
    r"(?i)mse|squared|svm|hinge|huber|(?<![a-z])(mae|l1|kl|bce)(?![a-z])|binary|triplet|logistic|"
    r"perplexity|accuracy|history|plot|margin|contrastive|regress(?!ion_epoch)"
)
_OF_SOFTMAX = re.compile(r"(?i)soft_?max|entropy|xent|nll|logits|probabilit|(?<![a-z])ce(?![a-z])")
_BY_STRUCTURE = ("network", "network_backward", "epoch", "network_epoch", "softmax layer", "ridge")


def _another_exercise(trial: Trial, candidate: Candidate) -> bool:
    """Whether a function that no reading explains says by its name that it is something else.

    Its name, documentation and the names it reads are taken for softmax's if any of them says so;
    a loss of another name is unknown only where not one of its numbers is right or explained.
    """
    entry = candidate.entry
    name = candidate.name
    said = " ".join((name, entry["doc"], *entry["reads"], *entry["attributes"]))
    if _OF_OTHERS.search(name) and not re.search(r"(?i)soft_?max", name):
        return True
    if isinstance(trial.subject.exercise, Layer) or trial.subject.exercise.name in _BY_STRUCTURE:
        return False
    return trial.nothing_explained and not trial.constant and not _OF_SOFTMAX.search(said)


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
    verdict = Verdict("unfinished", candidate.name, "", cause="starter")
    subjects, rest, failure = _first_that_run(session, candidate, pins)
    if subjects and all(subject.blank for subject in subjects) and _blank(subjects[0]):
        summary = "It returns only zeros, whatever its inputs: the starter's values."
        return replace(verdict, summary=summary, exercise=subjects[0].exercise.title)
    subjects = [subject for subject in subjects if not _sums_over_samples(subject)]
    trials: list[Trial] = []
    for subject in _reading_most(subjects):
        if reference is None:
            trials.append(try_out(subject, pins))
        elif reference.fits(subject):
            trials.append(try_out(subject, pins, reference=reference.outputs))
        if trials and (_perfect(trials[-1]) or trials[-1].constant):
            return trials[-1]
    if not subjects and isinstance(failure, Raised):
        verdict = _does_not_run(verdict, failure, candidate.name, session.inventory.faults)
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
        wrong = replace(verdict, status="wrong", findings=(finding,), summary=finding.sentence)
        return _without_cause(wrong)
    return verdict


def _without_cause(verdict: Verdict) -> Verdict:
    return verdict if verdict.status == "unfinished" else replace(verdict, cause="")


def _sums_over_samples(subject: Subject) -> bool:
    """Whether a loss that is read as one of a single sample takes a batch, and sums over it.

    One of a single sample, given many, returns many numbers or raises.
    """
    if not subject.single or subject.layouts.get("y") not in ("scalar", "index"):
        return False
    rows = {letter: "N×K" for letter in ("X", "z", "p") if letter in subject.layouts}
    batch = replace(subject, layouts={**subject.layouts, **rows, "y": "index"})
    probe = subject.exercise.probes(subject.given, False, next(iter(SQUARES)))[0]
    bound = with_results(batch, probe)
    return isinstance(bound, Subject) and any(result.letter == "L" for result in bound.results)


def _blank(subject: Subject) -> bool:
    """Whether it returns 0 everywhere on other inputs as well, a regulariser among them."""
    inputs = subject.exercise.probes(subject.given, subject.single)[1].inputs
    seen = call(subject, {**inputs, "r": STRENGTH} if subject.regularised else inputs)
    changed = seen.changed if subject.exercise.outputs[0].startswith("after_") else ()
    values = () if seen.after and not changed else seen.values.values()
    return seen.raised is None and not changed and not any(np.any(v) for v in values)


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
        if isinstance(bound, Subject) and not bound.nothing and not _sums_over_samples(bound)
    ]
    for subject in _reading_most(running):
        if is_right(subject, pins):
            right = try_out(subject, pins)
            if _perfect(right):
                return [right]
    # What names do not propose is only asked whether it is right.
    for proposal in candidate.further:
        for bound in bindings(session, candidate, proposal, pins):
            if not isinstance(bound, Subject) or bound.nothing or _sums_over_samples(bound):
                continue
            if is_right(bound, pins):
                right = try_out(bound, pins)
                if _perfect(right):
                    return [right]
    if all(trial.best.unexplained for trial in trials):
        return [*trials, *(try_out(subject, pins) for subject in running)]
    return trials


def _reading_most(subjects: Sequence[Subject]) -> list[Subject]:
    """Of the readings as one exercise, those that leave the fewest results unread.

    Another one would be right about a part of what is returned and silent about the rest.
    """
    most: dict[str, int] = {}
    for subject in subjects:
        name = subject.exercise.name
        most[name] = max(most.get(name, 0), len(subject.results))
    return [s for s in subjects if len(s.results) == most[s.exercise.name]]


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
    # Samples in columns are unusual: they count as much as a mistake beside other mistakes.
    wrong = (cost[0], cost[1] + faults + columns, cost[2])
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


_SAYS_UNFINISHED = re.compile(
    r"(?i)\bnot[ _]?(yet[ _])?(been[ _])?(implemented|written|done)|unimplemented|todo\b|"
    r"your (own )?code|(implement|complete|fill in|write) (this|me|the|your)"
)


def _explains(fault: str, raised: Raised, name: str) -> bool:
    """Whether a definition that failed is why a name is not there."""
    missing = re.search(r"'(\w+)'", raised.message)
    if missing is None or raised.type not in ("KeyError", "NameError"):
        return False
    own = missing[1] == name.split(".")[0] or raised.type == "NameError"
    starred = "import *" in fault and raised.type == "NameError"
    return starred or (own and re.search(rf"\b{missing[1]}\b", fault) is not None)


def _does_not_run(verdict: Verdict, raised: Raised, name: str, faults: Sequence[str]) -> Verdict:
    summary, cause, concerns = f"It raises {raised}.", "raises", (raised.type,)
    undefined = next((fault for fault in faults if _explains(fault, raised, name)), "")
    if undefined:
        summary = f"It needs what could not be defined here: {undefined}."
        module = re.search(r"No module named '([\w.]+)'", undefined)
        return replace(
            verdict, status="does not run", summary=summary,
            cause="module" if module else "undefined", concerns=(module[1],) if module else (),
        )  # fmt: skip
    if raised.type == "NotImplementedError" or _SAYS_UNFINISHED.search(raised.message):
        return replace(verdict, summary=f"It raises {raised}: it is not written yet.")
    if raised.message.endswith("is not there once the file has run"):
        summary = f"The file takes back what it defines: {raised}."
    elif raised.type in ("NameError", "UnboundLocalError"):
        summary = (
            f"It uses a name that is neither an argument nor defined: {raised}. A variable of the "
            "notebook counts as undefined here: a function computes from its arguments alone."
        )
        cause, concerns = "name", tuple(re.findall(r"'(\w+)'", raised.message)[:1])
    elif raised.type == "ModuleNotFoundError":
        summary = f"It needs a module that is not available here: {raised}."
        cause, concerns = "module", tuple(re.findall(r"'([\w.]+)'", raised.message)[:1])
    return replace(verdict, status="does not run", summary=summary, cause=cause, concerns=concerns)


def _expected(subject: Subject) -> str:
    words = {
        "L": "the loss",
        "p": "an array of probabilities",
        "log_p": "an array of log-probabilities",
        "R": "the penalty",
    }
    return words.get(subject.exercise.outputs[0], "trained parameters")
