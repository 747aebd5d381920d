"""L-BFGS stops on its certificate and says truly whether it got there."""

from __future__ import annotations

import numpy as np
import pytest

from pminusy.learn.solvers.lbfgs import lbfgs
from pminusy.learn.solvers.solution import Progress


class Quadratic:
    """½ xᵀ A x − bᵀ x with a condition number of 10⁴."""

    def __init__(self):
        self.A, self.b = np.diag(np.logspace(-2, 2, 12)), np.arange(1.0, 13.0)
        self.size = 12

    def value_and_gradient(self, theta):
        """Value and gradient at θ."""
        return float(0.5 * theta @ self.A @ theta - self.b @ theta), self.A @ theta - self.b


def test_finds_the_minimum():
    problem = Quadratic()
    solution = lbfgs(problem, tol=1e-5, max_iter=1000)
    assert solution.converged
    assert solution.last.optimality <= 1e-5
    np.testing.assert_allclose(solution.theta, problem.b / np.diag(problem.A), atol=1e-3)


def test_certificate_is_of_the_point_returned():
    problem = Quadratic()
    for max_iter in (1, 3, 1000):
        solution = lbfgs(problem, tol=1e-8, max_iter=max_iter)
        value, gradient = problem.value_and_gradient(solution.theta)
        assert solution.last.objective == value
        assert solution.last.optimality == np.abs(gradient).max()


def test_an_unfinished_run_does_not_say_converged():
    solution = lbfgs(Quadratic(), tol=1e-8, max_iter=2)
    assert not solution.converged
    assert solution.last.iteration == 2


def test_starts_where_it_is_told_and_reports_every_iteration():
    problem = Quadratic()
    seen: list[Progress] = []
    start = problem.b / np.diag(problem.A) + 0.1
    solution = lbfgs(problem, tol=1e-8, max_iter=1000, start=start, progress=seen.append)
    assert solution.history[0].objective == problem.value_and_gradient(start)[0]
    assert [at.iteration for at in seen] == list(range(1, solution.last.iteration + 1))
    objectives = [at.objective for at in solution.history]
    assert objectives == sorted(objectives, reverse=True)


def test_a_start_at_the_minimum_takes_no_iteration():
    problem = Quadratic()
    solution = lbfgs(problem, tol=1e-8, max_iter=10, start=problem.b / np.diag(problem.A))
    assert solution.converged
    assert solution.last.iteration == 0


def test_an_interrupt_goes_through():
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lbfgs(Quadratic(), tol=1e-8, max_iter=100, progress=interrupt)
