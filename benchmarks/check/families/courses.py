"""Functions as several courses ask for them: classes in rows, dictionaries, steps of descent."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.check.families.family import Case, Family, Variant
from benchmarks.check.families.numeric import gradient, network_scores, row_losses, softmax
from benchmarks.check.slips import slip

__all__ = ["COURSES"]


def _hot(case: Case) -> Any:
    return np.eye(case["K"])[case["y"]]


# ------------------------------------------------------------- a temperature, classes in rows

_PROBABILITIES = """
import numpy as np


def $function($arguments):
    <scores>
    <exp>
    <norm>
    return H
"""


def _transposed(case: Case) -> dict[str, Any]:
    return {**case, "W": case["W"].T.copy(), "X": case["X"].copy(), "y": case["y"]}


def _drive_columns(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return [variant.call(namespace, _transposed(case))]


CLASS_PROBABILITIES = Family(
    "probabilities, classes in rows, temperature", _PROBABILITIES, _drive_columns,
    lambda case: [softmax(case["X"] @ case["W"] / case["T"]).T],
    lines={
        "scores": ("Z = $W @ $X.T / $T", "Z = np.dot($W, $X.T) / $T", "Z = np.matmul($W, np.transpose($X)) / $T"),
        "exp": ("c = np.max(Z, axis=0)\nE = np.exp(Z - c)", "E = np.exp(Z - Z.max(axis=0, keepdims=True))"),
        "norm": ("H = E / np.sum(E, axis=0)", "H = E / E.sum(axis=0, keepdims=True)"),
    },
    words={
        "function": ("compute_probabilities", "softmax_probabilities"), "X": ("X", "data"),
        "W": ("theta", "W"), "T": ("temp_parameter", "temperature"),
    },
    arguments=("X", "W", "T"), shuffled=True,
    faults=(
        slip("temperature.ignored", scores="Z = $W @ $X.T"),
        slip("temperature.multiplies", scores="Z = $W @ $X.T * $T"),
        slip("softmax.axis", norm="H = E / np.sum(E, axis=1, keepdims=True)"),
        slip("softmax.whole_batch", norm="H = E / np.sum(E)"),
        slip("softmax.not_normalised softmax.norm_max", norm="H = E"),
        slip("softmax.shift_axis", exp="E = np.exp(Z - Z.max(axis=1, keepdims=True))"),
    ),
)  # fmt: skip

_COST = """
import numpy as np


def compute_probabilities(X, theta, temp):
    z = theta @ X.T / temp
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def $function($arguments):
    P = compute_probabilities($X, $W, $T)
    n = $X.shape[0]
    <data>
    <penalty>
    return data + penalty
"""


def _cost(case: Case) -> list[Any]:
    losses = row_losses(case["X"] @ case["W"] / case["T"], case["y"])
    return [losses.mean() + case["r"] / 2 * (case["W"] ** 2).sum()]


COST = Family(
    "cost with temperature and strength", _COST, _drive_columns, _cost,
    lines={
        "data": (
            "data = -np.log(P[$y, np.arange(n)]).mean()",
            "data = 0.0\nfor i in range(n):\n    data -= np.log(P[$y[i], i]) / n",
            "M = np.zeros(P.shape)\nM[$y, np.arange(n)] = 1\ndata = -np.sum(M * np.log(P)) / n",
        ),
        "penalty": ("penalty = $r / 2 * np.sum($W ** 2)", "penalty = 0.5 * $r * np.linalg.norm($W) ** 2"),
    },
    words={
        "function": ("compute_cost_function", "softmax_cost"), "X": ("X", "features"), "y": ("Y", "labels"),
        "W": ("theta", "W"), "r": ("lambda_factor", "lam"), "T": ("temp_parameter", "temperature"),
    },
    arguments=("X", "y", "W", "r", "T"), shuffled=True,
    faults=(
        slip("loss.sum", data="data = -np.log(P[$y, np.arange(n)]).sum()"),
        slip("loss.sign loss.negated", data="data = np.log(P[$y, np.arange(n)]).mean()"),
        slip("ridge.missing_in_loss ridge.missing", penalty="penalty = 0.0"),
        slip("ridge.norm_not_squared_halved", penalty="penalty = $r / 2 * np.linalg.norm($W)"),
        slip("loss.log_2", data="data = -np.log2(P[$y, np.arange(n)]).mean()"),
        slip("loss.log_missing", data="data = P[$y, np.arange(n)].mean()"),
    ),
)  # fmt: skip

_STEP = """
import numpy as np


