"""Judge the variants of the families, their faults and random edits of them.

Truth comes from running the programs: against `numeric` for those that are right, against the
original for those that are edited. What the checker says is not asked for its own truth, save that
a name it gives to a random edit is confirmed on inputs it has not seen.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.check import mutants
from benchmarks.check.families.confirm import confirmed
from benchmarks.check.families.family import Family, Variant
from benchmarks.check.families.numeric import cases
from benchmarks.check.run_source import judge_file, judge_functions, time_limit
from benchmarks.check.slips import Slip
from pminusy.diagnosis.report.verdict import Verdict
from pminusy.diagnosis.run.inside import definitions

__all__ = ["Judged", "edits", "judge_edit", "judge_fault", "judge_right", "vouch"]

_RIGHT = ("correct", "fragile")
_SECONDS = 60  # for one verdict
_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Judged:
    """One program: what it is, whether the verdict is good, and what the verdict said."""

    name: str
    good: bool
    kind: str
    said: str = ""


def vouch(variant: Variant, seed: int = 3) -> None:
    """Compare a variant with `numeric` on ordinary inputs; raises if the template is wrong."""
    namespace = _namespace(variant.source())
    with np.errstate(all="ignore"):
        for ordinary, case in cases(seed):
            if ordinary:
                seen, right = (
                    variant.family.drive(namespace, variant, case),
                    variant.family.right(case),
                )
                for one, other in zip(seen, right, strict=True):
                    np.testing.assert_allclose(
                        np.asarray(one, float),
                        other,
                        rtol=_TOLERANCE,
                        atol=_TOLERANCE,
                        err_msg=variant.name,
                    )


def judge_right(variant: Variant) -> Judged:
    """Whether a right program is called right."""
    verdict = _judged(variant.source())
    return Judged(variant.name, verdict.status in _RIGHT, verdict.status, verdict.summary)


def judge_fault(variant: Variant, fault: Slip) -> Judged:
    """Whether a mistake of the pen is caught, and called by a name it has."""
    name = f"{variant.name}, {min(fault.named)}"
    source = variant.source(fault.lines)
    if not _differs(variant, variant.source(), source)[0]:
        return Judged(name, True, "no difference")
    verdict = _judged(source, _pins(variant))
    if verdict.status in _RIGHT:
        return Judged(name, False, "missed", f"{verdict.status}: {verdict.exercise}")
    named = bool(verdict.findings) and all(f.id for f in verdict.findings)
    kind = (
        ("named" if fault.named & {*verdict.mistakes} else "called otherwise")
        if named
        else "not named"
    )
    return Judged(
        name, True, kind, f"{verdict.status}: {', '.join(verdict.mistakes) or verdict.summary}"
    )


def edits(family: Family, numbers: Sequence[int], seed: int) -> Iterator[tuple[Variant, str, str]]:
    """Random edits of a family's variants: the variant, what was edited, and the program."""
    for number in numbers:
        variant = family.variant(number)
        rng = random.Random(f"{seed} {variant.name}")
        for what, text in mutants.mutants(variant.source(), rng):
            yield variant, what, text


def judge_edit(variant: Variant, what: str, source: str) -> Judged | None:
    """Whether an edit is caught; None where nothing changes, or it never ends."""
    name = f"{variant.name}, {what}"
    try:
        with time_limit(_SECONDS):
            ordinary, extreme = _differs(variant, variant.source(), source)
            if not ordinary and not extreme:
                return None
            verdict = _judged(source, _pins(variant))
    except TimeoutError:
        return None
    if not ordinary and _judged(variant.source()).status == "fragile":
        return None  # it breaks on extreme inputs before and after
    missed = verdict.status in _RIGHT if ordinary else verdict.ok
    kind: str = verdict.status
    if kind == "wrong":
        kind = "not named"
        if verdict.findings and all(finding.id for finding in verdict.findings):
            held = confirmed(source, verdict, _pins(variant))
            kind = (
                "named" if held is None else "named, confirmed" if held else "named, NOT confirmed"
            )
    said = ", ".join(verdict.mistakes) or verdict.summary[:160]
    return Judged(name, not missed, kind, said)


def _judged(source: str, pins: Sequence[str] = ()) -> Verdict:
    with np.errstate(all="ignore"):
        return judge_file(source, pins)


@lru_cache(maxsize=4096)
def _pins(variant: Variant) -> tuple[str, ...]:
    """The conventions of a right variant, which a teacher's own file would require."""
    with np.errstate(all="ignore"):
        verdicts = judge_functions(variant.source())
    return tuple(dict.fromkeys(pin for verdict in verdicts for pin in verdict.pins))


def _namespace(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    definitions.execute(definitions.units("m.py", source.encode()), namespace)
    return namespace


def _differs(variant: Variant, original: str, edited: str) -> tuple[bool, bool]:
    """Whether two programs differ on ordinary inputs, and whether on extreme ones."""
    before, after = (_results(variant, text) for text in (original, edited))
    apart = [
        (ordinary, mutants.differs([one], [other]))
        for (ordinary, one), (_, other) in zip(before, after, strict=True)
    ]
    return any(d for o, d in apart if o), any(d for o, d in apart if not o)


def _results(variant: Variant, source: str, seed: int = 17) -> list[tuple[bool, Any]]:
    """Results on every case; the exception's name where it raises."""
    found: list[tuple[bool, Any]] = []
    with np.errstate(all="ignore"), time_limit(5):
        try:
            namespace = _namespace(source)
        except TimeoutError:
            raise
        except Exception as error:  # a class body may run what was edited
            return [(True, type(error).__name__)]
        for ordinary, case in cases(seed):
            try:
                made = variant.family.drive(namespace, variant, case)
                found.append((ordinary, [np.asarray(part, dtype=float) for part in made]))
            except TimeoutError:
                raise
            except Exception as error:
                found.append((ordinary, type(error).__name__))
    return found


def tally(judged: Sequence[Judged]) -> str:
    """Counts by kind."""
    return ", ".join(f"{kind} {n}" for kind, n in Counter(j.kind for j in judged).most_common())
