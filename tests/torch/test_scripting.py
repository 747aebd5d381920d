"""TorchScript: modules are scripted with all their options, functions refuse and say why."""

import io
import itertools
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")

import pminusy.torch as pt  # noqa: E402  # after the skip

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")

WEIGHT = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
OPTIONS: tuple[Any, ...] = (
    {},
    {"reduction": "none", "label_smoothing": 0.1, "z_loss": 0.1, "softcap": 3.0, "temperature": 2},
    {"weight": WEIGHT, "ignore_index": 1, "reduction": "sum"},
    {"label_smoothing": 1, "softcap": 3},
)
LAYERS: tuple[Any, ...] = (
    {},
    {"bias": True, "workspace": 1000},
    {"bias": True, "out_features": (2, 3)},
)


def saved_and_loaded(module: Any) -> Any:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(module), file)
    file.seek(0)
    return torch.jit.load(file)


def gradients(loss: Any, inputs: Any) -> Any:
    first = torch.autograd.grad(loss.sum(), inputs, create_graph=True)
    second = torch.autograd.grad(sum(g.square().sum() for g in first), inputs)
    return (*first, *second)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_scripted_modules_are_the_modules(options):
    z = torch.linspace(-2, 3, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
    y, omega = torch.tensor([0, 2, 1, 2]), torch.tensor([1.0, 2.0, 0.0, 0.5])
    module = pt.CrossEntropyLoss(**options)
    script = saved_and_loaded(module)
    for sample_weight in (None, omega):
        loss, expected = script(z, y, sample_weight), module(z, y, sample_weight)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(gradients(loss, [z]), gradients(expected, [z]))


@pytest.mark.parametrize(
    ("layer", "options"), list(itertools.product(LAYERS, OPTIONS[:3])), ids=str
)
def test_scripted_layers_are_the_layers(layer, options):
    X = torch.linspace(-2, 3, 8, dtype=torch.float64).reshape(4, 2).requires_grad_()
    module = pt.LinearCrossEntropyLoss(2, 3, dtype=torch.float64, **layer, **options)
    shape = (4, *module.out_features)
    y = torch.arange(4).reshape(4, *(1 for _ in module.out_features)).expand(shape) % 3
    script = saved_and_loaded(module)
    inputs = [X, *module.parameters()]
    theirs = [X, *script.parameters()]
    loss, expected = script(X, y), module(X, y)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradients(loss, theirs), gradients(expected, inputs))


def test_a_scripted_network_leaves_the_network_as_it_was():
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    network.criterion = pt.CrossEntropyLoss()
    torch.jit.script(network.criterion)
    assert type(network.criterion) is pt.CrossEntropyLoss


def test_a_scripted_module_names_what_is_wrong():
    script = torch.jit.script(pt.CrossEntropyLoss())
    with pytest.raises(RuntimeError, match="expected a class index from 0 to 2"):
        script(torch.zeros(1, 3), torch.tensor([7]))


def calls(z: torch.Tensor, y: torch.Tensor):
    return pt.cross_entropy(z, y)


@pytest.mark.parametrize("function", [pt.cross_entropy, calls], ids=["itself", "called"])
def test_functions_refuse_and_say_what_to_do(function):
    remedy = r"cannot be scripted; script pminusy\.torch\.CrossEntropyLoss, or use torch\.compile"
    with pytest.raises(RuntimeError, match=remedy):
        torch.jit.script(function)
    with pytest.raises(RuntimeError, match=r"script pminusy\.torch\.LinearCrossEntropyLoss"):
        torch.jit.script(pt.linear_cross_entropy)
