"""A part of the generated corpus (all of it: `python -m benchmarks.check`)."""

import random

import pytest

from benchmarks.check.run_source import judge
from benchmarks.check.slips import SLIPS
from benchmarks.check.styles import STYLES

SLIPPED = [(style, slip) for style in STYLES for slip in SLIPS.get(style.family, ())]
SAMPLE = random.Random(5).sample(SLIPPED, 40)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_correct_style_raises_no_alarm(style):
    verdict = judge(style.source())
    assert verdict.status == "correct", str(verdict)


@pytest.mark.parametrize(("style", "slip"), SAMPLE, ids=lambda case: getattr(case, "name", ""))
def test_mistake_is_named(style, slip):
    verdict = judge(style.source(slip.lines))
    assert len(verdict.mistakes) == 1
    assert verdict.mistakes[0] in slip.named, str(verdict)


FRAGILE = {
    "shift.missing": ("e = np.exp(z)", "e.sum(axis=1, keepdims=True)"),
    "shift.whole_batch": ("e = np.exp(z - z.max())", "e.sum(axis=1, keepdims=True)"),
    "shift.axis": ("e = np.exp(z - z.mean(axis=1, keepdims=True))", "e.sum(axis=1, keepdims=True)"),
}


@pytest.mark.parametrize("mechanism", FRAGILE)
def test_fragile_softmax_is_told_from_right_and_from_wrong(mechanism):
    e, s = FRAGILE[mechanism]
    verdict = judge(f"import numpy as np\ndef softmax(z):\n    {e}\n    return e / {s}\n")
    assert (verdict.status, verdict.mistakes) == ("fragile", (mechanism,))
    assert verdict.fragilities[0].smallest


LOG = "import numpy as np\ndef softmax_loss(z, y):\n    e = np.exp(z - z.max(axis=1, keepdims=True))\n    p = e / e.sum(axis=1, keepdims=True)\n    return -np.log({})[np.arange(len(y)), y].mean()\n"  # noqa: E501  # a program


@pytest.mark.parametrize(
    ("argument", "mechanism"),
    [
        ("p", "log.of_probability"),
        ("p + 1e-12", "log.added_1e-12"),
        ("p + 1e-8", "log.added_1e-08"),
        ("np.clip(p, 1e-7, 1 - 1e-7)", "log.clipped_1e-07"),
        ("np.maximum(p, 1e-15)", "log.clipped_1e-15"),
        ("np.maximum(p, 3e-6)", "log.clipped_3e-06"),
        ("p + np.finfo(float).eps", "log.added_2.22e-16"),
        ("np.where(p > 0, p, 1)", "log.zero_skipped"),
    ],
)
def test_fragile_logarithm(argument, mechanism):
    verdict = judge(LOG.format(argument))
    assert verdict.status == "fragile", str(verdict)
    assert mechanism in verdict.mistakes


def test_a_constant_is_no_sign_of_any_mistake():
    verdict = judge("import numpy as np\ndef softmax_loss(z, y):\n    return 1.0, z\n")
    assert verdict.status == "wrong"
    assert verdict.mistakes == ()
    assert "on every input" in verdict.summary