def class_probabilities(X, theta, temp):
    z = theta @ X.T / temp
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


def $function($arguments):
    P = class_probabilities($X, $W, $T)
    n, k = $X.shape[0], $W.shape[0]
    <hot>
    <gradient>
    <penalty>
    <step>
"""


def _step(case: Case) -> list[Any]:
    W, X, y, T, r = (case[name] for name in ("W", "X", "y", "T", "r"))
    slope = gradient(lambda V: row_losses(X @ V / T, y).mean() + r / 2 * (V**2).sum(), W)
    return [(W - case["lr"] * slope).T]


STEP = Family(
    "one step of descent", _STEP, _drive_columns, _step,
    lines={
        "hot": ("M = np.zeros((k, n))\nM[$y, np.arange(n)] = 1", "M = (np.arange(k)[:, None] == $y).astype(float)"),
        "gradient": ("gradient = -(M - P) @ $X / (n * $T)", "gradient = np.dot(P - M, $X) / n / $T"),
        "penalty": ("gradient = gradient + $r * $W",),
        "step": ("return $W - $lr * gradient", "theta_new = $W - $lr * gradient\nreturn theta_new"),
    },
    words={
        "function": ("run_gradient_descent_iteration", "gradient_descent_step"), "X": ("X", "features"),
        "y": ("Y", "labels"), "W": ("theta", "W"), "lr": ("alpha", "learning_rate"),
        "r": ("lambda_factor", "lam"), "T": ("temp_parameter", "temperature"),
    },
    arguments=("X", "y", "W", "lr", "r", "T"),
    faults=(
        slip("temperature.gradient_not_divided", gradient="gradient = (P - M) @ $X / n"),
        slip("temperature.gradient_multiplied", gradient="gradient = (P - M) @ $X / n * $T"),
        slip("epoch.sign", step="return $W + $lr * gradient"),
        slip("epoch.rate_missing", step="return $W - gradient"),
        slip("ridge.missing_in_gradient ridge.missing", penalty="pass"),
        slip("ridge.gradient_doubled", penalty="gradient = gradient + 2 * $r * $W"),
        slip("dL_dz.sum", gradient="gradient = (P - M) @ $X / $T"),
        slip("dL_dz.sign dL_dz.negated", gradient="gradient = (M - P) @ $X / (n * $T)"),
        slip("dL_dz.target_missing", gradient="gradient = P @ $X / (n * $T)"),
    ),
)  # fmt: skip

# ------------------------------------------------------ columns of samples and dictionaries

_COLUMN_COST = """
import numpy as np


def $function($arguments):
    <m>
    <data>
    <end>
    return cost
"""


def _drive_column_cost(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return [variant.call(namespace, {"p": case["p"].T.copy(), "y": _hot(case).T.copy()})]


COLUMN_COST = Family(
    "cost of probabilities in columns", _COLUMN_COST, _drive_column_cost,
    lambda case: [-np.log(case["p"][np.arange(case["N"]), case["y"]]).mean()],
    lines={
        "m": ("m = $y.shape[1]", "m = $p.shape[1]"),
        "data": (
            "cost = -np.sum($y * np.log($p)) / m", "cost = -(1 / m) * np.sum(np.multiply($y, np.log($p)))",
            "cost = -np.trace(np.dot($y.T, np.log($p))) / m",
        ),
        "end": ("cost = np.squeeze(cost)", "cost = float(cost)"),
    },
    words={"function": ("compute_cost", "cost"), "p": ("AL", "A2", "A"), "y": ("Y", "labels")},
    arguments=("p", "y"), shuffled=True,
    faults=(
        slip("loss.sum", m="m = 1"),
        slip("loss.divided_by_classes", m="m = $y.shape[0]"),
        slip("loss.sign loss.negated", data="cost = np.sum($y * np.log($p)) / m"),
        slip("loss.log_10", data="cost = -np.sum($y * np.log10($p)) / m"),
        slip("loss.binary", data="cost = -np.sum($y * np.log($p) + (1 - $y) * np.log(1 - $p)) / m"),
        slip("loss.entropy", data="cost = -np.sum($p * np.log($p)) / m"),
    ),
)  # fmt: skip

_PROPAGATE = """
import numpy as np


