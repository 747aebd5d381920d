"""The torch binding against torch itself, under every transform."""

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

from pminusy.errors import InputError  # noqa: E402  # after the skip
from pminusy.kernels.linear import products  # noqa: E402
from pminusy.torch import (  # noqa: E402
    CrossEntropyLoss,
    LinearCrossEntropyLoss,
    cross_entropy,
    linear_cross_entropy,
)

OPTION_SETS: tuple[Any, ...] = (
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"label_smoothing": 0.1},
    {"temperature": 2.0},
    {"softcap": 3.0},
    {"z_loss": 0.01},
    {"weight": torch.tensor([0.5, 2.0, 0.0, 1.0], dtype=torch.float64)},
    {"label_smoothing": 0.2, "z_loss": 0.1, "softcap": 5.0, "temperature": 0.5},
)


def logits(*shape: int, dtype: Any = None, seed: int = 0, requires_grad: bool = True) -> Any:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(*shape, generator=generator, dtype=torch.float64) * 2
    return z.to(dtype or torch.float64).requires_grad_(requires_grad)


def random_configuration(random: np.random.Generator) -> Any:
    """Logits, targets and options that torch has too."""
    extra = tuple(map(int, random.integers(1, 4, size=random.integers(0, 3))))
    N, K = int(random.integers(1, 40)), int(random.integers(2, 60))
    dtype = [torch.float64, torch.float32, torch.bfloat16, torch.float16][random.integers(4)]
    z = torch.tensor(random.normal(size=(N, K, *extra)) * 3).to(dtype)
    options: dict[str, Any] = {"reduction": str(random.choice(["mean", "sum", "none"]))}
    if random.random() < 0.4:
        options["label_smoothing"] = float(random.choice([0.1, 0.5, 1.0]))
    if random.random() < 0.4:
        options["weight"] = torch.tensor(random.uniform(0.1, 2, size=K)).to(dtype)
    if random.random() < 0.3:
        target = torch.softmax(torch.tensor(random.normal(size=(N, K, *extra))), 1).to(dtype)
    else:
        target = torch.tensor(random.integers(0, K, size=(N, *extra)))
        options["ignore_index"] = int(random.integers(0, K)) if random.random() < 0.3 else -100
    return z, target, options


@pytest.mark.parametrize("seed", range(20))
def test_equals_torch_on_random_configurations(seed):
    random = np.random.default_rng(seed)
    for _ in range(100):
        z, target, options = random_configuration(random)
        ours, theirs = (z.clone().requires_grad_() for _ in range(2))
        loss = cross_entropy(ours, target, **options)
        # torch rounds every step to a half type: its truth is its own float64
        wide = {k: v.double() if torch.is_tensor(v) else v for k, v in options.items()}
        wide_target = target.double() if target.is_floating_point() else target
        expected = F.cross_entropy(theirs.double(), wide_target, **wide)
        if not torch.isfinite(expected).all():  # everything ignored: torch has 0 / 0
            assert float(loss.detach().sum()) == 0.0
            continue
        factor = torch.ones_like(loss)
        loss.backward(factor)
        expected.backward(factor.double())
        tolerance = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 2e-2}
        rtol = tolerance.get(z.dtype, 2e-3)
        torch.testing.assert_close(loss.double(), expected, rtol=rtol, atol=rtol)
        torch.testing.assert_close(ours.grad.double(), theirs.grad.double(), rtol=rtol, atol=rtol)
        assert ours.grad.dtype == z.dtype


@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_gradients_of_first_and_second_order(options, soft):
    z = logits(5, 4)
    target = torch.tensor([0, 1, 3, -100, 2])
    if soft:
        target = torch.softmax(logits(5, 4, seed=1, requires_grad=False), -1).requires_grad_()
    inputs = (z, target) if soft else (z,)

    def function(z, target=target):
        return cross_entropy(z, target, **options)

    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_linear_gradients_of_first_and_second_order(options):
    X, W, b = logits(5, 3), logits(4, 3, seed=2), logits(4, seed=3)
    y = torch.tensor([0, 1, 3, -100, 2])

    def function(X, W, b):
        return linear_cross_entropy(X, W, y, linear_bias=b, **options)

    assert torch.autograd.gradcheck(function, (X, W, b))
    assert torch.autograd.gradgradcheck(function, (X, W, b))


