"""lse, token accuracy and entropy beside the losses of tensors, against torch in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pminusy
from pminusy.errors import InputError

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

import pminusy.torch as pt  # noqa: E402  # after the skip

pmy: Any = pminusy
EPSILON = {torch.float64: 2.0**-52, torch.float32: 2.0**-23, torch.bfloat16: 2.0**-8}
N, K, D = 7, 5, 3


def case(seed: int) -> tuple[Any, Any, dict[str, Any], Any]:
    """Logits in float64, targets, options, and what each row weighs."""
    random = np.random.default_rng(seed)
    z = torch.tensor(random.normal(size=(N, K)) * 3)
    y = torch.tensor(random.integers(0, K, N))
    options: dict[str, Any] = {"reduction": ["mean", "sum", "none"][seed % 3]}
    weights = torch.ones(N, dtype=torch.float64)
    if random.integers(2):
        y = torch.tensor(random.dirichlet(np.ones(K), N))
    else:
        y[torch.tensor(random.random(N) < 0.4)] = -100
        weights[y == -100] = 0
    if random.integers(2):
        omega = torch.tensor(random.uniform(0.1, 2, N) * (random.random(N) < 0.7))
        options["sample_weight"] = omega
        weights = weights * omega
    if random.integers(2):
        options |= {"softcap": 4.0, "temperature": 0.5}
    if random.integers(2):
        options |= {"label_smoothing": 0.1, "weight": torch.ones(K, dtype=torch.float64)}
    return z, y, options, weights


def right(z: Any, y: Any, options: dict[str, Any], weights: Any) -> tuple[Any, Any, Any]:
    """Lse (N,), differentiable, accuracy and entropy by torch in float64."""
    if "softcap" in options:
        z = options["softcap"] * torch.tanh(z / options["softcap"]) / options["temperature"]
    counts = weights > 0
    lse = torch.where(counts, torch.logsumexp(torch.where(counts[:, None], z, 0.0), -1), 0.0)
    log_p = torch.log_softmax(z, -1)
    entropy = -(log_p.exp() * log_p).sum(-1)
    labels = y.argmax(-1) if y.is_floating_point() else y
    hits = (z.argmax(-1) == labels).double()
    if options["reduction"] == "none":
        return lse, torch.where(counts, hits, 0.0), torch.where(counts, entropy, 0.0)
    total = weights.sum().clamp(min=1e-300)
    return lse, (hits * weights).sum() / total, (entropy * weights).sum() / total


def near(found: Any, expected: Any, dtype: Any, units: float = 16) -> None:
    atol = units * EPSILON[dtype] * max(1.0, float(expected.detach().abs().max()))
    torch.testing.assert_close(found.detach().double(), expected.detach(), rtol=0.0, atol=atol)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_outputs_and_the_gradient_of_lse(seed, dtype):
    z, y, options, weights = case(seed)
    options = {k: v.to(dtype) if torch.is_tensor(v) else v for k, v in options.items()}
    leaf, exact = z.to(dtype).requires_grad_(), z.to(dtype).double().requires_grad_()
    target = y.to(dtype) if y.is_floating_point() else y
    found = pt.cross_entropy_outputs(leaf, target, **options)
    lse, accuracy, entropy = right(exact, y, options, weights)
    assert torch.equal(found.loss, pt.cross_entropy(leaf, target, **options))
    near(found.lse, lse, dtype)
    near(found.token_accuracy, accuracy, dtype)
    near(found.entropy, entropy, dtype)
    assert not found.token_accuracy.requires_grad
    assert not found.entropy.requires_grad
    factor = torch.linspace(0.5, 2.0, N, dtype=torch.float64)
    (ours,) = torch.autograd.grad((found.lse * factor.to(dtype)).sum(), leaf, retain_graph=True)
    (theirs,) = torch.autograd.grad((lse * factor).sum(), exact)
    near(ours, theirs, dtype)
    both = found.loss.sum() + 0.1 * found.lse.square().sum()  # as a z-loss of one's own
    assert torch.autograd.grad(both, leaf)[0].isfinite().all()


@pytest.mark.parametrize("seed", range(50, 62))
def test_layers(seed):
    _, y, options, weights = case(seed)
    random = np.random.default_rng(seed)
    X, W, b = (torch.tensor(random.normal(size=s)) for s in ((N, D), (K, D), (K,)))
    leaves, exact = ([t.clone().requires_grad_() for t in (X, W, b)] for _ in range(2))
    found = pt.linear_cross_entropy_outputs(
        leaves[0], leaves[1], y, linear_bias=leaves[2], workspace=500, **options
    )
    lse, accuracy, entropy = right(exact[0] @ exact[1].T + exact[2], y, options, weights)
    near(found.lse, lse, torch.float64, 64)
    near(found.token_accuracy, accuracy, torch.float64, 64)
    near(found.entropy, entropy, torch.float64, 64)
    factor = torch.linspace(0.5, 2.0, N, dtype=torch.float64)
    for ours, theirs in zip(
        torch.autograd.grad((found.lse * factor).sum(), leaves),
        torch.autograd.grad((lse * factor).sum(), exact),
        strict=True,
    ):
        near(ours, theirs, torch.float64, 64)


def test_half_types():
    random = np.random.default_rng(3)
    X, W = (torch.tensor(random.normal(size=s)).bfloat16() for s in ((N, D), (K, D)))
    y = torch.arange(N) % K
    leaf, exact = X.clone().requires_grad_(), X.double().requires_grad_()
    found = pt.linear_cross_entropy_outputs(leaf, W, y)
    lse = torch.logsumexp(exact @ W.double().T, -1)
    assert found.loss.dtype == torch.bfloat16
    assert found.lse.dtype == torch.float32
    near(found.lse, lse, torch.bfloat16)
    (ours,) = torch.autograd.grad(found.lse.sum(), leaf)
    near(ours, torch.autograd.grad(lse.sum(), exact)[0], torch.bfloat16)
    assert pt.cross_entropy_outputs((leaf @ W.T), y).lse.dtype == torch.float32


def test_gradcheck_and_second_derivatives():
    z = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    X = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    W = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0, -100, 1, 2])

    def lse(z: Any) -> Any:
        found = pt.cross_entropy_outputs(z, y, softcap=3.0)
        return found.loss + found.lse.square().sum()

    def layer(X: Any, W: Any) -> Any:
        found = pt.linear_cross_entropy_outputs(X, W, y, outputs=["lse"])
        return found.loss + found.lse.square().sum()

    for function, inputs in ((lse, (z,)), (layer, (X, W))):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)


def test_positions_transforms_and_one_row():
    z, y = torch.randn(2, K, 3, 2), torch.randint(0, K, (2, 3, 2))
    found = pt.cross_entropy_outputs(z, y)
    torch.testing.assert_close(found.lse, torch.logsumexp(z, 1))
    assert float(found.token_accuracy) == pytest.approx(float((z.argmax(1) == y).float().mean()))
    one = pt.cross_entropy_outputs(z[0, :, 0, 0], y[0, 0, 0])
    torch.testing.assert_close(one.lse, torch.logsumexp(z[0, :, 0, 0], 0))
    rows = z[:, :, 0, 0]
    mapped = torch.func.vmap(lambda r: pt.cross_entropy_outputs(r, y[:, 0, 0]).lse)(rows[None])
    torch.testing.assert_close(mapped[0], torch.logsumexp(rows, 1))
    gradient = torch.func.grad(lambda r: pt.cross_entropy_outputs(r, y[:, 0, 0]).lse.sum())(rows)
    torch.testing.assert_close(gradient, torch.softmax(rows, 1))


@pytest.mark.slow
@pytest.mark.parametrize("layer", [False, True])
def test_compiled(layer):
    torch._dynamo.reset()
    X, W, y = torch.randn(N, D), torch.randn(K, D), torch.arange(N) % K

    def step(X: Any, W: Any) -> Any:
        if layer:
            found = pt.linear_cross_entropy_outputs(X, W, y)
        else:
            found = pt.cross_entropy_outputs(X @ W.T, y)
        return found.loss + found.lse.square().sum(), found.token_accuracy, found.entropy

    leaves, plain = ([t.clone().requires_grad_() for t in (X, W)] for _ in range(2))
    ours = torch.compile(step, backend="aot_eager", fullgraph=True)(*leaves)
    right_ones = step(*plain)
    for found, expected in zip(ours, right_ones, strict=True):
        torch.testing.assert_close(found, expected)
    for found, expected in zip(
        torch.autograd.grad(ours[0], leaves), torch.autograd.grad(right_ones[0], plain), strict=True
    ):
        torch.testing.assert_close(found, expected)


def test_our_names_serve_tensors_too():
    z = torch.randn(4, 3, 2, requires_grad=True)
    y = torch.randint(0, 2, (4, 3))
    found = pmy.cross_entropy_outputs(z, y)
    arrays = pmy.cross_entropy_outputs(z.detach().numpy(), y.numpy())
    for ours, expected in zip(found, arrays, strict=True):
        np.testing.assert_allclose(ours.detach(), expected, rtol=1e-5)
    found.lse.sum().backward()
    torch.testing.assert_close(z.grad, torch.softmax(z.detach(), -1))
    axis = pmy.cross_entropy_outputs(z.detach(), torch.zeros(4, 2, dtype=torch.int64), axis=1)
    torch.testing.assert_close(axis.lse, torch.logsumexp(z.detach(), 1))
    X, W = torch.randn(5, 2), torch.randn(3, 2)
    layer = pmy.linear_cross_entropy_outputs(X, W, None, [0, 1, 2, 0, 1])
    torch.testing.assert_close(layer.lse, torch.logsumexp(X @ W.T, -1))


def test_rows_that_do_not_count_may_hold_anything():
    z = torch.tensor([[float("nan"), 1.0], [0.0, 2.0]], requires_grad=True)
    y = torch.tensor([-100, 1])
    found = pt.cross_entropy_outputs(z, y)
    (found.loss + found.lse.sum()).backward()
    assert z.grad[0].tolist() == [0.0, 0.0]
    assert all(bool(part.isfinite().all()) for part in found)


def test_refused():
    X, y = torch.ones(3, 4), torch.tensor([0, 1, 2])
    no_names: list[Any] = ["lse", ["perplexity"], None]
    for outputs in no_names:
        with pytest.raises(InputError, match=r'^outputs: expected names among "lse"'):
            pt.cross_entropy_outputs(X, y, outputs=outputs)
    with pytest.raises(InputError, match=r"^linear_weight: expected shape \(K, D\) with outputs"):
        pt.linear_cross_entropy_outputs(X, torch.ones(2, 3, 4), torch.zeros(3, 3).long())
    with pytest.raises(InputError, match=r"^target\[2\]: expected a class index from 0 to 3"):
        pt.cross_entropy_outputs(X, torch.tensor([0, 1, 9]))
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        pt.cross_entropy_outputs(X, y, temprature=2.0)
