"""Right formulas that overflow or underflow: the cause, and the smallest such input.

Every way to shift and every way to take the logarithm is run on the same extreme scores; the one
that returns the very same numbers (inf and NaN included) is the mechanism.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.call import call
from pminusy.diagnosis.bind.subject import Seen, Subject
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.mistakes import loss, softmax
from pminusy.diagnosis.catalogue.probes import Probe, extremes, with_scores
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Fragility, Property
from pminusy.diagnosis.report.wording import number, vector

__all__ = ["stability"]

_RELATIVE = {"float32": 2e-3, "float64": 1e-6}
_VISIBLE = 1e-2  # an error of the smallest such input should be seen at a glance
_EXPLICIT = Mistake(
    "", "L_i",
    lambda t: np.log(t["s"][:, 0]) + t["m"][:, 0] - t["z"][np.arange(t["y"].size), t["y"]],
    "", "", "",
)  # fmt: skip


@dataclass(frozen=True)
class _Extreme:
    """One extreme input: what came back, what is right there, and whether they agree."""

    probe: Probe
    seen: Seen
    right: Mapping[str, Any]
    holds: bool


def stability(trial: Trial) -> tuple[list[Property], list[Fragility]]:
    """Properties of extreme scores, and what breaks the submission there."""
    subject = trial.subject
    if not {"z", "X", "X0"} & {*subject.given}:
        return [], []  # they have no scores
    tolerance = _RELATIVE["float32"] if trial.single_precision else 0.0
    extreme = [
        _extreme(trial, probe, tolerance) for probe in extremes(subject.given, subject.single)
    ]
    properties = [
        Property(f"stable: {one.probe.name}", one.holds, "" if one.holds else _detail(trial, one))
        for one in extreme
    ]
    broken = [one for one in extreme if not one.holds]
    return properties, list(_fragilities(trial, extreme)) if broken else []


def _extreme(trial: Trial, probe: Probe, tolerance: float = 0.0) -> _Extreme:
    seen, right = call(trial.subject, probe.inputs), trial.right(probe.inputs)
    letters = trial.subject.letters()
    if right is None or any(not np.isfinite(right[letter]).all() for letter in letters):
        return _Extreme(probe, seen, right or {}, True)  # nothing to compare with
    holds = seen.raised is None and all(
        letter in seen.values
        and _close(seen.values[letter], right[letter], tolerance or _relative(probe))
        for letter in letters
    )
    return _Extreme(probe, seen, right, holds)


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


def _called(trial: Trial, letter: str) -> str:
    """A letter; of trained weights the learner's own name for them."""
    if not letter.startswith("after_"):
        return letter
    return f"{trial.subject.parameter(letter.removeprefix('after_'))} afterwards"


def _detail(trial: Trial, one: _Extreme) -> str:
    if one.seen.raised is not None:
        return f"raises {one.seen.raised}"
    pairs = []
    for letter, value in one.seen.values.items():
        bad = np.isnan(value).any(), np.isinf(value).any()
        word = "nan" if bad[0] else "inf" if bad[1] else "a wrong value"
        if not _close(value, one.right[letter], _relative(one.probe)):
            pairs.append(f"{_called(trial, letter)} is {word}")
    return ", ".join(pairs) or "a result is missing"


def _fragilities(trial: Trial, extreme: Sequence[_Extreme]) -> Iterator[Fragility]:
    mechanisms = _mechanisms(trial, extreme) if trial.outputs.mistakes else ()
    if not mechanisms:
        yield _unnamed(trial, extreme)
    for mechanism in mechanisms:
        smallest, returns, correct = _smallest(trial, _family(mechanism.id))
        yield Fragility(
            mechanism.id, mechanism.sentence, mechanism.wrong,
            mechanism.right or trial.subject.exercise.recipe.step(mechanism.step).formula,
            smallest, returns, correct,
        )  # fmt: skip


