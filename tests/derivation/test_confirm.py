"""What `core` computes is compared with the steps: change any quantity, and a step is refused."""

from dataclasses import replace

import numpy as np
import pytest

from pminusy.core import linear
from pminusy.core.trace import Trace
from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.steps.confirm import confirm
from tests.derivation.cases import derivation

ROW = ("z", "m", "s", "p", "L_i", "L", "dL_dp", "J", "dL_dz")
LAYER = ("dL_dW", "dL_db", "dL_dX")
BATCH = ("z", "p", "L_i", "L", "dL_dz", *LAYER)
SHOWN = {
    "logits": ROW,
    "layer": (*ROW, *LAYER),
    "soft": (*ROW, "q"),
    "z_loss": ROW,
    "log_base": ROW,
    "everything": (*ROW, *LAYER, "u", "q", "dL_du"),
    "ignored": ("z", "p", "q", "L_i", "L", "dL_dz", "dL_dW", "dL_db"),
    "batch": BATCH,
    "batch of soft targets": (*BATCH, "q"),
    "batch, all options": ("u", "z", "p", "q", "L_i", "L", "dL_du", *LAYER),
    "ignored rows": (*BATCH, "q"),
    "sum": BATCH,
    "none": BATCH,
    "nothing counts": ("p", "z", "L", "dL_dz"),
}


@pytest.fixture
def fresh(request):
    """The proved steps of a case, with runs of `core` that nobody has read, nor will read later."""
    made = derivation(request.param)
    list(made)  # proved while core is whole
    _forget_runs(made)
    yield made
    _forget_runs(made)


def _forget_runs(made):
    for chapter in made.chapters:
        getattr(chapter.context, "_runs", {}).clear()


def refused(made):
    """Messages of the steps that are refused."""
    messages = []
    for step in made:
        try:
            confirm(step)
        except ProofError as error:
            messages.append(str(error))
    return messages


def confirmed(made):
    """Names of the quantities that are compared."""
    return {computed.name for step in made for computed in step.context.computed(step.name)}


@pytest.mark.parametrize("case", SHOWN)
def test_every_quantity_of_the_record_is_compared(case):
    assert not refused(derivation(case))
    assert set(SHOWN[case]) <= confirmed(derivation(case))


@pytest.mark.parametrize(
    ("fresh", "name"),
    [(case, name) for case, names in SHOWN.items() for name in names],
    indirect=["fresh"],
)
def test_a_wrong_quantity_is_refused(fresh, name, monkeypatch):
    right, wrong = Trace.__getitem__, 1e-9

    def tampered(self, key):
        quantity = right(self, key)
        if key != name:
            return quantity
        return replace(quantity, value=quantity.value * (1 + wrong) + wrong)

    compared = [step for step in fresh if name in confirmed([step])]
    _forget_runs(fresh)
    monkeypatch.setattr(Trace, "__getitem__", tampered)
    assert any(f" for {name}" in message for message in refused(compared))
    wrong = np.nan
    assert any(f" for {name}" in message for message in refused(compared))


@pytest.mark.parametrize("fresh", ["layer", "batch", "none", "everything"], indirect=True)
@pytest.mark.parametrize(
    "function", ["forward", "weight_gradient", "bias_gradient", "input_gradient"]
)
def test_a_wrong_product_of_the_layer_is_refused(fresh, function, monkeypatch):
    right = getattr(linear, function)
    monkeypatch.setattr(linear, function, lambda *given: right(*given) * (1 + 1e-9))
    assert refused(fresh)


def test_a_layer_of_a_network_is_compared_too():
    made = derivation("rows")
    steps = [step for step in made if step.name.startswith("layer")]
    names = {computed.name for step in steps for computed in step.context.computed(step.name)}
    assert names == {"forward", "da", "dW", "db", "dgamma", "dbeta"}
