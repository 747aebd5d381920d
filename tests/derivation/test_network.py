"""Networks: the words, every layer chained and proved, options of the loss, kinks and ties."""

from typing import Any

import numpy as np
import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.layers.context import LayerContext
from pminusy.derivation.layers.description import LayerSpec, parse_layers
from pminusy.derivation.layers.exact import environments
from pminusy.derivation.layers.form import Axis, Form
from pminusy.errors import InputError
from tests.derivation.cases import OPTIONS

MIXED = (
    "image:4x4,conv:2x3+1,batchnorm,relu,maxpool:2/1,conv:3x2,batchnorm,relu,dropout:0.3,flatten,"
    "linear:6,batchnorm:test,relu,linear:5,dropout:test,relu:4,linear:6,sequence:2x3,conv:2x2,"
    "relu:3,linear:3"
)


def network(description, rows=2, columns=3, **more):
    x = np.random.default_rng(rows + columns).standard_normal((rows, columns))
    return derive(network=description, x=x, **{"y": [0, 1, 1][:rows], **more})


def contexts(derivation) -> dict[str, Any]:
    return {c.key: c.context for c in derivation._all if isinstance(c.context, LayerContext)}


def test_words():
    assert parse_layers("conv:4x3/2+1, maxpool:2x3/1x2,relu:5,dropout:test") == [
        LayerSpec("conv:4x3/2+1", "conv", (4, 3), (2,), (1,)),
        LayerSpec("maxpool:2x3/1x2", "maxpool", (2, 3), (1, 2)),
        LayerSpec("relu:5", "linear", (5,)),
        LayerSpec("relu:5", "relu"),
        LayerSpec("dropout:test", "dropout", test=True),
    ]


BAD = {
    "lstm:4": "layers among linear, relu",
    "maxpol:2": "did you mean maxpool:SIZE[/STRIDE]",
    "Conv:2x3": "did you mean conv:",
    "dropout:1.5": "0 ≤ RATE < 1",
    "dropout:1": "0 ≤ RATE < 1",
    "dropout:nan": "0 ≤ RATE < 1",
    "dropout": "dropout:RATE",
    "conv:4": "conv:CHANNELSxSIZE",
    "conv:2x3/0": "conv:CHANNELSxSIZE",
    "conv:2x3+": "conv:CHANNELSxSIZE",
    "conv:2x3x3": "the one axis of a sequence",
    "conv:2x9": "at least 9 entries before conv:2x9, got 6; a smaller window, or more padding",
    "maxpool:7": "at least 7 entries",
    "maxpool:x": "maxpool:SIZE",
    "linear:0": "linear:UNITS",
    "relu:-2": "relu:UNITS",
    "batchnorm:3": "batchnorm:test",
    "image:4x4": "16 entries a row before image:4x4, got 6",
    "image:7": "HEIGHTxWIDTH",
    "linear:99999999": "at most 16,777,216 entries, got 99,999,999 × 6 at linear:99999999",
    "tanh:3": "expected tanh, got",
    "gelu:erf": "gelu or gelu:tanh",
    "relu,,relu": "layers among",
}


