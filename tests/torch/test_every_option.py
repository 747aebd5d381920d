"""Every option in every layout, type and kind of memory, against torch in float64."""

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

import pminusy.torch as pt  # noqa: E402  # after the skip

N, K, D = 3, 4, 5
POSITIONS: tuple[Any, ...] = (None, (), (2,), (2, 3))  # None: one row, without a batch
EPSILON = {dtype: torch.finfo(dtype).eps for dtype in (torch.float64, torch.float32)}
EPSILON |= {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}


class Case(NamedTuple):
    """One configuration."""

    positions: Any
    reduction: str
    soft: bool
    weighted: bool
    label_smoothing: float
    ignore_index: int
    dtype: Any
    memory: str


CASES = [
    Case(*values)
    for values in itertools.product(
        POSITIONS,
        ("mean", "sum", "none"),
        (False, True),
        (False, True),
        (0.0, 0.1, 1.0),
        (-100, 1, -1),
        (torch.float64, torch.float32, torch.bfloat16, torch.float16),
        ("contiguous", "strided", "expanded", "negative"),
    )
]
CASES = [case for case in CASES if not (case.soft and case.ignore_index == 1)]


def laid_out(tensor: Any, memory: str) -> Any:
    """The same numbers in another kind of memory."""
    if memory == "strided" and tensor.dim():
        return torch.stack([tensor, tensor], -1)[..., 0]
    if memory == "expanded":
        return tensor[None].expand(2, *tensor.shape)[1]
    if memory == "negative" and tensor.is_floating_point():
        return torch._neg_view(-tensor)
    return tensor


def inputs(case: Case, random: np.random.Generator) -> Any:
    """Logits, targets and options; about half of the labels are ignored where some are."""
    batch = () if case.positions is None else (N,)
    places = case.positions or ()
    z = torch.tensor(random.normal(size=(*batch, K, *places)) * 3).to(case.dtype)
    options: dict[str, Any] = {
        "reduction": case.reduction,
        "label_smoothing": case.label_smoothing,
        "ignore_index": case.ignore_index,
    }
    if case.weighted:
        options["weight"] = laid_out(torch.tensor(random.uniform(0.1, 2, K)), case.memory)
        options["weight"] = options["weight"].to(case.dtype)
    if case.soft:
        axis = len(batch)
        y = torch.softmax(torch.tensor(random.normal(size=z.shape)), axis).to(case.dtype)
        return z, y, options
    y = torch.tensor(random.integers(0, K, size=(*batch, *places)))
    if case.ignore_index != 1 and case.positions is not None:
        y[torch.tensor(random.random(y.shape) < 0.5)] = case.ignore_index
    return z, y, options


def wide(value: Any) -> Any:
    floating = torch.is_tensor(value) and value.is_floating_point()
    return value.detach().double() if floating else value


def near(ours: Any, theirs: Any, dtype: Any, units: float) -> None:
    bound = units * EPSILON[dtype] * max(1.0, float(theirs.detach().abs().max()))
    torch.testing.assert_close(ours.double(), theirs, rtol=0.0, atol=bound)


def compare(case: Case, random: np.random.Generator) -> None:
    """Value and gradients; where torch has 0 / 0 there is 0."""
    z, y, options = inputs(case, random)
    ours = laid_out(z, case.memory).detach().requires_grad_()
    target = laid_out(y, case.memory).detach().requires_grad_(case.soft)
    theirs = wide(z).requires_grad_()
    exact = wide(y).requires_grad_(case.soft) if case.soft else y
    loss = pt.cross_entropy(ours, target, **options)
    expected = F.cross_entropy(theirs, exact, **{n: wide(v) for n, v in options.items()})
    assert loss.dtype == case.dtype
    assert loss.shape == expected.shape
    if expected.isnan().any():
        assert loss.item() == 0.0
        return
    near(loss, expected, case.dtype, 2)
    factor = torch.linspace(0.5, 2.0, loss.numel(), dtype=torch.float64).reshape(loss.shape)
    factor = factor.to(case.dtype)
    leaves, exact_leaves = ([ours, target], [theirs, exact]) if case.soft else ([ours], [theirs])
    for found, right in zip(
        torch.autograd.grad(loss, leaves, factor),
        torch.autograd.grad(expected, exact_leaves, factor.double()),
        strict=True,
    ):
        assert found.dtype == case.dtype
        near(found, right, case.dtype, 4)
    module = pt.CrossEntropyLoss(**options)
    torch.testing.assert_close(module(ours, target), loss)


def compare_layers(case: Case, random: np.random.Generator) -> None:
    """The same logits as products: a linear layer at each position."""
    _, y, options = inputs(case, random)
    batch, places = (() if case.positions is None else (N,)), case.positions or ()
    X = torch.tensor(random.normal(size=(*batch, D))).to(case.dtype)
    W, b = (
        torch.tensor(random.normal(size=s)).to(case.dtype) for s in ((K, *places, D), (K, *places))
    )
    if case.soft:
        options["ignore_index"] = None
    leaves = [laid_out(t, case.memory).detach().requires_grad_() for t in (X, W, b)]
    exact = [wide(t).requires_grad_() for t in (X, W, b)]
    target = laid_out(y, case.memory)
    loss = pt.linear_cross_entropy(leaves[0], leaves[1], target, linear_bias=leaves[2], **options)
    z = torch.tensordot(exact[0], exact[1].movedim(-1, 0), 1) + exact[2]
    options["ignore_index"] = case.ignore_index
    expected = F.cross_entropy(z, wide(y), **{n: wide(v) for n, v in options.items()})
    if expected.isnan().any():
        assert loss.item() == 0.0
        return
    near(loss, expected, case.dtype, 32)
    factor = torch.ones_like(loss)
    for found, right in zip(
        torch.autograd.grad(loss, leaves, factor),
        torch.autograd.grad(expected, exact, factor.double()),
        strict=True,
    ):
        near(found, right, case.dtype, 32)


def test_a_sample_of_all_configurations():
    random = np.random.default_rng(11)
    for i in random.choice(len(CASES), size=400, replace=False):
        compare(CASES[i], random)
        compare_layers(CASES[i], random)


@pytest.mark.slow
@pytest.mark.parametrize("memory", ["contiguous", "strided", "expanded", "negative"])
def test_all_configurations(memory):
    random = np.random.default_rng(12)
    cases = [case for case in CASES if case.memory == memory]
    assert len(cases) == 1440
    for case in cases:
        compare(case, random)
        compare_layers(case, random)
