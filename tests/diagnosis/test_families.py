"""Exercises in the styles of books and courses: right ones raise no alarm, wrong ones are named."""

import random

import numpy as np
import pytest

from benchmarks.check.families import FAMILIES
from benchmarks.check.families.family import Family
from benchmarks.check.families.measure import edits, judge_edit, judge_fault, judge_right, vouch
from tests import tiers

FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
FAULTS = [(family, i) for family in FAMILIES for i in range(len(family.faults))]
SAMPLE = sorted(random.Random(8).sample(FAULTS, 45), key=lambda fault: (fault[0].name, fault[1]))


def numbers(family: Family, held_out: bool) -> list[int]:
    """Numbers of variants the checker was built with, or was not."""
    return [i for i in range(120) if family.variant(i).held_out == held_out]


@FAMILY
def test_a_template_is_right_itself(family):
    for number in numbers(family, held_out=True)[:3]:
        vouch(family.variant(number))


@FAMILY
def test_right_code_raises_no_alarm(family):
    for number in numbers(family, held_out=True)[:2]:
        judged = judge_right(family.variant(number))
        assert judged.good, judged


@pytest.mark.parametrize(
    ("family", "fault"), SAMPLE, ids=[f"{family.name}-{i}" for family, i in SAMPLE]
)
def test_a_fault_is_caught_and_named(family, fault):
    judged = judge_fault(family.variant(numbers(family, held_out=True)[3]), family.faults[fault])
    assert judged.good, judged
    assert judged.kind in ("named", "no difference"), judged


@FAMILY
@pytest.mark.parametrize("variants", tiers.counts(6, 20))
def test_no_variant_raises_an_alarm(family, variants):
    for number in numbers(family, held_out=True)[:variants]:
        judged = judge_right(family.variant(number))
        assert judged.good, judged


@pytest.mark.parametrize("family", tiers.slow(FAMILIES, 9), ids=lambda family: family.name)
def test_random_edits_are_caught(family):
    judged = (judge_edit(*edit) for edit in edits(family, numbers(family, held_out=True)[4:6], 5))
    counted = [one for one in judged if one is not None]
    assert counted
    assert all(one.good for one in counted), [one for one in counted if not one.good]
    assert not [one for one in counted if one.kind == "named, NOT confirmed"]


def test_half_of_the_variants_is_held_out():
    held_out = [family.variant(i).held_out for family in FAMILIES for i in range(60)]
    assert 0.45 < np.mean(held_out) < 0.55
