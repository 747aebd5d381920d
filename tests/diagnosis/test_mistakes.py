"""The catalogue: every mistake runs, changes something, and is recognised from its numbers."""

import numpy as np
import pytest

from pminusy.diagnosis.catalogue.conventions import Conventions, allowed
from pminusy.diagnosis.catalogue.exercise import EXERCISES
from pminusy.diagnosis.catalogue.mistakes.network import NETWORK_ONLY
from pminusy.diagnosis.catalogue.probes import STRENGTH
from pminusy.diagnosis.match.matching import Evidence, explain
from pminusy.diagnosis.match.outputs import gallery

GIVEN = {
    "linear": ("X", "W", "b", "y", "r"), "logits": ("z", "y"), "probabilities": ("p", "y"),
    "softmax": ("z",), "network": ("X0", "W1", "b1", "W", "b", "y", "r"), "ridge": ("W", "r"),
    "batch norm": ("X",), "convolution": ("X",), "max pool": ("X",), "ReLU": ("X",),
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
    for m in EXERCISES[name.removesuffix(" with options")].catalogue
    if (name != "network" or m.id in OF_NETWORK)
    and m.id.startswith(OPTIONS) == name.endswith("with options")
]


def seen_with(reading, mistakes, letters):
    """What a submission with these mistakes would return, facet by facet."""
    facets = {}
    for letter in letters:
        data, ridge = [], []
        for probe in reading.probes:
            without = reading.run(probe.inputs, mistakes, 0.0)
            if without is None or without.get(letter) is None:
                return None
            with_r = reading.run(probe.inputs, mistakes, STRENGTH)
            data.append(np.asarray(without[letter], float))
            ridge.append(np.asarray(with_r[letter], float) - data[-1])
        facets[letter, "data"] = tuple(data)
        if reading.regularised:
            facets[letter, "ridge"] = tuple(ridge)
    return facets


def galleries_of(name):
    return [
        gallery(name.removesuffix(" with options"), GIVEN[name], False, reading)
        for reading in allowed({"reduction": "mean", "half": 0.5, "free": None}, True, True)
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "mistake"), CASES)
def test_mistake_is_recognised_from_its_numbers(name, mistake):
    readings = galleries_of(name)
    made = readings[0].by_id[mistake]
    name = name.removesuffix(" with options")
    letters = LETTERS.get(name) or tuple(
        s.name for s in EXERCISES[name].recipe.steps if "d" in s.name or "out" in s.name
    )
    facets = seen_with(readings[0], [made], letters)
    if facets is None:
        pytest.skip("not applicable: cannot be made in this exercise")
    found = explain(Evidence(facets), readings)
    named = {m.id for explanation in found for m in explanation.mistakes}
    right = seen_with(readings[0], [], letters)
    same = all(
        np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)
        for facet in facets
        for a, b in zip(facets[facet], right[facet], strict=True)
        if a.shape == b.shape
    )
    assert mistake in named or (same and not named), named


def test_every_mistake_has_its_words():
    for exercise in EXERCISES.values():
        names = {step.name for step in exercise.recipe.steps}
        ids = [mistake.id for mistake in exercise.catalogue]
        assert len(ids) == len(set(ids)), exercise.name
        for mistake in exercise.catalogue:
            assert mistake.step in names | {"rows", "update"} or exercise.name in (
                "ridge",
                "softmax",
                "log_softmax",
                "probabilities",
            ), mistake.id
            assert mistake.sentence.endswith("."), mistake.id
            assert mistake.off.endswith("."), mistake.id
            assert mistake.wrong, mistake.id


def test_readings_the_usual_first():
    readings = allowed({}, True, True)
    assert readings[0] == Conventions("mean", 0.5, None)
    assert len(readings) == 12
