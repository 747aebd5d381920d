"""Measure the checker on the generated corpus: `python -m benchmarks.check [--mutants N]`.

The whole takes ten minutes on one core; `--only singles --part 2/4` runs every fourth program, from
the second on.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks.check import mutants, oracle
from benchmarks.check.confirm import confirmed
from benchmarks.check.families import FAMILIES
from benchmarks.check.families.measure import (
    Judged,
    edits,
    judge_edit,
    judge_fault,
    judge_right,
    tally,
    vouch,
)
from benchmarks.check.layer_styles import LAYER_SLIPS, LAYER_STYLES
from benchmarks.check.run_source import judge, time_limit
from benchmarks.check.slips import SLIPS, Slip
from benchmarks.check.styles import STYLES
from benchmarks.check.styles.style import Style
from pminusy.diagnosis.run.inside import definitions

_WITHOUT_BATTERY = ("matrix", "alone")
_ALL = (*STYLES, *LAYER_STYLES)
_SLIPS = {**SLIPS, **LAYER_SLIPS}
_PINS = "mean,half,all-weights"
_SEED = 2024
# Two slips of the pen that are one mistake of the catalogue.
_ONE_MISTAKE = {
    "ridge.missing": {"ridge.missing_in_loss", "ridge.missing_in_gradient"},
    "ridge.averaged": {"ridge.loss_averaged", "ridge.gradient_averaged"},
}


def main() -> None:
    """Print every figure."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mutants", type=int, default=2000)
    arguments.add_argument("--pairs", type=int, default=400)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--only", default="", help="styles, singles, pairs, mutants or families")
    arguments.add_argument("--variants", type=int, default=16, help="of each family")
    arguments.add_argument("--edits", type=int, default=40, help="of each family")
    arguments.add_argument("--part", default="1/1", help="of the singles and pairs: 2/4, say")
    arguments.add_argument("--seed", type=int, default=_SEED, help="of the pairs and mutants")
    chosen = arguments.parse_args()
    first, every = map(int, chosen.part.split("/"))
    part = slice(first - 1, None, every)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        parts: dict[str, Callable[[], str]] = {
            "styles": lambda: styles(pool),
            "singles": lambda: singles(pool, part),
            "pairs": lambda: pairs(pool, chosen.pairs, chosen.seed, part),
            "families": lambda: families(pool, chosen.variants, chosen.edits, chosen.seed),
            "mutants": lambda: random_edits(pool, chosen.mutants, chosen.jobs, chosen.seed),
        }
        for name, run in parts.items():
            if chosen.only in ("", name):
                _timed(name, run)


def _timed(name: str, run: Callable[[], str]) -> None:
    started = time.perf_counter()
    found = run()
    print(f"{name}: {found} ({time.perf_counter() - started:.0f} s)", flush=True)


# ----------------------------------------------------------------------------------- styles


def styles(pool: ProcessPoolExecutor) -> str:
    """Correct programs: those the oracle vouches for, and how many raise a false alarm."""
    vouched = sum(pool.map(_vouched, STYLES))
    statuses = list(pool.map(_status, _ALL))
    alarms = [s.name for s, status in zip(_ALL, statuses, strict=True) if status != s.expect]
    listed = f": {', '.join(alarms)}" if alarms else ""
    return f"{len(_ALL)} styles, {vouched} against 40 digits, {len(alarms)} false alarms{listed}"


def _status(style: Style) -> str:
    return judge(style.source()).status


def _vouched(style: Style) -> bool:
    """Compare a style with the oracle; raises if a template is wrong itself."""
    rng = np.random.default_rng(7)
    W, X, z = rng.normal(size=(3, 4)), rng.normal(size=(5, 3)), rng.normal(size=(5, 4))
    y = np.array([1, 3, 0, 1, 2])
    if style.family in ("vectorised", "full", "loop", "loop branches", "samples"):
        half = 1.0 if style.family == "full" else 0.5
        right = oracle.linear_loss_and_gradient(W, X, y, 0.3, half)
        seen = _call(style, [W, X, y, 0.3])
    elif style.family == "logits":
        right, seen = oracle.loss_and_gradient(z, y), _call(style, [z, y])
    else:
        return False
    tolerance = 1e-5 if "float32" in style.name else 1e-10
    for one, other in zip(seen, right, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=style.name)
    return True


