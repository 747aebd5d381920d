"""The shortest way of `cross_entropy` against the general one: the same for all arguments."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from pminusy.errors import InputError
from pminusy.torch import cross_entropy, loss

N, K = 6, 5


@pytest.fixture(autouse=True)
def _compiled(monkeypatch):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "cpu")


@pytest.fixture
def ways(monkeypatch):
    """Calls the loss both ways; says which arguments the shortest way took."""
    taken = []
    shortest = loss._of_labelled_rows

    def by_the_shortest(*arguments):
        taken.append(shortest(*arguments))
        return taken[-1]

    def both(z, y, **options):
        results = []
        for way in (by_the_shortest, lambda *a: None):
            monkeypatch.setattr(loss, "_of_labelled_rows", way)
            results.append(_outcome(z, y, options))
        return results, bool(taken) and taken.pop() is not None

    return both


def _outcome(z, y, options):
    """Loss, gradient and Hessian times a vector; or the error in words."""
    try:
        found = cross_entropy(z, y, **options)
    except (InputError, TypeError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    if not found.requires_grad:
        return [found]
    factor = torch.linspace(0.5, 2.0, found.numel(), dtype=found.dtype).reshape(found.shape)
    leaves = [t for t in (z, y) if t.requires_grad]
    once = torch.autograd.grad(found, leaves, factor, retain_graph=True)
    again = torch.autograd.grad(found, leaves, factor, create_graph=True)
    squared = torch.stack([g.square().sum() for g in again]).sum()
    products = torch.autograd.grad(squared, leaves) if squared.requires_grad else ()
    return [found.detach(), *once, *(g.detach() for g in again), *products]


def _logits(dtype=torch.float32, learns=True, shape=(N, K)):
    z = torch.tensor(np.random.default_rng(1).normal(size=shape) * 5, dtype=dtype)
    return z.requires_grad_(learns)


Y = torch.tensor([0, 4, 2, 2, 1, 3])


def _same(results):
    one, other = results
    assert type(one) is type(other)
    if isinstance(one, str):
        assert one == other
        return
    for a, b in zip(one, other, strict=True):
        assert (a.dtype, a.shape, a.device) == (b.dtype, b.shape, b.device)
        assert torch.equal(a, b)


NUMBERS = [
    {}, {"ignore_index": 2}, {"ignore_index": -1}, {"ignore_index": 77}, {"ignore_index": 2.0},
    {"ignore_index": True}, {"label_smoothing": 0.1}, {"label_smoothing": 0},
    {"label_smoothing": -0.0}, {"label_smoothing": True}, {"label_smoothing": float("nan")},
    {"label_smoothing": torch.tensor(0.0)}, {"label_smoothing": []}, {"temperature": 2.0},
    {"temperature": 1}, {"temperature": np.float64(1.0)}, {"temperature": "1"}, {"z_loss": 0.1},
    {"z_loss": 0}, {"softcap": 3.0}, {"softcap": 0.0}, {"reduction": "median"}, {"reduction": None},
    {"weight": torch.ones(K)}, {"sample_weight": torch.ones(N)},
]  # fmt: skip


@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_options(ways, numbers, reduction, dtype):
    for learns in (True, False):
        results, _ = ways(_logits(dtype, learns), Y, **{"reduction": reduction, **numbers})
        _same(results)


TARGETS = {
    "labels": (Y, True),
    "ignored": (torch.tensor([0, -100, 2, 2, 1, 3]), False),
    "too large": (torch.tensor([0, 5, 2, 2, 1, 3]), False),
    "negative": (torch.tensor([0, -3, 2, 2, 1, 3]), False),
    "int32": (Y.int(), False),
    "uint8": (Y.to(torch.uint8), False),
    "floats": (Y.double(), False),
    "booleans": (Y > 2, False),
    "strided": (torch.stack([Y, Y], 1)[:, 0], False),
    "soft": (torch.full((N, K), 0.2), False),
    "soft, learned": (torch.full((N, K), 0.2, requires_grad=True), False),
    "a column": (Y[:, None], False),
    "too few": (Y[:5], False),
    "one": (Y[0], False),
    "a list": ([0, 1, 2, 3, 4, 0], False),
    "an array": (Y.numpy(), False),
    "on meta": (Y.to("meta"), False),
    "sparse": (Y.to_sparse(), False),
}


@pytest.mark.parametrize(("y", "short"), TARGETS.values(), ids=TARGETS.keys())
def test_targets(ways, y, short):
    for learns in (True, False):
        results, taken = ways(_logits(learns=learns), y)
        _same(results)
        assert taken == short


def _made(kind):
    z = _logits(learns=False)
    return _learning(
        {
            "transposed": lambda: _logits(learns=False, shape=(K, N)).T,
            "a slice": lambda: _logits(learns=False, shape=(N, 2 * K))[:, ::2],
            "expanded": lambda: _logits(learns=False, shape=(1, K)).expand(N, K),
            "vector": lambda: z[0],
            "images": lambda: z[:, :, None],
            "integers": lambda: z.long(),
            "complex": lambda: z.to(torch.complex64),
            "negated": lambda: torch._neg_view(z),
            "one class": lambda: z[:, :1],
            "no class": lambda: z[:, :0],
            "no rows": lambda: z[:0],
            "on meta": lambda: z.to("meta"),
            "sparse": lambda: z.to_sparse(),
            "an array": lambda: z.numpy(),
            "infinite": lambda: z * torch.inf,
            "a parameter": lambda: torch.nn.Parameter(z),
        }[kind]()
    )


def _learning(z):
    return z.requires_grad_() if isinstance(z, torch.Tensor) and z.is_floating_point() else z


@pytest.mark.parametrize(
    "kind",
    ["transposed", "a slice", "expanded", "vector", "images", "integers", "complex", "negated",
     "one class", "no class", "no rows", "on meta", "sparse", "an array", "infinite",
     "a parameter"],
)  # fmt: skip
def test_logits(ways, kind):
    z = _made(kind)
    y = Y[:0] if kind == "no rows" else Y[:, None] if kind == "images" else Y
    y = Y[0] if kind == "vector" else torch.zeros_like(y) if kind == "one class" else y
    results, taken = ways(z, y)
    if not isinstance(results[0], str) and results[0][0].is_meta:
        assert [r[0].shape for r in results] == [torch.Size(())] * 2
        return
    if kind == "infinite":
        results = [[torch.nan_to_num(t, 7.0) for t in found] for found in results]
    _same(results)
    assert taken == (kind in ("infinite", "a parameter"))


CIRCUMSTANCES: dict[str, Any] = {
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu"),
    "anomaly": torch.autograd.detect_anomaly,
    "hooks": lambda: torch.autograd.graph.save_on_cpu(),
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize(
    ("name", "dtype"),
    list(itertools.product(CIRCUMSTANCES, [torch.float32, torch.bfloat16])),
    ids=str,
)
def test_circumstances(ways, name, dtype):
    z = _logits(dtype)
    with CIRCUMSTANCES[name]():
        results, _ = ways(z, Y)
    _same(results)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_what_watches_operations_is_not_bypassed(ways):
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils._python_dispatch import TorchDispatchMode

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            return function(*args, **(kwargs or {}))

    z = _logits(learns=False)
    with Watch():
        assert not ways(z, Y)[1]
    seen = []

    def watched(rows):
        seen.append(ways(rows, Y)[1])
        return rows.sum()

    torch.func.vmap(watched)(z[None])
    torch.func.grad(watched)(z)
    torch.func.jvp(watched, (z,), (z,))
    make_fx(watched)(z)
    assert len(seen) == 4
    assert not any(seen)


def test_what_is_changed_between_loss_and_second_derivative_is_noticed():
    z = _logits()
    scaled = z * 2
    found = cross_entropy(scaled, Y)
    with torch.no_grad():
        scaled.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(found, z, create_graph=True)


def test_a_gradient_is_handed_out_once():
    z = _logits()
    found = cross_entropy(z, Y)
    (first,) = torch.autograd.grad(found, z, retain_graph=True)
    kept = first.clone()
    first.zero_()
    (second,) = torch.autograd.grad(found, z)
    assert torch.equal(second, kept)
