"""One binding of a submission, run on every probe, and what explains what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Seen, Subject
from pminusy.diagnosis.catalogue.conventions import Conventions, allowed
from pminusy.diagnosis.catalogue.exercise import Layer
from pminusy.diagnosis.catalogue.probes import STRENGTH, Probe
from pminusy.diagnosis.match.explanation import Explanation, explain, explained_as_right
from pminusy.diagnosis.match.faults import faults
from pminusy.diagnosis.match.outputs import TOLERANCE, Component, MistakeOutputs, outputs_of
from pminusy.diagnosis.match.own_gradient import CONSISTENT, gradient_error
from pminusy.diagnosis.match.trial import Trial

__all__ = ["is_right", "try_out"]

_SINGLE_TOLERANCE = 2e-4


def try_out(
    subject: Subject,
    pins: Mapping[str, Any],
    square: str = "",
    reference: MistakeOutputs | None = None,
) -> Trial:
    """Run a binding on every probe and explain the results.

    Parameters
    ----------
    subject
        The function, bound.
    pins
        Conventions that are required.
    square
        Sizes that are to agree on the probes.
    reference
        What to compare with in place of the specification: a teacher's own function.
    """
    outputs = [reference] if reference is not None else _outputs(subject, pins, square)
    seen = [_on_probe(subject, probe) for probe in outputs[0].probes]
    single = _in_single_precision(subject, seen)
    components = _components(subject, seen)
    if reference is not None:  # what the reference does not return is not asked for
        components = {c: values for c, values in components.items() if c in reference.right[0]}
    explanations = explain(components, outputs, _SINGLE_TOLERANCE if single else TOLERANCE)
    best = next(one for one in outputs if one.conventions == explanations[0].conventions)
    against = "" if reference is None else "named" if reference.mistakes else "numbers"
    again = call(subject, outputs[0].probes[0].inputs)
    if subject.numbers not in ("arrays", "tensors"):
        explanations = [_with_own_derivative(subject, one) for one in explanations]
    trial = Trial(subject, best, seen, again, explanations, single, square, against)
    return replace(trial, faults=tuple(faults(trial)))


def _with_own_derivative(subject: Subject, explanation: Explanation) -> Explanation:
    """What an engine derives from a wrong loss needs no explanation: it is that loss's gradient."""
    gradient = ("dL_dz", "data")
    mistakes = tuple(m for m in explanation.mistakes if not m.step.startswith("dL_d"))
    if len(mistakes) < len(explanation.mistakes):  # nobody wrote the gradient down
        open_ones = (*explanation.unexplained, gradient)
        explanation = replace(explanation, mistakes=mistakes, unexplained=open_ones)
    error = gradient_error(subject) if mistakes and gradient in explanation.unexplained else None
    if error is None or not error < CONSISTENT:
        return explanation
    rest = tuple(one for one in explanation.unexplained if one != gradient)
    return replace(explanation, unexplained=rest)


def is_right(subject: Subject, pins: Mapping[str, Any]) -> bool:
    """Whether a binding is right on every probe: told without looking for mistakes."""
    outputs = _outputs(subject, pins, "")
    first, *rest = outputs[0].probes
    seen = [_on_probe(subject, first)]
    unseen: list[tuple[Seen, Seen | None]] = [(Seen(), None)] * len(rest)
    if not _all_right(subject, [*seen, *unseen], outputs):  # one probe tells most of them apart
        return False
    return _all_right(subject, seen + [_on_probe(subject, probe) for probe in rest], outputs)


def _all_right(
    subject: Subject,
    seen: Sequence[tuple[Seen, Seen | None]],
    outputs: Sequence[MistakeOutputs],
) -> bool:
    tolerance = _SINGLE_TOLERANCE if _in_single_precision(subject, seen) else TOLERANCE
    return explained_as_right(_components(subject, seen), outputs, tolerance) is not None


def _outputs(subject: Subject, pins: Mapping[str, Any], square: str) -> list[MistakeOutputs]:
    per_row = "L_i" in subject.letters()
    conventions = allowed(
        pins, subject.regularised, averaged=not per_row, biased="b" in subject.given
    )
    if isinstance(subject.exercise, Layer):
        conventions = [Conventions()]
    elif per_row:
        kinds: tuple[str, ...] = ("none", "none, mean") if subject.gradients else ("none",)
        if "reduction" in pins and subject.gradients:
            kinds = ("none, mean",) if pins["reduction"] == "mean" else ("none",)
        conventions = [replace(one, reduction=kind) for kind in kinds for one in conventions]
    elif subject.exercise.name in ("epoch", "network_epoch"):
        conventions = [replace(one, reduction="mean") for one in conventions]
    elif {"cw", "sw", "ignore"} & {*subject.given}:
        kinds = ("weighted", "mean", "sum")
        conventions = [
            replace(conventions[0], reduction=kind)
            for kind in kinds
            if pins.get("reduction") in (None, "mean" if kind == "weighted" else kind)
        ]
    given = tuple(sorted(subject.given))  # every order of the arguments shares what is right
    return [
        outputs_of(subject.exercise.name, given, subject.single, one, square)
        for one in dict.fromkeys(conventions)
    ]


def _on_probe(subject: Subject, probe: Probe) -> tuple[Seen, Seen | None]:
    without = call(subject, probe.inputs)
    if not subject.regularised:
        return without, None
    return without, call(subject, {**probe.inputs, "r": STRENGTH})


def _components(
    subject: Subject, seen: Sequence[tuple[Seen, Seen | None]]
) -> dict[Component, tuple[Any, ...]]:
    components: dict[Component, tuple[Any, ...]] = {}
    for letter in subject.letters():
        values = [_float(without.values.get(letter)) for without, _ in seen]
        components[letter, "data"] = tuple(values)
        if subject.regularised and letter not in ("p", "dL_dX"):
            with np.errstate(all="ignore"):
                components[letter, "ridge"] = tuple(
                    None
                    if with_r is None or value is None or letter not in with_r.values
                    else _float(with_r.values[letter]) - value
                    for value, (_, with_r) in zip(values, seen, strict=True)
                )
    return components


def _float(value: Any) -> Any:
    return None if value is None else np.asarray(value, dtype=np.float64)


def _in_single_precision(subject: Subject, seen: Sequence[tuple[Seen, Seen | None]]) -> bool:
    """Whether every number returned is a float32, or the source says it computes in float32."""
    words = {*subject.entry["names"], *subject.entry["attributes"]}
    if words & {"float32", "single", "float16", "half"}:
        return True
    calls = [one for pair in seen for one in pair if one is not None]
    values = [np.ravel(v) for one in calls for v in one.values.values()]
    if not values:
        return False
    with np.errstate(all="ignore"):
        flat = np.concatenate(values).astype(np.float64)
        telling = flat[np.isfinite(flat) & (flat != np.round(flat))]
        return bool(telling.size and np.all(telling.astype(np.float32) == telling))
