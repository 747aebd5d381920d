"""Which function of a pair a fault is in: the forward pass, or the backward pass beside it."""

from __future__ import annotations

from pminusy.diagnosis.bind.signatures import Entry
from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.match.trial import Trial

__all__ = ["full_name", "line_of", "spared", "wrong_entry"]

_OF_RESULTS = ("shape.gradient", "absent.output")  # faults of what is returned
_BACKWARD_STEPS = ("dL_", "dD_", "dR_")


def wrong_entry(trial: Trial) -> Entry:
    """What the inventory says of the function whose results are wrong.

    It is the backward pass where everything that is wrong is a gradient which that one returns.
    """
    subject, best = trial.subject, trial.best
    wrong = {letter for components in best.where.values() for letter, _ in components}
    wrong |= {letter for letter, _ in best.unexplained}
    wrong |= {result.letter for result in subject.results if result.oddity}
    absent = {letter for letter, _ in subject.absent}
    elsewhere = any(fault.id not in _OF_RESULTS for fault in trial.faults)
    only = wrong <= _of_backward(subject) and all(letter.startswith("dL_") for letter in absent)
    found = subject.backward is not None and bool(wrong or absent) and only and not elsewhere
    return subject.backward if subject.backward is not None and found else subject.entry


def _of_backward(subject: Subject) -> set[str]:
    """Letters of the gradients that come from the backward pass, not from the forward pass."""
    if subject.backward is None or not subject.results:
        return set()
    forward = subject.results[0].path[0]
    return {
        result.letter
        for result in subject.results
        if result.letter.startswith("dL_") and result.path[0] != forward
    }


def spared(trial: Trial) -> str:
    """What is said of the other function of a pair, where all that is wrong is in one of them."""
    subject, best = trial.subject, trial.best
    if subject.backward is None:
        return ""
    if wrong_entry(trial) is subject.backward:
        certain = best.mistakes and all(m.step.startswith(_BACKWARD_STEPS) for m in best.mistakes)
        kept = "" if certain else " What it keeps for the backward pass is not seen."
        return f"{full_name(subject.entry)} returns what is right.{kept}"
    changed = [step for mistake in best.mistakes for step in mistake.changes]
    forward = changed and not any(step.startswith(_BACKWARD_STEPS) for step in changed)
    if not forward or best.unexplained or trial.faults or not _of_backward(subject):
        return ""
    return f"{full_name(subject.backward)} has no mistake of its own: it goes on from these values."


def full_name(entry: Entry) -> str:
    """`function` or `Class.method`."""
    return f"{entry['owner']}.{entry['name']}" if entry["owner"] else str(entry["name"])


def line_of(entry: Entry) -> int:
    """The line of the file its definition begins on; 0 in a notebook, and where it is not known."""
    return 0 if entry["unit"] else int(entry.get("line", 0))
