"""From a running submission to a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pminusy.diagnosis.bind.binding import bindings
from pminusy.diagnosis.bind.layer_subject import layer_bindings
from pminusy.diagnosis.bind.layouts import LAYOUTS
from pminusy.diagnosis.bind.libraries import leans_on
from pminusy.diagnosis.bind.signatures import Candidate
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.conventions import in_words
from pminusy.diagnosis.catalogue.layers.recipes import LAYERS
from pminusy.diagnosis.catalogue.probes import SQUARES
from pminusy.diagnosis.findings import findings
from pminusy.diagnosis.findings.dropout import examine_dropout
from pminusy.diagnosis.findings.gradient_check import gradient_check
from pminusy.diagnosis.findings.kinks import at_kinks
from pminusy.diagnosis.findings.layer_stability import layer_stability
from pminusy.diagnosis.findings.stability import stability
from pminusy.diagnosis.match.matching import Explanation
from pminusy.diagnosis.match.reference import Reference
from pminusy.diagnosis.match.trial import Trial, try_out
from pminusy.diagnosis.report.content import Finding, Property, Status
from pminusy.diagnosis.report.verdict import Verdict
from pminusy.diagnosis.run.session import Raised, Session

__all__ = ["best_trial", "examine", "verdict_on"]


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
        return verdict_on(found, verdict)
    return replace(found, leans_on=verdict.leans_on)


def best_trial(
    session: Session,
    candidate: Candidate,
    pins: Mapping[str, Any],
    reference: Reference | None = None,
) -> Trial | Verdict:
    """The binding that does best, run on every probe; a verdict where none runs."""
    verdict = Verdict("unfinished", candidate.name, "")
    trials, failures, others = [], [], 0
    for bound in _bindings(session, candidate, pins):
        if isinstance(bound, Raised):
            failures.append(bound)
        elif bound.nothing:
            summary = f"It returns {bound.nothing} where {_expected(bound)} is expected."
            return replace(verdict, summary=summary, exercise=bound.exercise.title)
        elif reference is None:
            trials.append(try_out(bound, pins))
        elif reference.fits(bound):
            trials.append(try_out(bound, pins, standard=reference.gallery))
        else:
            others += 1
        if trials and trials[-1].best.cost[:2] == (0, 0) and not _faults(trials[-1]):
            return trials[-1]
    if reference is None:
        trials += _square_trials(session, candidate, pins, trials)
    if trials:
        return min(trials, key=_rank)
    if reference is not None and others:
        finding = Finding("", reference.other_arguments())
        return replace(verdict, status="wrong", findings=(finding,), summary=finding.sentence)
    return _does_not_run(verdict, failures[0])


_ENOUGH = 0.6  # of the probes, to call a binding explained


def _rank(trial: Trial) -> tuple[bool, int, tuple[int, int, int], bool, int, int]:
    """How well a binding does: whether it explains, what it reads, what is odd, how usual it is."""
    letters, cost = trial.subject.letters(), trial.best.cost
    read = sum(letter in without.values for without, _ in trial.seen for letter in letters)
    explained = cost[0] == 0 and read >= _ENOUGH * len(trial.seen) * len(letters) > 0
    columns = "K×N" in trial.subject.layouts.values()
    faults = len(_faults(trial))
    slips = (cost[0], cost[1] + faults, cost[2])
    return not explained, 0 if explained else -read, slips, columns, faults, -read


def _square_trials(
    session: Session, candidate: Candidate, pins: Mapping[str, Any], others: Sequence[Trial]
) -> list[Trial]:
    """Trials on inputs two of whose sizes agree, where it does not run as it is named."""
    if candidate.proposals[0].exercise in LAYERS or any(_usual(t) for t in others):
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


def _bindings(
    session: Session, candidate: Candidate, pins: Mapping[str, Any]
) -> Iterable[Subject | Raised]:
    if candidate.proposals[0].exercise in LAYERS:
        return layer_bindings(Subject(session, candidate, candidate.proposals[0], {}))
    return bindings(session, candidate, pins)


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
    outputs = subject.exercise.outputs
    return words.get(outputs[0], "trained parameters")


# --------------------------------------------------------------------------------- verdict


def verdict_on(trial: Trial, verdict: Verdict) -> Verdict:
    """What a trial amounts to, written into a verdict that has the function's name."""
    subject, best = trial.subject, trial.best
    title = subject.exercise.title
    if trial.against:
        title = (
            "the reference's function"
            if trial.against == "numbers"
            else f"{title}, as the reference computes it"
        )
    verdict = replace(
        verdict, exercise=title, assumed=tuple(_assumed(trial)),
        pins=tuple(_pins(trial)), status="correct",
    )  # fmt: skip
    faults = _faults(trial)
    properties = [*_properties(trial)]
    guards_only = best.mistakes and all(m.id.startswith("log.") for m in best.mistakes)
    if best.open or (best.mistakes and not guards_only) or any(f.step != "purity" for f in faults):
        found = [*findings.of(trial, properties), *faults]
        seen = findings.shown(trial)
        return replace(
            verdict, status="wrong", findings=tuple(found), properties=tuple(properties),
            summary=_summary(found, best), smallest=seen.smallest,
            compared=seen.compared, broken_line=seen.line,
            gradient_check=gradient_check(subject),
        )  # fmt: skip
    convention, tie = at_kinks(trial)
    if tie is not None:
        return replace(
            verdict,
            status="wrong",
            findings=(tie,),
            properties=tuple(properties),
            summary=tie.sentence,
        )
    if convention:
        verdict = replace(verdict, assumed=(*verdict.assumed, convention))
    stable, fragilities = (
        layer_stability(trial) if trial.subject.exercise.name in LAYERS else stability(trial)
    )
    fragilities += [findings.as_fragility(fault) for fault in faults]
    properties += stable
    status: Status = "fragile" if fragilities else "correct"
    summary = f"Correct{', and stable' * bool(stable)} on every input that was tried."
    if fragilities:
        summary = f"Correct on ordinary inputs, but fragile: {fragilities[0].sentence}"
    return replace(
        verdict, status=status, properties=tuple(properties), fragilities=tuple(fragilities),
        summary=summary, gradient_check=gradient_check(subject) if fragilities else "",
    )  # fmt: skip


