"""Losses as classes with `forward` and `backward`: of a book's chapters, and of courses."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.check.families.family import Case, Family, Variant
from benchmarks.check.families.numeric import gradient, row_losses, softmax
from benchmarks.check.slips import slip

__all__ = ["CRITERIA"]


def _mean_loss(case: Case) -> list[Any]:
    z, y = case["z"], case["y"]
    return [row_losses(z, y).mean(), gradient(lambda v: row_losses(v, y).mean(), z)]


def _hot(case: Case) -> Any:
    return np.eye(case["K"])[case["y"]]


# ------------------------------------------------- the loss with its softmax, after a book

_WITH_LOSS = """
import numpy as np


def softmax(a):
    <shift>
    e = np.exp(a)
    return e / np.sum(e, axis=-1, keepdims=True)


def cross_entropy_error($p, $t):
    n = $p.shape[0]
    <error>


class $criterion:
    def __init__(self):
        self.loss = None
        self.$p = None
        self.$t = None

    def forward(self, $x, $t):
        self.$t = $t
        self.$p = softmax($x)
        self.loss = cross_entropy_error(self.$p, self.$t)
        return self.loss

    def backward(self, dout=1):
        n = self.$t.shape[0]
        <back>
        return dx
"""


def _drive_with_loss(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["criterion"]]()
    return [made.forward(case["z"].copy(), case["y"]), made.backward()]


WITH_LOSS = Family(
    "softmax with loss, labels", _WITH_LOSS, _drive_with_loss, _mean_loss,
    lines={
        "shift": ("a = a - np.max(a, axis=-1, keepdims=True)", "a = (a.T - np.max(a, axis=-1)).T"),
        "error": (
            "return -np.sum(np.log($p[np.arange(n), $t] + 1e-7)) / n",
            "return -np.mean(np.log($p[np.arange(n), $t]))",
            "if $t.size == $p.size:\n    $t = $t.argmax(axis=1)\nreturn -np.sum(np.log($p[np.arange(n), $t])) / n",
        ),
        "back": (
            "if self.$t.size == self.$p.size:\n    dx = (self.$p - self.$t) / n\nelse:\n    dx = self.$p.copy()\n    dx[np.arange(n), self.$t] -= 1\n    dx = dx / n",
            "dx = self.$p.copy()\ndx[np.arange(n), self.$t] -= 1\ndx *= dout / n",
        ),
    },
    words={
        "criterion": ("SoftmaxWithLoss", "SoftmaxLossLayer", "SoftmaxCrossEntropy"),
        "x": ("x", "a", "score"), "t": ("t", "labels", "target"), "p": ("y", "probs", "out"),
    },
    faults=(
        slip("dL_dz.sum", back="dx = self.$p.copy()\ndx[np.arange(n), self.$t] -= 1"),
        slip("dL_dz.target_missing", back="dx = self.$p.copy() / n"),
        slip("dL_dz.sign dL_dz.negated", back="dx = -self.$p\ndx[np.arange(n), self.$t] += 1\ndx = dx / n"),
        slip("dL_dz.target_not_averaged", back="dx = self.$p / n\ndx[np.arange(n), self.$t] -= 1"),
        slip("dL_dz.columns", back="dx = self.$p.copy()\ndx[:, np.unique(self.$t)] -= 1\ndx = dx / n"),
        slip("loss.sum", error="return -np.sum(np.log($p[np.arange(n), $t]))"),
        slip("loss.sign loss.negated", error="return np.sum(np.log($p[np.arange(n), $t])) / n"),
        slip("loss.columns_selected", error="return -np.sum(np.log($p[:, $t])) / n"),
        slip("loss.log_missing", error="return np.sum($p[np.arange(n), $t]) / n"),
    ),
)  # fmt: skip

# ------------------------------------- activations and losses whose results are attributes

_ACTIVATION = """
import numpy as np


class $activation:
    def forward(self, $x):
        <keep>
        <exp>
        <norm>

    def backward(self, dvalues):
        self.dinputs = np.empty_like(dvalues)
        <back>
