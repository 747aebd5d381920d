"""The same loss with arrays that lie otherwise: columns, one sample, a bias in the regulariser."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from typing import Any

from benchmarks.check.families.family import Case, Family, Variant
from benchmarks.check.families.numeric import gradient, network_scores, row_losses
from benchmarks.check.slips import slip

__all__ = ["LAYOUTS"]

_COLUMNS = """
import numpy as np


def $function($arguments):
    K, N = $z.shape
    <shift>
    <softmax>
    <loss>
    <delta>
    <average>
    return loss, d
"""


def _drive_columns(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return list(variant.call(namespace, {**case, "z": case["z"].T.copy()}))


def _columns(case: Case) -> list[Any]:
    z, y = case["z"], case["y"]
    return [row_losses(z, y).mean(), gradient(lambda v: row_losses(v, y).mean(), z).T]


COLUMNS = Family(
    "scores in columns", _COLUMNS, _drive_columns, _columns,
    lines={
        "shift": ("s = $z - np.max($z, axis=0)", "s = $z - $z.max(axis=0, keepdims=True)"),
        "softmax": ("P = np.exp(s) / np.exp(s).sum(axis=0)", "E = np.exp(s)\nP = E / np.sum(E, axis=0, keepdims=True)"),
        "loss": ("loss = -np.log(P[$y, np.arange(N)]).mean()", "loss = -np.sum(np.log(P[$y, range(N)])) / N", "Y = np.eye(K)[$y].T\nloss = -np.sum(Y * np.log(P)) / N"),
        "delta": ("d = P.copy()\nd[$y, np.arange(N)] -= 1", "d = P - np.eye(K)[$y].T"),
        "average": ("d = d / N", "d /= N"),
    },
    words={"function": ("softmax_loss", "softmax_cross_entropy"), "z": ("scores", "Z", "logits"), "y": ("labels", "y")},
    arguments=("z", "y"), shuffled=True,
    faults=(
        slip("softmax.axis", softmax="P = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)"),
        slip("softmax.whole_batch", softmax="P = np.exp(s) / np.exp(s).sum()"),
        slip("loss.sum", loss="loss = -np.log(P[$y, np.arange(N)]).sum()"),
        slip("loss.sign loss.negated", loss="loss = np.log(P[$y, np.arange(N)]).mean()"),
        slip("dL_dz.sum", average="pass"),
        slip("dL_dz.divided_by_classes", average="d = d / K"),
        slip("dL_dz.sign dL_dz.negated", delta="d = np.eye(K)[$y].T - P"),
        slip("dL_dz.target_missing", delta="d = P.copy()"),
    ),
)  # fmt: skip

_ONE = """
import numpy as np


def $function($arguments):
    <shift>
    e = np.exp(s)
    <softmax>
    <loss>
    <delta>
    return loss, d
"""


def _drive_one(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return list(variant.call(namespace, {"z": case["z"][0].copy(), "y": int(case["y"][0])}))


def _one(case: Case) -> list[Any]:
    z, y = case["z"][:1], case["y"][:1]
    return [row_losses(z, y)[0], gradient(lambda v: row_losses(v, y)[0], z)[0]]


ONE_SAMPLE = Family(
    "one sample", _ONE, _drive_one, _one,
    lines={
        "shift": ("s = $z - np.max($z)", "s = $z - max($z)"),
        "softmax": ("p = e / np.sum(e)", "p = e / e.sum()"),
        "loss": ("loss = -np.log(p[$y])", "loss = np.log(e.sum()) - s[$y]"),
        "delta": ("d = p.copy()\nd[$y] -= 1", "d = p - np.eye(len(p))[$y]"),
    },
    words={"function": ("softmax_loss", "softmax_cross_entropy"), "z": ("scores", "z", "logits"), "y": ("label", "y", "target")},
    arguments=("z", "y"), shuffled=True,
    faults=(
        slip("loss.sign", loss="loss = np.log(p[$y])"),
        slip("loss.log_missing_negated", loss="loss = -p[$y]"),
        slip("loss.log_2", loss="loss = -np.log2(p[$y])"),
        slip("softmax.norm_2", softmax="p = e / np.sqrt(np.sum(e ** 2))", loss="loss = -np.log(p[$y])"),
        slip("dL_dz.target_missing", delta="d = p.copy()"),
        slip("dL_dz.sign dL_dz.negated", delta="d = np.eye(len(p))[$y] - p"),
        slip("dL_dz.one_everywhere", delta="d = p - 1"),
        slip("jacobian.off_diagonal_missing", delta="d = np.zeros(len(p))\nd[$y] = p[$y] - 1"),
    ),
)  # fmt: skip

_NETWORK = """
import numpy as np


