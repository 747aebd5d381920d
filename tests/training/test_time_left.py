"""How long a fit may still take."""

import numpy as np
import pytest

from pminusy.training.solvers.solution import Progress
from pminusy.training.time_left import time_left


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


def test_nothing_is_said_while_more_is_left_than_has_fallen():
    assert time_left(_falling([1, 0.5, 0.25, 0.12, 0.06, 0.03]), 1e-6) is None


def test_nothing_is_said_of_a_fall_that_changed_its_pace():
    slowed = [10.0**-i for i in range(6)] + [10.0 ** (-5 - 0.01 * i) for i in range(1, 7)]
    assert time_left(_falling(slowed), 1e-6) is None


def test_a_search_says_nothing_of_its_first_problems():
    at = Progress(3, 1.0, 0.1, 3.0, 1.0, problem=2, problems=50)
    assert time_left([at], 1e-6) is None


@pytest.mark.parametrize("seed", range(20))
def test_what_is_said_of_a_rough_fall_is_near(seed):
    random = np.random.default_rng(seed)
    steps = int(random.integers(20, 200))
    moves = random.normal(1.0, 0.8, steps) * np.log(1e8) / steps
    course = np.exp(-np.cumsum(moves))
    seconds = np.cumsum(random.gamma(4.0, 0.25, steps))
    history = [Progress(i, 1.0, course[i], i, seconds[i]) for i in range(steps)]
    tol = course.min()
    end = seconds[course.argmin()]
    said = 0
    for now in range(4, int(course.argmin())):
        left = time_left(history[:now], tol)
        if left is None or end - seconds[now - 1] < 0.1 * end:
            continue
        said += 1
        assert 0.3 <= left / (end - seconds[now - 1]) <= 3.5
    assert said or steps < 40
