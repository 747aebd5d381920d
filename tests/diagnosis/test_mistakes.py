"""The catalogue: every mistake runs, changes something, and is recognised from its numbers."""

import numpy as np
import pytest

from pminusy.diagnosis.catalogue.conventions import Conventions, allowed
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.catalogue.mistakes.network import NETWORK_ONLY
from pminusy.diagnosis.catalogue.probes import STRENGTH
from pminusy.diagnosis.match.explanation import explain
from pminusy.diagnosis.match.outputs import outputs_of

GIVEN = {
    "linear": ("X", "W", "b", "y", "r"), "logits": ("z", "y"), "probabilities": ("p", "y"),
    "softmax": ("z",), "network": ("X0", "W1", "b1", "W", "b", "y", "r"), "ridge": ("W", "r"),
    "batch norm": ("X",), "convolution": ("X",), "max pool": ("X",), "ReLU": ("X",),
    "sigmoid": ("X",), "tanh": ("X",),
    "linear layer": ("X",), "logits with options": ("z", "y", "T", "eps"),
}  # fmt: skip
LETTERS = {
    "linear": ("L", "dL_dW", "dL_db"), "logits": ("L", "dL_dz"), "probabilities": ("L",),
    "softmax": ("p",), "network": ("L", "dL_dW1", "dL_db1", "dL_dW", "dL_db"),
    "ridge": ("R", "dR_dW"),
}  # fmt: skip
OPTIONS = ("temperature.", "smoothing.")
OF_NETWORK = {m.id for m in NETWORK_ONLY}  # the head's are tried without one
CASES = [
    (name, m.id)
    for name in GIVEN
    for m in EXERCISES[name.removesuffix(" with options")].mistakes
    if (name != "network" or m.id in OF_NETWORK)
    and m.id.startswith(OPTIONS) == name.endswith("with options")
]


def seen_with(outputs, mistakes, letters):
    """What a submission with these mistakes would return, component by component."""
    components = {}
    for letter in letters:
        data, ridge = [], []
        for probe in outputs.probes:
            without = outputs.run(probe.inputs, mistakes, 0.0)
            if without is None or without.get(letter) is None:
                return None
            with_r = outputs.run(probe.inputs, mistakes, STRENGTH)
            data.append(np.asarray(without[letter], float))
            ridge.append(np.asarray(with_r[letter], float) - data[-1])
        components[letter, "data"] = tuple(data)
        if outputs.regularised:
            components[letter, "ridge"] = tuple(ridge)
    return components


def all_outputs_of(name):
    return [
        outputs_of(name.removesuffix(" with options"), GIVEN[name], False, one)
        for one in allowed({"reduction": "mean", "half": 0.5, "free": None}, True, True)
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "mistake"), CASES)
def test_mistake_is_recognised_from_its_numbers(name, mistake):
    outputs = all_outputs_of(name)
    made = outputs[0].by_id[mistake]
    name = name.removesuffix(" with options")
    letters = LETTERS.get(name) or tuple(
        s.name for s in EXERCISES[name].recipe.steps if "d" in s.name or "out" in s.name
    )
    components = seen_with(outputs[0], [made], letters)
    if components is None:
        pytest.skip("not applicable: cannot be made in this exercise")
    found = explain(components, outputs)
    named = {m.id for explanation in found for m in explanation.mistakes}
    right = seen_with(outputs[0], [], letters)
    same = all(
        np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)
        for component in components
        for a, b in zip(components[component], right[component], strict=True)
        if a.shape == b.shape
    )
    assert mistake in named or (same and not named), named


def test_every_mistake_has_its_words():
    for exercise in EXERCISES.values():
        names = {step.name for step in exercise.recipe.steps}
        ids = [mistake.id for mistake in exercise.mistakes]
        assert len(ids) == len(set(ids)), exercise.name
        for mistake in exercise.mistakes:
            assert mistake.step in names | {"rows", "update"} or exercise.name in (
                "ridge",
                "softmax",
                "log_softmax",
                "probabilities",
                "probabilities to scores",
                "probabilities and parameters",
                "probabilities and weights",
            ), mistake.id
            assert mistake.sentence.endswith("."), mistake.id
            assert mistake.off.endswith("."), mistake.id
            assert mistake.wrong, mistake.id


def test_conventions_the_usual_first():
    found = allowed({}, True, True)
    assert found[0] == Conventions("mean", 0.5, None)
    assert len(found) == 12
