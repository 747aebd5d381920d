"""Explanations in the words of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.subject import Seen
from pminusy.diagnosis.catalogue.conventions import formula
from pminusy.diagnosis.catalogue.layers.recipes import LAYERS
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import probes
from pminusy.diagnosis.findings.counterexample import Smallest, smallest
from pminusy.diagnosis.findings.describe import describe
from pminusy.diagnosis.findings.first_wrong_line import first_wrong_line, layer_line
from pminusy.diagnosis.findings.purity import changed_inputs
from pminusy.diagnosis.findings.wording import number, words_of
from pminusy.diagnosis.match.matching import Explanation
from pminusy.diagnosis.match.outputs import Facet
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.content import (
    Comparison,
    DerivationLine,
    Finding,
    Fragility,
    Property,
)

__all__ = ["as_fragility", "facet_names", "faults", "of", "purity", "shown"]

_LETTERS = {
    "L": "the loss", "L_i": "each row's loss", "dL_dz": "the gradient at the scores",
    "dL_dz_i": "the gradient at the scores", "dL_dW": "the gradient of the weights",
    "dL_db": "the gradient of the bias", "dL_dX": "the gradient of the inputs",
    "dL_dW1": "the gradient of the first weights", "dL_db1": "the gradient of the first bias",
    "p": "the probabilities", "log_p": "the log-probabilities", "R": "the penalty",
    "dR_dW": "the gradient of the penalty", "after_W": "the trained weights",
    "after_W1": "the trained first weights", "out": "the output",
    "out_test": "the output in test mode",
    "dL_dgamma": "the gradient of γ", "dL_dbeta": "the gradient of β",
    "running_mean": "the running mean", "running_var": "the running variance",
}  # fmt: skip


def facet_names(trial: Trial) -> Iterator[tuple[Facet, str]]:
    """Facets of a trial and what they are called."""
    asked = {letter for letter, _ in trial.gallery.right[0]}
    for letter in (name for name in trial.subject.letters() if name in asked):
        yield (letter, "data"), f"{_LETTERS[letter]}, data"
        if trial.subject.regularised and letter not in ("p", "dL_dX"):
            yield (letter, "ridge"), f"{_LETTERS[letter]}, regulariser"


def of(trial: Trial, properties: Sequence[Property]) -> Iterator[Finding]:
    """Mistakes that were recognised, then what was not."""
    best = trial.best
    for mistake in best.mistakes:
        yield _finding(trial, mistake)
    for facet in best.open:
        yield Finding("", _unrecognised(trial, facet, recognised=bool(best.mistakes)))
    del properties


def _finding(trial: Trial, mistake: Mistake) -> Finding:
    step = trial.subject.exercise.recipe.step(mistake.step)
    right = mistake.right or formula(step.name, step.formula, trial.best.conventions)
    hints = (f"Look {step.look}.", mistake.off, f"It should be {right}.")
    where = tuple(dict.fromkeys(_LETTERS[letter] for letter, _ in trial.best.shown[mistake.id]))
    return Finding(
        mistake.called or mistake.id, mistake.sentence, mistake.step,
        mistake.wrong, right, where, hints,
        tuple(_alternatives(trial, mistake)),
    )  # fmt: skip


def _alternatives(trial: Trial, mistake: Mistake) -> Iterator[str]:
    """Sentences of other mistakes that, in this one's place, return the same numbers."""
    rest = {m.id for m in trial.best.mistakes} - {mistake.id}
    for other in trial.explanations[1:]:
        ids = {m.id for m in other.mistakes}
        if other.conventions == trial.best.conventions and len(ids - rest) == 1 and rest <= ids:
            (replacement,) = ids - rest
            if replacement != mistake.id:
                sentence = next(m.sentence for m in other.mistakes if m.id == replacement)
                if sentence != mistake.sentence:
                    yield sentence


def _unrecognised(trial: Trial, facet: Facet, recognised: bool) -> str:
    letter, part = facet
    name = f"{_LETTERS[letter]} ({'regulariser' if part == 'ridge' else 'data'} part)"
    raised = [
        (probe.name, without.raised)
        for probe, (without, _) in zip(trial.probes, trial.seen, strict=True)
        if without.raised is not None
    ]
    values = [s.values[letter].ravel() for s, _ in trial.seen if letter in s.values]
    sized = [value for value in values if value.size]
    if part == "data" and len(sized) > 1 and all(np.all(v == sized[0][0]) for v in sized):
        return f"{name} is {float(sized[0][0]):.6g} on every input."
    for i, (probe, (without, with_r)) in enumerate(zip(trial.probes, trial.seen, strict=True)):
        seen = without if part == "data" else with_r
        if seen is None or letter not in seen.values:
            continue
        right = trial.gallery.right[i][facet]
        value = np.asarray(seen.values[letter], dtype=np.float64)
        if part == "ridge":
            if letter not in without.values:
                continue
            with np.errstate(all="ignore"):
                value = value - np.asarray(without.values[letter], dtype=np.float64)
        y = probe.inputs.get("y") if letter in ("dL_dz", "dL_dz_i", "L_i") else None
        if value.shape != right.shape or not np.allclose(
            value, right, rtol=1e-6, atol=1e-9, equal_nan=True
        ):
            also = "also " if recognised else ""
            said = describe(value, right, _sizes(probe.inputs), y)
            if trial.against:
                said = said.replace("the right value", "the reference's").replace(
                    "is right", "is the reference's"
                )
            return f"{also}{name} {said}."
    if raised:
        return f"it raises {raised[0][1]} on {raised[0][0]}."
    return f"{name} is missing on some inputs."


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


