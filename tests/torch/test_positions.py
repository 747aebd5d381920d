"""The linear form with a linear layer at each position, against torch's logits in float64."""

import itertools
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

import pminusy.torch as pt  # noqa: E402  # after the skip
from pminusy.errors import InputError  # noqa: E402

N, K, D = 6, 4, 3
SHAPES = [(2,), (2, 3), (1, 2, 1)]
OPTIONS: tuple[Any, ...] = (
    {},
    {"label_smoothing": 0.2},
    {"weight": torch.tensor([0.5, 2.0, 0.0, 1.0], dtype=torch.float64)},
    {"ignore_index": 1},
)


def made(*shape: int, seed: int = 0, dtype: Any = torch.float64) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()


def reference(X: Any, W: Any, y: Any, b: Any, **options: Any) -> Any:
    z = torch.einsum("nd,k...d->nk...", X, W)
    return F.cross_entropy(z if b is None else z + b, y, **options)


@pytest.mark.parametrize("workspace", [None, 300], ids=["at once", "one by one"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_the_logits_of_all_positions(shape, workspace):
    X, W, b = made(N, D), made(K, *shape, D, seed=1), made(K, *shape, seed=2)
    labels = torch.randint(K, (N, *shape), generator=torch.Generator().manual_seed(3))
    soft = torch.softmax(made(N, K, *shape, seed=4).detach(), 1)
    for options, reduction, bias, y in itertools.product(
        OPTIONS, ["mean", "sum", "none"], [None, b], [labels, soft]
    ):
        if y is soft and "ignore_index" in options:
            continue
        leaves = [X, W] if bias is None else [X, W, bias]
        loss = pt.linear_cross_entropy(
            X, W, y, linear_bias=bias, workspace=workspace, reduction=reduction, **options
        )
        expected = reference(X, W, y, bias, reduction=reduction, **options)
        torch.testing.assert_close(loss, expected)
        factor = torch.linspace(0.5, 2.0, loss.numel(), dtype=torch.float64).reshape(loss.shape)
        for ours, theirs in zip(
            torch.autograd.grad(loss, leaves, factor),
            torch.autograd.grad(expected, leaves, factor),
            strict=True,
        ):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("workspace", [None, 300], ids=["at once", "one by one"])
def test_sample_weights_and_second_derivatives(workspace):
    X, W = made(N, D), made(K, 2, D, seed=1)
    y, omega = torch.arange(2 * N).reshape(N, 2) % K, torch.rand(N, 2, dtype=torch.float64)

    def function(X, W):
        return pt.linear_cross_entropy(X, W, y, sample_weight=omega, workspace=workspace)

    losses = reference(X, W, y, None, reduction="none")
    torch.testing.assert_close(function(X, W), (omega * losses).sum() / omega.sum())
    assert torch.autograd.gradcheck(function, (X, W))
    assert torch.autograd.gradgradcheck(function, (X, W))


@pytest.mark.parametrize("workspace", [None, 300], ids=["at once", "one by one"])
def test_everything_ignored_is_zero_at_some_positions_and_at_all(workspace):
    X, W = made(N, D), made(K, 2, D, seed=1)
    y = torch.arange(2 * N).reshape(N, 2) % K
    y[:, 1] = -100
    loss = pt.linear_cross_entropy(X, W, y, workspace=workspace)
    torch.testing.assert_close(loss, reference(X, W, y, None))
    (dW,) = torch.autograd.grad(loss, W)
    assert not dW[:, 1].any()
    assert pt.linear_cross_entropy(X, W, torch.full_like(y, -100), workspace=workspace) == 0.0


def test_no_mean_in_a_half_type_is_made_from_a_sum():
    rows = 30_000  # times a loss of 8 passes the largest float16, 65504
    X, y = torch.ones(rows, 1).half(), torch.zeros(rows, 2, dtype=torch.long)
    W = torch.tensor([[0.0, 0.0], [8.0, 8.0]])[..., None].half()
    loss = pt.linear_cross_entropy(X, W, y, workspace=100_000)
    assert loss.item() == pytest.approx(8.0, rel=1e-3)


@pytest.mark.parametrize(
    ("X", "W", "y", "b", "message"),
    [
        ((3,), (4, 2, 3), (2,), None, "input: expected shape"),
        ((6, 5), (4, 2, 3), (6, 2), None, "input: expected shape"),
        ((6, 3), (4, 2, 3), (6,), None, r"target: expected class indices of shape \(6, 2\) or"),
        ((6, 3), (4, 2, 3), (6, 2), (4,), r"linear_bias: expected shape \(4, 2\)"),
    ],
)
def test_refuses_shapes_that_do_not_fit(X, W, y, b, message):
    bias = None if b is None else torch.zeros(b)
    with pytest.raises(InputError, match=message):
        pt.linear_cross_entropy(
            torch.zeros(X), torch.zeros(W), torch.zeros(y, dtype=torch.long), linear_bias=bias
        )
