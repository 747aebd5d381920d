"""Every path checks the same options and labels, and gives the same numbers."""

import itertools
import random
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")
F = torch.nn.functional

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402  # after the skip
from torch.fx.experimental.proxy_tensor import make_fx  # noqa: E402

import pminusy.torch.layer.engine  # noqa: E402
import pminusy.torch.layer.tiles  # noqa: E402
import pminusy.torch.loss  # noqa: E402
from pminusy.errors import InputError  # noqa: E402
from pminusy.torch import cross_entropy, linear_cross_entropy  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # compilers and tracers warn about themselves

N, D, K = 7, 4, 200
LABEL_TYPES = [
    torch.uint8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint16,
    torch.uint32,
    torch.uint64,
]
INVALID: list[dict[str, Any]] = [
    {"reduction": "avg"},
    {"label_smoothing": 1.5},
    {"temperature": 0.0},
    {"softcap": 0.0},
    {"z_loss": -1.0},
    {"ignore_index": 1.5},
    {"weight": -torch.ones(K)},
    {"sample_weight": torch.full((N,), float("nan"))},
]


def on_device(function: Any, *tensors: Any) -> Any:
    """The code for devices without kernels, run on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (pminusy.torch.loss, pminusy.torch.layer.engine, pminusy.torch.layer.tiles):
            patch.setattr(module, "by_kernels", lambda tensor: False)
        return function(*tensors)


def by_vmap(function: Any, *tensors: Any) -> Any:
    return torch.func.vmap(function)(*(t[None] for t in tensors))[0]


def compiled(backend: str) -> Any:
    def path(function: Any, *tensors: Any) -> Any:
        torch._dynamo.reset()
        return torch.compile(function, backend=backend)(*tensors)

    return path


def exported(function: Any, *tensors: Any) -> Any:
    class Module(torch.nn.Module):  # type: ignore[misc]  # torch is Any here
        def forward(self, *given: Any) -> Any:
            return function(*given)

    return torch.export.export(Module(), tensors).module()(*tensors)


PATHS: dict[str, Any] = {
    "eager": lambda function, *t: function(*t),
    "device": on_device,
    "vmap": by_vmap,
    "grad": lambda function, *t: torch.func.grad_and_value(lambda *t: function(*t).sum())(*t)[1],
    "make_fx": lambda function, *t: make_fx(function)(*t)(*t),
    "jit.trace": lambda function, *t: torch.jit.trace(function, t, check_trace=False)(*t),
    "compiled eager": compiled("eager"),
    "compiled aot_eager": compiled("aot_eager"),
}
SLOW_PATHS: dict[str, Any] = {"inductor": compiled("inductor"), "export": exported}


def problem(soft: bool = False) -> Any:
    generator = torch.Generator().manual_seed(3)
    X, W = (torch.randn(n, D, generator=generator, dtype=torch.float64) for n in (N, K))
    y = torch.tensor([156, 1, 2, 199, 0, 156, 7])
    return X, W, torch.softmax(X @ W.T, -1).flip(-1) if soft else y


def calls(options: Any) -> Any:
    """The plain form of logits and the linear form."""
    return (
        lambda X, W, y: cross_entropy(X @ W.T, y, **options),
        lambda X, W, y: linear_cross_entropy(X, W, y, **options),
    )


def sampled(names: str, *values: Any, size: int, seed: int = 0) -> Any:
    """Every combination of path and values: some, drawn once, always, the others in the sweep."""
    every = list(itertools.product(PATHS, *values))
    chosen = random.Random(seed).sample(range(len(every)), size)
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(*each, marks=() if i in chosen else pytest.mark.slow)
            for i, each in enumerate(every)
        ],
    )


@sampled("path, dtype", LABEL_TYPES, size=8)
def test_labels_of_every_integer_type(path, dtype):
    X, W, y = problem()
    expected = F.cross_entropy(X @ W.T, y)
    for function in calls({}):
        torch.testing.assert_close(PATHS[path](function, X, W, y.to(dtype)), expected)


@sampled("path, ignored", [156, -100], size=5, seed=1)
def test_ignored_rows_count_for_nothing_on_every_path(path, ignored):
    X, W, y = problem()
    y = torch.where(y == 156, ignored, y)
    expected = F.cross_entropy(X @ W.T, y, ignore_index=ignored)
    for function in calls({"ignore_index": ignored}):
        torch.testing.assert_close(PATHS[path](function, X, W, y), expected)


@sampled("path, bad", [K, 999, -1], size=6, seed=2)
def test_every_path_names_a_label_out_of_range(path, bad):
    X, W, y = problem()
    y[3] = bad
    for function in calls({}):
        with pytest.raises(InputError, match=rf"target\[(0, )?3\]: .* got {bad}"):
            PATHS[path](function, X, W, y)


@sampled("path, options", INVALID, size=9, seed=3)
def test_every_path_refuses_an_option_out_of_range(path, options):
    X, W, y = problem()
    for function in calls(options):
        with pytest.raises(InputError, match=next(iter(options))):
            PATHS[path](function, X, W, y)


@sampled("path", size=4, seed=4)
def test_every_path_refuses_bool_labels_and_negative_soft_targets(path):
    X, W, y = problem()
    Y = torch.softmax(X @ W.T, -1)
    Y[2, 3] = -1.0
    for function in calls({}):
        with pytest.raises(InputError, match="integer class indices"):
            PATHS[path](function, X, W, y > 0)
        with pytest.raises(InputError, match=r"target\[(0, )?2, 3\]: .* got -1\.0"):
            PATHS[path](function, X, W, Y)


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PATHS, *SLOW_PATHS])
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "soft"])
def test_every_path_with_every_option(path, soft):
    run = {**PATHS, **SLOW_PATHS}[path]
    X, W, target = problem(soft)
    weight = torch.linspace(0.1, 2.0, K, dtype=torch.float64)
    for label_smoothing in (0.0, 0.2):
        for weights in (None, weight):
            for reduction in ("mean", "sum"):
                options: Any = {
                    "label_smoothing": label_smoothing,
                    "weight": weights,
                    "reduction": reduction,
                }
                expected = F.cross_entropy(X @ W.T, target, **options)
                for function in calls(options):
                    torch.testing.assert_close(run(function, X, W, target), expected)
    target = torch.full_like(target, -1.0) if soft else target + K
    for function in calls({}):
        with pytest.raises(InputError, match="target"):
            run(function, X, W, target)


def by_formula(z: Any, y: Any, options: Any) -> Any:
    """The loss written out with torch's operations."""
    cap, tau = options.get("softcap"), options.get("temperature", 1.0)
    u = (z if cap is None else cap * torch.tanh(z / cap)) / tau
    rows = F.cross_entropy(u, y, reduction="none")
    rows = rows + options.get("z_loss", 0.0) * u.logsumexp(-1) ** 2
    return rows if options["reduction"] == "none" else rows.mean()


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PATHS, *SLOW_PATHS])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_every_path_with_options_that_torch_has_not(path, dtype, reduction):
    if path == "grad" and reduction == "none":
        reduction = "mean"  # a path that sums the losses
    run = {**PATHS, **SLOW_PATHS}[path]
    X, W, y = problem()
    X, W = (X / 2).to(dtype), (W / 2).to(dtype)
    for extra in ({"temperature": 0.7}, {"z_loss": 0.01}, {"softcap": 3.0, "temperature": 1.5}):
        options = {"reduction": reduction, **extra}
        for form, function in enumerate(calls(options)):
            z = X @ W.T if form == 0 else X.double() @ W.double().T
            exact = by_formula(z.double(), y, options)
            bound = 1e-10 if dtype == torch.float64 else 0.05
            found = run(function, X, W, y)
            torch.testing.assert_close(found.double(), exact, rtol=bound, atol=bound)


