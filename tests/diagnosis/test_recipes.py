"""A recipe without mistakes is the specification."""

import numpy as np
import pytest

from pminusy.core import layers
from pminusy.core.options import Options
from pminusy.core.trace import Trace
from pminusy.diagnosis.catalogue.conventions import Conventions
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.head import HEAD
from pminusy.diagnosis.catalogue.network import NETWORK
from pminusy.diagnosis.catalogue.probes import probes

LETTERS = {"mean": True, "half": 0.5, "free": None}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("probe", probes(("X", "W", "b", "y")), ids=lambda probe: probe.name)
def test_head_is_the_trace(probe, reduction):
    letters = Conventions(reduction=reduction).letters
    record = HEAD.run({**letters, "r": 0.0, **probe.inputs})
    run = Trace(**probe.inputs, options=Options(reduction=reduction))
    for name in ("z", "m", "p", "L", "dL_dz", "dL_dW", "dL_db", "dL_dX"):
        assert np.squeeze(record[name]) == pytest.approx(np.squeeze(run[name].value), rel=1e-12), (
            name
        )


def test_truth_stays_finite_where_plain_formulas_do_not():
    inputs = {**LETTERS, "r": 0.0, "z": np.array([[1000.0, 0.0]]), "y": np.array([1])}
    assert EXERCISES["logits"].truth(inputs)["L"] == 1000.0
    assert np.isinf(HEAD.run(inputs)["L"])


def test_network_gradient_is_the_derivative_of_its_loss():
    inputs = dict(probes(("X0", "W1", "b1", "W", "b", "y"))[0].inputs)
    record = NETWORK.run({**LETTERS, "r": 0.7, **inputs})
    step = 1e-6
    for name in ("W1", "b1", "W", "b"):
        moved = [
            {**inputs, name: inputs[name] + sign * step * _first(inputs[name])} for sign in (1, -1)
        ]
        up, down = (float(NETWORK.run({**LETTERS, "r": 0.7, **m})["L"]) for m in moved)
        assert record[f"dL_d{name}"].flat[0] == pytest.approx((up - down) / (2 * step), rel=1e-5)


def _first(array):
    basis = np.zeros_like(array)
    basis.flat[0] = 1.0
    return basis


def test_batch_norm_recipe_is_the_layer():
    t = dict(EXERCISES["batch norm"].probes(("X",))[0].inputs)
    record = EXERCISES["batch norm"].run(t)
    out, cache, _ = layers.batch_norm(t["X"], t["gamma"], t["beta"], eps=t["eps"])
    back = layers.batch_norm_backward(t["g"], cache)
    running = layers.RunningStatistics(t["old_mean"], t["old_var"])
    test, _ = layers.batch_norm_test(t["X"], t["gamma"], t["beta"], running, eps=t["eps"])
    assert record["out"] == pytest.approx(out)
    assert record["out_test"] == pytest.approx(test)
    for name in ("dL_dX", "dL_dgamma", "dL_dbeta"):
        assert record[name] == pytest.approx(getattr(back, name)), name