"""


def _drive_activation(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["activation"]]()
    made.forward(case["z"].copy())
    made.backward(case["g"].copy())
    return [made.output, made.dinputs]


def _activation(case: Case) -> list[Any]:
    z, g = case["z"], case["g"]
    return [softmax(z), gradient(lambda v: (g * softmax(v)).sum(), z)]


_JACOBIAN = "for i, (p, g) in enumerate(zip(self.output, dvalues)):\n    p = p.reshape(-1, 1)\n    J = {}\n    self.dinputs[i] = np.dot(J, g)"
ACTIVATION = Family(
    "activation by attributes", _ACTIVATION, _drive_activation, _activation,
    lines={
        "keep": ("self.inputs = $x", "pass"),
        "exp": (
            "exp_values = np.exp($x - np.max($x, axis=1, keepdims=True))",
            "shifted = $x - $x.max(axis=1)[:, None]\nexp_values = np.exp(shifted)",
        ),
        "norm": (
            "probabilities = exp_values / np.sum(exp_values, axis=1, keepdims=True)\nself.output = probabilities",
            "self.output = exp_values / exp_values.sum(axis=1, keepdims=True)",
        ),
        "back": (
            _JACOBIAN.format("np.diagflat(p) - np.dot(p, p.T)"),
            "inner = (dvalues * self.output).sum(axis=1, keepdims=True)\nself.dinputs = self.output * (dvalues - inner)",
        ),
    },
    words={
        "activation": ("Activation_Softmax", "SoftmaxActivation", "Softmax"),
        "x": ("inputs", "z", "logits"),
    },
    faults=(
        slip("softmax.axis", norm="self.output = exp_values / np.sum(exp_values, axis=0, keepdims=True)"),
        slip("softmax.whole_batch", norm="self.output = exp_values / np.sum(exp_values)"),
        slip("softmax.backward_elementwise", back="self.dinputs = dvalues * self.output * (1 - self.output)"),
        slip("softmax.backward_off_diagonal_missing", back=_JACOBIAN.format("np.diagflat(p)")),
        slip("softmax.backward_passes", back="self.dinputs = dvalues.copy()"),
        slip("softmax.backward_sum_not_weighted", back="self.dinputs = self.output * (dvalues - dvalues.sum(axis=1, keepdims=True))"),
        slip("softmax.backward_sign", back=_JACOBIAN.format("np.dot(p, p.T) - np.diagflat(p)")),
    ),
)  # fmt: skip

_LOSS_OF_PROBABILITIES = """
import numpy as np


class Loss:
    def calculate(self, output, y):
        sample_losses = self.forward(output, y)
        return np.mean(sample_losses)


class $criterion(Loss):
    def forward(self, $p, $t):
        samples = len($p)
        <clip>
        <own>
        <log>
        return negative_log_likelihoods

    def backward(self, dvalues, $t):
        samples = len(dvalues)
        labels = len(dvalues[0])
        <hot>
        <gradient>
        <average>
"""


def _drive_of_probabilities(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["criterion"]]()
    losses = made.forward(case["p"].copy(), case["y"])
    made.backward(case["p"].copy(), case["y"])
    return [losses, made.dinputs]


def _of_probabilities(case: Case) -> list[Any]:
    p, y, N = case["p"], case["y"], case["N"]
    rows = np.arange(N)
    return [-np.log(p[rows, y]), gradient(lambda v: -np.log(v[rows, y]).mean(), p)]


OF_PROBABILITIES = Family(
    "loss of probabilities by attributes", _LOSS_OF_PROBABILITIES, _drive_of_probabilities, _of_probabilities,
    lines={
        "clip": ("clipped = np.clip($p, 1e-7, 1 - 1e-7)", "clipped = $p", "clipped = np.maximum($p, 1e-12)"),
        "own": (
            "if len($t.shape) == 1:\n    own = clipped[range(samples), $t]\nelse:\n    own = np.sum(clipped * $t, axis=1)",
            "own = clipped[np.arange(samples), $t]",
        ),
        "log": ("negative_log_likelihoods = -np.log(own)",),
        "hot": ("if len($t.shape) == 1:\n    $t = np.eye(labels)[$t]", "$t = np.eye(labels)[$t]"),
        "gradient": ("self.dinputs = -$t / dvalues",),
        "average": ("self.dinputs = self.dinputs / samples", "self.dinputs /= samples"),
    },
    words={
        "criterion": ("Loss_CategoricalCrossentropy", "CategoricalCrossEntropy", "CrossEntropyLoss"),
        "p": ("y_pred", "predictions", "y_hat"), "t": ("y_true", "targets", "y"),
    },
    faults=(
        slip("loss.sign", log="negative_log_likelihoods = np.log(own)"),
        slip("loss.log_2", log="negative_log_likelihoods = -np.log2(own)"),
        slip("loss.one_minus_p", log="negative_log_likelihoods = 1 - own"),
        slip("dL_dp.sign", gradient="self.dinputs = $t / dvalues"),
        slip("dL_dp.inverse_missing", gradient="self.dinputs = -$t * dvalues"),
        slip("dL_dp.probability_missing", gradient="self.dinputs = -$t + 0 * dvalues"),
        slip("dL_dp.sum", average="pass"),
        slip("dL_dp.averaged_twice", average="self.dinputs = self.dinputs / samples / samples"),
        slip("dL_dp.divided_by_classes", average="self.dinputs = self.dinputs / labels"),
    ),
)  # fmt: skip

_COMBINED = """
import numpy as np


class Activation_Softmax:
    def forward(self, inputs):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        <norm>


class Loss_CategoricalCrossentropy:
    def calculate(self, output, y):
        return np.mean(self.forward(output, y))

    def forward(self, y_pred, y_true):
        samples = len(y_pred)
        <clip>
        return -np.log(y_pred[range(samples), y_true])


class $criterion:
    def __init__(self):
        self.activation = Activation_Softmax()
        self.loss = Loss_CategoricalCrossentropy()

    def forward(self, $x, $t):
        self.activation.forward($x)
        self.output = self.activation.output
        return self.loss.calculate(self.output, $t)

    def backward(self, dvalues, $t):
        samples = len(dvalues)
        if len($t.shape) == 2:
            $t = np.argmax($t, axis=1)
        self.dinputs = dvalues.copy()
        <minus>
        <average>