# ---------------------------------------------------------------------- besides the numbers


def faults(trial: Trial) -> Iterator[Finding]:
    """Shapes that are odd, probes that raise, inputs that are changed, answers that vary."""
    for reading in trial.subject.readings:
        if reading.oddity and trial.subject.exercise.name != "epoch":
            yield _odd_shape(trial, reading.letter)
    yield from _unread(trial)
    by_rows = any("rows" in mistake.id for mistake in trial.best.mistakes)
    for probe, (without, with_r) in zip(trial.probes, trial.seen, strict=True):
        raised = without.raised or (with_r.raised if with_r is not None else None)
        if raised is not None and not (by_rows and raised.type == "IndexError"):
            yield Finding(
                "runs.sometimes", f"It raises {raised} on {probe.name}"
                f"{f' ({probe.meaning})' if probe.meaning else ''}, and runs on other inputs.",
                "shape",
            )  # fmt: skip
            break
    if trial.square and not any("not_kept" in m.id for m in trial.best.mistakes):
        yield _only_square(trial)
    yield from changed_inputs(trial)
    if not _same_twice(trial):
        yield Finding(
            "purity.varies", "The same inputs give another answer the second time.", "repeat"
        )


def _only_square(trial: Trial) -> Finding:
    """It runs on inputs two of whose sizes agree, and on no others."""
    subject = trial.subject
    ordinary = subject.call(probes(subject.given, subject.single)[0].inputs)
    raised = f": elsewhere it raises {ordinary.raised}" if ordinary.raised is not None else ""
    return Finding(
        "shape.square",
        f"It runs only where there are {trial.square}{raised}. One size stands where another "
        "belongs, or a sum lost its axis (keepdims).",
        "shape",
        hints=(
            "Look at the line that raises, and at every shape before it.",
            "Two different sizes are taken for one.",
            "It should be the shape that the line of the derivation says, whatever the sizes.",
        ),
    )


_GRADIENT_OF = {"dL_dz": "z", "dL_dW": "W", "dL_db": "b"}


def _unread(trial: Trial) -> Iterator[Finding]:
    """A result whose shape fits nothing, where a gradient is missing."""
    subject = trial.subject
    missing = [
        (letter, source)
        for letter, source in _GRADIENT_OF.items()
        if letter in subject.exercise.outputs
        and source in subject.given
        and not {letter, f"{letter}_i"} & set(subject.letters())
    ]
    if missing and subject.unread and subject.exercise.name in ("linear", "logits"):
        letter, source = missing[0]
        inputs = trial.probes[0].inputs
        expected = np.shape(subject.laid_out(source, inputs[source], inputs))
        yield Finding(
            "shape.gradient",
            f"A result of shape {subject.unread[0]} is no gradient of an argument: "
            f"{_LETTERS[letter]} has its parameter's shape, here {expected}.",
            "shape",
        )


def _odd_shape(trial: Trial, letter: str) -> Finding:
    seen = trial.seen[0][0]
    reading = next(r for r in trial.subject.readings if r.letter == letter)
    found = seen.shapes.get(letter, ())
    what = "is transposed" if reading.oddity == "transposed" else "has an axis too many or too few"
    return Finding(
        "shape.gradient",
        f"{_LETTERS[letter].capitalize()} {what} (shape {found}): a gradient has its "
        "parameter's shape.",
        "shape",
    )  # fmt: skip


def _same_twice(trial: Trial) -> bool:
    first, _ = trial.seen[0]
    again = trial.subject.call(trial.probes[0].inputs)
    return all(
        letter in again.values and np.array_equal(value, again.values[letter], equal_nan=True)
        for letter, value in first.values.items()
    )


def as_fragility(fault: Finding) -> Fragility:
    """A fault that leaves the numbers right."""
    return Fragility(fault.id, fault.sentence, fault.wrong, fault.right)