def _call(style: Style, arguments: list[Any]) -> Any:
    namespace: dict[str, Any] = {}
    definitions.execute(definitions.units("s.py", style.source().encode()), namespace)
    own = [f for f in namespace.values() if getattr(f, "__module__", "") == "submission"]
    return own[-1](*arguments)


# --------------------------------------------------------------------------------- mistakes


def singles(pool: ProcessPoolExecutor, part: slice) -> str:
    """Every mistake in every style it can occur in: how many are named."""
    cases = [(style, slip) for style in _ALL for slip in _SLIPS.get(style.family, ())]
    cases = cases[part]
    named = list(pool.map(_named, cases, chunksize=8))
    missed = [
        f"{s.name}/{min(p.named)}" for (s, p), good in zip(cases, named, strict=True) if not good
    ]
    return f"{len(cases)} programs, {_share(named)} named; not: {', '.join(missed[:20]) or 'none'}"


def _named(case: tuple[Style, Slip]) -> bool:
    style, slip = case
    mistakes = judge(style.source(slip.lines)).mistakes
    return len(mistakes) == 1 and mistakes[0] in slip.named


def pairs(pool: ProcessPoolExecutor, count: int, seed: int, part: slice) -> str:
    """Two mistakes in different lines of one program: how often both are named, and one."""
    rng = random.Random(seed)
    possible = [
        (style, one, other)
        for style in STYLES
        if style.family in ("vectorised", "loop", "logits")
        for one, other in itertools.combinations(SLIPS[style.family], 2)
        if not one.lines.keys() & other.lines.keys()
    ]
    cases = rng.sample(possible, min(count, len(possible)))[part]
    found = list(pool.map(_both_named, cases, chunksize=4))
    both, one = [b for b, _ in found], [o for _, o in found]
    missed = [
        f"{s.name}/{min(a.named)}+{min(b.named)}"
        for (s, a, b), (good, _) in zip(cases, found, strict=True)
        if not good
    ]
    return (
        f"{len(cases)} programs, both named {_share(both)}, at least one {_share(one)}; "
        f"not both: {', '.join(missed[:12]) or 'none'}"
    )


def _both_named(case: tuple[Style, Slip, Slip]) -> tuple[bool, bool]:
    style, one, other = case
    verdict = judge(style.source({**one.lines, **other.lines}), _PINS)
    named = set(verdict.mistakes)
    for mistake, parts in _ONE_MISTAKE.items():
        named |= parts if mistake in named else set()
    hits = [bool(named & one.named), bool(named & other.named)]
    return all(hits), any(hits)


def _share(found: list[bool]) -> str:
    return f"{100 * sum(found) / max(len(found), 1):.1f} %"


# --------------------------------------------------------------------------------- families


def families(pool: ProcessPoolExecutor, variants: int, wanted: int, seed: int) -> str:
    """Exercises of other styles, of the half of the variants that the checker was built without."""
    asked = [(number, variants, wanted, seed) for number in range(len(FAMILIES))]
    right: list[Judged] = []
    faulty: list[Judged] = []
    edited: list[Judged] = []
    for family, parts in zip(FAMILIES, pool.map(_of_family, asked), strict=True):
        for total, part in zip((right, faulty, edited), parts, strict=True):
            total += part
        print(f"  {family.name}: {'; '.join(tally(part) for part in parts)}", flush=True)
    alarms = [f"{one.name}: {one.said}" for one in right if not one.good]
    missed = [f"{one.name}: {one.said}" for one in (*faulty, *edited) if not one.good]
    false = [f"{one.name}: {one.said}" for one in edited if one.kind == "named, NOT confirmed"]
    wrong = [one for one in edited if one.kind.startswith(("named", "not named"))]
    named = [one.kind.startswith("named") for one in wrong]
    return (
        f"{len(right)} right, {len(alarms)} false alarms: {alarms or 'none'}; "
        f"{len(faulty)} faults ({tally(faulty)}); {len(edited)} random edits ({tally(edited)}), "
        f"{_share([one.good for one in edited])} caught, "
        f"{_share(named)} of {len(wrong)} wrong ones named; "
        f"missed: {missed or 'none'}; names not confirmed: {false or 'none'}"
    )