"""


def _drive_combined(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["criterion"]]()
    loss = made.forward(case["z"].copy(), case["y"])
    made.backward(made.output, case["y"])
    return [loss, made.dinputs]


COMBINED = Family(
    "softmax and loss in one, by attributes", _COMBINED, _drive_combined, _mean_loss,
    lines={
        "norm": ("self.output = e / np.sum(e, axis=1, keepdims=True)", "self.output = (e.T / e.sum(axis=1)).T"),
        "clip": ("y_pred = np.clip(y_pred, 1e-7, 1 - 1e-7)", "pass"),
        "minus": ("self.dinputs[range(samples), $t] -= 1", "self.dinputs = self.dinputs - np.eye(dvalues.shape[1])[$t]"),
        "average": ("self.dinputs = self.dinputs / samples", "self.dinputs /= samples"),
    },
    words={
        "criterion": ("Activation_Softmax_Loss_CategoricalCrossentropy", "SoftmaxCrossentropy", "SoftmaxWithCategoricalLoss"),
        "x": ("inputs", "scores"), "t": ("y_true", "labels"),
    },
    faults=(
        slip("softmax.axis", norm="self.output = e / np.sum(e, axis=0, keepdims=True)"),
        slip("dL_dz.sum", average="pass"),
        slip("dL_dz.target_added dL_dz.sign", minus="self.dinputs[range(samples), $t] += 1"),
        slip("dL_dz.target_missing", minus="pass"),
        slip("dL_dz.columns", minus="self.dinputs[:, np.unique($t)] -= 1"),
        slip("dL_dz.divided_by_classes", average="self.dinputs = self.dinputs / dvalues.shape[1]"),
    ),
)  # fmt: skip

# ------------------------------------------------------------ a course's own small framework

_CRITERION = """
import numpy as np


class $criterion:
    def forward(self, A, $t):
        self.A = A
        self.Y = $t
        self.N, self.C = A.shape
        <ones>
        <softmax>
        <entropy>
        <mean>
        return L

    def backward(self):
        <back>
        return dLdA
"""


def _drive_criterion(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["criterion"]]()
    loss = made.forward(case["z"].copy(), _hot(case))
    return [np.asarray(loss).reshape(()), made.backward()]


CRITERION = Family(
    "criterion of one-hot targets", _CRITERION, _drive_criterion, _mean_loss,
    lines={
        "ones": ("ones_C, ones_N = np.ones((self.C, 1)), np.ones((self.N, 1))",),
        "softmax": (
            "e = np.exp(A)\nself.softmax = e / (e @ ones_C)",
            "e = np.exp(A - A.max(axis=1, keepdims=True))\nself.softmax = e / e.sum(axis=1, keepdims=True)",
            "e = np.exp(A)\nself.softmax = e / np.sum(e, axis=1)[:, np.newaxis]",
        ),
        "entropy": (
            "crossentropy = (-self.Y * np.log(self.softmax)) @ ones_C",
            "crossentropy = -np.sum(self.Y * np.log(self.softmax), axis=1, keepdims=True)",
        ),
        "mean": ("L = (ones_N.T @ crossentropy)[0, 0] / self.N", "L = np.sum(crossentropy) / self.N", "L = ones_N.T @ crossentropy / self.N"),
        "back": ("dLdA = (self.softmax - self.Y) / self.N", "dLdA = np.subtract(self.softmax, self.Y) / len(self.A)"),
    },
    words={"criterion": ("CrossEntropyLoss", "SoftmaxCrossEntropy"), "t": ("Y", "target")},
    faults=(
        slip("softmax.axis", softmax="e = np.exp(A)\nself.softmax = e / np.sum(e, axis=0)"),
        slip("softmax.whole_batch", softmax="e = np.exp(A)\nself.softmax = e / np.sum(e)"),
        slip("softmax.no_exp", softmax="self.softmax = A / np.sum(A, axis=1, keepdims=True)"),
        slip("loss.entropy", entropy="crossentropy = (-self.softmax * np.log(self.softmax)) @ ones_C"),
        slip("loss.sign", entropy="crossentropy = (self.Y * np.log(self.softmax)) @ ones_C"),
        slip("loss.sum", mean="L = np.sum(crossentropy)"),
        slip("loss.divided_by_classes loss.divided_by_entries", mean="L = np.sum(crossentropy) / self.C"),
        slip("dL_dz.sum", back="dLdA = self.softmax - self.Y"),
        slip("dL_dz.sign dL_dz.negated", back="dLdA = (self.Y - self.softmax) / self.N"),
        slip("jacobian.elementwise", back="dLdA = (self.softmax - self.Y) * self.softmax * (1 - self.softmax) / self.N"),
    ),
)  # fmt: skip

CRITERIA = (WITH_LOSS, ACTIVATION, OF_PROBABILITIES, COMBINED, CRITERION)