def $function($arguments):
    m = $X.shape[1]
    <scores>
    Z = Z - Z.max(axis=0, keepdims=True)
    <softmax>
    <cost>
    <dW>
    <db>
    <out>
"""


def _drive_propagate(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    values = {
        "W": case["W"].T.copy(),
        "b": case["b"][:, None].copy(),
        "X": case["X"].T.copy(),
        "y": _hot(case).T.copy(),
    }
    grads, cost = variant.call(namespace, values)
    return [cost, grads["dW"], np.asarray(grads["db"])]


def _propagate(case: Case) -> list[Any]:
    X, W, b, y = (case[name] for name in ("X", "W", "b", "y"))
    return [
        row_losses(X @ W + b, y).mean(), gradient(lambda V: row_losses(X @ V + b, y).mean(), W).T,
        gradient(lambda v: row_losses(X @ W + v, y).mean(), b)[:, None],
    ]  # fmt: skip


PROPAGATE = Family(
    "propagation with columns and a dictionary", _PROPAGATE, _drive_propagate, _propagate,
    lines={
        "scores": ("Z = np.dot($W, $X) + $b", "Z = $W @ $X + $b"),
        "softmax": ("E = np.exp(Z)\nA = E / np.sum(E, axis=0, keepdims=True)",),
        "cost": ("cost = -np.sum($y * np.log(A)) / m", "cost = -1 / m * np.sum($y * (Z - np.log(E.sum(axis=0))))"),
        "dW": ("dZ = A - $y\ndW = np.dot(dZ, $X.T) / m", "dZ = A - $y\ndW = 1 / m * dZ @ $X.T"),
        "db": ("db = np.sum(dZ, axis=1, keepdims=True) / m", "db = dZ.mean(axis=1, keepdims=True)"),
        "out": ("grads = {'dW': dW, 'db': db}\nreturn grads, np.squeeze(cost)", "return {'db': db, 'dW': dW}, cost"),
    },
    words={
        "function": ("propagate", "softmax_propagate"), "X": ("X",), "y": ("Y",), "W": ("w", "W"), "b": ("b",),
    },
    arguments=("W", "b", "X", "y"), shuffled=True,
    faults=(
        slip("dL_db.sum dL_db.not_averaged", db="db = np.sum(dZ, axis=1, keepdims=True)"),
        slip("shape.gradient absent.output", db="db = np.sum(dZ) / m"),
        slip("dL_dW.sum dL_dW.not_averaged dL_dz.sum", dW="dZ = A - $y\ndW = np.dot(dZ, $X.T)"),
        slip("dL_dz.sign dL_dz.negated", dW="dZ = $y - A\ndW = np.dot(dZ, $X.T) / m"),
        slip("softmax.axis", softmax="E = np.exp(Z)\nA = E / np.sum(E, axis=1, keepdims=True)", cost="cost = -np.sum($y * np.log(A)) / m"),
        slip("linear.bias_missing", scores="Z = np.dot($W, $X)"),
        slip("loss.sum", cost="cost = -np.sum($y * np.log(A))"),
        slip("loss.sign loss.negated", cost="cost = np.sum($y * np.log(A)) / m"),
    ),
)  # fmt: skip

_NETWORK = """
import numpy as np


def forward_propagation(X, parameters):
    W1, b1 = parameters['W1'], parameters['b1']
    W2, b2 = parameters['W2'], parameters['b2']
    <hidden>
    Z2 = np.dot(W2, A1) + b2
    e = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
    <norm>
    return A2, {'Z1': Z1, 'A1': A1, 'Z2': Z2, 'A2': A2}


def $function(parameters, cache, $X, $y):
    m = $X.shape[1]
    W2 = parameters['W2']
    A1, A2 = cache['A1'], cache['A2']
    <second>
    <first>
    return {'dW1': dW1, 'db1': db1, 'dW2': dW2, 'db2': db2}
