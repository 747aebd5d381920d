"""`num_items` with tensors: every path against the sum of torch's own loss over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

import pminusy.torch as pt  # noqa: E402  # after the skip
from pminusy.errors import InputError  # noqa: E402

N, K, D = 6, 5, 3
EPSILON = {torch.float64: 2.0**-52, torch.float32: 2.0**-23, torch.bfloat16: 2.0**-8}
EPSILON[torch.float16] = 2.0**-11


def case(seed: int, dtype: Any) -> tuple[Any, Any, dict[str, Any], float]:
    """Logits, targets, torch's options, and a number of items."""
    random = np.random.default_rng(seed)
    z = torch.tensor(random.normal(size=(N, K)) * 3).to(dtype)
    y = torch.tensor(random.integers(0, K, N))
    options: dict[str, Any] = {}
    if random.integers(2):
        y = torch.tensor(random.dirichlet(np.ones(K), N)).to(dtype)
    else:
        y[torch.tensor(random.random(N) < 0.4)] = -100
    if random.integers(2):
        options["weight"] = torch.tensor(random.uniform(0.1, 2, K)).to(dtype)
    if random.integers(2):
        options["label_smoothing"] = 0.1
    return z, y, options, float(random.choice([0.5, 4.0, 9.0, 300.0]))


def right(z: Any, y: Any, options: dict[str, Any], n: float) -> tuple[Any, Any]:
    """Loss and gradient of the logits by torch, in float64."""
    leaf = z.detach().double().requires_grad_()
    wide = {k: v.double() if torch.is_tensor(v) else v for k, v in options.items()}
    exact = y.double() if y.is_floating_point() else y
    loss = F.cross_entropy(leaf, exact, reduction="sum", **wide) / n
    return loss.detach(), torch.autograd.grad(loss, leaf)[0]


def near(found: Any, expected: Any, dtype: Any, units: float = 4) -> None:
    bound = units * EPSILON[dtype] * max(float(expected.detach().abs().max()), 1e-3)
    torch.testing.assert_close(found.detach().double(), expected.detach(), rtol=0.0, atol=bound)


def compiled(z: Any, y: Any, **options: Any) -> Any:
    return torch.compile(pt.cross_entropy, backend="aot_eager", fullgraph=True)(z, y, **options)


def scripted(z: Any, y: Any, num_items: Any, **options: Any) -> Any:
    n = num_items if torch.is_tensor(num_items) else torch.tensor(num_items)
    return torch.jit.script(pt.CrossEntropyLoss(**options))(z, y, None, n)


@pytest.fixture(autouse=True)
def _nothing_compiled_before() -> None:
    torch._dynamo.reset()


