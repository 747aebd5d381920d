"""Combinations of options, inputs and targets: no crash, header as the steps, every claim true."""

import random

import pytest

from tests import tiers
from tests.derivation.generated import CASES, check

SAMPLE = random.Random(20).sample([*CASES], 20)
LARGER = [name for name in random.Random(21).sample([*CASES], 340) if name not in SAMPLE]


def test_there_are_two_thousand_of_them():
    assert len(CASES) >= 2000


@pytest.mark.parametrize("name", SAMPLE)
def test_a_combination_of_the_sample(name):
    assert check(name) > 5


@pytest.mark.parametrize("name", tiers.slow(LARGER, 60))
def test_a_combination_of_the_larger_sample(name):
    assert check(name) > 5
