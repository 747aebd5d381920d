"""What `docs/architecture.md` says to edit for a new mistake or layer is all there is to edit."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.check.run_source import judge
from pminusy.diagnosis.catalogue import exercises
from pminusy.diagnosis.catalogue.exercise import layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.mistakes import loss
from pminusy.diagnosis.catalogue.probes import Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Step
from pminusy.diagnosis.match.outputs import outputs_of

CUBED = Mistake(
    "loss.cubed", "L_i", lambda t: -np.log(t["p"][np.arange(t["y"].size), t["y"]]) ** 3,
    "−(ln p_y)³", "The logarithm is cubed.", "There is an operation too many.",
    line="cross_entropy_logits",
)  # fmt: skip
SOURCE = """
import numpy as np
def softmax_loss(z, y):
    rows = np.arange(len(y))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = p.copy()
    d[rows, y] -= 1
    return (-np.log(p[rows, y]) ** 3).mean(), d / len(y)
"""


@pytest.fixture(autouse=True)
def _forget():
    outputs_of.cache_clear()
    yield
    outputs_of.cache_clear()


def test_new_mistake_is_an_entry_in_its_tuple(monkeypatch):
    assert judge(SOURCE).mistakes == ()
    logits = exercises.EXERCISES["logits"]
    assert {m.id for m in loss.LOSS} <= {m.id for m in logits.mistakes}  # the tuple is in it
    monkeypatch.setitem(
        exercises.EXERCISES, "logits", replace(logits, mistakes=(*logits.mistakes, CUBED))
    )
    outputs_of.cache_clear()
    verdict = judge(SOURCE)
    assert verdict.mistakes == ("loss.cubed",)
    assert verdict.findings[0].sentence == "The logarithm is cubed."
    assert verdict.broken_line is not None
    assert verdict.broken_line.name == "cross_entropy_logits"


def doubling():
    """A layer out = 2 a, as a file of `catalogue/layers` would declare it."""
    draw = np.random.default_rng(3).normal
    return layer(
        "doubling",
        Recipe((
            Step("out", lambda t: 2 * t["X"], "2 a", "where the output is computed"),
            Step("dL_dX", lambda t: 2 * t["g"], "dX = 2 g", "where the gradient is computed"),
        )),
        (Mistake("doubling.halved", "dL_dX", lambda t: t["g"] / 2, "g / 2", "It halves.", "2."),),
        functions="double", arguments=("X",),
        ordinary=lambda: [Probe("any", {"X": draw(size=(3, 2)), "g": draw(size=(3, 2))})],
        small=lambda: iter([{"X": small_numbers(1, 2), "g": small_numbers(1, 2, start=1)}]),
        derivation="relu", lines={"dL_dX": "da"},
    )  # fmt: skip


@pytest.mark.parametrize(("factor", "mistakes"), [("2", ()), ("0.5", ("doubling.halved",))])
def test_new_layer_is_a_file_and_an_entry_in_the_list(monkeypatch, factor, mistakes):
    new = doubling()
    monkeypatch.setitem(exercises.EXERCISES, new.name, new)
    verdict = judge(
        "def double_forward(x):\n    return 2 * x, None\n"
        f"def double_backward(dout, cache):\n    return {factor} * dout\n"
    )
    assert verdict.status == ("wrong" if mistakes else "correct"), str(verdict)
    assert verdict.mistakes == mistakes
    assert all(smallest for _, smallest in verdict.smallest)
