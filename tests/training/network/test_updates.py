"""A hundred steps against torch's optimisers, from the same start and in the same order of rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pminusy.training.network.data import ADAM, SGD
from pminusy.training.network.schedule import part_of
from tests.training.network.cases import Case, epochs, made
from tests.training.network.test_gradients import _torch_loss

STEPS = {
    "sgd": Case(method=SGD, nesterov=False),
    "momentum": Case(method=SGD, nesterov=False, activation="tanh"),
    "nesterov": Case(method=SGD, nesterov=True, activation="tanh"),
    "adam": Case(method=ADAM, activation="tanh", rate=0.003),
    "adam, clipped": Case(method=ADAM, activation="gelu", rate=0.003, clip=0.1),
}


def _optimizer(name, case, theta):
    if case.method == ADAM:
        return torch.optim.Adam([theta], lr=case.rate, betas=(0.9, 0.999), eps=1e-8)
    momentum = 0.0 if name == "sgd" else 0.9
    return torch.optim.SGD([theta], lr=case.rate, momentum=momentum, nesterov=case.nesterov)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("compiled", [False, True], ids=["specification", "compiled"])
def test_the_weights_after_100_steps_are_those_of_torch(name, compiled):
    case = STEPS[name]._replace(rows=200, batch=50, alpha=0.05)
    trainer, counted = made(case)
    trainer._compiled = compiled
    if name == "sgd":
        trainer.settings = trainer.settings._replace(momentum=0.0)
    theta = torch.tensor(trainer.buffers.theta.copy(), requires_grad=True)
    optimizer = _optimizer(name, case, theta)
    schedules = epochs(trainer, counted, case, 25)
    t = 0
    for schedule in schedules:
        for step in range(schedule.update.size):
            t += 1
            part = schedule._replace(
                order=schedule.order[schedule.bounds[step] : schedule.bounds[step + 1]]
            )
            optimizer.zero_grad()
            loss = _torch_loss(trainer, theta, part, case)
            penalty = (theta[: trainer.network.decayed] ** 2).sum() * case.alpha / 2
            ((loss + penalty) / case.batch).backward()
            torch.nn.utils.clip_grad_norm_([theta], case.clip, error_if_nonfinite=True)
            if case.method == ADAM:  # torch adds ε to √v / √(1 − β₂ᵗ), scikit-learn to √v
                optimizer.param_groups[0]["eps"] = 1e-8 / np.sqrt(1 - 0.999**t)
            optimizer.step()
    assert t == 100
    # torch divides by ‖g‖ + 1e-6 when it clips
    few = 1e-5 if case.clip < np.inf else 1e-9
    np.testing.assert_allclose(trainer.buffers.theta, theta.detach().numpy(), rtol=0, atol=few)


def test_the_average_is_of_all_steps_at_first_and_of_the_last_ones_later():
    case = Case(averaging=0.75, rows=100, batch=10)
    trainer, counted = made(case)
    one = case._replace(rows=100)
    seen = []
    for compiled in (False, True):
        trainer, counted = made(one)
        trainer._compiled = compiled
        (schedule,) = epochs(trainer, counted, one)
        np.testing.assert_allclose(
            schedule.averaging, np.maximum(0.25, 1 / np.arange(1, 11)), rtol=1e-15
        )
        seen.append(trainer.buffers.average.copy())
    trainer, counted = made(one._replace(averaging=0.0))
    trainer._compiled = False
    expected = np.zeros(0)
    for step in range(10):
        trainer.run(part_of(schedule, slice(step, step + 1)))
        theta = trainer.buffers.theta.copy()
        expected = expected if expected.size else np.zeros_like(theta)
        share = max(0.25, 1 / (step + 1))
        expected = expected + share * (theta - expected)
    for average in seen:
        np.testing.assert_allclose(average, expected, rtol=0, atol=1e-12)
