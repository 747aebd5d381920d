# ruff: noqa: E501  # programs, one line each
"""What a reader who has only the report needs of it: which function, which parameter, which number.

Each kind was an objection of somebody who mended programs from their reports alone.
"""

from dataclasses import replace

import pytest

from benchmarks.check.run_source import judge, judge_all
from pminusy.diagnosis.report.verdict import worst_first

CRITERION = """
import numpy as np
class CrossEntropyLoss:
    def forward(self, logits, target):
        self.target, self.n = target, len(target)
        m = logits.max(axis=1, keepdims=True)
        self.logp = logits - m - np.log(np.exp(logits - m).sum(axis=1, keepdims=True))
        return -self.logp[np.arange(self.n), target].mean()
    def backward(self):
        grad = np.exp(self.logp)
        grad[np.arange(self.n), self.target] -= 1
        return grad / self.n
"""
LAYER = """
import numpy as np
class Softmax:
    def forward(self, Z):
        e = np.exp(Z - Z.max(axis=1, keepdims=True))
        self.A = e / e.sum(axis=1, keepdims=True)
        return self.A
    def backward(self, dLdA):
        dot = np.sum(dLdA * self.A, axis=1, keepdims=True)
        return self.A * (dLdA - dot)
"""
AFFINE = """
import numpy as np
def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)
"""
PAIRS = {  # what is changed, and the function that is wrong then
    "criterion, sign": (CRITERION, "] -= 1", "] += 1", "CrossEntropyLoss.backward"),
    "criterion, order": (CRITERION, "np.exp(self.logp)", "np.exp(self.logp) / self.n", "CrossEntropyLoss.backward"),
    "criterion, unnamed": (CRITERION, "grad / self.n", "grad * grad.sum() + grad / self.n ** 1.5", "CrossEntropyLoss.backward"),
    "criterion, loss": (CRITERION, ".mean()", ".sum() / self.n ** 2", "CrossEntropyLoss.forward"),
    "criterion, probabilities": (CRITERION, "np.log(", "0.5 * np.log(", "CrossEntropyLoss.forward"),
    "layer, sum": (LAYER, "dLdA * self.A,", "dLdA,", "Softmax.backward"),
    "layer, parentheses": (LAYER, "(dLdA - dot)", "dLdA - dot", "Softmax.backward"),
    "layer, probabilities": (LAYER, "e.sum(axis=1, keepdims=True)", "e.sum()", "Softmax.forward"),
    "functions, bias": (AFFINE, "dout.sum(axis=0)", "dout.mean(axis=0)", "affine_backward"),
    "functions, product": (AFFINE, " @ w + b", " @ w - b", "affine_forward"),
}  # fmt: skip


def _line_of(source: str, name: str) -> int:
    """The line of its `def`, by the text alone."""
    words = f"def {name.rpartition('.')[2]}("
    return next(i for i, line in enumerate(source.splitlines(), 1) if words in line)


@pytest.mark.parametrize("case", PAIRS)
def test_the_function_of_a_pair_that_is_wrong_is_named(case):
    source, old, new, name = PAIRS[case]
    assert source.count(old) == 1
    edited = source.replace(old, new)
    verdict = judge(edited)
    assert verdict.status == "wrong"
    assert str(verdict).startswith(f"✗ {name}, line {_line_of(edited, name)}: wrong")
    other = verdict.name if name != verdict.name else ""
    assert (f"{other} returns what is right." in str(verdict)) == bool(other)


def test_a_backward_pass_that_only_follows_is_said_to_have_no_mistake():
    source = LAYER.replace("e.sum(axis=1, keepdims=True)", "e.sum()")
    assert "Softmax.backward has no mistake of its own" in str(judge(source))
    both = source.replace("(dLdA - dot)", "dLdA - dot")
    assert "no mistake of its own" not in str(judge(both))
    assert "what is right" not in str(judge(both))


NETWORK = """
import numpy as np
class TwoLayerNet:
    def __init__(self, D, H, C):
        self.params = {"W1": np.ones((D, H)), "b1": np.zeros(H), "W2": np.ones((H, C)), "b2": np.zeros(C)}
    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
        N = len(X)
        hidden = np.maximum(0, X @ W1 + b1)
        scores = hidden @ W2 + b2
        logp = scores - scores.max(axis=1, keepdims=True)
        logp = logp - np.log(np.exp(logp).sum(axis=1, keepdims=True))
        loss = -logp[np.arange(N), y].mean() + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        d = np.exp(logp)
        d[np.arange(N), y] -= 1
        d /= N
        g = d @ W2.T * (hidden > 0)
        return loss, {"W1": X.T @ g + reg * W1, "b1": g.sum(axis=0), "W2": hidden.T @ d + reg * W2, "b2": d.sum(axis=0)}
"""
ONE_GRADIENT_WRONG = {
    "W1": ("X.T @ g + reg * W1", "X.T @ g"),
    "b1": ("g.sum(axis=0),", "g.mean(axis=0),"),
    "W2": ("hidden.T @ d + reg * W2", "hidden.T @ d"),
    "b2": ("d.sum(axis=0)}", "d.sum(axis=0) + reg * b2}"),
    "the mask": (" * (hidden > 0)", ""),
}


@pytest.mark.parametrize("case", ONE_GRADIENT_WRONG)
def test_no_gradient_check_is_said_to_pass_under_a_wrong_gradient(case):
    old, new = ONE_GRADIENT_WRONG[case]
    assert NETWORK.count(old) == 1
    verdict = judge(NETWORK.replace(old, new))
    assert verdict.status == "wrong"
    assert not verdict.gradient_check


def test_a_gradient_check_that_passes_says_of_which_parameters():
    without = NETWORK.replace(" + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))", "")
    without = without.replace(" + reg * W1", "").replace(" + reg * W2", "")
    said = judge(without).gradient_check
    assert "of W1, b1, W2 and b2 are those of the loss" in said.replace(
        "W2, b2, W1 and b1", "W1, b1, W2 and b2"
    )


def test_what_is_wrong_stands_before_what_is_right():
    source = (
        LAYER.split("class")[0]
        + """
def softmax(scores):
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return e / np.sum(e)
def nll(y_pred, y_true):
    return -np.log(y_pred[np.arange(len(y_true)), y_true]).mean()
"""
    )
    found = judge_all(source)
    assert [v.name for v in found] == ["nll", "softmax"]
    note = replace(found[0], notes=("alike", "of one")), replace(found[1], notes=("alike",))
    shown = worst_first(note)
    assert [(v.name, v.status, v.notes) for v in shown] == [
        ("softmax", "wrong", ()),
        ("nll", "correct", ("alike", "of one")),
    ]
