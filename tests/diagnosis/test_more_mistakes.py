# ruff: noqa: E501  # programs, one line each
"""Options, sizes that must agree, weights changed during a call, names read from outside."""

import pytest

from benchmarks.check.run_source import judge
from pminusy.api.check import check

HEAD = """
import numpy as np
def softmax_loss_vectorized(W, X, y, reg):
    N, C = X.shape[0], W.shape[1]
    Z = X.dot(W)
    {M}
    E = np.exp(Z - M)
    {P}
    lse = np.log(E.sum(axis=1)) + M[:, 0]
    {L}
    {R}
    D = P.copy(); D[np.arange(N), y] -= 1
    {Q}
    return loss, dW
"""
LINES = {
    "M": "M = Z.max(axis=1, keepdims=True)", "P": "P = E / E.sum(axis=1, keepdims=True)",
    "L": "loss = (lse - Z[np.arange(N), y]).mean()", "R": "loss += 0.5 * reg * np.sum(W * W)",
    "Q": "dW = X.T.dot(D) / N + reg * W",
}  # fmt: skip
SLIPS = {
    "right": ({}, "correct", ()),
    "loss divided by a sum": (
        {"L": "loss = (lse - Z[np.arange(N), y]).sum()", "R": "loss /= N + 0.5 * reg * np.sum(W * W)"},
        "wrong", ("ridge.loss_divided_by_sum",),
    ),
    "keepdims lost in the sum": (
        {"P": "P = E / E.sum(axis=1)", "L": "loss = -np.log(P[np.arange(N), y]).mean()"},
        "wrong", ("softmax.not_kept",),
    ),
    "classes for samples": ({"L": "loss = (lse - Z[np.arange(C), y]).mean()"}, "wrong", ("shape.square",)),
    "trains inside": ({"Q": "dW = X.T.dot(D) / N + reg * W; W -= 0.1 * dW"}, "wrong", ("purity.trains_inside",)),
    "alias": (
        {"R": "V = W; V[-1] = 0; loss += 0.5 * reg * np.sum(V * V)"}, "wrong", ("purity.weights_changed",),
    ),
    "shifts the caller's inputs": ({"M": "X *= 1.0; X += 1; X -= 1; M = Z.max(axis=1, keepdims=True)"}, "fragile", ("purity.inputs_changed",)),
    "other classes": ({"Q": "D = P + 1; D[np.arange(N), y] -= 2; dW = X.T.dot(D) / N + reg * W"}, "wrong", ("dL_dz.one_added_elsewhere",)),
}  # fmt: skip


@pytest.mark.parametrize("case", SLIPS)
def test_linear_classifier(case):
    lines, status, named = SLIPS[case]
    verdict = judge(HEAD.format(**LINES | lines))
    assert verdict.status == status, str(verdict)
    assert set(named) <= set(verdict.mistakes)
    assert len(verdict.mistakes) <= 1 or case.startswith("shifts")


LOGITS = """
import numpy as np
def {name}(z, y{option}):
    {scale}
    s = z - z.max(axis=1, keepdims=True)
    lp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    n, K = z.shape
    {q}
    return -(q * lp).sum() / n, {gradient}
"""
PLAIN = {
    "name": "cross_entropy", "option": "", "scale": "pass",
    "q": "q = np.zeros_like(lp); q[np.arange(n), y] = 1", "gradient": "(np.exp(lp) - q) / n",
}  # fmt: skip
SMOOTH = "q = np.full_like(lp, {e} / K); q[np.arange(n), y] += 1 - {e}"
OPTIONS = {
    "plain": ({}, ()),
    "smoothing as an argument": ({"option": ", label_smoothing=0.0", "q": SMOOTH.format(e="label_smoothing")}, ()),
    "temperature as an argument": (
        {"option": ", T=1.0", "scale": "z = z / T", "gradient": "(np.exp(lp) - q) / n / T"}, (),
    ),
    "a guard's size is no smoothing": ({"option": ", eps=1e-12"}, ()),
    "smoothing of the other classes": (
        {"option": ", label_smoothing=0.1", "q": "q = np.full_like(lp, label_smoothing / (K - 1)); q[np.arange(n), y] = 1 - label_smoothing"},
        ("smoothing.other_classes",),
    ),
    "smoothing without effect": ({"option": ", label_smoothing=0.1"}, ("smoothing.ignored",)),
    "gradient without 1/T": ({"option": ", T=1.0", "scale": "z = z / T"}, ("temperature.gradient_not_divided",)),
    "smoothing built in": ({"q": SMOOTH.format(e="0.13")}, ("smoothing.built_in",)),
    "temperature built in": ({"scale": "z = z / 2.7", "gradient": "(np.exp(lp) - q) / n / 2.7"}, ("temperature.built_in",)),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS)
