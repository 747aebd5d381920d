"""The numbers of a trial in words: mistakes that were recognised, then what was not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.conventions import formula
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.findings.as_written import as_written, called
from pminusy.diagnosis.findings.counterexample import Counterexample
from pminusy.diagnosis.findings.describe import describe
from pminusy.diagnosis.findings.shared_cause import shared_cause
from pminusy.diagnosis.match.outputs import Component, is_one_number
from pminusy.diagnosis.match.own_gradient import CONSISTENT, gradient_error
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Finding

__all__ = ["of_constants", "recognised", "unrecognised"]


def of_constants(trial: Trial, found: Counterexample | None) -> Iterator[Finding]:
    """What is one number on every input: the first thing to say, whatever follows from it."""
    for component in _constant(trial):
        yield _difference(trial, component, "", found)


def _constant(trial: Trial) -> list[Component]:
    return [
        component
        for component in trial.best.unexplained
        if component[1] == "data"
        and is_one_number([seen.values.get(component[0]) for seen, _ in trial.seen])
    ]


def recognised(trial: Trial) -> Iterator[Finding]:
    """Each mistake of the best explanation, but for what a constant leaves out."""
    constant = {letter for letter, _ in _constant(trial)}
    for mistake in trial.best.mistakes:
        if constant and {letter for letter, _ in trial.best.where[mistake.id]} <= constant:
            continue
        step = trial.subject.exercise.recipe.step(mistake.step)
        right = mistake.right or formula(step.name, step.formula, trial.best.conventions)
        right, wrong = (as_written(trial.subject, text) for text in (right, mistake.wrong))
        hints = (f"Look {step.look}.", mistake.off, f"It should be {right}.")
        where = dict.fromkeys(
            called(trial.subject, letter) for letter, _ in trial.best.where[mistake.id]
        )
        yield Finding(
            mistake.called or mistake.id, _sentence(trial, mistake), mistake.step, wrong, right,
            tuple(where), hints, tuple(_alternatives(trial, mistake)),
        )  # fmt: skip


def _sentence(trial: Trial, mistake: Mistake) -> str:
    """What a mistake says, and how it comes about where the labels are a column."""
    column = trial.subject.layouts.get("y") == "column" and mistake.id == "dL_dz.columns"
    return mistake.sentence + column * " Labels of shape (N, 1) do that: flatten them first."


def _alternatives(trial: Trial, mistake: Mistake) -> Iterator[str]:
    """Sentences of other mistakes that, in this one's place, return the same numbers."""
    rest = {m.id for m in trial.best.mistakes} - {mistake.id}
    for other in trial.explanations[1:]:
        ids = {m.id for m in other.mistakes}
        if other.conventions == trial.best.conventions and len(ids - rest) == 1 and rest <= ids:
            (replacement,) = (m for m in other.mistakes if m.id in ids - rest)
            told = replacement.sentence != mistake.sentence and not _same(replacement, mistake)
            if told and not _contradicted(trial, replacement):
                yield replacement.sentence


def _same(one: Mistake, other: Mistake) -> bool:
    """Whether two mistakes are the same, or the same formula in another order."""
    formulas = [sorted(mistake.wrong.rpartition(" = ")[2].split()) for mistake in (one, other)]
    return one.id == other.id or (one.step == other.step and formulas[0] == formulas[1])


def _contradicted(trial: Trial, mistake: Mistake) -> bool:
    """Whether a mistake computes with the temperature where the source never reads it."""
    subject = trial.subject
    if "T" not in subject.roles or subject.parameter("T") in subject.entry["names"]:
        return False
    return re.search(r"\bT\b", mistake.wrong) is not None


def unrecognised(trial: Trial, found: Counterexample | None) -> Iterator[Finding]:
    """What can be said for certain about each component that nothing explains.

    Numbers are those of the example, which the report shows.
    """
    also = "also " if trial.best.mistakes else ""
    said = _constant(trial)
    open_ones = tuple(c for c in trial.best.unexplained if c not in said)
    shared = None if said else shared_cause(trial)
    if shared is not None:
        yield shared
        open_ones = tuple(c for c in open_ones if c[1] != "data")
    for component in open_ones:
        if component == ("dL_dz", "data") and _derived_wrongly(trial):
            yield _wrong_derivative(trial.subject.numbers)
        else:
            yield _difference(trial, component, also, found)


def _difference(
    trial: Trial, component: Component, also: str, found: Counterexample | None
) -> Finding:
    sentence = _in_words(trial, component, also, found)
    look = _look(trial, component)
    hints = (f"Look {look}.", sentence, sentence) if look else ()
    return Finding("", sentence, hints=hints)


def _derived_wrongly(trial: Trial) -> bool:
    """Whether an engine leaves derivatives that are not those of the loss it returns."""
    if trial.subject.numbers in ("arrays", "tensors"):
        return False
    error = gradient_error(trial.subject)
    return error is not None and not error < CONSISTENT


def _wrong_derivative(engine: str) -> Finding:
    return Finding(
        "engine.derivative",
        f"After backward() the derivatives are not those of the loss it returned: an operation of "
        f"{engine} has a wrong derivative.",
        "dL_dz", "another derivative", "the derivative of each operation",
        ("the gradient at the scores",),
        (f"Look at the _backward of each operation of {engine} that the loss uses.",
         "One operation's derivative is wrong.",
         "It should be the operation's derivative times the one that comes from above, added to "
         "what is there."),
    )  # fmt: skip


