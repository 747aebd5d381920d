"""Submissions nobody would write: there is a verdict, and "correct" is said of right ones alone."""

import pytest

from benchmarks.check.run_source import judge_all
from tests import tiers
from tests.diagnosis.fuzzing import BASES, fuzzed, is_right

_FIRST, _PART, _PARTS = 16, 100, 20


def check_seeds(seeds):
    for seed in seeds:
        name, source = fuzzed(seed)
        for verdict in judge_all(source):
            assert str(verdict), source
            if verdict.status in ("correct", "fragile"):
                assert is_right(name, source, verdict.name), (
                    f"seed {seed} is called {verdict.status}:\n{source}\n{verdict}"
                )


@pytest.mark.parametrize("name", sorted(BASES))
def test_the_bases_are_right(name):
    source = "import numpy as np\n" + BASES[name]
    (verdict,) = judge_all(source)
    assert verdict.status == "correct", str(verdict)
    assert is_right(name, source, verdict.name)


def test_fuzzed_submissions():
    check_seeds(range(_FIRST))


@pytest.mark.parametrize("part", tiers.slow(range(_PARTS), 4))
def test_many_fuzzed_submissions(part):
    check_seeds(range(_FIRST + _PART * part, _FIRST + _PART * (part + 1)))