@pytest.mark.slow
@pytest.mark.parametrize("path", [*PATHS, *SLOW_PATHS])
def test_every_path_under_autocast(path):
    X, W, y = problem()
    X, W = X.float(), W.float()
    for function in calls({}):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = {**PATHS, **SLOW_PATHS}[path](function, X, W, y)
        torch.testing.assert_close(found, F.cross_entropy(X @ W.T, y), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    "transform",
    [torch.func.jacrev, pytest.param(torch.func.hessian, marks=pytest.mark.slow)],
    ids=["jacrev", "hessian"],
)
def test_jacobians_and_hessians(transform):
    X, W, y = problem()
    options: Any = {"reduction": "none", "temperature": 0.7, "z_loss": 0.01, "softcap": 5.0}
    for function in calls(options):
        found = transform(lambda X, function=function: function(X, W, y))(X)
        exact = transform(lambda X: by_formula(X @ W.T, y, options))(X)
        torch.testing.assert_close(found, exact)


@pytest.mark.parametrize("form", [0, 1], ids=["logits", "linear"])
def test_sparse_tensors_are_refused_in_one_line(form):
    X, _, y = problem()
    function: Any = cross_entropy
    if form == 1:
        function = lambda X, y: linear_cross_entropy(X, torch.eye(D, dtype=X.dtype), y)  # noqa: E731
    with pytest.raises(InputError, match=r"input: expected a dense tensor.*to_dense"):
        function(X.to_sparse(), y % D)
    with pytest.raises(InputError, match=r"target: expected a dense tensor"):
        function(X, torch.softmax(X, 1).to_sparse())


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_a_distributed_tensor_is_refused_with_what_to_pass():
    tensors: Any = pytest.importorskip("torch.distributed.tensor")

    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        mesh = tensors.init_device_mesh("cpu", (1,))
        X, W, y = problem()
        y = y % 4
        shared: Any = tensors.distribute_tensor(X, mesh, [tensors.Replicate()]).requires_grad_()
        with pytest.raises(InputError, match=r"input: .* got a DTensor; pass t\.full_tensor"):
            cross_entropy(shared, y)
        with pytest.raises(InputError, match=r"input: .* got a DTensor"):
            linear_cross_entropy(shared, W, y)
        loss = cross_entropy(shared.full_tensor(), y)
        loss.backward()
        torch.testing.assert_close(loss.detach(), F.cross_entropy(X, y))
        assert shared.grad is not None
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("form", [0, 1], ids=["logits", "linear"])
def test_a_traced_gradient_is_a_graph_and_not_a_constant(form):
    X, W, y = problem()
    function = calls({})[form]

    def gradient(X: Any, W: Any, y: Any) -> Any:
        return torch.autograd.grad(function(X, W, y), X)[0]

    graph = make_fx(gradient)(X.clone().requires_grad_(), W, y)
    other = (3 * X).requires_grad_()
    torch.testing.assert_close(graph(other, W, y), gradient(other, W, y))
    with pytest.raises(InputError, match=r"target\[0\]"):
        graph(other, W, y + K)