def _look(trial: Trial, component: Component) -> str:
    """Where to look, as far as what is right leaves only one place."""
    letter, part = component
    wrong = {found for each in trial.best.where.values() for found in each}
    wrong |= set(trial.best.unexplained)
    compared = [c for c in trial.outputs.right[0] if c[0] in trial.subject.letters()]
    right = {name for name, of in compared if of == "data" and (name, of) not in wrong}
    if part == "ridge":
        if letter not in right:
            return ""
        name = called(trial.subject, letter)
        return f"where the regulariser is added: without it {name} is right"
    gradients = sorted(name for name in right if name.startswith("dL"))
    forward = sorted(name for name in right if not name.startswith("dL"))
    if letter in ("L", "L_i") and gradients:
        known = called(trial.subject, gradients[0])
        return f"where the loss is made from the probabilities: {known} is right, so p is, too"
    if letter.startswith("dL") and forward:
        known = called(trial.subject, forward[0])
        steps = {step.name: step.look for step in trial.subject.exercise.recipe.steps}
        place = (
            steps[letter] if trial.subject.exercise.name == "softmax layer" else "at the gradient"
        )
        return f"{place}: {known} {'are' if known.endswith('ies') else 'is'} right"
    return ""


def _in_words(trial: Trial, component: Component, also: str, found: Counterexample | None) -> str:
    letter, part = component
    name = called(trial.subject, letter)
    if part == "ridge":
        name = f"what the regulariser adds to {name}"
    values = [seen.values[letter].ravel() for seen, _ in trial.seen if letter in seen.values]
    sized = [value for value in values if value.size]
    if part == "data" and len(sized) > 1 and all(np.all(v == sized[0][0]) for v in sized):
        return f"{name} is {float(sized[0][0]):.6g} on every input."
    said = _true_everywhere(trial, component, found)
    if said:
        if trial.against:
            said = said.replace("the right value", "the reference's")
            said = said.replace("is right", "is the reference's")
        return f"{also}{name} {said}."
    for probe, (seen, _) in zip(trial.probes, trial.seen, strict=True):
        if seen.raised is not None:
            return f"it raises {seen.raised} on {probe.name}."
    return f"{name} is missing on some inputs."


def _true_everywhere(trial: Trial, component: Component, found: Counterexample | None) -> str:
    """How a component differs, in words that hold on every input where it does.

    A factor is called by the letter of a size only if it is that size on all of them, and is
    said only if it is the same on all; else the words are about the example.
    """
    ways: tuple[list[str], ...] = ([], [], [])
    rows = [*_compared(trial, component), *_of_example(component, found)]
    for inputs, right, value in rows:
        if value.shape == right.shape and np.allclose(
            value, right, rtol=1e-6, atol=1e-9, equal_nan=True
        ):
            continue
        letter = component[0]
        y = inputs.get("y") if letter in ("dL_dz", "dL_dz_i", "L_i") else None
        seen, usual = (_as_laid_out(trial, letter, a, inputs) for a in (value, right))
        own = y if seen.shape == value.shape and np.array_equal(seen, value) else None
        ways[0].append(describe(seen, usual, _sizes(inputs), own))
        ways[1].append(describe(seen, usual, {}, own))
        ways[2].append(describe(seen, usual, {}, own, factors=False))
    agreed = next((way[0] for way in ways if len(way) > 1 and len(set(way)) == 1), "")
    if agreed or not ways[2]:
        return agreed
    if found is None or component[0] not in found.letters or component[1] != "data":
        return "differs"
    return f"{ways[2][-1]} in the example"


def _of_example(
    component: Component, found: Counterexample | None
) -> Iterator[tuple[Mapping[str, Any], Any, Any]]:
    """The same of the example, which has no regulariser in it where the data's part is wrong."""
    letter, part = component
    if found is None or part != "data" or letter not in found.letters or found.inputs.get("r"):
        return
    right = np.asarray(found.right[letter], dtype=np.float64)
    yield found.inputs, right, np.asarray(found.seen.values[letter], dtype=np.float64)


def _as_laid_out(trial: Trial, letter: str, value: Any, inputs: Mapping[str, Any]) -> Any:
    """A result as it lies in the learner's arrays, so that rows are the learner's rows."""
    if isinstance(trial.subject.exercise, Layer):
        return value
    return np.asarray(trial.subject.laid_out(letter, value, inputs))


def _compared(trial: Trial, component: Component) -> Iterator[tuple[Mapping[str, Any], Any, Any]]:
    """The inputs of each probe that returned a component, what is right, and what came back."""
    letter, part = component
    rows = zip(trial.probes, trial.outputs.right, trial.seen, strict=True)
    for probe, right, (without, with_r) in rows:
        seen = without if part == "data" else with_r
        if seen is None or letter not in seen.values:
            continue
        value = np.asarray(seen.values[letter], dtype=np.float64)
        if part == "ridge":
            if letter not in without.values:
                continue
            with np.errstate(all="ignore"):
                value = value - np.asarray(without.values[letter], dtype=np.float64)
        yield probe.inputs, right[component], value


def _sizes(inputs: Mapping[str, Any]) -> dict[str, int]:
    sizes = {}
    if "y" in inputs:
        sizes["N"] = int(inputs["y"].size)
    for letter in ("z", "p"):
        if letter in inputs:
            sizes["K"] = int(inputs[letter].shape[1])
    if "W" in inputs and inputs["W"].ndim == 2:
        sizes["K"], sizes["D"] = map(int, inputs["W"].shape)
    return sizes
