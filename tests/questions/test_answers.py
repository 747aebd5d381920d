"""The judge against recorded answers, half of them of lines it was not built on."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.questions.answers import FILE, half, judge_of

RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
FEW = RECORDED[::40]
LEAST_NAMED = 0.9


def _misjudged(answers):
    wrong = []
    for each in answers:
        verdict = judge_of(each["line"]).verdict(each["answer"])
        if verdict.outcome != ("wrong" if each["slip"] else "right") or (
            verdict.slip != each["named"]
        ):
            wrong.append((each, verdict))
    return wrong


def test_there_are_enough_of_every_kind():
    assert len(RECORDED) >= 400
    kinds = Counter(each["slip"] for each in RECORDED)
    assert min(kinds.values()) >= 4
    assert kinds[""] >= 300


def test_none_of_a_few_is_misjudged():
    assert _misjudged(FEW) == []


@pytest.mark.slow
def test_none_is_misjudged():
    assert _misjudged(RECORDED) == []


@pytest.mark.parametrize("part", [0, 1])
def test_the_kind_of_slip_is_named(part):
    wrong = [each for each in RECORDED if each["slip"] and half(each["line"]) == part]
    assert len(wrong) >= 200
    assert sum(bool(each["named"]) for each in wrong) >= LEAST_NAMED * len(wrong)
    assert sum(each["named"] == each["slip"] for each in wrong) >= LEAST_NAMED * len(wrong)