@pytest.mark.parametrize("form", [0, 1], ids=["logits", "linear"])
def test_fake_and_meta_tensors_have_a_loss_without_data(form):
    tensors = problem()
    function = calls({"reduction": "none"})[form]
    with FakeTensorMode() as mode:
        assert function(*map(mode.from_tensor, tensors)).shape == (N,)
    found = function(*(t.to("meta") for t in tensors))
    assert found.shape == (N,)
    assert found.device.type == "meta"


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("form", [0, 1], ids=["logits", "linear"])
def test_gradients_of_many_factors_at_once(form, reduction):
    X, W, y = problem()
    X.requires_grad_()
    loss = calls({"reduction": reduction})[form](X, W, y)
    factors = torch.tensor(np.random.default_rng(0).normal(size=(3, *loss.shape)))
    (found,) = torch.autograd.grad(loss, X, factors, is_grads_batched=True)
    expected = F.cross_entropy(X @ W.T, y, reduction=reduction)
    (theirs,) = torch.autograd.grad(expected, X, factors, is_grads_batched=True)
    torch.testing.assert_close(found, theirs)


def test_second_derivatives_of_the_operator_are_not_lost():
    X, W, y = problem()
    X.requires_grad_()

    def curvature(function: Any) -> Any:
        (gradient,) = torch.autograd.grad(function(X, W, y), X, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), X)[0]

    torch._dynamo.reset()
    ours = torch.compile(linear_cross_entropy, backend="eager")
    torch.testing.assert_close(
        curvature(ours), curvature(lambda X, W, y: F.cross_entropy(X @ W.T, y))
    )