def _of_family(asked: tuple[int, int, int, int]) -> tuple[list[Judged], ...]:
    place, variants, wanted, seed = asked
    family = FAMILIES[place]
    numbers = [i for i in range(8 * variants) if family.variant(i).held_out][:variants]
    for number in numbers:
        vouch(family.variant(number))
    right = [judge_right(family.variant(number)) for number in numbers]
    faulty = [judge_fault(family.variant(numbers[0]), fault) for fault in family.faults]
    each = max(1, wanted // 8)  # of a variant, so that many variants have some
    judged = (
        judge_edit(*edit)
        for number in numbers
        for edit in itertools.islice(edits(family, [number], seed), each)
    )
    edited = itertools.islice((one for one in judged if one is not None), wanted)
    return right, faulty, list(edited)


# ---------------------------------------------------------------------------------- mutants


def random_edits(pool: ProcessPoolExecutor, count: int, jobs: int, seed: int) -> str:
    """Random edits that change behaviour: how many are caught, and how they are named."""
    parts = [(seed + part, count // jobs) for part in range(jobs)]
    total: Counter[str] = Counter()
    missed: list[str] = []
    doubtful: list[str] = []
    for counts, escaped, unconfirmed in pool.map(_mutants, parts):
        total += counts
        missed += escaped
        doubtful += unconfirmed
    made = sum(total.values())
    caught = made - len(missed)
    kinds = ", ".join(f"{kind} {n}" for kind, n in total.most_common())
    listed, unsure = ("; ".join(names[:20]) or "none" for names in (missed, doubtful))
    share = f"{100 * caught / made:.2f} % caught"
    return f"{made} mutants, {share} ({kinds}); missed: {listed}; doubtful names: {unsure}"


def _mutants(part: tuple[int, int]) -> tuple[Counter[str], list[str], list[str]]:
    seed, wanted = part
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    missed: list[str] = []
    missed_names: list[str] = []
    for number, (style, what, original, mutant, name, pins) in enumerate(_edited(rng)):
        if sum(counts.values()) >= wanted:
            break
        cases = mutants.battery(style.family, np.random.default_rng(seed + number))
        try:
            before, after = (
                mutants.outputs(text, name, cases, style.family) for text in (original, mutant)
            )
            if not mutants.differs(before, after):
                continue
            with time_limit(60):
                verdict = judge(mutant, pins)
        except TimeoutError:
            counts["endless"] += 1
            continue
        kind: str = verdict.status
        if kind == "wrong":
            kind = "named" if all(f.id for f in verdict.findings) else "wrong, not recognised"
            held = confirmed(verdict, style.family, mutant, cases) if kind == "named" else None
            if held is not None:
                kind = "named, confirmed" if held else "named, NOT confirmed"
                if not held:
                    missed_names.append(f"{style.name}, {what}: {verdict.mistakes}")
        counts[kind] += 1
        if verdict.ok:
            missed.append(f"{style.name}, {what}")
    return counts, missed, missed_names


def _edited(rng: random.Random) -> Iterator[tuple[Style, str, str, str, str, tuple[str, ...]]]:
    """Mutants of all styles in turn, until every edit has been made many times."""
    known = {}
    for style in _ALL:
        if style.family not in _WITHOUT_BATTERY:
            source = style.source()
            verdict = judge(source)
            pins = verdict.pins
            if style.family == "column":  # it takes either, and the battery asks for columns
                pins = tuple("column" if pin == "index" else pin for pin in pins)
            known[style.name] = (style, source, verdict.name, pins)
    while True:
        for style, source, name, pins in known.values():
            for what, text in itertools.islice(mutants.mutants(source, rng), 12):
                yield style, what, source, text, name, pins


if __name__ == "__main__":
    main()