class $network:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {
            'W1': np.zeros((input_size, hidden_size)), 'b1': np.zeros(hidden_size),
            'W2': np.zeros((hidden_size, output_size)), 'b2': np.zeros(output_size),
        }

    def loss(self, X, y=None, reg=0.0):
        P = self.params
        n = len(X)
        a = X @ P['W1'] + P['b1']
        <hidden>
        z = h @ P['W2'] + P['b2']
        z = z - z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        <data>
        <penalty>
        d = np.exp(logp)
        d[np.arange(n), y] -= 1
        d /= n
        <back>
        g = {'W2': h.T @ d, 'b2': d.sum(axis=0), 'W1': X.T @ da, 'b1': da.sum(axis=0)}
        <add>
        return loss, g
"""
_NAMES = ("W1", "b1", "W2", "b2")


def _drive_network(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    made = namespace[variant.words["network"]](case["D"], case["D"] + 2, case["K"])
    made.params.update({name: case[name].copy() for name in _NAMES})
    loss, g = made.loss(case["X"].copy(), case["y"], case["r"])
    return [loss, *(g[name] for name in _NAMES)]


def _network(case: Case) -> list[Any]:
    X, y, r, values = case["X"], case["y"], case["r"], {name: case[name] for name in _NAMES}

    def loss(**changed: Any) -> Any:
        of = {**values, **changed}
        return row_losses(network_scores(X, **of), y).mean() + r * sum(
            (v**2).sum() for v in of.values()
        )

    def slope(name: str) -> Any:
        return gradient(lambda v: loss(**{name: v}), values[name])

    return [loss(), *map(slope, _NAMES)]


BIASES = Family(
    "network with regularised biases", _NETWORK, _drive_network, _network,
    lines={
        "hidden": ("h = np.maximum(a, 0)", "h = a * (a > 0)"),
        "data": ("loss = -logp[np.arange(n), y].mean()", "loss = -np.sum(np.eye(z.shape[1])[y] * logp) / n"),
        "penalty": ("loss += reg * sum((v * v).sum() for v in P.values())", "for v in P.values():\n    loss = loss + reg * np.sum(v ** 2)"),
        "back": ("da = (d @ P['W2'].T) * (a > 0)", "da = d @ P['W2'].T\nda[a <= 0] = 0"),
        "add": ("g = {k: g[k] + 2 * reg * P[k] for k in P}", "for k in P:\n    g[k] = g[k] + 2 * reg * P[k]"),
    },
    words={"network": ("TwoLayerNet", "TwoLayerNetwork")},
    faults=(
        slip("relu.mask_missing", back="da = d @ P['W2'].T"),
        slip("relu.missing", hidden="h = a"),
        slip("ridge.bias_in_loss ridge.biases_missing_in_gradient", add="g = {k: g[k] + 2 * reg * P[k] * (k[0] == 'W') for k in P}"),
        slip("ridge.missing_in_gradient ridge.missing", add="pass"),
        slip("ridge.gradient_halved ridge.loss_doubled", add="g = {k: g[k] + reg * P[k] for k in P}"),
        slip("ridge.missing_in_loss ridge.missing", penalty="pass"),
        slip("loss.sum", data="loss = -logp[np.arange(n), y].sum()"),
    ),
)  # fmt: skip

LAYOUTS = (COLUMNS, ONE_SAMPLE, BIASES)