@pytest.mark.parametrize("description", BAD)
def test_what_cannot_be_is_said_in_one_line(description):
    with pytest.raises(InputError) as caught:
        network(description, columns=6)
    assert BAD[description] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"y": [0]}, "2 classes, one a row of x"),
        ({"y": [[0.5, 0.5]]}, "(2, K) target masses"),
        ({"y": ["a", "b"]}, "or name the classes"),
        ({"weight": [1.0, 2.0], "classes": ["a", "b", "c"]}, "3 class weights"),
        ({"sample_weight": [1.0]}, "2 numbers, one a row"),
        ({"x": [[1.0, np.nan], [0.0, 1.0]]}, "x[0, 1]"),
        ({"x": np.zeros((2, 1, 1, 1, 1))}, "images (N, C, H, W)"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(more, message):
    with pytest.raises(InputError) as caught:
        derive(**{"network": "linear:2", "x": [[1.0, 2.0], [0.0, 1.0]], "y": [0, 1], **more})
    assert message in str(caught.value)


def test_one_row_has_no_batch_norm_but_in_test_mode():
    with pytest.raises(InputError, match="batchnorm:test"):
        network("batchnorm", rows=1)
    assert network("batchnorm:test", rows=1)["layer1_batchnorm_test_da"]


def test_twenty_layers_in_any_order_are_proved():
    d = network(MIXED, rows=1, columns=16, layer="all")
    chained = [name for name in d.names if name.endswith("_da")]
    assert len(chained) >= 20
    for name in d.names:
        if name.startswith("layer"):
            assert {check.kind for check in d[name].proof.checks} == {"algebra", "numbers"}


def test_images_and_sequences_as_arrays():
    x = np.random.default_rng(0).standard_normal((2, 2, 3, 3))
    whole = derive(network="conv:1x2", x=x, y=[0, 1])
    rows = derive(network="image:2x3x3,conv:1x2", x=x.reshape(2, -1), y=[0, 1])
    one, two = whole["layer1_conv2d_da"].value, rows["layer2_conv2d_da"].value
    assert [float(v) for v in one.entries.values()] == [float(v) for v in two.entries.values()]
    assert derive(network="conv:1x2", x=x[:, :, 0], y=[0, 1])["layer1_conv1d_dW"]


@pytest.mark.parametrize("option", OPTIONS)
def test_options_of_the_loss(option):
    given = {"sample_weight": [2.0, 0.5, 1.0]} if option == "sample_weight" else OPTIONS[option]
    given = {"weight": [1.0, 2.0]} if option == "weight" else given
    plain = network("relu:3", rows=3)
    d = network("relu:3", rows=3, **given)
    name = "layer3_linear_db"
    values = [[float(v) for v in each[name].value.entries.values()] for each in (plain, d)]
    assert not np.allclose(values[0], values[1])  # and `confirm` has compared them with core
    assert d["layer1_linear_da"].proof


def test_all_options_at_once_and_soft_targets():
    everything = {k: v for option in OPTIONS.values() for k, v in option.items()}
    everything |= {"sample_weight": [2.0, 0.5], "y": [[0.2, 0.3, 0.6], [0.0, 1.0, 0.0]]}
    assert network("relu:3", **everything)["layer1_linear_da"].proof


@pytest.mark.parametrize(
    "more",
    [
        {"reduction": "sum"},
        {"reduction": "none"},
        {"reduction": "none", "grad_output": [2.0, -1.0, 0.5]},
        {"y": [0, -100, 1]},
        {"y": [0, 9, 1], "ignore_index": 9, "reduction": "sum", "z_loss": 0.1},
        {"y": [-100, -100, -100], "row": 1},
    ],
)
def test_reductions_and_ignored_rows(more):
    d = network("relu:3", rows=3, **more)
    for name in d.names:
        if name.startswith("layer"):
            assert d[name].proof  # and `confirm` has compared it with core
    if "y" in more:
        assert all(v == 0 for (row, _), v in d["layer3_linear_upstream"].value.entries.items()
                   if more["y"][row] not in (0, 1))  # fmt: skip


def test_ties_have_the_first_entry_and_are_said():
    x = [[-1.0, -2.0, -0.5, 1.0, -1.5, 2.0]]
    d = derive(network="relu,maxpool:2/1", x=x, y=[1])
    assert "2 entries stand tied: the first" in d["layer2_maxpool1d_da"].why
    assert all(d[name].proof for name in d.names if name.startswith("layer"))
    d = derive(network="maxpool:2", x=[[1.0, 1.0]], y=[0])
    assert [float(v) != 0 for v in d["layer1_maxpool1d_da"].value.entries.values()] == [True, False]


def test_a_kink_has_slope_0_and_is_said_once_a_layer():
    d = derive(network="relu,linear:3", x=[[0.0, 1.0, -1.0]], y=[0])
    assert [float(v) != 0 for v in d["layer1_relu_da"].value.entries.values()] == [
        False, True, False
    ]  # fmt: skip
    table = next(table for table in d.summary.tables if "forwards" in table.head)
    said = [row[-1] for row in table.rows]
    assert said[0] == "1 at the kink: slope 0"
    assert "Here 1 entry stands at the kink: 0 is taken" in d["layer1_relu_da"].why
    assert said[1:] == ["", ""]


@pytest.mark.parametrize("description", ["tanh", "sigmoid", "gelu", "gelu:tanh"])
def test_smooth_activations_far_from_0(description):
    d = derive(network=description, x=[[-30.0, -4.0, 0.0, 4.0, 30.0]], y=[1])
    assert all(d[name].proof for name in d.names if name.startswith("layer"))


def test_batch_norm_goes_back_by_x_hat_variance_and_mean():
    d = network("batchnorm,linear:3", rows=3)
    names = [name.removeprefix("layer1_batchnorm_") for name in d.names if "batchnorm" in name]
    stages = ["dxhat", "xhat_by", "dvar", "dmu", "three_paths"]
    assert [name for name in names if name in stages] == stages
    assert names.index("three_paths") < names.index("da")
    whole, paths = d["layer1_batchnorm_da"], d["layer1_batchnorm_three_paths"]
    for place, value in whole.value.entries.items():
        assert abs(value - paths.value.entries[place]) < 1e-30


def test_a_large_network_is_an_outline_and_opens_one_layer():
    words = ",".join(["linear:4", "tanh"] * 6)
    outline = network(words)
    assert not any(name.startswith("layer") for name in outline.names)
    assert len(outline) == 0
    assert "layer 1 to 13" in " ".join(outline.summary.notes)
    one = network(words, layer=3)
    assert {name.split("_")[0] for name in one.names} == {"layer3"}
    assert network(words, layer="linear:4").names[0].startswith("layer1")
    assert "dL_dz" in network(words, layer="head").names
    for wrong, message in {"14": "1 to 13", "lin:4": "did you mean 'linear:4'"}.items():
        with pytest.raises(InputError, match=message):
            network(words, layer=wrong)


def test_large_layers_show_their_largest_entries():
    d = network("image:8x8,conv:2x3,relu", rows=1, columns=64)
    step = d["layer2_conv2d_forward"]
    assert step.value.left_out == 66
    assert "your numbers at 3 entries to 30 digits" in str(step.proof)
    assert len(step.rows) == 2


def test_a_wrong_gradient_of_core_is_noticed():
    d = network("image:2x3,conv:1x2", columns=6)
    context = contexts(d)["layer2_conv2d"]
    context.gradients["da"][0, 0, 0, 0] += 1.0
    shown = d["layer2_conv2d_dW"]
    with pytest.raises(ProofError, match=r"core\.layers"):
        d["layer2_conv2d_da"]
    assert shown.value


@pytest.mark.parametrize(
    "axis", [Axis(3), Axis(2, 2), Axis(3, 2, 1), Axis(1, 3), Axis(2, 1, 4), Axis(5, 3, 2)]
)
def test_small_environments_hold_whole_windows(axis):
    for at in environments(Form("conv", 4, (axis, Axis(2)))):
        sizes = at.environment.sizes
        assert axis.windows(sizes["T"]) == sizes["Q"] >= 2
        assert sizes["T"] >= 1