def test_keeps_its_digits_when_confident():
    z, y = torch.tensor([[40.0, 0.0]], dtype=torch.float64, requires_grad=True), torch.tensor([0])
    cross_entropy(z, y).backward()
    assert z.grad.tolist() == [[-4.248354255291589e-18, 4.248354255291589e-18]]


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_compiles_to_one_graph(backend):
    z, y = logits(6, 5), torch.tensor([0, 1, 2, 3, 4, -100])
    X, W = logits(6, 3, seed=1), logits(5, 3, seed=2)
    loss = torch.compile(cross_entropy, fullgraph=True, backend=backend)(z, y, label_smoothing=0.1)
    (gradient,) = torch.autograd.grad(loss, z)
    (expected,) = torch.autograd.grad(cross_entropy(z, y, label_smoothing=0.1), z)
    torch.testing.assert_close(gradient, expected)
    compiled = torch.compile(linear_cross_entropy, fullgraph=True, backend=backend)
    torch.testing.assert_close(compiled(X, W, y), linear_cross_entropy(X, W, y))


# torch.func loads parts of torch that warn about one another
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_transforms():
    z, y = logits(6, 5, requires_grad=False), torch.tensor([0, 1, 2, 3, 4, -100])
    v = logits(6, 5, seed=4, requires_grad=False)
    kernel = z.clone().requires_grad_()
    cross_entropy(kernel, y).backward()
    torch.testing.assert_close(torch.func.grad(cross_entropy)(z, y), kernel.grad)
    value, tangent = torch.func.jvp(lambda z: cross_entropy(z, y), (z,), (v,))
    torch.testing.assert_close(value, cross_entropy(z, y))
    torch.testing.assert_close(tangent, (kernel.grad * v).sum())
    rows = torch.func.vmap(cross_entropy)(z, y)
    torch.testing.assert_close(rows, cross_entropy(z, y, reduction="none"))
    H = torch.func.hessian(lambda z: cross_entropy(z, y))(z)
    torch.testing.assert_close(H, torch.func.hessian(lambda z: F.cross_entropy(z, y))(z))


def test_everything_ignored_is_zero():
    z = logits(3, 4)
    loss = cross_entropy(z, torch.full((3,), -100))
    loss.backward()
    assert loss.item() == 0.0
    assert not z.grad.any()


def test_refuses_weights_that_require_grad():
    w = torch.ones(4, requires_grad=True)
    with pytest.raises(InputError, match="weight: expected a tensor without gradient"):
        cross_entropy(logits(3, 4), torch.zeros(3, dtype=torch.long), w)


