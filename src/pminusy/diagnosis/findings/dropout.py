"""Dropout is random: what can be checked is its mask, over many entries, and its gradient."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from pminusy.diagnosis.bind.signatures import Candidate, backward_name
from pminusy.diagnosis.findings.first_wrong_line import layer_line
from pminusy.diagnosis.report.verdict import Comparison, Finding, Property, Verdict
from pminusy.diagnosis.run.session import Session

__all__ = ["examine_dropout"]

_P = 0.3
_SHAPE = (200, 150)
_NOISE = 0.015  # five standard deviations of the share kept, of 30 000 entries


@dataclass(frozen=True)
class _Mask:
    """What a run showed: share kept, the values of out / x where kept, both backward and test."""

    kept: float
    scales: Any
    backward_right: bool | None
    backward_scale: float | None
    test_ratio: float | None
    varies: bool


def examine_dropout(
    session: Session, candidate: Candidate, pins: Mapping[str, Any], verdict: Verdict
) -> Verdict:
    """The verdict on a `dropout_forward`, with its backward if there is one."""
    verdict = replace(verdict, exercise="dropout", status="wrong")
    seen = _observe(session, candidate)
    if isinstance(seen, str):
        return replace(verdict, status="does not run", summary=seen)
    found = list(_findings(seen, pins))
    properties = (
        Property("the share of kept entries", _near(seen.kept, _P) or _near(seen.kept, 1 - _P)),
        Property("the mean is kept", abs(seen.kept * _scale(seen) - 1) < 3 * _NOISE),
        Property(
            "test mode changes nothing",
            seen.test_ratio is None or _near(seen.test_ratio, 1.0, 1e-9),
        ),
    )  # fmt: skip
    verdict = replace(verdict, properties=properties)
    if meaning := _meaning(seen):
        assumed = f"p is the probability to {meaning} an entry"
        verdict = replace(verdict, assumed=(assumed,), pins=(meaning,))
    if not found:
        return replace(verdict, status="correct", summary="Correct on every input that was tried.")
    name = "da" if found[0].id.startswith("dropout.backward") else "forward"
    line, share = layer_line("dropout", name, {}), _share(seen, pins).strip("()")
    if line is not None:
        line = replace(line, why=f"{line.why} r is the share left out: 1 − r is {share}.")
    return replace(
        verdict, findings=tuple(found), summary=found[0].sentence,
        smallest=(("p", str(_P)), ("x", f"{_SHAPE[0]} × {_SHAPE[1]} numbers from 1 to 2")),
        compared=tuple(_averages(seen)), broken_line=line,
    )  # fmt: skip


def _averages(seen: _Mask) -> Iterator[Comparison]:
    """What the mask does on average, where it is not what it should be."""
    scale, mean = _scale(seen), seen.kept * _scale(seen)
    if not (_near(seen.kept, _P) or _near(seen.kept, 1 - _P)):
        kept = f"{seen.kept:.3f}"
        yield Comparison("kept", "share of the entries that are kept", kept, f"{_P} or {1 - _P}")
    if not _near(mean, 1.0, 3 * _NOISE):
        yield Comparison("mean", "mean of out / x", f"{mean:.3f}", "1")
    if seen.backward_scale is not None and not _near(seen.backward_scale, scale, 1e-6):
        scales = f"{seen.backward_scale:.4g}", f"{scale:.4g}"
        yield Comparison("scale", "scale of dx / dout, and of out / x", *scales)
    if seen.test_ratio is not None and not _near(seen.test_ratio, 1.0, 1e-9):
        yield Comparison("test", "out / x in test mode", f"{seen.test_ratio:.4g}", "1")


def _scale(seen: _Mask) -> float:
    return float(np.median(seen.scales)) if seen.scales.size else 0.0


def _observe(session: Session, candidate: Candidate) -> _Mask | str:
    names = [entry["name"] for entry in session.inventory.functions]
    backward = backward_name(candidate.entry["name"], names)
    x = 1.0 + np.arange(np.prod(_SHAPE)).reshape(_SHAPE) % 7 / 7.0
    g = 2.0 - x / 3.0
    runs = [_run(session, candidate, backward, x, g, "train", seed) for seed in (1, 2)]
    test = _run(session, candidate, "", x, g, "test", 1)
    if isinstance(runs[0], str):
        return runs[0]
    out, dx = runs[0]
    if out is None or out.shape != x.shape:
        return "It returns no output of the input's shape."
    ratio = out / x
    kept = ratio != 0
    right = scale = None
    if backward:
        if dx is None or dx.shape != x.shape:
            return "Its backward returns no gradient of the input's shape."
        right = bool(np.allclose(dx, g * ratio, rtol=1e-6))
        scale = float(np.median((dx / g)[kept])) if kept.any() else 0.0
    test_out = test[0] if isinstance(test, tuple) else None
    test_ratio = float(np.median(test_out / x)) if test_out is not None else None
    other = runs[1][0] if isinstance(runs[1], tuple) else None
    varies = other is None or not np.array_equal(out, other)
    return _Mask(float(kept.mean()), ratio[kept], right, scale, test_ratio, varies)


def _run(
    session: Session, candidate: Candidate, backward: str, x: Any, g: Any, mode: str, seed: int
) -> tuple[Any, Any] | str:
    steps: list[dict[str, Any]] = []
    args: list[dict[str, Any]] = []
    for i, parameter in enumerate(candidate.entry["parameters"]):
        name = parameter["name"].lower()
        if i == 0:
            args.append({"array": 0})
        elif re.search(r"param|config|cfg", name):
            settings = {"p": {"value": _P}, "mode": {"value": mode}, "seed": {"value": seed}}
            args.append({"dict": settings})
        elif re.search(r"mode|train", name):
            args.append({"value": mode if name == "mode" else mode == "train"})
        elif re.fullmatch(r"p|rate|keep\w*|drop\w*|prob\w*", name):
            args.append({"value": _P})
        elif not parameter["optional"]:
            return f"Its argument {parameter['name']!r} is not known here."
        else:
            break
    steps.append({"call": candidate.entry["name"], "args": args})
    returned = [[0]]
    if backward:
        steps.append({"call": backward, "args": [{"array": 1}, {"result": [0, 1]}]})
        returned.append([1])
    answer = session.run({"steps": steps, "return": returned, "seed": seed}, [x, g])
    if answer.raised is not None:
        return f"It raises {answer.raised}."
    first = answer.results[0]
    out = first[0] if isinstance(first, tuple) and first else first
    dx = answer.results[1] if backward else None
    dx = dx[0] if isinstance(dx, tuple) and dx else dx
    return (
        out if isinstance(out, np.ndarray) else None,
        dx if isinstance(dx, np.ndarray) else None,
    )


def _findings(seen: _Mask, pins: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _mask_findings(seen, pins)
    if seen.backward_right is False:
        yield _backward_finding(seen, _share(seen, pins))
    if seen.test_ratio is not None and abs(seen.test_ratio - 1) > 1e-9:
        yield _finding(
            "dropout.test_mode", "In test mode the input should pass unchanged: inverted dropout "
            "scales in training.", f"{seen.test_ratio:.4g} a", "a", "In the test branch.",
        )  # fmt: skip


def _meaning(seen: _Mask) -> str:
    """What p is the probability of, to keep or to drop; empty where neither share is seen."""
    below = NormalDist().cdf(_P)  # of normal numbers, where they were drawn by mistake
    shares = {"keep": (_P, below), "drop": (1 - _P, 1 - below)}
    return next((m for m, s in shares.items() if any(_near(seen.kept, q) for q in s)), "")


def _share(seen: _Mask, pins: Mapping[str, Any]) -> str:
    """The share that is kept, in the learner's p."""
    meaning = pins.get("dropout", _meaning(seen))
    return {"keep": "p", "drop": "(1 − p)"}.get(meaning, "q")


