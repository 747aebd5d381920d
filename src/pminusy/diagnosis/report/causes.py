"""What many of a class have in common, in words that are nobody's own, and the way out of it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pminusy.diagnosis.report.verdict import Verdict
from pminusy.diagnosis.run.limits import LARGEST_NOTEBOOK, LARGEST_SOURCE

__all__ = ["cause_of", "in_common", "of_mistake", "way_out"]

_MOST_NAMES, _FEW = 6, 3
_MB = 1024**2


@dataclass(frozen=True, slots=True)
class _Cause:
    """What those have in common that were not judged for one reason, and the way out.

    `{names}` stands for what they concern, the most frequent first; `{few}` for the first of them.
    """

    sentence: str
    way_out: str = ""


_CAUSES = {
    "starter": _Cause(
        "Not begun: the starter as it was, or nothing yet.",
    ),
    "absent": _Cause(
        "There is no function of the name that was asked for: {names}.",
        "If it is called otherwise there, name that too: --function, or functions under [exercise] "
        "in the rubric, where patterns (softmax_*) count as well.",
    ),
    "no exercise": _Cause(
        "No function is an exercise I know. They have: {names}.",
        "If some are the exercise, name them: --function {few}, or functions under [exercise] in "
        "the rubric; --reference makes a function of yours the standard.",
    ),
    "syntax": _Cause(
        "The file is not Python.",
        "Each report has the line and Python's own words.",
    ),
    "python2": _Cause(
        "The file is Python 2.",
        "Prints, xrange and the like are translated; these need more than that. Each report has "
        "the line.",
    ),
    "notebook": _Cause(
        "The file is named .ipynb and is no notebook.",
        "It may be a web page saved under that name, or a download that was cut off.",
    ),
    "time": _Cause(
        "No answer came within the time limit.",
        "--seconds allows more; a loop that never ends stays one.",
    ),
    "ended": _Cause(
        "The process ended, by its own hand or by a limit.",
        "It called exit, crashed, or took more memory than it may; each report says how.",
    ),
    "module": _Cause(
        "A module is missing: {names}.",
        "Files of the course can lie in the folder of each submission. Of other packages there are "
        "NumPy and SciPy alone.",
    ),
    "name": _Cause(
        "A name is used that is neither an argument nor defined: {names}.",
        "Where it is a variable of the notebook it has to become an argument.",
    ),
    "undefined": _Cause(
        "Something that is needed could not be defined.",
        "Each report has the first line that failed.",
    ),
    "raises": _Cause(
        "The function raises when it is called: {names}.",
        "Each report has the line. Where many raise alike, the arguments may be meant otherwise "
        "than they were taken: --reference makes a function of yours the standard.",
    ),
    "unread": _Cause(
        "The submission was not read.",
        f"Links, files above {LARGEST_SOURCE // _MB} MB, notebooks above {LARGEST_NOTEBOOK // _MB} "
        "MB and what is no plain file are left alone.",
    ),
    "checker": _Cause("The checker itself failed.", "Please report it, with the submission."),
}
# Mistakes whose sentence names a line, a shape or a variable of the learner.
_MISTAKES = {
    "absent.output": "A result that the exercise asks for does not come, or is something else.",
    "purity.inputs_changed": "It changes its arguments in place.",
    "purity.trains_inside": "It trains inside the loss.",
    "purity.weights_changed": "It changes the weights: a second name of one array is no copy.",
    "runs.short_batch": "It runs only where the batch size divides the number of samples.",
    "runs.sometimes": "It raises on some inputs, and runs on others.",
    "shape.gradient": "A gradient does not have its parameter's shape.",
    "shape.square": "It runs only where two sizes agree: one stands where the other belongs, or a "
    "sum lost its axis.",
}
_UNTOLD = {
    "unfinished": "Unfinished.",
    "does not run": "It does not run.",
    "unknown": "No exercise I know.",
}


def cause_of(verdict: Verdict) -> str:
    """The name of the reason why a function was not judged; empty if it was."""
    if verdict.status not in _UNTOLD:
        return ""
    return f"{verdict.status}: {verdict.cause or 'other'}"


def of_mistake(name: str, sentences: Sequence[str]) -> str:
    """One sentence about a mistake that several made: what is the same in those on each."""
    if name in _MISTAKES:
        return _MISTAKES[name]
    clauses = [re.split(r"(?<=[.:;]) ", sentence) for sentence in sentences]
    same = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*clauses, strict=False))
    shared = " ".join(parts[0] for parts in same).rstrip(".:;")
    return f"{shared or f'Wrong: {name}'}."


def in_common(verdicts: Sequence[Verdict]) -> str:
    """One sentence about all that were not judged for one reason; nobody's own line is in it."""
    first = verdicts[0]
    cause = _CAUSES.get(first.cause)
    return _filled(cause.sentence, verdicts) if cause is not None else _UNTOLD[first.status]


def way_out(verdicts: Sequence[Verdict]) -> str:
    """What a teacher can do about them."""
    cause = _CAUSES.get(verdicts[0].cause)
    return _filled(cause.way_out, verdicts) if cause is not None else ""


def _filled(sentence: str, verdicts: Sequence[Verdict]) -> str:
    counts = Counter(name for verdict in verdicts for name in dict.fromkeys(verdict.concerns))
    few = ",".join(name for name, _ in counts.most_common(_FEW)) or "NAME"
    several = len(verdicts) > 1
    names = [f"{n} ({count})" if several else n for n, count in counts.most_common(_MOST_NAMES)]
    more = [f"{len(counts) - _MOST_NAMES} more"] if len(counts) > _MOST_NAMES else []
    return sentence.format(names=", ".join([*names, *more]) or "none at all", few=few)