def _mechanisms(trial: Trial, extreme: Sequence[_Extreme]) -> tuple[Mistake, ...]:
    """The fewest causes that together return what was returned, letter by letter."""
    shifts: list[Mistake | None] = [None, *softmax.FRAGILE]
    guards, near = _guards(trial)
    found: list[list[tuple[Mistake, ...]]] = []
    for letter in trial.subject.letters():
        logs = [_EXPLICIT, *guards, *loss.FRAGILE] if letter in ("L", "L_i") else [_EXPLICIT]
        fitting = [
            tuple(m for m in (shift, log) if m is not None and m.id)
            for shift, log in itertools.product(shifts, logs)
            if _reproduces(trial, [*near, *extreme], letter, shift, log)
        ]
        if not fitting:
            return ()
        found.append(fitting)
    unions = ({m.id: m for part in choice for m in part} for choice in itertools.product(*found))
    best = min(unions, key=len)
    return tuple(best.values())


_SURE = 800.0  # e^−800 is 0: what is returned there is the guard's logarithm alone


def _guards(trial: Trial) -> tuple[list[Mistake], list[_Extreme]]:
    """Guards before the logarithm of the size that is returned, and a probability as small as it.

    There −ln(p + ε) is ln 2 less than −ln max(p, ε); where p is 0 or large they are the same.
    """
    letter = next((name for name in ("L", "L_i") if name in trial.subject.letters()), "")
    if not letter:
        return [], []
    value = call(trial.subject, _inputs(trial.subject, np.array([[-_SURE, 0.0]]))).values.get(
        letter
    )
    if value is None or not 0 < float(np.ravel(value)[0]) < _SURE - 60:
        return [], []
    logarithm = -float(np.ravel(value)[0])
    probe = Probe(
        "a probability as small as the guard", _inputs(trial.subject, np.array([[logarithm, 0.0]]))
    )
    return loss.guards(float(np.exp(logarithm))), [_extreme(trial, probe)]


def _reproduces(
    trial: Trial,
    extreme: Sequence[_Extreme],
    letter: str,
    shift: Mistake | None,
    log: Mistake,
) -> bool:
    mistakes = [m for m in (shift, log) if m is not None]
    for one in extreme:
        if one.seen.raised is not None or letter not in one.seen.values:
            return False
        record = trial.outputs.run(one.probe.inputs, mistakes, 0.0)
        if record is None:
            return False
        seen, made = one.seen.values[letter], np.asarray(record[letter], dtype=np.float64)
        if not _alike(np.asarray(seen, dtype=np.float64), made, 4 * _relative(one.probe)):
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
    trial: Trial, family: Callable[[float], Any], dtype: Any = np.float64
) -> tuple[str, str, str]:
    """By bisection, the smallest whole number that breaks it, and what is returned there."""
    subject = trial.subject

    def at(a: float) -> _Extreme:
        return _extreme(trial, Probe("", _inputs(subject, family(a).astype(dtype))), _VISIBLE)

    low, high = 0, 4000
    if at(high).holds:
        return "", "", ""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle).holds else (low, middle)
    last = at(high)
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
    name = _called(trial, letter)
    returns = f"raises {last.seen.raised}" if got is None else f"{name} = {_in_line(got)}"
    return f"z = {rows}{labels}", returns, f"{name} = {_in_line(last.right[letter])}"


def _in_line(value: Any) -> str:
    return number(value).replace("\n", ", ")


def _inputs(subject: Subject, z: Any) -> dict[str, Any]:
    return with_scores(z, np.zeros(len(z), dtype=int), subject.given)


def _unnamed(trial: Trial, extreme: Sequence[_Extreme]) -> Fragility:
    broken = next(one for one in extreme if not one.holds)
    families: list[Callable[[float], Any]] = [
        _family("shift.missing"), _family("log."), _family("shift.absolute"),
        _family("shift.whole_batch"),
    ]  # fmt: skip
    shown = next((found for f in families if (found := _smallest(trial, f))[0]), ("", "", ""))
    return Fragility(
        "",
        f"It breaks on {broken.probe.name} ({_detail(trial, broken)}); "
        "the mechanism is not recognised.",
        "", "", *shown,
    )  # fmt: skip
