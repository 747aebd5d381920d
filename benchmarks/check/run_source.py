"""A generated program in a session of this process: its author is this folder, so no sandbox."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pminusy.diagnosis.bind.signatures import candidates
from pminusy.diagnosis.catalogue.conventions import parse_pins
from pminusy.diagnosis.consistency import consistent
from pminusy.diagnosis.examine import best_trial, examine
from pminusy.diagnosis.match.trial import Trial
from pminusy.diagnosis.report.verdict import Verdict, worst
from pminusy.diagnosis.run.inside import calls, definitions, inventory
from pminusy.diagnosis.run.session import Answer, Inventory, _answer

__all__ = ["judge", "judge_all", "judge_file", "judge_functions", "time_limit", "trial_of"]


class SourceSession:
    """Definitions of a source, executed here."""

    def __init__(self, source: str) -> None:
        pieces = definitions.units("generated.py", source.encode())
        self.namespace: dict[str, Any] = {}
        definitions.execute(pieces, self.namespace)
        self.inventory = Inventory(tuple(inventory.of_units(pieces)))

    def run(self, program: Mapping[str, Any], arrays: Sequence[Any]) -> Answer:
        """Run a program of calls."""
        copies = [array.copy() for array in arrays]
        return _answer(*calls.perform(self.namespace, dict(program), copies))

    def close(self) -> None:
        """Nothing to end."""


def judge(source: str, pin: str | Sequence[str] = "") -> Verdict:
    """The verdict on a generated program."""
    session = SourceSession(source)
    found = candidates(session.inventory.functions)
    if not found:
        return Verdict("does not run", "", "no candidate")
    return examine(session, found[0], parse_pins(pin))


def judge_all(source: str, pin: str | Sequence[str] = "") -> list[Verdict]:
    """The verdicts on every function of a generated program."""
    session = SourceSession(source)
    found = candidates(session.inventory.functions)
    return consistent([examine(session, candidate, parse_pins(pin)) for candidate in found])


def judge_file(source: str, pin: str | Sequence[str] = "") -> Verdict:
    """The worst verdict on the functions of a program."""
    return worst(judge_functions(source, pin))


def judge_functions(source: str, pin: str | Sequence[str] = "") -> list[Verdict]:
    """Verdicts on the functions of a program, those of no known exercise left out."""
    verdicts = judge_all(source, pin) or [Verdict("unknown", "", "no candidate")]
    return [v for v in verdicts if v.status != "unknown"] or verdicts


def trial_of(source: str, name: str, pin: str | Sequence[str] = "") -> Trial | None:
    """The trial of the function of a name, if it comes to one."""
    session = SourceSession(source)
    found = (one for one in candidates(session.inventory.functions) if one.name == name)
    trials = (best_trial(session, candidate, parse_pins(pin)) for candidate in found)
    return next((trial for trial in trials if isinstance(trial, Trial)), None)


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the body after some seconds: a mutant may loop for ever."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
