"""How long a fit may still take."""

import pytest

from pminusy.learn.solvers.solution import Progress
from pminusy.learn.time_left import time_left


def _falling(optimality, seconds=1.0):
    return [Progress(i, 1.0, value, i, seconds * i) for i, value in enumerate(optimality)]


def test_a_steady_fall_is_continued():
    assert time_left(_falling([1, 0.1, 0.01, 1e-3, 1e-4], 3.0), 1e-6) == pytest.approx(6.0)
    assert time_left(_falling([1, 0.1, 0.01, 1e-3]), 1e-2) == 0


@pytest.mark.parametrize("history", [[], [1.0], [1.0, 0.5], [1, 1, 1, 1], [1, 2, 3, 4], [0.0] * 5])
def test_nothing_is_said_where_nothing_is_known(history):
    assert time_left(_falling(history), 1e-6) is None


def test_of_several_problems_those_done_say_how_long_the_others_take():
    at = Progress(3, 1.0, 0.1, 3.0, 30.0, problem=3, problems=5)
    assert time_left([at], 1e-6) == pytest.approx(20.0)
    assert time_left([at._replace(problem=0)], 1e-6) is None
