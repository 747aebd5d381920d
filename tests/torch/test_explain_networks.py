"""Networks of torch explained: gradients are autograd's, and the module is left as it was."""

import copy
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

import pminusy as pmy
from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.layers.context import LayerContext
from pminusy.errors import InputError


def mlp(layers, width=16):
    sizes = [6, *[width] * layers]
    hidden = [part for a, b in pairwise(sizes)
              for part in (nn.Linear(a, b), nn.ReLU())]  # fmt: skip
    return nn.Sequential(*hidden, nn.Linear(width, 4))


def rows(*shape):
    return torch.randn(*shape)


def codes(*shape):
    return torch.randint(9, shape)


MODULES = {
    "MLP of 20 layers": lambda: (mlp(20), rows(8, 6)),
    "LeNet-like": lambda: (
        nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5),
            nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 12), nn.Tanh(),
            nn.Linear(12, 4),
        ), rows(3, 1, 14, 14)),
    "batch norm and dropout": lambda: (
        nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Sigmoid(), nn.Dropout(0.4),
                      nn.Linear(8, 4)), rows(7, 6)),
    "images with batch norm": lambda: (
        nn.Sequential(nn.Conv2d(2, 3, (3, 2), stride=(2, 1), bias=False), nn.BatchNorm2d(3),
                      nn.GELU(), nn.Flatten(), nn.Linear(36, 4)), rows(4, 2, 7, 5)),
    "eval mode": lambda: (
        nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(), nn.GELU("tanh"),
                      nn.Linear(5, 4)).eval(), rows(3, 6)),
    "embedding": lambda: (
        nn.Sequential(nn.Embedding(9, 3, padding_idx=2), nn.Flatten(), nn.Tanh(),
                      nn.Linear(15, 4)), codes(6, 5)),
    "one code a row": lambda: (nn.Sequential(nn.Embedding(9, 4)), codes(6)),
    "conv1d": lambda: (
        nn.Sequential(nn.Conv1d(2, 4, 3, padding="same"), nn.BatchNorm1d(4), nn.ReLU(),
                      nn.MaxPool1d(3, 2), nn.Flatten(), nn.Linear(16, 4)), rows(3, 2, 9)),
    "no parameters in the norm": lambda: (
        nn.Sequential(nn.Linear(6, 5, bias=False),
                      nn.BatchNorm1d(5, affine=False, track_running_stats=False),
                      nn.ReLU(inplace=True), nn.Linear(5, 4)), rows(5, 6)),
    "nested, in float64": lambda: (
        nn.Sequential(nn.Sequential(nn.Linear(6, 6), nn.Sigmoid()),
                      nn.Sequential(nn.Dropout(0.2), nn.Linear(6, 4))).double(),
        rows(4, 6).double()),
    "kinks and ties": lambda: (
        nn.Sequential(nn.ReLU(), nn.MaxPool1d(2, 1), nn.Flatten(), nn.ReLU(), nn.Linear(5, 4)),
        torch.tensor([[[0.0, 0, 1, 1, 0, -1]], [[2.0, 2, 2, 0, 0, 0]]])),
    "frozen": lambda: (mlp(1).requires_grad_(False), rows(3, 6)),
}  # fmt: skip


@pytest.fixture(params=MODULES)
def case(request):
    torch.manual_seed(20 + list(MODULES).index(request.param))
    module, x = MODULES[request.param]()
    return module, x, torch.randint(4, (len(x),))


def leaves(module):
    return [part for part in module.modules() if not isinstance(part, nn.Sequential)]


def expected(module, x, y, **options):
    """Parameters' gradients of a copy in float64, with the masks the module itself would draw."""
    masks = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        tried = copy.deepcopy(module)
        for part in leaves(tried):
            if isinstance(part, nn.Dropout) and part.training:
                part.register_forward_hook(lambda _, a, o: masks.append((o != 0).double()))
        tried(x)
    own = copy.deepcopy(module).double().requires_grad_(True)
    for part in leaves(own):
        if isinstance(part, nn.Dropout) and part.training:
            mask, keep = masks.pop(0), 1 - part.p
            # a dropout replaced by its mask
            part.register_forward_hook(lambda _, a, o, mask=mask, keep=keep: a[0] * mask / keep)
    exact = x if x.dtype == torch.long else x.double()
    with torch.random.fork_rng(devices=[]):
        nn.functional.cross_entropy(own(exact), y, **options).backward()
    return [parameter.grad.numpy() for parameter in own.parameters()]


