"""From a trial to the verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pminusy.diagnosis.bind.layouts import LAYOUTS
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.quantities import INPUT_NAMES
from pminusy.diagnosis.findings.another_convention import (
    CONVENTIONS,
    conventions_of,
    of_another_convention,
    required,
)
from pminusy.diagnosis.findings.as_written import called
from pminusy.diagnosis.findings.counterexample import (
    comparisons,
    inputs_in_words,
    on_the_way,
    smallest_counterexample,
)
from pminusy.diagnosis.findings.first_wrong_line import broken_line
from pminusy.diagnosis.findings.layers import at_ties, layer_stability
from pminusy.diagnosis.findings.place import full_name, line_of, spared, wrong_entry
from pminusy.diagnosis.findings.properties import gradient_check, properties
from pminusy.diagnosis.findings.recognised import of_constants, recognised, unrecognised
from pminusy.diagnosis.findings.stability import stability
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Finding, Fragility, Property, Verdict

__all__ = ["conclude"]


def conclude(trial: Trial, verdict: Verdict, pins: Mapping[str, Any]) -> Verdict:
    """What a trial amounts to, written into a verdict that has the function's name.

    `pins` are the conventions that are required.
    """
    title = _title(trial)
    if trial.against == "numbers":
        title = "the reference's function"
    elif trial.against:
        title = f"{title}, as the reference computes it"
    verdict = replace(
        verdict, exercise=title, required=tuple(required(trial, pins)),
        assumed=tuple(_assumed(trial, pins)), pins=tuple(_pins(trial)),
        properties=tuple(properties(trial)), line=line_of(trial.subject.entry),
    )  # fmt: skip
    if _wrong(trial):
        return of_another_convention(trial, _say_what_is_wrong(trial, verdict), pins)
    convention, finding = at_ties(trial)
    if finding is not None:
        return replace(verdict, status="wrong", findings=(finding,), summary=finding.sentence)
    if convention:
        verdict = replace(verdict, assumed=(*verdict.assumed, convention))
    return _say_what_breaks_it(trial, verdict)


def _title(trial: Trial) -> str:
    """What it is taken for; a loss alone is not taken for a loss with its gradient."""
    subject = trial.subject
    title = subject.exercise.title
    gradients = [letter for letter in (*subject.letters(), *dict(subject.absent)) if "_d" in letter]
    return title if gradients else re.sub(r": loss and gradients?$", ": loss", title)


def _wrong(trial: Trial) -> bool:
    best = trial.best
    if best.unexplained or any(fault.step != "purity" for fault in trial.faults):
        return True
    return any(not mistake.only_on_extremes for mistake in best.mistakes)


def _say_what_is_wrong(trial: Trial, verdict: Verdict) -> Verdict:
    found = smallest_counterexample(trial)
    findings = (
        *of_constants(trial, found), *recognised(trial), *unrecognised(trial, found), *trial.faults,
    )  # fmt: skip
    entry = wrong_entry(trial)
    name = full_name(entry)
    verdict = replace(
        verdict, status="wrong", findings=findings, summary=_summary(findings),
        gradient_check=gradient_check(trial), line=line_of(entry),
        fault_in="" if name == verdict.name else name, spared=spared(trial),
    )  # fmt: skip
    if found is None:
        return verdict
    return replace(
        verdict, smallest=inputs_in_words(trial, found), compared=comparisons(trial, found),
        broken_line=broken_line(trial, found), on_the_way=on_the_way(trial, found),
        properties=tuple(_elsewhere(trial, verdict.properties, found.letters)),
    )  # fmt: skip


def _elsewhere(trial: Trial, held: Sequence[Property], shown: Sequence[str]) -> Iterator[Property]:
    """The properties; of results that are right in the example, that others show the fault."""
    hidden = {called(trial.subject, name) for name in trial.subject.letters() if name not in shown}
    for item in held:
        elsewhere = not item.holds and item.name.removesuffix(", data") in hidden
        yield replace(item, detail="on larger inputs than the example") if elsewhere else item


def _summary(findings: Sequence[Finding]) -> str:
    first, count = findings[0], len(findings)
    if not first.id:
        return f"Wrong, not recognised: {first.sentence}"
    return first.sentence + (f" (and {count - 1} more)" if count > 1 else "")


def _say_what_breaks_it(trial: Trial, verdict: Verdict) -> Verdict:
    stable, broken = _stability(trial)
    broken += [Fragility(f.id, f.sentence, f.wrong, f.right) for f in trial.faults]
    verdict = replace(verdict, properties=(*verdict.properties, *stable), fragilities=tuple(broken))
    if broken:
        return replace(
            verdict, status="fragile", gradient_check=gradient_check(trial),
            summary=f"Correct on ordinary inputs, but fragile: {broken[0].sentence}",
        )  # fmt: skip
    also = ", and stable" if stable else ""
    return replace(
        verdict, status="correct", summary=f"Correct{also} on every input that was tried."
    )


def _stability(trial: Trial) -> tuple[list[Property], list[Fragility]]:
    exercise = trial.subject.exercise
    return layer_stability(trial, exercise) if isinstance(exercise, Layer) else stability(trial)


# ------------------------------------------------------------------------------ conventions


def _assumed(trial: Trial, pins: Mapping[str, Any]) -> Iterator[str]:
    subject = trial.subject
    yield from conventions_of(trial, [name for name in CONVENTIONS if name not in pins])
    names = [parameter["name"] for parameter in subject.entry["parameters"]]
    for letter, name in zip(subject.roles, names, strict=False):
        if letter is not None and letter in INPUT_NAMES:
            yield f"{name} is {INPUT_NAMES[letter]}{_layout(trial, letter)}"
    if subject.layouts.get("scores") == "K×N":
        yield "its probabilities have a column for each sample"
    if subject.numbers != "arrays":
        kind = (
            "tensors of torch" if subject.numbers == "tensors" else f"objects of {subject.numbers}"
        )
        yield f"its numbers are {kind}"
    if trial.single_precision:
        yield "it computes in single precision (float32)"


def _layout(trial: Trial, letter: str) -> str:
    subject = trial.subject
    if letter not in subject.layouts or letter not in LAYOUTS:
        return ""
    words = LAYOUTS[letter][subject.layouts[letter]].words
    if "W1" in subject.given and letter in ("W1", "W"):  # from D to H, from H to K
        words = words.replace("K" if letter == "W1" else "D", "H")
    return f", {words}"


def _pins(trial: Trial) -> Iterator[str]:
    subject, conventions = trial.subject, trial.best.conventions
    pin = {"weighted": "mean", "none, mean": "mean"}.get(
        conventions.reduction, conventions.reduction
    )
    if pin in ("mean", "sum") and "y" in subject.given:
        yield pin
    if subject.regularised:
        yield "half" if conventions.half == 0.5 else "full"
        free = {None: "all-weights", -1: "last-column-bias", 0: "first-column-bias"}
        yield free[conventions.free]
        if conventions.biases:
            yield "biases-too"
    if subject.layouts.get("y") in ("index", "one-hot", "column"):
        yield subject.layouts["y"]
    if {"X", "X0", "z", "p"} & set(subject.layouts):
        yield from () if subject.single else ("columns" if _in_columns(trial) else "rows",)


def _in_columns(trial: Trial) -> bool:
    layouts = trial.subject.layouts
    return any(layouts.get(letter) == "K×N" for letter in ("X", "X0", "z", "p"))
