"""Right formulas that leave the range of floating point: what breaks, and the smallest such input.

Every way to shift and every way to take the logarithm is run on the same extreme scores; the one
that returns the very same numbers (inf and NaN included) is the mechanism.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.conventions import Conventions
from pminusy.diagnosis.mistakes import loss, softmax
from pminusy.diagnosis.mistakes.mistake import Mistake
from pminusy.diagnosis.probes import Probe, extremes
from pminusy.diagnosis.subject import Seen, Subject
from pminusy.diagnosis.verdict import Fragility, Property
from pminusy.diagnosis.wording import number, vector

__all__ = ["stability"]

_RELATIVE = {"float32": 2e-3, "float64": 1e-6}
_VISIBLE = 1e-2  # an error of the smallest such input should be seen at a glance
_EXPLICIT = Mistake(
    "", "L_i",
    lambda t: np.log(t["s"][:, 0]) + t["m"][:, 0] - t["z"][np.arange(t["y"].size), t["y"]],
    "", "", "",
)  # fmt: skip


@dataclass(frozen=True)
class _Trial:
    probe: Probe
    seen: Seen
    right: Mapping[str, Any]
    holds: bool


def stability(
    subject: Subject, conventions: Conventions, single_precision: bool = False
) -> tuple[list[Property], list[Fragility]]:
    """Properties of extreme scores, and what breaks the submission there."""
    if subject.exercise.name not in ("linear", "logits", "softmax", "log_softmax"):
        return [], []
    tolerance = _RELATIVE["float32"] if single_precision else 0.0
    trials = [
        _trial(subject, conventions, probe, tolerance)
        for probe in extremes(subject.given, subject.single)
    ]
    properties = [
        Property(f"stable: {trial.probe.name}", trial.holds, "" if trial.holds else _detail(trial))
        for trial in trials
    ]
    broken = [trial for trial in trials if not trial.holds]
    return properties, list(_fragilities(subject, conventions, trials)) if broken else []


def _trial(
    subject: Subject, conventions: Conventions, probe: Probe, tolerance: float = 0.0
) -> _Trial:
    seen = subject.call(probe.inputs)
    right = subject.exercise.truth({**conventions.letters, "r": 0.0, **probe.inputs})
    holds = seen.raised is None and all(
        letter in seen.values
        and _close(seen.values[letter], right[letter], tolerance or _relative(probe))
        for letter in subject.letters()
    )
    return _Trial(probe, seen, right, holds)


def _relative(probe: Probe) -> float:
    letter = "z" if "z" in probe.inputs else "W"
    return _RELATIVE[str(probe.inputs[letter].dtype)]


def _close(seen: Any, right: Any, tolerance: float) -> bool:
    seen, right = np.asarray(seen, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if seen.shape != right.shape:
        return False
    scale = np.abs(right[np.isfinite(right)]).max(initial=0.0)
    with np.errstate(all="ignore"):
        return bool(np.all((np.abs(seen - right) <= tolerance * max(scale, 1.0)) | (seen == right)))


def _detail(trial: _Trial) -> str:
    if trial.seen.raised is not None:
        return f"raises {trial.seen.raised}"
    pairs = []
    for letter, value in trial.seen.values.items():
        bad = np.isnan(value).any(), np.isinf(value).any()
        word = "nan" if bad[0] else "inf" if bad[1] else "a wrong value"
        if not _close(value, trial.right[letter], _relative(trial.probe)):
            pairs.append(f"{letter} is {word}")
    return ", ".join(pairs) or "a result is missing"


def _fragilities(
    subject: Subject, conventions: Conventions, trials: Sequence[_Trial]
) -> Iterator[Fragility]:
    mechanisms = _mechanisms(subject, conventions, trials)
    if not mechanisms:
        yield _unnamed(subject, conventions, trials)
    for mechanism in mechanisms:
        smallest, returns, correct = _smallest(subject, conventions, _family(mechanism.id))
        yield Fragility(
            mechanism.id, mechanism.sentence, mechanism.wrong,
            mechanism.right or subject.exercise.recipe.step(mechanism.step).formula,
            smallest, returns, correct,
        )  # fmt: skip


def _mechanisms(
    subject: Subject, conventions: Conventions, trials: Sequence[_Trial]
) -> tuple[Mistake, ...]:
    """The fewest causes that together return what was returned, letter by letter."""
    shifts: list[Mistake | None] = [None, *softmax.FRAGILE]
    found: list[list[tuple[Mistake, ...]]] = []
    for letter in subject.letters():
        logs = [_EXPLICIT, *loss.FRAGILE] if letter in ("L", "L_i") else [_EXPLICIT]
        fitting = [
            tuple(m for m in (shift, log) if m is not None and m.id)
            for shift, log in itertools.product(shifts, logs)
            if _reproduces(subject, conventions, trials, letter, shift, log)
        ]
        if not fitting:
            return ()
        found.append(fitting)
    unions = ({m.id: m for part in choice for m in part} for choice in itertools.product(*found))
    best = min(unions, key=len)
    return tuple(best.values())


def _reproduces(
    subject: Subject,
    conventions: Conventions,
    trials: Sequence[_Trial],
    letter: str,
    shift: Mistake | None,
    log: Mistake,
) -> bool:
    changes = {m.step: m.change for m in (shift, log) if m is not None}
    for trial in trials:
        if trial.seen.raised is not None or letter not in trial.seen.values:
            return False
        inputs = {**conventions.letters, "r": 0.0, **trial.probe.inputs}
        record = subject.exercise.recipe.run(inputs, changes)
        seen, made = trial.seen.values[letter], np.asarray(record[letter], dtype=np.float64)
        if not _alike(np.asarray(seen, dtype=np.float64), made, 4 * _relative(trial.probe)):
            return False
    return True


def _alike(seen: Any, made: Any, tolerance: float) -> bool:
    """Close, or not a number in the same way: nan and inf come and go with the order of sums."""
    if seen.shape != made.shape:
        return False
    lost_seen, lost_made = ~np.isfinite(seen), ~np.isfinite(made)
    if lost_seen.any() or lost_made.any():
        return bool((lost_seen == lost_made).all())
    return _close(seen, made, tolerance)


def _family(mechanism: str) -> Callable[[float], Any]:
    if mechanism == "shift.whole_batch":
        return lambda a: np.array([[0.0, 0.0], [-a, -a]])
    if mechanism.startswith("log."):
        return lambda a: np.array([[0.0, a]])
    if mechanism == "shift.absolute":
        return lambda a: np.array([[-a, -a]])
    return lambda a: np.array([[a, 0.0]])


def _smallest(
    subject: Subject,
    conventions: Conventions,
    family: Callable[[float], Any],
    dtype: Any = np.float64,
) -> tuple[str, str, str]:
    """By bisection, the smallest whole number that breaks it, and what is returned there."""

    def trial(a: float) -> _Trial:
        z = family(a).astype(dtype)
        return _trial(subject, conventions, Probe("", _inputs(subject, z)), _VISIBLE)

    low, high = 0, 4000
    if trial(high).holds:
        return "", "", ""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if trial(middle).holds else (low, middle)
    last = trial(high)
    letter = next(
        (
            name
            for name, value in last.seen.values.items()
            if not _close(value, last.right[name], _VISIBLE)
        ),
        subject.letters()[0],
    )
    rows = " and ".join(vector(row) for row in family(high))
    labels = f", y = {', '.join('0' * family(high).shape[0])}" if "y" in subject.given else ""
    got = last.seen.values.get(letter)
    returns = f"raises {last.seen.raised}" if got is None else f"{letter} = {number(got)}"
    return f"z = {rows}{labels}", returns, f"{letter} = {number(last.right[letter])}"


def _inputs(subject: Subject, z: Any) -> dict[str, Any]:
    N, K = z.shape
    values = {
        "z": z, "y": np.zeros(N, dtype=int), "X": np.eye(N), "W": z.T.copy(), "b": np.zeros(K),
        "r": 0.0,
    }  # fmt: skip
    return {name: values[name] for name in subject.given if name in values}


def _unnamed(subject: Subject, conventions: Conventions, trials: Sequence[_Trial]) -> Fragility:
    broken = next(trial for trial in trials if not trial.holds)
    families: list[Callable[[float], Any]] = [
        _family("shift.missing"), _family("log."), _family("shift.absolute"),
        _family("shift.whole_batch"),
    ]  # fmt: skip
    shown = next(
        (found for f in families if (found := _smallest(subject, conventions, f))[0]), ("", "", "")
    )
    return Fragility(
        "",
        f"It breaks on {broken.probe.name} ({_detail(broken)}); the mechanism is not recognised.",
        "", "", *shown,
    )  # fmt: skip
