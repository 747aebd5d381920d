"""The torch binding on a CUDA device: the results of the CPU, in bounded memory, without waiting.

Needs pytest, NumPy, SciPy, Numba and a torch with CUDA, and nothing else of the test set-up.
"""

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

from pminusy.errors import InputError  # noqa: E402  # after the skip
from pminusy.torch import (  # noqa: E402
    CrossEntropyLoss,
    LinearCrossEntropyLoss,
    cross_entropy,
    linear_cross_entropy,
)

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

DEVICE = "cuda"
INF = float("inf")
RTOL = {torch.float64: 1e-12, torch.float32: 2e-6, torch.float16: 3e-3, torch.bfloat16: 2e-2}
PRODUCT_RTOL = {
    torch.float64: 1e-11,
    torch.float32: 2e-5,
    torch.float16: 1e-2,
    torch.bfloat16: 6e-2,
}
DTYPES = pytest.mark.parametrize("dtype", list(RTOL), ids=lambda t: str(t).split(".")[-1])
OPTION_SETS: tuple[Any, ...] = (
    {},
    {"label_smoothing": 0.1},
    {"temperature": 2.0},
    {"softcap": 3.0},
    {"z_loss": 0.01},
    {"weight": True},
    {"sample_weight": True},
    {"label_smoothing": 0.2, "z_loss": 0.1, "softcap": 5.0, "temperature": 0.5, "weight": True},
)
OPTIONS = pytest.mark.parametrize("options", OPTION_SETS, ids=str)
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
TARGETS = pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])


