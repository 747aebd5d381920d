"""Points by a teacher's rubric, a small TOML file.

points = 10                    # for a correct submission
fragile = 8
[mistakes]                     # what each costs
"ridge.*" = 2
"softmax.axis" = 4
other = 5                      # any other mistake
[exercise]
functions = ["softmax_loss*"]  # what is checked; left out, it is found
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pminusy.diagnosis.report.verdict import Verdict
from pminusy.errors import InputError

__all__ = ["Rubric", "read_rubric"]

_KEYS = ("points", "fragile", "mistakes", "unfinished", "does_not_run", "unknown", "exercise")


@dataclass(frozen=True, slots=True)
class Rubric:
    """Points of a correct and of a fragile submission, what each mistake costs, what is checked."""

    points: float = 1.0
    fragile: float | None = None
    unfinished: float = 0.0
    does_not_run: float = 0.0
    unknown: float = 0.0
    mistakes: Mapping[str, float] = field(default_factory=dict)
    functions: tuple[str, ...] = ()

    def of(self, verdict: Verdict) -> float:
        """Points of a verdict, never below 0."""
        if verdict.status == "correct":
            return self.points
        if verdict.status == "fragile":
            return self.points if self.fragile is None else self.fragile
        if verdict.status == "unfinished":
            return self.unfinished
        if verdict.status == "does not run":
            return self.does_not_run
        if verdict.status == "unknown":
            return self.unknown
        cost = sum(self._cost(finding.id) for finding in verdict.findings)
        return max(self.points - cost, 0.0)

    def _cost(self, mistake: str) -> float:
        for pattern, cost in self.mistakes.items():
            if pattern != "other" and fnmatch.fnmatchcase(mistake, pattern):
                return cost
        return self.mistakes.get("other", self.points)


def read_rubric(path: Path) -> Rubric:
    """Read a rubric.

    Raises
    ------
    InputError
        No such file, not TOML, an unknown key, or points that are no numbers.
    """
    what = f"rubric {path.name!r}"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(what, "a file that can be read", error.strerror or "none") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(what, "a TOML file", str(error)) from None
    unknown = sorted(set(data) - set(_KEYS))
    if unknown:
        raise InputError(what, f"keys among {', '.join(_KEYS)}", ", ".join(map(repr, unknown)))
    costs = data.pop("mistakes", {})
    if not isinstance(costs, dict):
        raise InputError(what, "a table [mistakes]", repr(costs))
    exercise = data.pop("exercise", {})
    return Rubric(
        functions=_functions(what, exercise),
        **{name: _number(what, name, value) for name, value in data.items()},
        mistakes={name: _number(what, name, value) for name, value in costs.items()},
    )


def _functions(what: str, exercise: Any) -> tuple[str, ...]:
    """Names or patterns of the functions of the exercise."""
    names = exercise.get("functions", []) if isinstance(exercise, dict) else None
    if (
        isinstance(names, list)
        and not set(exercise) - {"functions"}
        and all(isinstance(name, str) and name.strip() and "," not in name for name in names)
    ):
        return tuple(names)
    expected = 'a table [exercise] with functions = ["name", "pattern_*"]'
    raise InputError(f"{what}, [exercise]", expected, repr(exercise))


def _number(what: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InputError(f"{what}, {name}", "a number of points ≥ 0", repr(value))
    return float(value)
