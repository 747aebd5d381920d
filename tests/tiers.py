"""Which cases of a long series run when: `make test`, `make test-slow`, `make test-exhaustive`."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

SLOW = pytest.mark.slow
EXHAUSTIVE = pytest.mark.exhaustive


def slow(cases: Iterable[Any], size: int) -> list[Any]:
    """A sample of the cases, drawn once, for the slow tests; the others for the exhaustive ones."""
    every = list(cases)
    chosen = set(random.Random(len(every)).sample(range(len(every)), size))
    return [_with(case, SLOW if i in chosen else EXHAUSTIVE) for i, case in enumerate(every)]


def counts(few: int, many: int) -> list[Any]:
    """How often something random is tried: `few` in the slow tests, `many` in the exhaustive."""
    return [_with(few, SLOW), _with(many, EXHAUSTIVE)]


def _with(case: Any, mark: pytest.MarkDecorator) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=mark)