"""
_NAMES = ("W1", "b1", "W2", "b2")


def _parameters(case: Case) -> dict[str, Any]:
    return {
        name: (case[name].T if name[0] == "W" else case[name][:, None]).copy() for name in _NAMES
    }


def _drive_network(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    X, parameters = case["X"].T.copy(), _parameters(case)
    A2, cache = namespace["forward_propagation"](X, parameters)
    grads = namespace[variant.words["function"]](parameters, cache, X, _hot(case).T)
    return [A2, *(grads[f"d{name}"] for name in _NAMES)]


def _network(case: Case) -> list[Any]:
    X, y = case["X"], case["y"]
    values = {name: case[name] for name in _NAMES}

    def slope(name: str) -> Any:
        found = gradient(
            lambda v: row_losses(network_scores(X, **{**values, name: v}), y).mean(), values[name]
        )
        return found.T if found.ndim == 2 else found[:, None]

    return [softmax(network_scores(X, **values)).T, *map(slope, _NAMES)]


NETWORK = Family(
    "network with parameters and cache", _NETWORK, _drive_network, _network,
    lines={
        "hidden": ("Z1 = np.dot(W1, X) + b1\nA1 = np.maximum(0, Z1)", "Z1 = W1 @ X + b1\nA1 = Z1 * (Z1 > 0)"),
        "norm": ("A2 = e / np.sum(e, axis=0, keepdims=True)", "A2 = e / e.sum(axis=0)"),
        "second": (
            "dZ2 = A2 - $y\ndW2 = np.dot(dZ2, A1.T) / m\ndb2 = np.sum(dZ2, axis=1, keepdims=True) / m",
            "dZ2 = (A2 - $y) / m\ndW2 = dZ2 @ A1.T\ndb2 = dZ2.sum(axis=1, keepdims=True)\ndZ2 = dZ2 * m",
        ),
        "first": (
            "dZ1 = np.dot(W2.T, dZ2) * (A1 > 0)\ndW1 = np.dot(dZ1, $X.T) / m\ndb1 = np.sum(dZ1, axis=1, keepdims=True) / m",
            "dA1 = W2.T @ dZ2\ndA1[A1 <= 0] = 0\ndW1 = dA1 @ $X.T / m\ndb1 = dA1.mean(axis=1, keepdims=True)",
        ),
    },
    words={"function": ("backward_propagation", "back_propagation"), "X": ("X",), "y": ("Y",)},
    faults=(
        slip("relu.mask_missing", first="dZ1 = np.dot(W2.T, dZ2)\ndW1 = np.dot(dZ1, $X.T) / m\ndb1 = np.sum(dZ1, axis=1, keepdims=True) / m"),
        slip("dL_dz.sign dL_dz.negated", second="dZ2 = $y - A2\ndW2 = np.dot(dZ2, A1.T) / m\ndb2 = np.sum(dZ2, axis=1, keepdims=True) / m"),
        slip("dL_dz.sum", second="dZ2 = (A2 - $y) * m\ndW2 = np.dot(dZ2, A1.T) / m\ndb2 = np.sum(dZ2, axis=1, keepdims=True) / m"),
        slip("dL_dz.target_missing", second="dZ2 = A2\ndW2 = np.dot(dZ2, A1.T) / m\ndb2 = np.sum(dZ2, axis=1, keepdims=True) / m"),
        slip("network.first_bias_missing", hidden="Z1 = np.dot(W1, X)\nA1 = np.maximum(0, Z1)"),
        slip("softmax.axis", norm="A2 = e / np.sum(e, axis=1, keepdims=True)"),
    ),
)  # fmt: skip

_REGULARISED_COST = """
import numpy as np


def $function($arguments):
    <m>
    W1, W2 = parameters['W1'], parameters['W2']
    <data>
    <penalty>
    return data + penalty