def test_options_are_told_from_slips(case):
    lines, named = OPTIONS[case]
    verdict = judge(LOGITS.format(**PLAIN | lines))
    assert verdict.mistakes == named, str(verdict)
    assert verdict.ok == (not named)


LINEAR = """
import numpy as np
def softmax_loss({arguments}):
    s = X.dot(W)
    s = s - s.max(axis=1, keepdims=True)
    lp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    rows = np.arange(len(y))
    g = np.exp(lp); g[rows, y] -= 1
    return -lp[rows, y].mean(){penalty}, X.T.dot(g) / len(y){slope}
"""


@pytest.mark.parametrize(
    ("arguments", "penalty", "slope", "named"),
    [
        ("W, X, y, reg=0.0", "", "", ("ridge.missing",)),
        ("W, X, y, reg=0.0", " + reg * (W * W).sum()", " + reg * W", ("ridge.loss_doubled",)),
        ("W, X, y, reg=0.0", " + reg * (W * W).sum()", " + 2 * reg * W", ()),
        ("W, X, y, label_smoothing=0.0", "", "", ("smoothing.ignored",)),
        ("X, W, y, *, T=1.0", "", "", ("temperature.ignored",)),
        ("y, X, W, verbose=False", "", "", ()),
    ],
)
def test_no_order_of_the_arguments_excuses_an_option(arguments, penalty, slope, named):
    verdict = judge(LINEAR.format(arguments=arguments, penalty=penalty, slope=slope))
    assert verdict.mistakes == named, str(verdict)
    assert verdict.ok == (not named)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("y, z, label_smoothing=0.1", ("smoothing.ignored",)),
        ("first, second, temperature=1.0", ("temperature.ignored",)),
        ("first, second, verbose=True", ()),
    ],
)
def test_options_are_exercised_where_positions_alone_propose(arguments, named):
    taken = "z, y = first, second" if "first" in arguments else "pass"
    source = LOGITS.format(**PLAIN | {"name": "cross_entropy", "option": "", "scale": taken})
    verdict = judge(source.replace("(z, y)", f"({arguments})"))
    assert verdict.mistakes == named, str(verdict)


def test_size_of_what_is_built_in_is_said():
    verdict = judge(LOGITS.format(**PLAIN | {"q": SMOOTH.format(e="0.13")}))
    assert "ε = 0.13" in verdict.findings[0].sentence


def test_rows_that_are_selected_are_not_taken_for_one_sample():
    source = "import numpy as np\ndef cross_entropy_loss(probs, target):\n    return -np.mean(np.log(probs[target]))\n"
    assert judge(source).mistakes == ("loss.rows_averaged",)


def test_name_from_outside_is_said():
    source = "import numpy as np\nscale = 1.0\nEPS = 0.0\ndef softmax(z):\n    e = np.exp(z - z.max(axis=1, keepdims=True)) * scale + EPS\n    return e / e.sum(axis=1, keepdims=True)\n"
    (read,) = [p for p in judge(source).properties if "arguments alone" in p.name]
    assert read.detail == "it reads the global scale"


def relu_forward(x):
    return x * (x > 0), x


def test_forward_alone():
    assert check(relu_forward).status == "correct"


RELU = "import numpy as np\ndef relu_forward(x):\n    return np.maximum(x, 0), x\ndef relu_backward(dout, x):\n    return {}\n"


@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        ("dout * (x > 0)", "at a = 0 the gradient is 0"),
        ("dout * (x >= 0)", "at a = 0 the gradient passes"),
    ],
)
def test_kink_is_a_convention_and_said(gradient, said):
    verdict = judge(RELU.format(gradient))
    assert verdict.ok
    assert said in verdict.assumed


def test_what_is_no_convention_at_a_kink():
    verdict = judge(RELU.format("dout * (x > 0) + 3 * dout * (x == 0)"))
    assert verdict.mistakes == ("relu.ties",)
