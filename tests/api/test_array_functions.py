"""One name for arrays and tensors: what tensors give is what arrays give."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import pminusy as pmy
from pminusy.errors import InputError

torch: Any = pytest.importorskip("torch")

OPTION_SETS: tuple[Any, ...] = (
    {},
    {"reduction": "none"},
    {"label_smoothing": 0.1, "z_loss": 0.01},
    {"weight": [0.5, 1.0, 2.0, 0.1, 1.0]},
)


def made(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape)


def near(ours: Any, expected: Any) -> None:
    assert isinstance(ours, torch.Tensor)
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_losses_of_tensors(shape, options, soft):
    z, v = made(*shape), made(*shape, seed=1)
    y = np.abs(v) if soft else np.arange(z[..., 0].size).reshape(shape[:-1]) % 5
    tensors = [torch.tensor(a) for a in (z, y, v)]
    near(pmy.cross_entropy(*tensors[:2], **options), pmy.cross_entropy(z, y, **options))
    ours, expected = (pmy.cross_entropy_grad(*pair, **options) for pair in (tensors[:2], (z, y)))
    near(ours.loss, expected.loss)
    near(ours.dL_dz, expected.dL_dz)
    near(pmy.cross_entropy_hvp(*tensors, **options), pmy.cross_entropy_hvp(z, y, v, **options))


@pytest.mark.parametrize("wrt", [("X", "W", "b"), ("W",), ()], ids=str)
@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_linear_losses_of_tensors(options, wrt):
    X, W, b, y = made(6, 3), made(5, 3, seed=1), made(5, seed=2), np.arange(6) % 5
    tensors = [torch.tensor(a) for a in (X, W, b, y)]
    loss = pmy.linear_cross_entropy(*tensors, **options)
    near(loss, pmy.linear_cross_entropy(X, W, b, y, **options))
    ours, expected = (
        pmy.linear_cross_entropy_grad(*a, wrt=wrt, **options) for a in (tensors, (X, W, b, y))
    )
    for got, found in zip(ours, expected, strict=True):
        assert (got is None) == (found is None)
        if got is not None:
            near(got, found)


def test_a_factor_for_every_row():
    z, y, factors = made(4, 5), np.arange(4), np.arange(4.0)
    ours, expected = (
        pmy.cross_entropy_grad(z, y, grad_output=factors, reduction="none")
        for z in (torch.tensor(z), z)
    )
    near(ours.dL_dz, expected.dL_dz)
    with pytest.raises(InputError, match="grad_output: expected nothing unless reduction"):
        pmy.cross_entropy_grad(torch.tensor(z), y, grad_output=factors)


def test_gradients_flow_and_lists_may_stand_beside_tensors():
    z = torch.zeros(2, 5, requires_grad=True)
    loss: Any = pmy.cross_entropy(z, [0, 1], sample_weight=np.array([1.0, 2.0]))
    loss.backward()
    assert z.grad[0, 0] < 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t, a: pmy.softmax(t), "z: expected NumPy arrays, got a torch tensor; use torch.s"),
        (lambda t, a: pmy.log_softmax(t), "z: expected NumPy arrays"),
        (lambda t, a: pmy.softmax_jacobian(t), "z: expected NumPy arrays"),
        (lambda t, a: pmy.linear_cross_entropy_hvp(t, t, None, a, t), "linear_cross_entropy_hvp"),
        (lambda t, a: pmy.cross_entropy(a, torch.zeros(2)), "z: expected a torch tensor, as oth"),
        (lambda t, a: pmy.linear_cross_entropy(t, a, None, [0, 1]), "W: expected a torch tensor"),
        (lambda t, a: pmy.cross_entropy_grad(t, [0, 1], out=t), "out: expected None where there"),
        (lambda t, a: pmy.linear_cross_entropy_grad(t, t, None, [0, 1], wrt=("z",)), "wrt: expe"),
    ],
)
def test_what_tensors_cannot_do_is_said(call, message):
    with pytest.raises(InputError, match=f"^{message}"):
        call(torch.zeros(2, 3), np.zeros((2, 3)))


def test_errors_about_tensors_have_the_names_of_the_arguments_here():
    z, y, W = torch.zeros(2, 3), torch.tensor([0, 7]), torch.zeros(3, 3)
    with pytest.raises(InputError, match=r"^y\[1\]: .* got 7"):
        pmy.cross_entropy(z, y)
    with pytest.raises(InputError, match=r"^z: "):
        pmy.cross_entropy_grad(z.long(), y)
    with pytest.raises(InputError, match=r"^W: "):
        pmy.linear_cross_entropy(z, W[:, :2], None, y)
    with pytest.raises(InputError, match=r"^X: "):
        pmy.linear_cross_entropy_grad(z.to_sparse(), W, None, y)


def test_torch_is_not_imported_for_arrays():
    code = "import sys, pminusy; pminusy.softmax([0.0, 1.0]); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False"]
