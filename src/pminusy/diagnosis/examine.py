"""From a running submission to a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.diagnosis import findings
from pminusy.diagnosis.binding import bindings
from pminusy.diagnosis.conventions import Conventions, allowed, in_words
from pminusy.diagnosis.dropout import examine_dropout
from pminusy.diagnosis.gallery import TOLERANCE, Facet, gallery
from pminusy.diagnosis.gradient_check import gradient_check
from pminusy.diagnosis.layer_probes import layer_probes
from pminusy.diagnosis.layer_subject import layer_bindings
from pminusy.diagnosis.layouts import LAYOUTS
from pminusy.diagnosis.libraries import leans_on
from pminusy.diagnosis.matching import SINGLE_TOLERANCE, Evidence, Explanation, explain
from pminusy.diagnosis.probes import STRENGTH, Probe, probes
from pminusy.diagnosis.recipes.layers import LAYERS
from pminusy.diagnosis.session import Raised, Session
from pminusy.diagnosis.signatures import Candidate
from pminusy.diagnosis.stability import stability
from pminusy.diagnosis.subject import Seen, Subject
from pminusy.diagnosis.verdict import Finding, Property, Status, Verdict

__all__ = ["examine"]


@dataclass(frozen=True)
class Trial:
    """One binding of a submission, run on every probe, and what explains it."""

    subject: Subject
    probes: list[Probe]
    seen: list[tuple[Seen, Seen | None]]  # with r = 0, and with r = 0.7
    explanations: list[Explanation]
    single_precision: bool

    @property
    def best(self) -> Explanation:
        """The first of the best explanations."""
        return self.explanations[0]


def examine(session: Session, candidate: Candidate, pins: Mapping[str, Any]) -> Verdict:
    """Check one function of a running submission."""
    verdict = Verdict("unfinished", candidate.name, "There is nothing in it yet.")
    verdict = replace(verdict, leans_on=leans_on(candidate.entry))
    if candidate.entry["empty"]:
        return verdict
    trials, failures = [], []
    if candidate.proposals[0].exercise == "dropout":
        return examine_dropout(session, candidate, pins, verdict)
    for bound in _bindings(session, candidate, pins):
        if isinstance(bound, Raised):
            failures.append(bound)
        elif bound.nothing:
            summary = f"It returns {bound.nothing} where {_expected(bound)} is expected."
            return replace(verdict, summary=summary, exercise=bound.exercise.title)
        else:
            trials.append(_trial(bound, pins))
            if trials[-1].best.cost[:2] == (0, 0) and not _faults(trials[-1]):
                return _verdict(trials[-1], verdict)
    if not trials:
        return _does_not_run(verdict, failures[0])
    return _verdict(min(trials, key=_rank), verdict)


def _rank(trial: Trial) -> tuple[int, tuple[int, int, int], int]:
    """How well a binding does: what it leaves unread, what is unexplained, what is odd."""
    letters = trial.subject.letters()
    read = sum(letter in without.values for without, _ in trial.seen for letter in letters)
    return -read, trial.best.cost, len(_faults(trial))


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
        summary = f"It uses a name that is neither an argument nor defined: {raised}."
    elif raised.type == "ModuleNotFoundError":
        summary = f"It needs a module that is not available here: {raised}."
    return replace(verdict, status="does not run", summary=summary)


def _expected(subject: Subject) -> str:
    words = {
        "L": "the loss",
        "p": "probabilities",
        "log_p": "log-probabilities",
        "R": "the penalty",
    }
    outputs = subject.exercise.outputs
    return words.get(outputs[0], "trained parameters")


def _trial(subject: Subject, pins: Mapping[str, Any]) -> Trial:
    layer = subject.exercise.name in LAYERS
    tried = layer_probes(subject.exercise.name) if layer else probes(subject.given, subject.single)
    seen = [_both(subject, probe) for probe in tried]
    per_row = "L_i" in subject.letters()
    readings = allowed(pins, subject.regularised, averaged=not per_row)
    if layer:
        readings = [Conventions()]
    elif per_row or subject.exercise.name in ("epoch", "network_epoch"):
        readings = [replace(r, reduction="none" if per_row else "mean") for r in readings]
    galleries = [
        gallery(subject.exercise.name, subject.given, subject.single, reading)
        for reading in dict.fromkeys(readings)
    ]
    facets = _facets(subject, seen)
    single = _single_precision(subject, seen)
    evidence = Evidence(facets, SINGLE_TOLERANCE if single else TOLERANCE)
    explanations = explain(evidence, galleries)
    return Trial(subject, tried, seen, explanations, single)


def _both(subject: Subject, probe: Probe) -> tuple[Seen, Seen | None]:
    without = subject.call(probe.inputs)
    if not subject.regularised:
        return without, None
    return without, subject.call({**probe.inputs, "r": STRENGTH})


def _facets(
    subject: Subject, seen: Sequence[tuple[Seen, Seen | None]]
) -> dict[Facet, tuple[Any, ...]]:
    facets: dict[Facet, tuple[Any, ...]] = {}
    for letter in subject.letters():
        values = [_float(without.values.get(letter)) for without, _ in seen]
        facets[letter, "data"] = tuple(values)
        if subject.regularised and letter not in ("p", "dL_dX"):
            with np.errstate(all="ignore"):
                facets[letter, "ridge"] = tuple(
                    None
                    if with_r is None or value is None or letter not in with_r.values
                    else _float(with_r.values[letter]) - value
                    for value, (_, with_r) in zip(values, seen, strict=True)
                )
    return facets


def _float(value: Any) -> Any:
    return None if value is None else np.asarray(value, dtype=np.float64)


def _single_precision(subject: Subject, seen: Sequence[tuple[Seen, Seen | None]]) -> bool:
    """Whether every number returned is a float32, or the source says it computes in float32."""
    words = {*subject.candidate.entry["names"], *subject.candidate.entry["attributes"]}
    if words & {"float32", "single", "float16", "half"}:
        return True
    values = [np.ravel(v) for without, _ in seen for v in without.values.values()]
    if not values:
        return False
    with np.errstate(all="ignore"):
        flat = np.concatenate(values).astype(np.float64)
        return bool(np.all((flat.astype(np.float32) == flat) | np.isnan(flat)))


# --------------------------------------------------------------------------------- verdict


def _verdict(trial: Trial, verdict: Verdict) -> Verdict:
    subject, best = trial.subject, trial.best
    verdict = replace(
        verdict, exercise=subject.exercise.title, assumed=tuple(_assumed(trial)),
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
    stable, fragilities = stability(subject, best.conventions, trial.single_precision)
    fragilities += [findings.as_fragility(fault) for fault in faults]
    properties += stable
    status: Status = "fragile" if fragilities else "correct"
    summary = "Correct, and stable on every input that was tried."
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
    "batch": "the batch size",
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