def purity(trial: Trial) -> Iterator[Property]:
    """Purity and shift invariance, as properties."""
    changed = any(without.changed for without, _ in trial.seen)
    in_place = any(letter.startswith("after_") for letter in trial.subject.letters())
    if not in_place:
        yield Property("leaves its inputs unchanged", not changed)
        readonly = trial.subject.call(trial.probes[0].inputs, readonly=True)
        ok = readonly.raised is None
        yield Property("works on read-only arrays", ok, "" if ok else str(readonly.raised))
    yield Property("same answer twice", _same_twice(trial))
    read = trial.subject.candidate.entry["globals"]
    yield Property(
        "computes from its arguments alone", not read,
        f"it reads the global {words_of([str(name) for name in read])}" if read else "",
    )  # fmt: skip
    seen = trial.seen[0][0].values
    for letter in ("dL_dz", "dL_dz_i"):
        if letter in seen:
            sums = np.abs(np.asarray(seen[letter]).sum(1)).max()
            yield Property("rows of the gradient at the scores sum to zero", bool(sums < 1e-6))
    if "p" in seen:
        sums = np.abs(np.asarray(seen["p"]).sum(1) - 1).max()
        yield Property("rows of the probabilities sum to one", bool(sums < 1e-6))


# ------------------------------------------------------------------- the smallest such input


@dataclass(frozen=True)
class Shown:
    """Smallest inputs that show the difference; results and the first wrong line on them."""

    smallest: tuple[tuple[str, str], ...] = ()
    compared: tuple[Comparison, ...] = ()
    line: DerivationLine | None = None


def shown(trial: Trial) -> Shown:
    """Look for such inputs, and compare on them."""
    found = smallest(trial, lambda inputs, seen: _explains(trial, inputs, seen))
    if found is None:
        return Shown()
    inputs = tuple(
        (
            trial.subject.parameter(letter),
            _written(trial.subject.laid_out(letter, value, found.inputs)),
        )
        for letter, value in found.inputs.items()
    )
    line = _broken_line(trial, found)
    compared = {(c.formula, c.yours): c for c in reversed(list(_compared(trial, found)))}
    return Shown(inputs, tuple(reversed(compared.values())), line)


def _broken_line(trial: Trial, found: Smallest) -> DerivationLine | None:
    """The derivation's own line: of the first mistake, or of the first result that differs."""
    exercise = trial.subject.exercise.name
    first = next(iter(trial.best.mistakes), None)
    step = first.step if first is not None else found.letters[0] if exercise in LAYERS else ""
    if trial.against:
        return None
    line = layer_line(exercise, step, found.inputs) if step else None
    if line is None and first is not None and exercise not in LAYERS:
        line = first_wrong_line(first, found.right)
    return line


def _written(value: Any) -> str:
    """An input as it can be typed into Python."""
    array = np.asarray(value).round(6)
    if array.ndim > 2:
        flat = array.reshape(-1, array.shape[-1]) if array.size > array.shape[-1] else array.ravel()
        return f"np.reshape({flat.tolist()}, {array.shape})"
    return str(array.tolist())


def _explains(trial: Trial, inputs: Mapping[str, Any], seen: Seen) -> bool:
    made = _record(trial, inputs, trial.best)
    if made is None:
        return False
    return all(
        made.get(letter) is not None
        and np.shape(made[letter]) == value.shape
        and np.allclose(
            value, np.asarray(made[letter], float), rtol=1e-4, atol=1e-7, equal_nan=True
        )
        for letter, value in seen.values.items()
    )


def _record(
    trial: Trial, inputs: Mapping[str, Any], explanation: Explanation
) -> Mapping[str, Any] | None:
    return trial.gallery.run(inputs, explanation.mistakes, float(inputs.get("r", 0.0)))


def _compared(trial: Trial, found: Smallest) -> Iterator[Comparison]:
    first = next(iter(trial.best.mistakes), None)
    if first is not None:
        made = _record(trial, found.inputs, trial.best)
        step = trial.subject.exercise.recipe.step(first.step)
        known = first.step in found.right  # a reference shows its results alone
        if made is not None and known and _numeric(made.get(first.step)):
            usual = formula(step.name, step.formula, trial.best.conventions)
            yield Comparison(
                first.step, first.right or usual,
                _number(trial, found, first.step, made[first.step]),
                _number(trial, found, first.step, found.right[first.step]),
                inferred=first.step not in found.seen.values,
            )  # fmt: skip
    for letter in found.letters:
        if first is None or letter != first.step:
            yield Comparison(
                letter, _formula_of(trial, letter),
                _number(trial, found, letter, found.seen.values[letter]),
                _number(trial, found, letter, found.right[letter]),
            )  # fmt: skip


def _number(trial: Trial, found: Smallest, letter: str, value: Any) -> str:
    return number(trial.subject.laid_out(letter, value, found.inputs))


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float | np.ndarray | np.generic)


def _formula_of(trial: Trial, letter: str) -> str:
    if trial.against == "numbers":
        return _LETTERS[letter]
    steps = {step.name: step.formula for step in trial.subject.exercise.recipe.steps}
    if letter not in steps:
        return _LETTERS.get(letter, letter)
    said = formula(letter, steps[letter], trial.best.conventions)
    if trial.subject.regularised:
        return said
    return said.replace(" + R", "").replace(" + 2 r W", "").replace(" + r W", "")
