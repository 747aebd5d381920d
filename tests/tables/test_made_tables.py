"""Every column of a made table is taken for what it was made from, with the values it had."""

from __future__ import annotations

from collections import Counter

import pytest

from tests import tiers
from tests.tables.made_tables import KINDS, check, make

_SAMPLE, _ALL, _PARTS = 60, 1200, 6


def test_a_sample(tmp_path):
    counts: Counter[str] = Counter()
    for seed in range(_SAMPLE):
        counts += check(make(seed), tmp_path)
    assert set(counts) == {f"{kind} column" for kind in (*KINDS, "kept")}


@pytest.mark.parametrize("part", tiers.slow(range(_PARTS), 2))
def test_all(tmp_path, part):
    for seed in range(part, _ALL, _PARTS):
        check(make(seed), tmp_path)