def test_says_which_label_is_out_of_range():
    with pytest.raises(InputError, match=r"target\[1\]: expected a class index from 0 to 3"):
        cross_entropy(logits(2, 4), torch.tensor([0, 4]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_transform_takes_a_label_out_of_range():
    with pytest.raises(InputError, match=r"target\[1\]: expected a class index from 0 to 3"):
        torch.func.grad(cross_entropy)(logits(2, 4, requires_grad=False), torch.tensor([0, 4]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("workspace", [64 * 2**20, 4096])
def test_linear_equals_logits_first(dtype, workspace):
    X, W, b = (logits(*s, dtype=dtype, seed=i) for i, s in enumerate([(70, 9), (11, 9), (11,)]))
    y = torch.arange(70) % 11
    loss = linear_cross_entropy(X, W, y, linear_bias=b, workspace=workspace)
    (loss * 3).backward()
    wide = [t.detach().double().requires_grad_() for t in (X, W, b)]
    expected = F.cross_entropy(F.linear(*wide), y)
    (expected * 3).backward()
    rtol = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 5e-2}.get(dtype, 1e-2)
    torch.testing.assert_close(loss.double(), expected, rtol=rtol, atol=rtol)
    for ours, theirs in zip((X, W, b), wide, strict=True):
        torch.testing.assert_close(ours.grad.double(), theirs.grad, rtol=rtol, atol=rtol)


def test_autocast_and_modules():
    X, y = logits(8, 6, dtype=torch.float32, requires_grad=False), torch.arange(8) % 3
    torch.manual_seed(0)
    module = LinearCrossEntropyLoss(6, 3, bias=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = module(X, y)
    torch.testing.assert_close(low.float(), module(X, y), rtol=0.05, atol=0.05)
    assert "temperature=2.0" in repr(CrossEntropyLoss(temperature=2.0))


ROUTES: tuple[Any, ...] = (
    {"reduction": "none"},
    {"soft": True},
    {"soft": True, "reduction": "sum", "label_smoothing": 0.1, "z_loss": 0.01, "softcap": 9.0},
    {"dtype": torch.bfloat16, "reduction": "none"},
    {"autocast": True},
    {"autocast": True, "reduction": "none"},
    {"compiled": True},
    {"compiled": True, "reduction": "none"},
    {"compiled": True, "soft": True},
    {"twice": True},
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_no_route_of_the_linear_form_holds_all_logits(monkeypatch, route):
    """Every product of X and W has few rows, and the results are those of all logits at once."""
    options = dict(route)
    soft, autocast = options.pop("soft", False), options.pop("autocast", False)
    compiled, twice = options.pop("compiled", False), options.pop("twice", False)
    dtype = options.pop("dtype", torch.float64 if not autocast else torch.float32)
    N, D, K, workspace = 300, 5, 40, 30_000
    X, W, b = (logits(*s, dtype=dtype, seed=i) for i, s in enumerate([(N, D), (K, D), (K,)]))
    y: Any = torch.arange(N) % K
    if soft:
        y = torch.softmax(logits(N, K, seed=7, requires_grad=False), -1).requires_grad_()
    rows: list[int] = []
    real, layer = F.linear, products.layer

    def watched(function: Any) -> Any:
        def call(X: Any, *others: Any) -> Any:
            rows.append(len(X))
            return function(X, *others)

        return call

    monkeypatch.setattr(F, "linear", watched(real))
    monkeypatch.setattr(products, "layer", watched(layer))
    function = linear_cross_entropy
    if compiled:
        function = torch.compile(function, fullgraph=True, backend="aot_eager")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        loss = function(X, W, y, linear_bias=b, workspace=workspace, **options)
    leaves = [X, W, b, *([y] if soft else [])]
    factor = torch.linspace(0.5, 2.0, loss.numel(), dtype=loss.dtype).reshape(loss.shape)
    if twice:  # what is given away the first time is made again
        torch.autograd.grad(loss, leaves, factor, retain_graph=True)
    gradients = torch.autograd.grad(loss, leaves, factor)
    assert rows
    assert max(rows) < N / 2
    wide = [t.detach().double().requires_grad_() for t in leaves]
    expected = cross_entropy(real(*wide[:3]), wide[3] if soft else y, **options)
    low = autocast or dtype == torch.bfloat16
    rtol = 6e-2 if low else 1e-9
    torch.testing.assert_close(loss.double(), expected, rtol=rtol, atol=rtol)
    for ours, theirs in zip(
        gradients, torch.autograd.grad(expected, wide, factor.double()), strict=True
    ):
        assert ours.dtype == (leaves[0].dtype if ours is not gradients[-1] else leaves[-1].dtype)
        scale = float(theirs.abs().max())
        torch.testing.assert_close(ours.double(), theirs, rtol=rtol, atol=rtol * scale)


def test_gradients_flow_to_classes_without_mass():
    z, Y = logits(3, 4), torch.eye(4, dtype=torch.float64)[:3].requires_grad_()
    cross_entropy(z, Y, reduction="sum").backward()
    torch.testing.assert_close(Y.grad, -torch.log_softmax(z.detach(), -1))
    X, W = logits(3, 2, seed=1), logits(4, 2, seed=2)
    Y.grad = None
    linear_cross_entropy(X, W, Y, reduction="sum").backward()
    torch.testing.assert_close(Y.grad, -torch.log_softmax(X @ W.T, -1).detach())


def test_a_second_backward_pass_makes_the_gradient_again():
    z, y = logits(6, 5), torch.tensor([0, 1, 2, 3, 4, -100])
    loss = cross_entropy(z, y)
    (first,) = torch.autograd.grad(loss, z, retain_graph=True)
    kept = first.clone()
    (again,) = torch.autograd.grad(2 * loss, z)
    torch.testing.assert_close(again, 2 * kept)
    torch.testing.assert_close(first, kept)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # compilers warn about themselves
def test_the_default_compiler_takes_both_losses():
    X, W, y = logits(60, 16), logits(50, 16, seed=1), torch.arange(60) % 50

    def both(X, W, y):
        own = linear_cross_entropy(torch.relu(X), W, y)
        return own + cross_entropy(F.linear(X, W), y, label_smoothing=0.1)

    loss = torch.compile(both, fullgraph=True)(X, W, y)
    expected = both(X, W, y)
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(
        torch.autograd.grad(loss, (X, W)), torch.autograd.grad(expected, (X, W)), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_network_trains_to_the_same_losses():
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    X = torch.tensor(data.data / 16, dtype=torch.float32)[:1024]
    y = torch.tensor(data.target)[:1024]

    def losses(criterion):
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
        )
        optimiser = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9)
        seen = []
        for step in range(60):
            rows = slice(128 * (step % 8), 128 * (step % 8 + 1))
            optimiser.zero_grad()
            loss = criterion(network(X[rows]), y[rows])
            loss.backward()
            optimiser.step()
            seen.append(loss.item())
        return seen

    ours, theirs = losses(CrossEntropyLoss()), losses(torch.nn.CrossEntropyLoss())
    assert ours[-1] < 0.5 * ours[0]
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)