def told(derivation):
    """Gradients of the derivation, layer by layer as parameters lie."""
    contexts = {c.context: None for c in derivation._all if isinstance(c.context, LayerContext)}
    ordered = sorted(contexts, key=lambda context: context.layer.place)
    return [context.gradients[key] for context in ordered
            for key in ("dE", "dW", "dgamma", "db", "dbeta")
            if key in context.gradients]  # fmt: skip


def test_gradients_are_those_of_autograd(case):
    module, x, y = case
    known = expected(module, x, y)
    found = told(pmy.explain(module, x, y))
    assert len(found) == len(known)
    for one, other in zip(found, known, strict=True):
        if isinstance(module[0], nn.Embedding) and module[0].padding_idx and len(one) == 9:
            one[2] = 0
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10 * max(1, np.abs(other).max()))


def test_every_gradient_is_compared_and_the_page_says_so(case):
    said = pmy.explain(*case).summary.notes[0]
    assert "compared with torch's autograd" in said


def test_the_module_is_left_as_it_was(case):
    module, x, y = case
    before = copy.deepcopy(module.state_dict())
    modes = [part.training for part in module.modules()]
    asked = [parameter.requires_grad for parameter in module.parameters()]
    state = torch.get_rng_state()
    first = x.clone()
    pmy.explain(module, x, y)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[key], now) for key, now in module.state_dict().items())
    assert modes == [part.training for part in module.modules()]
    assert all(parameter.grad is None for parameter in module.parameters())
    assert asked == [parameter.requires_grad for parameter in module.parameters()]
    assert torch.equal(first, x)


@pytest.mark.parametrize("options", [
    {"label_smoothing": 0.1, "weight": [1.0, 2.0, 0.5, 1.0]}, {"reduction": "sum"},
    {"reduction": "mean", "ignore_index": 1},
], ids=["smoothing and weights", "sum", "ignored"])  # fmt: skip
def test_options_of_the_loss_reach_the_weights(options):
    torch.manual_seed(3)
    module, x, y = mlp(2), rows(5, 6), torch.tensor([0, 1, 2, 3, 1])
    of_torch = {k: torch.tensor(v).double() if k == "weight" else v for k, v in options.items()}
    for one, other in zip(
        told(pmy.explain(module, x, y, **options)), expected(module, x, y, **of_torch), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_options_that_torch_has_not_are_compared_too():
    module = mlp(1)
    more: dict[str, Any] = {"temperature": 2.0, "z_loss": 0.1, "softcap": 5.0, "log_base": 2.0}
    d = pmy.explain(module, rows(3, 6), [0, 1, 2], sample_weight=[1.0, 2.0, 0.5], **more)
    assert "compared" in d.summary.notes[0]
    d = pmy.explain(module, rows(2, 6), [[0.2, 0.3, 0.5, 0.0], [1.0, 0, 0, 1.0]])
    assert "compared" in d.summary.notes[0]
    d = pmy.explain(module, rows(2, 6), [0, 1], reduction="none", grad_output=[2.0, -1.0])
    assert "compared" in d.summary.notes[0]


def test_every_line_of_every_layer_is_proved():
    torch.manual_seed(0)
    for name in ("kinks and ties", "embedding"):
        module, x = MODULES[name]()
        d = pmy.explain(module, x, [i % 4 for i in range(len(x))], layer="all")
        lines = [step for step in d if step.name.startswith("layer")]
        assert len(lines) > 10
        assert all(step.proof.checks[0].comparisons for step in lines)


def test_one_sample_is_a_batch_of_one():
    module = mlp(1)
    x = rows(6)
    assert pmy.explain(module, x, 2)["layer1_linear_dW"].proof
    assert pmy.explain(module, x[None], torch.tensor(2))["layer1_linear_dW"].proof


def test_a_wrong_gradient_is_refused(monkeypatch):
    from pminusy.core import layers

    right = layers.linear_backward
    monkeypatch.setattr(
        layers, "linear_backward", lambda g, c: right(g, c)._replace(dL_db=1.001 * g.sum(axis=0))
    )
    with pytest.raises(ProofError, match="∂L/∂b differs"):
        pmy.explain(mlp(1), rows(3, 6), [0, 1, 2])


def nan_weights():
    module = mlp(1)
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    return module


BAD = {
    "unknown layer": (lambda: nn.Sequential(nn.Linear(6, 4), nn.LSTM(4, 4)), r"LSTM \(module 1\)"),
    "softmax": (lambda: nn.Sequential(nn.Linear(6, 4), nn.Softmax(1)), "leave it out"),
    "no sequence": (lambda: nn.Bilinear(6, 6, 4), "Bilinear"),
    "no module": (lambda: 3.0, r"expected a torch\.nn\.Sequential, got float"),
    "wrong shapes": (lambda: nn.Sequential(nn.Linear(5, 4)), "an input that module 0, Linear"),
    "NaN weights": (nan_weights, r"module 0, weight: expected finite numbers, got NaN"),
    "empty": (lambda: nn.Sequential(), "a Sequential with a layer"),
    "one logit": (lambda: nn.Sequential(nn.Linear(6, 1)), "at least 2 classes"),
    "groups": (lambda: nn.Sequential(nn.Conv1d(2, 2, 1, groups=2)), "groups=1, got groups=2"),
    "one row": (lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), "more than 1 value"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_told_is_refused_in_one_line(name):
    make, message = BAD[name]
    x = rows(1, 2, 6) if name == "groups" else rows(1, 6)
    with pytest.raises(InputError, match=message) as caught:
        pmy.explain(make(), x, [1])
    assert "\n" not in str(caught.value)


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3)).eval()
    arrays = {key: tensor.numpy() for key, tensor in module.state_dict().items()}
    save_file(arrays, tmp_path / "net.safetensors")
    np.savez(tmp_path / "net.npz", **arrays)
    return tmp_path, module, rows(4, 3)


