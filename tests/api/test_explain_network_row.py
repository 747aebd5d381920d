"""A row explained under a trained network: autograd's gradients, and sentences that are true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import pminusy as pmy
from pminusy.api.explain import row_of
from pminusy.api.network.row import layers_of, loss_after_step, nearest_changes
from pminusy.cli.app import run
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.errors import InputError
from pminusy.tables.design import design_matrix
from pminusy.torch.networks.modules import Network
from pminusy.torch.networks.words import network_in_torch

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")
NETWORKS: dict[str, dict[str, Any]] = {
    "relu": {"hidden": (8, 6)},
    "batch norm": {"hidden": (7,), "batch_norm": True, "dropout": 0.2},
    "tanh": {"hidden": 5, "activation": "tanh"},
    "logistic": {"hidden": 5, "activation": "logistic", "calibrate": True},
    "gelu": {"hidden": 5, "activation": "gelu"},
    "identity": {"hidden": (5, 4), "activation": "identity"},
}


@pytest.fixture(scope="module", params=NETWORKS, ids=list(NETWORKS))
def model(request):
    return pmy.fit_table(
        PENGUINS, target="species", epochs=8, learning_rate=0.01, refit=False,
        **NETWORKS[request.param],
    )  # fmt: skip


@pytest.fixture(scope="module")
def frame(model):
    return model.read(PENGUINS)


def test_every_gradient_is_held_against_autograd(model, frame):
    told, _ = model.explanation(row_of(frame, 183), (frame, 183))
    assert any("compared with torch's autograd" in note for note in told.summary.notes)
    x = model.run.training.row(0)
    found = _through(network_in_torch(layers_of(model)), x)
    np.testing.assert_allclose(
        found.detach().numpy()[0], model.logits(x[None])[0], rtol=1e-12, atol=1e-13
    )


def test_what_the_row_teaches_is_true(model, frame):
    told, _ = model.explanation(row_of(frame, 183), (frame, 183), rate=0.01)
    lesson = next(note for note in told.summary.notes if note.startswith("What the row teaches"))
    X = model.run.held_out.X
    x, c = X[0], int(model.run.held_out.y[0])
    mass = target_mass(np.array([c]), 1, 3, Options())
    h = 1e-6
    now = -model.log_probabilities(x[None])[0, c]
    slope = (loss_after_step(model, x, mass, Options(), h) - now) / h
    net = network_in_torch(layers_of(model))
    torch.nn.functional.cross_entropy(_through(net, x), torch.tensor([c])).backward()
    gradients = [p.grad for parameters in net.parameters for p in parameters.values()]
    squares = sum(float((g**2).sum()) for g in gradients if g is not None)
    assert slope == pytest.approx(-squares, rel=1e-3)
    assert "one gradient step of rate 0.01 on this row alone makes it" in lesson


def _through(net: Network, x: Any) -> torch.Tensor:
    found = torch.tensor(x[None])
    for step in net.steps:
        found = step(found)
    return found


def test_changes_are_the_nearest_that_change_the_prediction(model):
    x = model.run.held_out.row(2)
    now = model.logits(x[None])[0].argmax()
    for place, away, k in nearest_changes(model, x, [0, 1, 2, 3], 5.0):
        grid = x + np.outer(np.linspace(0, 1, 50)[:-1] * away, np.eye(x.size)[place])
        assert (model.logits(grid).argmax(axis=1) == now).all()
        row = x.copy()
        row[place] += away * (1 + 1e-9)
        assert model.logits(row[None])[0].argmax() == k != now


def test_contributions_are_said_to_be_gradient_times_input(model, frame):
    told, _ = model.explanation(row_of(frame, 183), (frame, 183))
    table = told.summary.tables[0]
    assert table.caption.startswith("gradient × input, of z of")
    assert [line[0] for line in table.rows][-2:] == ["(the rest)", "together"]
    adds = [float(line[3].replace("−", "-")) for line in table.rows]
    assert sum(adds[:-1]) == pytest.approx(adds[-1], abs=5e-3 * len(adds))


def test_one_layer_can_be_opened_and_options_of_a_regression_are_refused(model, frame):
    row = row_of(frame, 5)
    assert len(model.explain(row, layer="head")) > 0
    assert model.explain(row, label_smoothing=0.1)["dL_dz"]
    with pytest.raises(InputError, match="ridge: expected a softmax regression, got a network"):
        model.explain(row, ridge=0.1)
    with pytest.raises(InputError, match="steps: expected 1 for a network, got 3"):
        model.explain(row, steps=3)


def test_the_command_and_a_layer_of_a_regression(tmp_path, capsys):
    net, plain = str(tmp_path / "n.safetensors"), str(tmp_path / "p.safetensors")
    pmy.fit_table(PENGUINS, target="species", hidden=4, epochs=2).save(net)
    pmy.fit_table(PENGUINS, target="species").save(plain)
    assert run(["explain", net, PENGUINS, "--row", "3", "--layer", "1"]) == 0
    out = capsys.readouterr().out
    assert "gradient × input" in out
    assert "Layer 1 of 3" in out
    assert run(["explain", net, PENGUINS, "--row", "3", "-o", str(tmp_path / "r.html")]) == 0
    assert run(["explain", plain, PENGUINS, "--row", "3", "--layer", "1"]) == 2
    assert "layer: expected a network, got a softmax regression" in capsys.readouterr().err


def test_two_classes_under_a_threshold():
    r = np.random.default_rng(0)
    x = r.normal(size=(200, 2))
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.hypot(*x.T) > 1})
    model = pmy.fit_table(table, target="y", hidden=6, epochs=20, threshold=0.3)
    frame = model.read(table)
    told, _ = model.explanation(row_of(frame, 1), (frame, 1))
    assert any("threshold" in note for note in told.summary.notes)


def test_a_row_whose_gradient_is_tiny_is_compared_as_closely():
    model = pmy.fit_table(PENGUINS, target="species", hidden=4, epochs=2, refit=False)
    frame = model.read(PENGUINS)
    right = np.flatnonzero(model.predictions(frame)[0]["prediction"] == frame["species"])
    number = int(right[0]) + 1
    x = design_matrix(frame[number - 1 : number], model.schema).X
    z = np.sort(model.logits(x)[0])
    certain = replace(model, W=model.W * (18 / (z[-1] - z[-2])), b=model.b * (18 / (z[-1] - z[-2])))
    told, _ = certain.explanation(row_of(frame, number), (frame, number))
    note = next(note for note in told.summary.notes if "autograd" in note)
    assert "10⁻¹⁰ is allowed" in note
    assert 0 < max(abs(float(v)) for v in told["dL_dz"].value.entries.values()) < 1e-7
