"""Gradients of the specification against finite differences in 40 digits, and torch's autograd."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch

from pminusy.training.network.masks import kept, level_key
from tests.training.network.cases import CASES, Case, epochs, made


def _gradient(case: Case, compiled: bool = False):
    """Parameters, and the gradient of the summed loss of one batch."""
    trainer, counted = made(case)
    trainer._compiled = compiled
    theta = trainer.buffers.theta.copy()
    (schedule,) = epochs(trainer, counted, case, moves=False)
    return trainer, theta, trainer.buffers.gradient.copy(), schedule


def _torch_loss(trainer, theta, schedule, case):
    """The same loss, out of torch's functions, summed over the target mass of the rows."""
    network, rows = trainer.network, trainer.rows
    X = rows.X if not case.sparse else _dense(rows, network.units[0])
    index, a = schedule.order, torch.tensor(X[schedule.order])
    for level in range(network.layers + 1):
        if level > 0:
            W = theta[network.weights[level - 1]].reshape(network.units[level - 1 : level + 1])
            a = a @ W + theta[network.biases[level - 1]]
        if level in network.normalised:
            place = network.normalised.index(level)
            gamma, beta = theta[network.gammas[place]], theta[network.betas[place]]
            a = torch.nn.functional.batch_norm(a, None, None, gamma, beta, training=True)
        if 0 < level < network.layers:
            a = _TORCH[case.activation](a)
            if case.dropout:
                key = level_key(schedule.keys[0], level)
                mask = kept(key, (a.shape[0], a.shape[1]), case.dropout)
                a = a * torch.tensor(mask / (1 - case.dropout))
    if a.shape[1] == 1:
        a = torch.cat([torch.zeros_like(a), a], dim=1)
    K = a.shape[1]
    Y = rows.soft[index] if case.soft else np.eye(K)[rows.labels[index]]
    Y = (1 - case.smoothing) * Y + case.smoothing / K
    losses = -(torch.tensor(Y) * torch.log_softmax(a, dim=1)).sum(dim=1)
    return (torch.tensor(rows.omega[index]) * losses).sum()


_TORCH = {
    "identity": lambda a: a,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": torch.nn.functional.gelu,
}


def _dense(rows, features):
    out = np.zeros((rows.indptr.size - 1, features))
    for i in range(out.shape[0]):
        some = slice(rows.indptr[i], rows.indptr[i + 1])
        out[i, rows.indices[some]] = rows.data[some]
    return out


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("compiled", [False, True], ids=["specification", "compiled"])
def test_gradient_is_that_of_autograd(name, compiled):
    case = CASES[name]._replace(together=1, averaging=0.0, clip=np.inf)
    case = case._replace(batch=case.rows)  # one batch: its mask and statistics are known
    trainer, start, gradient, schedule = _gradient(case, compiled)
    theta = torch.tensor(start, requires_grad=True)
    loss = _torch_loss(trainer, theta, schedule, case)
    loss.backward()
    assert schedule.losses.sum() == pytest.approx(loss.item(), rel=1e-12)
    assert theta.grad is not None
    np.testing.assert_allclose(gradient, theta.grad.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("activation", ["logistic", "tanh", "gelu", "relu"])
def test_gradient_is_that_of_differences_in_40_digits(activation):
    case = Case(units=(3, 4, 3), activation=activation, rows=5, batch=5, weighted=True)
    trainer, theta, gradient, schedule = _gradient(case)
    with mpmath.workdps(40):
        exact = [mpmath.mpf(float(x)) for x in theta]
        step = mpmath.mpf(10) ** -15
        for i in range(0, theta.size, 3):
            sides = []
            for sign in (1, -1):
                moved = list(exact)
                moved[i] += sign * step
                sides.append(_loss_in_40_digits(trainer, moved, schedule.order, activation))
            difference = (sides[0] - sides[1]) / (2 * step)
            assert abs(difference - gradient[i]) <= 1e-13 * (1 + abs(difference))


def _loss_in_40_digits(trainer, theta, order, activation):
    network, rows = trainer.network, trainer.rows
    f = {
        "logistic": lambda a: 1 / (1 + mpmath.exp(-a)),
        "tanh": mpmath.tanh,
        "gelu": lambda a: a * mpmath.ncdf(a),
        "relu": lambda a: max(a, mpmath.mpf(0)),
    }[activation]
    total = mpmath.mpf(0)
    for row in order:
        a = [mpmath.mpf(float(x)) for x in rows.X[row]]
        for layer in range(network.layers):
            inputs, outputs = network.units[layer : layer + 2]
            W, b = theta[network.weights[layer]], theta[network.biases[layer]]
            a = [
                b[j] + mpmath.fsum(a[d] * W[d * outputs + j] for d in range(inputs))
                for j in range(outputs)
            ]
            if layer < network.layers - 1:
                a = [f(x) for x in a]
        log_sum = mpmath.log(mpmath.fsum(mpmath.exp(x) for x in a))
        total += mpmath.mpf(float(rows.omega[row])) * (log_sum - a[rows.labels[row]])
    return total


def test_a_label_keeps_its_digits_where_the_network_is_sure():
    case = Case(units=(2, 3), rows=2, batch=2, alpha=0.0)
    for compiled in (False, True):
        trainer, counted = made(case)
        trainer._compiled = compiled
        trainer.rows.X[:] = 0
        trainer.rows.labels[:] = 0
        trainer.buffers.theta[:] = 0
        trainer.buffers.theta[trainer.network.biases[0]] = [60.0, 0.0, -3.0]
        epochs(trainer, counted, case, moves=False)
        gradient = trainer.buffers.gradient[trainer.network.biases[0]]
        s = 1 + np.exp(-60.0) + np.exp(-63.0)
        expected = 2 * np.array([-(np.exp(-60.0) + np.exp(-63.0)), np.exp(-60), np.exp(-63)]) / s
        np.testing.assert_allclose(gradient, expected, rtol=1e-13)