def made(*shape: int, dtype: Any = None, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    return torch.tensor(random.normal(size=shape) * 2).to(dtype or torch.float64)


def targets(N: int, K: int, soft: bool, dtype: Any = None) -> Any:
    if soft:
        return torch.softmax(made(N, K, seed=9), -1).to(dtype or torch.float64)
    y = torch.tensor(np.random.default_rng(1).integers(0, K, size=N))
    y[:: max(2, N // 3)] = -100
    return y


def with_tensors(options: Any, N: int, K: int) -> Any:
    """Options whose weights are tensors, in float64 on CPU."""
    given = dict(options)
    for name, size in (("weight", K), ("sample_weight", N)):
        if name in given:
            given[name] = made(size, seed=5).abs()
            given[name][0] = 0.0
    return given


def moved(value: Any, dtype: Any = None) -> Any:
    if not torch.is_tensor(value):
        return value
    return value.to(DEVICE, dtype if dtype is not None and value.is_floating_point() else None)


def leaf(value: Any, dtype: Any = None, device: Any = "cpu") -> Any:
    """Tensor of its own memory that gradients flow to."""
    return value.detach().to(device, dtype or value.dtype, copy=True).requires_grad_()


def agree(ours: Any, expected: Any, rtol: float) -> None:
    assert ours.device.type == DEVICE
    scale = float(expected.detach().abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(ours.cpu().double(), expected, rtol=rtol, atol=rtol * scale)


def backward(loss: Any) -> None:
    loss.backward(
        torch.linspace(0.5, 2.0, max(1, loss.numel()), device=loss.device)
        .to(loss.dtype)
        .reshape(loss.shape)
    )


@DTYPES
@REDUCTIONS
@TARGETS
@OPTIONS
def test_logits_give_the_results_of_the_cpu(options, soft, reduction, dtype):
    N, K = 33, 19
    z, y = made(N, K, dtype=dtype), targets(N, K, soft, dtype)
    given = with_tensors(options, N, K)
    here, there = leaf(z, device=DEVICE), leaf(z, torch.float64)
    loss = cross_entropy(
        here, moved(y), reduction=reduction, **{k: moved(v) for k, v in given.items()}
    )
    expected = cross_entropy(there, y.double() if soft else y, reduction=reduction, **given)
    assert loss.dtype == dtype
    agree(loss, expected, RTOL[dtype])
    backward(loss)
    backward(expected)
    assert here.grad.dtype == dtype
    agree(here.grad, there.grad, RTOL[dtype])


@DTYPES
@REDUCTIONS
@TARGETS
@OPTIONS
@pytest.mark.parametrize("workspace", [None, 3000], ids=["one tile", "many tiles"])
def test_the_linear_form_gives_the_results_of_the_cpu(options, soft, reduction, dtype, workspace):
    N, D, K = 40, 7, 19
    parts = [made(*s, dtype=dtype, seed=i) / 2 for i, s in enumerate([(N, D), (K, D), (K,)])]
    y = targets(N, K, soft, dtype)
    given = with_tensors(options, N, K)
    X, W, b = (leaf(t, device=DEVICE) for t in parts)
    Y: Any = leaf(y, device=DEVICE) if soft else moved(y)
    loss = linear_cross_entropy(
        X, W, Y, linear_bias=b, reduction=reduction, workspace=workspace,
        **{k: moved(v) for k, v in given.items()},
    )  # fmt: skip
    wide = [leaf(t, torch.float64) for t in parts]
    soft_wide = leaf(y, torch.float64) if soft else y
    expected = cross_entropy(F.linear(*wide), soft_wide, reduction=reduction, **given)
    assert loss.dtype == dtype
    agree(loss, expected, PRODUCT_RTOL[dtype])
    backward(loss)
    backward(expected)
    pairs = [*zip((X, W, b), wide, strict=True), *([(Y, soft_wide)] if soft else [])]
    for ours, theirs in pairs:
        assert ours.grad.dtype == ours.dtype
        agree(ours.grad, theirs.grad, PRODUCT_RTOL[dtype])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_masks_infinities_and_nan_stay_in_their_rows(dtype):
    nan = float("nan")
    rows = [
        [0.0, -INF, 1.0, 2.0],
        [INF, 0.0, 1.0, 2.0],
        [INF, 0.0, INF, 2.0],
        [INF, 0.0, 1.0, 2.0],
        [nan, 0.0, 1.0, 2.0],
        [nan, nan, nan, nan],
        [-INF, 0.0, 1.0, 2.0],
        [-INF, -INF, -INF, -INF],
        [5.0, 5.0, 5.0, 5.0],
    ]
    y = torch.tensor([0, 0, 2, 1, 1, -100, 0, 1, 3])
    z = torch.tensor(rows, dtype=dtype)
    here, there = leaf(z, device=DEVICE), leaf(z, torch.float64)
    ours = cross_entropy(here, moved(y), reduction="none")
    theirs = cross_entropy(there, y, reduction="none")
    torch.testing.assert_close(ours.cpu(), theirs.to(dtype), equal_nan=True)
    ours.sum().backward()
    theirs.sum().backward()
    torch.testing.assert_close(here.grad.cpu(), there.grad.to(dtype), equal_nan=True)


def test_keeps_its_digits_when_confident():
    z = torch.tensor([[40.0, 0.0]], dtype=torch.float64, device=DEVICE, requires_grad=True)
    loss = cross_entropy(z, torch.tensor([0], device=DEVICE))
    loss.backward()
    assert loss.item() == pytest.approx(4.248354255291589e-18, rel=1e-14)
    assert z.grad.tolist()[0] == pytest.approx(
        [-4.248354255291589e-18, 4.248354255291589e-18], rel=1e-14
    )


@DTYPES
def test_everything_ignored_is_zero(dtype):
    X, W = moved(made(6, 4, dtype=dtype)).requires_grad_(), moved(made(5, 4, dtype=dtype))
    loss = linear_cross_entropy(X, W, torch.full((6,), -100, device=DEVICE))
    loss.backward()
    assert loss.item() == 0.0
    assert not X.grad.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_multiplies_in_the_half_type_and_sums_in_float32(dtype):
    X, y = moved(made(64, 32, dtype=torch.float32)), moved(targets(64, 11, False))
    module: Any = LinearCrossEntropyLoss(32, 11, bias=True).to(DEVICE)
    with torch.autocast(DEVICE, dtype=dtype):
        loss = module(X, y)
        logits = CrossEntropyLoss()(F.linear(X, module.linear.weight, module.linear.bias), y)
    assert loss.dtype == logits.dtype == torch.float32
    loss.backward()
    assert module.linear.weight.grad.dtype == torch.float32
    exact = F.cross_entropy(module.linear(X), y)
    weight, bias = module.linear.weight, module.linear.bias
    expected = torch.autograd.grad(exact, (weight, bias))
    torch.testing.assert_close(loss, exact, rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(logits, exact, rtol=2e-2, atol=2e-2)
    for ours, theirs in zip((weight.grad, bias.grad), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=2e-2 * float(theirs.abs().max()))


def test_a_loss_scale_keeps_small_float16_gradients():
    z = moved(made(4096, 16, dtype=torch.float16)).requires_grad_()
    y = moved(targets(4096, 16, False))
    (cross_entropy(z, y) * 1024.0).backward()
    wide = z.detach().double().requires_grad_()
    (F.cross_entropy(wide, y) * 1024.0).backward()
    torch.testing.assert_close(z.grad.double(), wide.grad, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", ["target", "weight", "sample_weight", "linear_weight"])
def test_says_which_tensor_is_on_another_device(name):
    if DEVICE == "cpu":
        pytest.skip("no CUDA device")
    X, W, y = moved(made(6, 4)), moved(made(5, 4)), moved(targets(6, 5, False))
    given = {
        "target": y,
        "linear_weight": W,
        "weight": torch.ones(5),
        "sample_weight": torch.ones(6),
    }
    given = {k: v if k == name else moved(v) for k, v in given.items()}
    given[name] = given[name].cpu()
    with pytest.raises(InputError, match=f"{name}: expected a tensor on cuda:0, as input is"):
        linear_cross_entropy(X, **given)
    if name != "linear_weight":
        del given["linear_weight"]
        with pytest.raises(InputError, match=f"{name}: expected a tensor on cuda:0, as input is"):
            cross_entropy(F.linear(X, W), **given)


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.1}, {"reduction": "none"}, {"softcap": 9.0}], ids=str
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_linear_form_never_holds_all_logits(dtype, options):
    if DEVICE == "cpu":
        pytest.skip("no CUDA device")
    N, D, K, workspace = 4096, 64, 32_768, 32 * 2**20
    X, W = (moved(made(n, D, dtype=dtype)).requires_grad_() for n in (N, K))
    y = moved(targets(N, K, False))
    for _ in range(2):  # the first call makes cuBLAS allocate its own
        X.grad = W.grad = None
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        linear_cross_entropy(X, W, y, workspace=workspace, **options).sum().backward()
        peak = torch.cuda.max_memory_allocated() - before
    outputs = X.numel() * X.itemsize + W.numel() * (4 + W.itemsize)  # dW twice: float32 and its own
    assert peak < workspace + outputs + N * 64
    assert peak < N * K * W.itemsize / 2


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch: the mode is a prototype
def test_nothing_waits_for_the_device():
    if DEVICE == "cpu":
        pytest.skip("no CUDA device")
    X, W, y = moved(made(64, 8)).requires_grad_(), moved(made(19, 8)), moved(targets(64, 19, False))
    linear_cross_entropy(X, W, y).backward()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        sets: tuple[Any, ...] = ({}, {"label_smoothing": 0.1, "z_loss": 0.01, "softcap": 9.0})
        for options in sets:
            linear_cross_entropy(X, W, y, **options).backward()
            cross_entropy(F.linear(X, W), y, **options).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_second_derivatives():
    X, W, b = (
        moved(made(*s, seed=i)).requires_grad_() for i, s in enumerate([(5, 3), (4, 3), (4,)])
    )
    y = moved(torch.tensor([0, 1, 3, -100, 2]))

    def function(X, W, b):
        return linear_cross_entropy(X, W, y, linear_bias=b, label_smoothing=0.1)

    assert torch.autograd.gradcheck(function, (X, W, b))
    assert torch.autograd.gradgradcheck(function, (X, W, b))
    z = moved(made(5, 4)).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda z: cross_entropy(z, y, z_loss=0.1), (z,))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_transforms():
    z, y = moved(made(6, 5)), moved(torch.tensor([0, 1, 2, 3, 4, -100]))
    leaf = z.clone().requires_grad_()
    cross_entropy(leaf, y).backward()
    torch.testing.assert_close(torch.func.grad(cross_entropy)(z, y), leaf.grad)
    rows = torch.func.vmap(cross_entropy)(z, y)
    torch.testing.assert_close(rows, cross_entropy(z, y, reduction="none"))


@pytest.mark.filterwarnings("ignore")  # compilers warn about themselves
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiles_to_one_graph(backend):
    if backend == "inductor":
        pytest.importorskip("triton")
    X, W = moved(made(60, 16, dtype=torch.float32)), moved(made(50, 16, dtype=torch.float32))
    y = moved(targets(60, 50, False))

    def both(X, W, y):
        z = F.linear(X, W)
        return linear_cross_entropy(X, W, y) + cross_entropy(z, y, label_smoothing=0.1)

    eager, compiled = (W.clone().requires_grad_() for _ in range(2))
    expected = both(X, eager, y)
    loss = torch.compile(both, fullgraph=True, backend=backend)(X, compiled, y)
    expected.backward()
    loss.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(compiled.grad, eager.grad, rtol=1e-4, atol=1e-5)
