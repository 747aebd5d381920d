"""Every number in a report is one that was measured: each is computed again, by other means.

The inputs that a report shows are typed into Python as they stand there; the program is called
with them, and what is right is computed by `numeric`, which shares no code with the package.
"""

import ast
import re

import numpy as np
import pytest

from benchmarks.check.families import FAMILIES
from benchmarks.check.families.numeric import row_losses
from benchmarks.check.run_source import judge_file
from pminusy.diagnosis.run.inside import definitions

BY_ROWS = ("class weights", "focal loss", "label smoothing", "temperature", "ignored rows")
CASES = [
    (family, fault)
    for family in FAMILIES
    if family.name in BY_ROWS
    for fault in range(len(family.faults))
]
IDS = [f"{family.name}-{fault}" for family, fault in CASES]
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf|nan)")


def wrong_variants(family, fault):
    for number in range(2):
        variant = family.variant(number)
        source = variant.source(family.faults[fault].lines)
        with np.errstate(all="ignore"):
            verdict = judge_file(source)
        if verdict.status == "wrong" and verdict.smallest:
            yield variant, source, verdict


def typed(verdict):
    """The inputs as the report has them, typed into Python."""
    values = {name: ast.literal_eval(text) for name, text in verdict.smallest}
    return {n: np.array(v) if isinstance(v, list) else v for n, v in values.items()}


def called(variant, source, inputs):
    namespace: dict[str, object] = {}
    definitions.execute(definitions.units("m.py", source.encode()), namespace)
    with np.errstate(all="ignore"):
        found = namespace[variant.words["function"]](**inputs)  # type: ignore[operator]  # what it defines
    return [np.asarray(part, float) for part in (found if isinstance(found, tuple) else [found])]


def numbers(text):
    return [float(n) for n in NUMBER.findall(text.replace("−", "-"))]


def same(shown, measured):
    """Whether numbers as a report prints them are these, to the digits that are printed."""
    flat = np.ravel(measured)
    return len(shown) == flat.size and np.allclose(shown, flat, rtol=6e-3, atol=1e-6)


def scalar(value):
    return float(np.ravel(value)[0])


@pytest.mark.parametrize(("family", "fault"), CASES, ids=IDS)
def test_what_the_learner_returned_is_what_the_report_says(family, fault):
    for variant, source, verdict in wrong_variants(family, fault):
        returned = called(variant, source, typed(verdict))
        shown = [one for one in verdict.compared if not one.inferred]
        assert shown, str(verdict)
        for one in shown:
            assert any(same(numbers(one.yours), part) for part in returned), str(verdict)


@pytest.mark.parametrize(("family", "fault"), CASES, ids=IDS)
def test_what_is_right_is_right(family, fault):
    for variant, _, verdict in wrong_variants(family, fault):
        inputs = typed(verdict)
        letters = {letter: inputs[variant.words[letter]] for letter in variant.order}
        case = {
            **letters, "N": len(letters["y"]), "K": letters["z"].shape[1], "y": letters["y"].copy(),
        }  # fmt: skip
        right = right_of(family.name, case)
        for one in (one for one in verdict.compared if one.name in ("L", "dL_dz")):
            wanted = right["L" if one.name == "L" else "dL_dz"]
            assert wanted is None or same(numbers(one.right), wanted), str(verdict)


def right_of(name, case):
    """Loss of the family's options, and its gradient by differences of the definition."""
    kept = case["y"] != case.get("ignore", -100)
    y = np.where(kept, case["y"], 0)
    weights = (case["cw"][y] if "cw" in case else 1.0) * kept

    def loss(z):
        losses = row_losses(z / case.get("T", 1.0), y, case.get("eps", 0.0), case.get("power", 0.0))
        return (weights * losses).sum() / np.sum(weights * np.ones(len(y)))

    z = case["z"].astype(complex)
    gradient = np.zeros(z.shape)
    for place in np.ndindex(z.shape):
        moved = z.copy()
        moved[place] += 1e-30j
        gradient[place] = loss(moved).imag / 1e-30
    return {"L": loss(z).real, "dL_dz": None if name == "focal loss" else gradient}


@pytest.mark.parametrize(("family", "fault"), CASES, ids=IDS)
def test_a_gradient_check_says_what_differences_say(family, fault):
    for variant, source, verdict in wrong_variants(family, fault):
        if not verdict.gradient_check:
            continue
        inputs = typed(verdict)
        inputs = {n: v.astype(float) if n == variant.words["z"] else v for n, v in inputs.items()}
        _, gradient = called(variant, source, inputs)
        scores, worst = variant.words["z"], 0.0
        for place in np.ndindex(gradient.shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = inputs[scores].copy()
                moved[place] += step
                values.append(scalar(called(variant, source, {**inputs, scores: moved})[0]))
            slope = (values[0] - values[1]) / 2e-5
            worst = max(worst, abs(slope - gradient[place]))
        assert "does not find" in verdict.gradient_check
        assert worst < 1e-5 * max(1.0, float(np.abs(gradient).max())), str(verdict)


FACTORS = ("loss / 7", "loss * 3", "-2 * loss", "loss * len(labels)", "loss / d.shape[1]")


@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_is_the_factor(factor):
    source = f"""
import numpy as np
def softmax_loss(scores, labels):
    n = len(labels)
    s = scores - scores.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(n), labels].mean()
    d = np.exp(logp)
    d[np.arange(n), labels] -= 1
    return {factor}, d / n
"""
    verdict = judge_file(source, "mean")
    assert verdict.status == "wrong"
    (shown,) = [one for one in verdict.compared if one.name == "L"]
    sizes = {name: len(value) for name, value in typed(verdict).items()}
    scores = typed(verdict)["scores"]
    factors = {
        "loss / 7": 1 / 7, "loss * 3": 3.0, "-2 * loss": -2.0,
        "loss * len(labels)": sizes["labels"], "loss / d.shape[1]": 1 / scores.shape[1],
    }  # fmt: skip
    mine, right = numbers(shown.yours)[0], numbers(shown.right)[0]
    assert mine == pytest.approx(factors[factor] * right, rel=6e-3)