"""


def _drive_regularised_cost(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    values = {
        "p": case["p"].T.copy(),
        "y": _hot(case).T.copy(),
        "parameters": _parameters(case),
        "r": case["r"],
    }
    return [variant.call(namespace, values)]


def _regularised_cost(case: Case) -> list[Any]:
    own = -np.log(case["p"][np.arange(case["N"]), case["y"]]).mean()
    return [own + case["r"] / 2 / case["N"] * ((case["W1"] ** 2).sum() + (case["W2"] ** 2).sum())]


REGULARISED_COST = Family(
    "cost of probabilities with parameters", _REGULARISED_COST, _drive_regularised_cost, _regularised_cost,
    lines={
        "m": ("m = $y.shape[1]", "m = $p.shape[1]"),
        "data": ("data = -np.sum($y * np.log($p)) / m", "data = -np.mean(np.sum($y * np.log($p), axis=0))"),
        "penalty": (
            "penalty = $r * (np.sum(np.square(W1)) + np.sum(np.square(W2))) / (2 * m)",
            "penalty = $r / (2 * m) * sum(np.sum(V ** 2) for V in (W1, W2))",
        ),
    },
    words={
        "function": ("compute_cost_with_regularization", "compute_cost"), "p": ("A3", "AL", "A2"), "y": ("Y",),
        "parameters": ("parameters",), "r": ("lambd", "lam"),
    },
    arguments=("p", "y", "parameters", "r"),
    faults=(
        slip("ridge.missing_in_loss ridge.missing", penalty="penalty = 0"),
        slip("loss.sum", data="data = -np.sum($y * np.log($p))"),
        slip("loss.sign loss.negated", data="data = np.sum($y * np.log($p)) / m"),
        slip("ridge.second_weights_left_out_in_loss", penalty="penalty = $r / (2 * m) * np.sum(W1 ** 2)"),
        slip("ridge.first_weights_left_out_in_loss", penalty="penalty = $r / (2 * m) * np.sum(W2 ** 2)"),
    ),
)  # fmt: skip

# --------------------------------------------------------------- one sample, all its gradients

_ONE_WORD = """
import numpy as np


def softmax(v):
    v = v - np.max(v)
    return np.exp(v) / np.sum(np.exp(v))


def $function($x, $y, $W, dataset):
    <scores>
    <softmax>
    <loss>
    <delta>
    <gx>
    <gW>
    return loss, gx, gW
"""


def _drive_one_word(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    function = namespace[variant.words["function"]]
    return list(function(case["X"][0].copy(), int(case["y"][0]), case["W"].T.copy(), None))


def _one_word(case: Case) -> list[Any]:
    x, y, W = case["X"][:1], case["y"][:1], case["W"]
    return [
        row_losses(x @ W, y)[0], gradient(lambda v: row_losses(v @ W, y)[0], x)[0],
        gradient(lambda V: row_losses(x @ V, y)[0], W).T,
    ]  # fmt: skip


ONE_WORD = Family(
    "one word and all its gradients", _ONE_WORD, _drive_one_word, _one_word,
    lines={
        "scores": ("z = $W @ $x", "z = np.dot($W, $x)", "z = $W.dot($x)"),
        "softmax": ("p = softmax(z)", "p = softmax(z.reshape(-1)).ravel()"),
        "loss": ("loss = -np.log(p[$y])", "loss = -np.log(p)[$y]"),
        "delta": ("d = p.copy()\nd[$y] -= 1", "t = np.zeros(len(p))\nt[$y] = 1.0\nd = p - t"),
        "gx": ("gx = $W.T @ d", "gx = np.dot(d, $W)"),
        "gW": ("gW = np.outer(d, $x)", "gW = d[:, np.newaxis] * $x[np.newaxis, :]"),
    },
    words={
        "function": ("naive_softmax_loss_and_gradient", "softmax_loss_and_gradient"), "x": ("center_vec", "x"),
        "y": ("outside_idx", "target_idx", "label"), "W": ("outside_vectors", "W"),
    },
    faults=(
        slip("loss.sign", loss="loss = np.log(p[$y])"),
        slip("loss.log_2", loss="loss = -np.log2(p[$y])"),
        slip("dL_dz.target_missing", delta="d = p.copy()"),
        slip("dL_dz.sign dL_dz.negated", delta="d = -p.copy()\nd[$y] += 1"),
        slip("dL_dz.target_added", delta="d = p.copy()\nd[$y] += 1"),
        slip("dL_dX.own_weights", gx="gx = -$W[$y]"),
        slip("softmax.not_normalised softmax.norm_max", softmax="p = np.exp(z - np.max(z))"),
    ),
)  # fmt: skip

_ANY_SHAPE = """
import numpy as np


def $function($x):
    if $x.ndim > 1:
        <shift>
        <norm>
    else:
        e = np.exp($x - np.max($x))
        $x = e / np.sum(e)
    return $x