def _mask_findings(seen: _Mask, pins: Mapping[str, Any]) -> Iterator[Finding]:
    keep, drop = _near(seen.kept, _P), _near(seen.kept, 1 - _P)
    share = _share(seen, pins)
    right = f"a ⊙ mask / {share}, mask 1 with probability {share.strip('()')}"
    right += ", q the share to keep" * (share == "q")
    pinned = {"keep": keep, "drop": drop}.get(pins.get("dropout", ""), True)
    scale = _scale(seen)
    normal = NormalDist()
    if not np.isfinite(seen.scales).all():
        yield _finding("", "the output has inf or nan", "", right, "")
    elif seen.kept > 0.999:
        yield _finding(
            "dropout.nothing_dropped", "Nothing is ever dropped. Is the comparison always true? "
            "`rand < p / p` is `rand < 1`.", f"{scale:.4g} a", right, "Precedence, or the mask.",
        )  # fmt: skip
    elif _near(seen.kept, normal.cdf(_P)) or _near(seen.kept, 1 - normal.cdf(_P)):
        yield _finding(
            "dropout.normal_numbers", "The mask compares normal random numbers with p (`randn`): "
            "their chance of being below p is not p.", "mask = [randn < p]", right,
            "The random numbers have the wrong distribution.",
        )  # fmt: skip
    elif not (keep or drop):
        yield _finding(
            "", f"the mask keeps {seen.kept:.1%} of the entries with p = {_P}", "", right, ""
        )
    elif not pinned:
        yield _finding(
            "dropout.other_probability", f"p is required to be the probability to "
            f"{pins['dropout']} an entry; here it is the other.", "", right, "p and 1 − p.",
        )  # fmt: skip
    elif _near(scale, 1.0):
        yield _finding(
            "dropout.not_scaled", "What is kept is not scaled up: the mean of the output shrinks "
            "with the share that is kept.", "a ⊙ mask", right, "A factor is missing.",
        )  # fmt: skip
    elif not _near(seen.kept * scale, 1.0, 3 * _NOISE):
        yield _finding(
            "dropout.scale_disagrees", "The scale does not belong to the share that is kept: "
            "keep with probability q and divide by the same q.",
            f"keeps {seen.kept:.2f}, multiplies by {scale:.4g}", right, "p and 1 − p.",
        )  # fmt: skip


def _backward_finding(seen: _Mask, share: str) -> Finding:
    if seen.backward_scale is not None and _near(seen.backward_scale, 1.0) and _scale(seen) != 1.0:
        return _finding(
            "dropout.backward_not_scaled", "The gradient is not multiplied by the scale that the "
            "forward pass used.", "g ⊙ mask", f"g ⊙ mask / {share}", "A factor is missing.",
        )  # fmt: skip
    return _finding(
        "dropout.backward_mask", "The gradient does not pass through the very mask of the forward "
        "pass.", "", f"g ⊙ mask / {share}, the same mask", "The mask, or its scale.",
    )  # fmt: skip


def _near(value: float, wanted: float, noise: float = _NOISE) -> bool:
    return abs(value - wanted) < noise


def _finding(name: str, sentence: str, wrong: str, right: str, off: str) -> Finding:
    hints = ("Look where the mask is drawn and applied.", off, f"It should be {right}.")
    return Finding(name, sentence, "dropout", wrong, right, (), hints if name else ())