PATHS: dict[str, Any] = {
    "eager": pt.cross_entropy,
    "module": lambda z, y, num_items, **o: pt.CrossEntropyLoss(**o)(z, y, num_items=num_items),
    "compiled": compiled,
    "identity layer": lambda z, y, **o: pt.linear_cross_entropy(
        z, torch.eye(K, dtype=z.dtype), y, **o
    ),
    "compiled layer": lambda z, y, **o: torch.compile(
        pt.linear_cross_entropy, backend="aot_eager", fullgraph=True
    )(z, torch.eye(K, dtype=z.dtype), y, **o),
    "scripted": scripted,
    "vmap": lambda z, y, **o: torch.func.vmap(lambda r: pt.cross_entropy(r, y, **o))(z[None])[0],
}


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize("dtype", list(EPSILON), ids=str)
@pytest.mark.parametrize("path", [p for p in PATHS if "compiled" not in p])
def test_every_path_divides_the_sum(path, dtype):
    for seed in (0, 1, 2, 3):
        z, y, options, n = case(seed, dtype)
        expected, gradient = right(z, y, options, n)
        numbers: list[Any] = [torch.tensor(n), torch.tensor(n, dtype=torch.float64)]
        if "compiled" not in path or seed == 0:  # a compiler makes a graph for every number
            numbers.append(n)
        for num_items in numbers:
            leaf = z.clone().requires_grad_()
            loss = PATHS[path](leaf, y, num_items=num_items, **options)
            assert loss.dtype == dtype
            near(loss, expected, dtype)
            (found,) = torch.autograd.grad(loss, leaf)
            near(found, gradient, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("path", [p for p in PATHS if "compiled" in p])
def test_compiled_paths_divide_the_sum(path):
    test_every_path_divides_the_sum(path, torch.float32)


@pytest.mark.parametrize("seed", range(50, 62))
def test_layers_with_weights_of_rows(seed):
    random = np.random.default_rng(seed)
    dtype = list(EPSILON)[seed % 4]
    _, y, options, n = case(seed, dtype)
    omega = torch.tensor(random.uniform(0, 2, N)).to(dtype)
    X = torch.tensor(random.normal(size=(N, D))).to(dtype)
    W, b = (torch.tensor(random.normal(size=s)).to(dtype) for s in ((K, D), (K,)))
    leaves = [t.requires_grad_() for t in (X, W, b)]
    exact = [t.detach().double().requires_grad_() for t in leaves]
    loss = pt.linear_cross_entropy(
        leaves[0], leaves[1], y, linear_bias=leaves[2], sample_weight=omega, num_items=n,
        workspace=400, **options,
    )  # fmt: skip
    logits = exact[0] @ exact[1].T + exact[2]
    wide = {k: v.double() if torch.is_tensor(v) else v for k, v in options.items()}
    target = y.double() if y.is_floating_point() else y
    rows = F.cross_entropy(logits, target, reduction="none", **wide)
    expected = (rows * omega.double()).sum() / n
    near(loss, expected, dtype, 32)
    for found, true in zip(
        torch.autograd.grad(loss, leaves), torch.autograd.grad(expected, exact), strict=True
    ):
        near(found, true, dtype, 32)


@pytest.mark.parametrize("workspace", [400, None])
def test_a_layer_at_each_position(workspace):
    random = np.random.default_rng(5)
    X = torch.tensor(random.normal(size=(N, D)), requires_grad=True)
    W = torch.tensor(random.normal(size=(K, 2, D)), requires_grad=True)
    y = torch.tensor(random.integers(0, K, (N, 2)))
    loss = pt.linear_cross_entropy(X, W, y, num_items=torch.tensor(7), workspace=workspace)
    z = torch.tensordot(X, W.movedim(-1, 0), 1)
    expected = F.cross_entropy(z, y, reduction="sum") / 7
    near(loss, expected, torch.float64, 64)
    for found, true in zip(
        torch.autograd.grad(loss, (X, W)), torch.autograd.grad(expected, (X, W)), strict=True
    ):
        near(found, true, torch.float64, 64)


def test_a_half_type_does_not_overflow_on_the_way():
    z = torch.zeros(20_000, 8, dtype=torch.float16, requires_grad=True)
    y = torch.zeros(20_000, dtype=torch.int64)
    sum_of_losses = pt.cross_entropy(z, y, reduction="sum") * 10
    assert torch.isinf(sum_of_losses)
    loss = pt.cross_entropy(z, y, num_items=40_000)
    assert loss.item() == pytest.approx(np.log(8) / 2, rel=1e-3)


def test_second_derivatives_and_gradcheck():
    z = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y, n = torch.tensor([0, 1, -100, 2]), torch.tensor(5.0)
    assert torch.autograd.gradcheck(lambda z: pt.cross_entropy(z, y, num_items=n), z)
    assert torch.autograd.gradgradcheck(lambda z: pt.cross_entropy(z, y, num_items=n), z)


def test_one_compiled_graph_serves_every_number():
    calls: list[int] = []

    def count(graph: Any, example: Any) -> Any:
        calls.append(1)
        return graph.forward

    step = torch.compile(pt.cross_entropy, backend=count, fullgraph=True)
    z, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    for n in (1, 5, 9):
        found = step(z, y, num_items=torch.tensor(n))
        torch.testing.assert_close(found, F.cross_entropy(z, y, reduction="sum") / n)
    assert calls == [1]


Z, Y = torch.ones(3, 4), torch.tensor([0, 1, 2])
CALLS: dict[str, Any] = {
    "loss": lambda n, **o: pt.cross_entropy(Z, Y, num_items=n, **o),
    "layer": lambda n, **o: pt.linear_cross_entropy(Z, torch.eye(4), Y, num_items=n, **o),
    "module": lambda n, **o: pt.CrossEntropyLoss(**o)(Z, Y, num_items=n),
    "positions": lambda n, **o: pt.linear_cross_entropy(
        Z, torch.ones(2, 3, 4), torch.zeros(3, 3, dtype=torch.int64), num_items=n, **o
    ),
}
NO_NUMBERS = [0, -2.0, float("nan"), float("inf"), True, "8", [8], np.ones(1)]


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_number_of_items(call):
    for value in NO_NUMBERS:
        with pytest.raises(InputError, match=r"^num_items: expected a number from 1e-30 to 1e30"):
            CALLS[call](value)
    for value in (torch.tensor(0), torch.tensor(-1.0), torch.tensor(float("nan"))):
        with pytest.raises(InputError, match=r"^num_items: expected a number from 1e-30 to 1e30"):
            CALLS[call](value)
    with pytest.raises(InputError, match=r"^num_items: .* tensor of shape \(\), got shape \(1,\)"):
        CALLS[call](torch.tensor([8.0]))
    with pytest.raises(InputError, match=r"^num_items: expected a tensor without gradient"):
        CALLS[call](torch.tensor(8.0, requires_grad=True))
    for reduction in ("sum", "none"):
        with pytest.raises(InputError, match=r'^num_items: expected None unless reduction="mean"'):
            CALLS[call](8, reduction=reduction)


def test_compiled_code_refuses_when_it_runs():
    step = torch.compile(pt.cross_entropy, backend="eager")
    with pytest.raises(Exception, match="num_items: expected a number from 1e-30 to 1e30"):
        step(Z, Y, num_items=torch.tensor(0.0))