"""


def _drive_any_shape(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    function = namespace[variant.words["function"]]
    return [function(case["z"].copy()), function(case["z"][0].copy())]


ANY_SHAPE = Family(
    "softmax of a row or of many", _ANY_SHAPE, _drive_any_shape,
    lambda case: [softmax(case["z"]), softmax(case["z"][:1])[0]],
    lines={
        "shift": ("$x = $x - np.max($x, axis=1, keepdims=True)", "$x = $x - $x.max(axis=1).reshape(-1, 1)"),
        "norm": ("$x = np.exp($x)\n$x = $x / $x.sum(axis=1, keepdims=True)", "e = np.exp($x)\n$x = e / np.sum(e, axis=1)[:, None]"),
    },
    words={"function": ("softmax", "softmax_rows"), "x": ("x", "z", "scores")},
    faults=(
        slip("softmax.axis", norm="e = np.exp($x)\n$x = e / np.sum(e, axis=0)"),
        slip("softmax.whole_batch", norm="e = np.exp($x)\n$x = e / np.sum(e)"),
        slip("softmax.norm_2", norm="e = np.exp($x)\n$x = e / np.linalg.norm(e, axis=1, keepdims=True)"),
        slip("softmax.shift_axis", shift="$x = $x - np.max($x, axis=0)"),
    ),
)  # fmt: skip

# -------------------------------------------------- a network class over a base with helpers

_BASED = """
import numpy as np


class BaseNetwork:
    def __init__(self, input_size=28 * 28, num_classes=10):
        self.input_size = input_size
        self.num_classes = num_classes
        self.weights = dict()
        self.gradients = dict()

    def softmax(self, scores):
        <shift>
        e = np.exp(scores)
        return e / np.sum(e, axis=1, keepdims=True)

    def cross_entropy_loss(self, $p, y):
        <own>


class $network(BaseNetwork):
    def __init__(self, input_size=28 * 28, num_classes=10):
        super().__init__(input_size, num_classes)
        self.weights['W1'] = 0.001 * np.random.randn(self.input_size, self.num_classes)
        self.gradients['W1'] = np.zeros((self.input_size, self.num_classes))

    def forward(self, X, y, mode='train'):
        n = X.shape[0]
        z = X @ self.weights['W1']
        p = self.softmax(z)
        loss = self.cross_entropy_loss(p, y)
        accuracy = np.mean(np.argmax(p, axis=1) == y)
        if mode != 'train':
            return loss, accuracy
        <delta>
        <average>
        <store>
        return loss, accuracy
"""


def _drive_based(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["network"]](case["D"], case["K"])
    made.weights["W1"] = case["W"].copy()
    loss, _ = made.forward(case["X"].copy(), case["y"])
    return [loss, made.gradients["W1"]]


def _linear(case: Case) -> list[Any]:
    X, W, y = case["X"], case["W"], case["y"]
    return [row_losses(X @ W, y).mean(), gradient(lambda V: row_losses(X @ V, y).mean(), W)]


BASED = Family(
    "classifier over a base class", _BASED, _drive_based, _linear,
    lines={
        "shift": ("scores = scores - np.max(scores, axis=1, keepdims=True)", "pass"),
        "own": ("return -np.mean(np.log($p[np.arange(len(y)), y]))", "n = len(y)\nreturn np.sum(-np.log($p[range(n), y])) / n"),
        "delta": ("d = p.copy()\nd[np.arange(n), y] -= 1", "d = p - np.eye(self.num_classes)[y]"),
        "average": ("d = d / n", "d /= n"),
        "store": ("self.gradients['W1'] = X.T @ d", "self.gradients['W1'] = np.dot(X.T, d)"),
    },
    words={"network": ("SoftmaxRegression", "SoftmaxClassifier"), "p": ("x_pred", "probs")},
    faults=(
        slip("dL_dz.sum", average="pass"),
        slip("dL_dz.target_missing", delta="d = p.copy()"),
        slip("dL_dz.sign dL_dz.negated", delta="d = np.eye(self.num_classes)[y] - p"),
        slip("loss.sum", own="return -np.sum(np.log($p[np.arange(len(y)), y]))"),
        slip("loss.sign loss.negated", own="return np.mean(np.log($p[np.arange(len(y)), y]))"),
        slip("dL_dz.zero", store="pass"),
        slip("dL_dz.one_everywhere", delta="d = p - 1"),
    ),
)  # fmt: skip

COURSES = (
    CLASS_PROBABILITIES, COST, STEP, COLUMN_COST, PROPAGATE, NETWORK, REGULARISED_COST, ONE_WORD,
    ANY_SHAPE, BASED,
)  # fmt: skip
