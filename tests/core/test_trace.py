"""The record of a run: its order, its shapes, and that its numbers are those of the functions."""

from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.core import cross_entropy, softmax
from pminusy.core.options import Options
from pminusy.core.trace import Trace

RANDOM = np.random.default_rng(14)
N, D, K = 5, 3, 4
X, W, b = RANDOM.normal(size=(N, D)), RANDOM.normal(size=(K, D)), RANDOM.normal(size=K)
Y = np.array([0, 3, -100, 1, 1])
SOFT = RANDOM.dirichlet(np.ones(K), size=N)
FULL: dict[str, Any] = {"label_smoothing": 0.1, "z_loss": 0.01, "softcap": 2.0, "temperature": 0.7}


def test_order_and_shapes_of_a_linear_run():
    run = Trace(Y, X=X, W=W, b=b)
    shapes = {name: quantity.shape for name, quantity in run.items()}
    assert shapes == {
        "X": (N, D),
        "W": (K, D),
        "b": (K,),
        "z": (N, K),
        "m": (N,),
        "s": (N,),
        "p": (N, K),
        "q": (N, K),
        "L_i": (N,),
        "L": (),
        "dL_dp": (N, K),
        "J": (N, K, K),
        "dL_dz": (N, K),
        "dL_dW": (K, D),
        "dL_db": (K,),
        "dL_dX": (N, D),
    }
    assert list(run) == list(shapes)
    assert len(run) == len(shapes)
    assert all(quantity.formula and quantity.meaning for quantity in run.values())


def test_order_of_a_run_from_logits_with_transforms():
    run = Trace(Y, u=X @ W.T, options=Options(**FULL))
    expected = ["u", "z", "m", "s", "p", "q", "L_i", "L", "dL_dp", "J", "dL_dz", "dL_du"]
    assert list(run) == expected


def test_without_a_bias_there_is_no_gradient_of_one():
    assert {"b", "dL_db"}.isdisjoint(Trace(Y, X=X, W=W))


@pytest.mark.parametrize("options", [{}, FULL, {"reduction": "sum"}], ids=str)
@pytest.mark.parametrize("y", [Y, SOFT], ids=["labels", "soft"])
def test_the_record_agrees_with_the_functions(options, y):
    run = Trace(y, X=X, W=W, b=b, options=Options(**options))
    expected: Any = pmy.linear_cross_entropy_grad(X, W, b, y, **options)
    assert run["L"].value == expected.loss
    assert run["L_i"].value.sum() == pytest.approx(float(expected.loss), rel=1e-14)
    assert np.array_equal(run["dL_dX"].value, expected.dL_dX)
    assert np.array_equal(run["dL_dW"].value, expected.dL_dW)
    assert np.array_equal(run["dL_db"].value, expected.dL_db)
    z = X @ W.T + b
    u = "u" if "softcap" in options else "z"
    assert np.array_equal(run[u].value, z)
    _, dL_du = pmy.cross_entropy_grad(z, y, **options)
    assert np.array_equal(run["dL_du" if u == "u" else "dL_dz"].value, dL_du)


def test_the_record_holds_together():
    run = {name: quantity.value for name, quantity in Trace(Y, X=X, W=W, b=b).items()}
    z, p, q = run["z"], run["p"], run["q"]
    np.testing.assert_allclose(run["m"], z.max(axis=1))
    np.testing.assert_allclose(run["s"], np.exp(z - run["m"][:, None]).sum(axis=1), rtol=1e-15)
    np.testing.assert_allclose(p, np.exp(z - run["m"][:, None]) / run["s"][:, None], rtol=1e-15)
    counted = (Y >= 0)[:, None]
    np.testing.assert_allclose(q, (np.arange(K) == Y[:, None]) / 4, rtol=1e-16)
    np.testing.assert_allclose(run["dL_dp"], -q / p, rtol=1e-15)
    assert np.array_equal(run["J"], softmax.jacobian(z))
    long = cross_entropy.gradient_from_jacobian(run["dL_dp"], run["J"])
    np.testing.assert_allclose(run["dL_dz"], long, rtol=1e-13)
    np.testing.assert_allclose(run["dL_dz"], p * counted / 4 - q, rtol=1e-14)
    assert np.array_equal(run["X"], X)
    assert np.array_equal(run["W"], W)
    assert np.array_equal(run["b"], b)


def test_transforms_are_recorded_between_u_and_z():
    options = Options(**FULL)
    run = Trace(Y, u=X @ W.T, options=options)
    u, z = run["u"].value, run["z"].value
    np.testing.assert_allclose(z, 2.0 * np.tanh(u / 2.0) / 0.7, rtol=1e-15)
    slope = (1 - np.tanh(u / 2.0) ** 2) / 0.7
    np.testing.assert_allclose(run["dL_du"].value, slope * run["dL_dz"].value, rtol=1e-12)
    lse = np.log(np.exp(z).sum(axis=1, keepdims=True))
    S = run["q"].value.sum(axis=1, keepdims=True)
    pull = S * (1 + 2 * 0.01 * lse) * run["p"].value - run["q"].value
    np.testing.assert_allclose(run["dL_dz"].value, pull, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_quantity_has_the_type_of_the_logits(dtype):
    run = Trace(Y, X=X.astype(dtype), W=W.astype(dtype), b=b.astype(dtype), options=Options(**FULL))
    assert {quantity.value.dtype for quantity in run.values()} == {np.dtype(dtype)}


def test_astronomic_weights_are_shown_as_given():
    run = Trace(Y, u=X @ W.T, options=Options(weight=np.full(K, 1e300), reduction="sum"))
    assert run["q"].value[0].tolist() == [1e300, 0, 0, 0]


FORMULAS: dict[str, Any] = {
    "z": [({}, "given"), ({"temperature": 2.0}, "u / T"), ({"softcap": 2.0}, "κ tanh(u / κ)")],
    "dL_dz": [({}, "S p − q"), ({"z_loss": 1.0}, "S (1 + 2 ζ lse) p − q")],
    "L_i": [({}, "−Σ_k q_k ln p_k"), ({"z_loss": 1.0}, "−Σ_k q_k ln p_k + ζ S lse²")],
    "dL_du": [
        ({"temperature": 2.0}, "dL_dz · 1 / T"),
        ({"softcap": 2.0}, "dL_dz · sech²(u / κ) / T"),
    ],
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_name_the_options_that_are_on(name):
    for options, formula in FORMULAS[name]:
        assert Trace(Y, u=X @ W.T, options=Options(**options))[name].formula == formula


def test_formulas_of_the_parameters_start_from_the_logits_that_were_given():
    assert Trace(Y, X=X, W=W)["dL_dW"].formula == "dL_dzᵀ X"
    capped = Trace(Y, X=X, W=W, b=b, options=Options(softcap=2.0))
    assert capped["dL_dW"].formula == "dL_duᵀ X"
    assert capped["u"].formula == "X Wᵀ + b"
    assert Trace(Y, X=X, W=W)["z"].formula == "X Wᵀ"


def test_a_quantity_is_computed_once_and_only_when_asked_for():
    run = Trace(Y, u=X @ W.T)
    assert run["p"] is run["p"]
    with pytest.raises(KeyError):
        run["dL_du"]