def _summary(found: Sequence[Finding], best: Explanation) -> str:
    count = len(found)
    if not found[0].id:
        return f"Wrong, not recognised: {found[0].sentence}"
    more = "" if count == 1 else f" (and {count - 1} more)"
    return f"{found[0].sentence}{more}"


def _assumed(trial: Trial) -> Iterator[str]:
    subject, best = trial.subject, trial.best
    letters = {"L", "L_i", "dL_dz", "dL_dW"} & set(subject.letters())
    if letters and "y" in subject.given:
        yield from in_words(best.conventions, ["reduction"])
    if subject.regularised:
        yield from in_words(best.conventions, ["half", "free"])
    roles = subject.proposal.roles
    for role, parameter in zip(
        roles, subject.candidate.entry["parameters"][: len(roles)], strict=True
    ):
        if role is not None and role in subject.layouts and role in LAYOUTS:
            words = LAYOUTS[role][subject.layouts[role]].words
            if "W1" in subject.given and role in ("W1", "W"):  # from D to H, from H to K
                words = words.replace("K" if role == "W1" else "D", "H")
            yield f"{parameter['name']} is {_NAMES[role]}, {words}"
        elif role is not None and role in _NAMES:
            yield f"{parameter['name']} is {_NAMES[role]}"
    if trial.single_precision:
        yield "it computes in single precision (float32)"


def _pins(trial: Trial) -> Iterator[str]:
    subject, reading = trial.subject, trial.best.conventions
    if reading.reduction in ("mean", "sum") and "y" in subject.given:
        yield reading.reduction
    if subject.regularised:
        yield "half" if reading.half == 0.5 else "full"
        yield {None: "all-weights", -1: "last-column-bias", 0: "first-column-bias"}[reading.free]
    if subject.layouts.get("y") in ("index", "one-hot", "column"):
        yield subject.layouts["y"]


_NAMES = {
    "X": "the inputs", "X0": "the inputs", "W": "the weights", "W1": "the first weights",
    "b": "the bias", "b1": "the first bias", "y": "the labels", "z": "the scores",
    "p": "the probabilities", "r": "the regulariser's strength", "lr": "the learning rate",
    "batch": "the batch size", "T": "the temperature", "eps": "the label smoothing",
}  # fmt: skip


def _faults(trial: Trial) -> list[Finding]:
    """What is wrong besides the numbers: shapes, inputs changed, another answer the second time."""
    return list(findings.faults(trial))


def _properties(trial: Trial) -> Iterator[Property]:
    best = trial.best
    for facet, name in findings.facet_names(trial):
        wrong = facet in best.open or any(facet in where for where in best.shown.values())
        yield Property(name, not wrong)
    for probe, (without, _) in zip(trial.probes, trial.seen, strict=True):
        if without.raised is not None:
            yield Property(f"runs on {probe.name}", False, str(without.raised))
    yield from findings.purity(trial)
