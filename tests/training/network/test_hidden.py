"""Hidden layers once training is over: forward, backward and Jacobian, beside torch's autograd."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from pminusy.training.network.hidden import (
    NORM_EPSILON,
    HiddenLayers,
    LevelNorm,
    backward,
    forward,
    jacobian,
    outputs,
)

ACTIVATIONS = {
    "identity": torch.nn.Identity(),
    "logistic": torch.nn.Sigmoid(),
    "tanh": torch.nn.Tanh(),
    "relu": torch.nn.ReLU(),
    "gelu": torch.nn.GELU(),
}
UNITS = (5, 7, 4, 6)


def hidden_layers(activation: str, levels: tuple[int, ...], seed: int = 0) -> HiddenLayers:
    r = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(UNITS))
    norms = tuple(
        LevelNorm(
            level,
            r.normal(size=UNITS[level]),
            r.normal(size=UNITS[level]),
            r.normal(size=UNITS[level]),
            r.uniform(0.5, 2, UNITS[level]),
        )
        for level in levels
    )
    return HiddenLayers(
        tuple(r.normal(size=pair) for pair in pairs),
        tuple(r.normal(size=n) for n in UNITS[1:]),
        activation,
        norms,
    )


def in_torch(hidden: HiddenLayers) -> torch.nn.Sequential:
    """The same layers, their names those of levels."""
    modules: dict[str, torch.nn.Module] = {}
    norms = hidden.norm_of

    def norm(level: int) -> None:
        if level in norms:
            own = norms[level]
            made: Any = torch.nn.BatchNorm1d(UNITS[level], eps=NORM_EPSILON).double()
            made.weight.data, made.bias.data = map(torch.tensor, (own.gamma, own.beta))
            made.running_mean, made.running_var = map(torch.tensor, (own.mean, own.variance))
            modules[f"norm{level}"] = made

    norm(0)
    for level, (W, b) in enumerate(zip(hidden.coefs, hidden.intercepts, strict=True), start=1):
        linear = torch.nn.Linear(*W.shape).double()
        linear.weight.data, linear.bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
        modules[f"linear{level}"] = linear
        norm(level)
        modules[f"activation{level}"] = ACTIVATIONS[hidden.activation]
    net = torch.nn.Sequential()
    for name, module in modules.items():
        net.add_module(name, module)
    return net.eval()


@pytest.mark.parametrize("levels", [(), (1, 3), (0, 1, 2, 3)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_gradient_is_that_of_autograd(activation, levels):
    hidden = hidden_layers(activation, levels)
    net = in_torch(hidden)
    r = np.random.default_rng(1)
    X, g = r.normal(size=(9, 5)), r.normal(size=(9, 6))
    x = torch.tensor(X, requires_grad=True)
    out = net(x)
    out.backward(torch.tensor(g))
    found = forward(hidden, X)
    np.testing.assert_allclose(found[-1].output, out.detach(), rtol=1e-12, atol=1e-12)
    gradients, dX = backward(hidden, found, g)
    np.testing.assert_allclose(dX, np.asarray(x.grad), rtol=1e-10, atol=1e-12)
    theirs = dict(net.named_parameters())
    for level, one in enumerate(gradients, start=1):
        expected: dict[str, Any] = {
            f"linear{level}.weight": one.dL_dW.T,
            f"linear{level}.bias": one.dL_db,
        }
        if level in levels:
            expected |= {
                f"norm{level}.weight": one.dL_dgamma, f"norm{level}.bias": one.dL_dbeta,
            }  # fmt: skip
        for name, value in expected.items():
            np.testing.assert_allclose(value, np.asarray(theirs[name].grad), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("levels", [(), (0, 2)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_jacobian_is_that_of_autograd(activation, levels):
    hidden = hidden_layers(activation, levels, seed=2)
    r = np.random.default_rng(3)
    x, W = r.normal(size=(1, 5)), r.normal(size=(4, 6))
    net = in_torch(hidden)
    theirs = torch.autograd.functional.jacobian(
        lambda row: (net(row[None]) @ torch.tensor(W).T)[0], torch.tensor(x[0])
    )
    np.testing.assert_allclose(jacobian(hidden, forward(hidden, x), W), theirs, rtol=1e-10)


def test_rows_go_through_a_few_at_a_time(monkeypatch):
    hidden = hidden_layers("tanh", (1,))
    X = np.random.default_rng(4).normal(size=(50, 5))
    whole = outputs(hidden, X)
    monkeypatch.setattr("pminusy.training.network.hidden._WORKSPACE", 32 * sum(UNITS) * 7)
    np.testing.assert_allclose(outputs(hidden, X), whole, rtol=1e-14)