@pytest.mark.parametrize("name", ["net.safetensors", "net.npz"])
def test_a_file_of_weights_is_the_module_it_came_from(file, name):
    folder, module, x = file
    words = "linear,batchnorm:test,relu,linear"
    d = pmy.explain(x=x, y=[0, 1, 2, 0], network=str(folder / name), network_layers=words)
    same = pmy.explain(module, x, [0, 1, 2, 0])
    assert "compared with torch's autograd" in d.summary.notes[0]
    for one, other in zip(told(d), told(same), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_large_layer_shows_its_largest_entries_with_numbers():
    torch.manual_seed(5)
    module, x = mlp(4, 40), rows(24, 6)
    d = pmy.explain(module, x, [i % 4 for i in range(24)], layer=3)
    for name, key in (("dW", "dW"), ("da", "da"), ("upstream", None)):
        step = d[f"layer3_linear_{name}"]
        context = step.context
        assert isinstance(context, LayerContext)
        array = context.upstream if key is None else context.gradients[key]
        shown = [abs(float(v)) for v in step.value.entries.values()]
        np.testing.assert_allclose(shown, np.sort(np.abs(array), axis=None)[::-1][:6], rtol=1e-12)
        assert step.value.left_out == array.size - 6
        largest = np.unravel_index(np.abs(array).argmax(), array.shape)
        assert tuple(map(int, largest)) in [tuple(row.indices.values()) for row in step.rows]
    assert "and 0 more" not in str(d)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"layer": 1}, "layer: expected a network"),
        ({"network_layers": "relu"}, "a file of weights"),
    ],
    ids=["layer", "layers"],
)
def test_what_belongs_to_networks_is_refused_without_one(more, message):
    with pytest.raises(InputError, match=message):
        pmy.explain(z=[1.0, 2.0], y=0, **more)
    with pytest.raises(InputError, match="none beside a module"):
        pmy.explain(mlp(1), rows(2, 6), [0, 1], network_layers="relu")


def test_layers_of_a_file_in_words(file):
    folder, _, x = file
    given = {"x": x, "y": [0, 1, 2, 0], "network": str(folder / "net.npz")}
    words = "linear@0,batchnorm:test@1,tanh,dropout:0.3,linear@3"
    assert "compared" in pmy.explain(**given, network_layers=words).summary.notes[0]
    for wrong, message in {
        None: "the layers in order",
        "linear,relu": "a layer for all arrays of the file",
        "linear,relu,linear,linear": "weight, bias for linear",
        "linear,batchnorm:test,linear,linear": "none left",
        "linear,batchnorm,relu,linear@4": "arrays for it",
        "linear:5,batchnorm,linear": "its sizes being those of its weight",
        "linear,batchnorm,lstm,linear": "layers among",
    }.items():
        with pytest.raises(InputError, match=message):
            pmy.explain(**given, network_layers=wrong)
