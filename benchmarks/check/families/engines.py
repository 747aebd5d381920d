"""Losses on other arithmetic: a scalar with its own derivative, and tensors of torch."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.check.families.family import Case, Family, Variant
from benchmarks.check.families.numeric import gradient, row_losses, softmax
from benchmarks.check.slips import slip

__all__ = ["ENGINES", "TORCH"]

_ENGINE = """
import math


class Value:
    def __init__(self, data, children=()):
        self.data = data
        self.grad = 0.0
        self._prev = set(children)
        self._backward = lambda: None

    def _of(self, other):
        return other if isinstance(other, Value) else Value(other)

    def __add__(self, other):
        other = self._of(other)
        out = Value(self.data + other.data, (self, other))
        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = self._of(other)
        out = Value(self.data * other.data, (self, other))
        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, power):
        out = Value(self.data ** power, (self,))
        def _backward():
            <power>
        out._backward = _backward
        return out

    def exp(self):
        out = Value(math.exp(self.data), (self,))
        def _backward():
            <exp>
        out._backward = _backward
        return out

    def log(self):
        out = Value(math.log(self.data), (self,))
        def _backward():
            <log>
        out._backward = _backward
        return out

    def __neg__(self): return self * -1
    def __sub__(self, other): return self + (-self._of(other))
    def __radd__(self, other): return self + other
    def __rsub__(self, other): return self._of(other) - self
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * self._of(other) ** -1
    def __rtruediv__(self, other): return self._of(other) * self ** -1

    def backward(self):
        topo, visited = [], set()
        def build(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build(child)
                topo.append(v)
        build(self)
        self.grad = 1.0
        for v in reversed(topo):
            v._backward()

"""
_DERIVATIVES = {
    "power": ("self.grad += power * self.data ** (power - 1) * out.grad",),
    "exp": ("self.grad += out.data * out.grad",),
    "log": ("self.grad += out.grad / self.data", "self.grad += 1 / self.data * out.grad"),
}
_ENGINE_FAULTS = (
    slip("engine.derivative", exp="self.grad += out.grad"),
    slip("engine.derivative", log="self.grad += self.data * out.grad"),
    slip("engine.derivative", power="self.grad += power * self.data ** power * out.grad"),
)

_SCALAR_LOSS = (
    _ENGINE
    + """
def softmax($z):
    <shift>
    <exps>
    <total>
    return [e / total for e in exps]


def $function($z, $y):
    probs = softmax($z)
    <loss>
"""
)
_EXPS = {
    "shift": ("top = max(v.data for v in $z)", "top = $z[0].data"),
    "exps": ("exps = [(v - top).exp() for v in $z]",),
    "total": ("total = sum(exps)", "total = exps[0]\nfor e in exps[1:]:\n    total = total + e"),
}
_Z = {"z": ("logits", "scores", "values")}


def _drive_scalar_loss(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    values = [namespace["Value"](float(v)) for v in case["z"][0]]
    loss = namespace[variant.words["function"]](values, int(case["y"][0]))
    loss.backward()
    return [loss.data, np.array([v.grad for v in values])]


def _scalar_loss(case: Case) -> list[Any]:
    z, y = case["z"][:1], case["y"][:1]
    return [row_losses(z, y)[0], gradient(lambda v: row_losses(v, y)[0], z)[0]]


SCALAR_LOSS = Family(
    "scalar engine, loss", _SCALAR_LOSS, _drive_scalar_loss, _scalar_loss,
    lines=_DERIVATIVES | _EXPS | {"loss": ("return -probs[$y].log()", "return probs[$y].log() * -1.0", "p = probs[$y]\nreturn -(p.log())")},
    words=_Z | {"function": ("cross_entropy", "nll_loss", "cross_entropy_loss"), "y": ("label", "target", "y")},
    faults=(
        slip("loss.sign", loss="return probs[$y].log()"),
        slip("loss.one_minus_p", loss="return 1 - probs[$y]"),
        slip("loss.log_missing", loss="return probs[$y] * 1.0"),
        slip("loss.all_classes", loss="return -sum(p.log() for p in probs)"),
        slip("softmax.sign", exps="exps = [(-v).exp() for v in $z]"),
        slip("softmax.first_class_left_out", total="total = sum(exps[1:])"),
        *_ENGINE_FAULTS,
    ),
)  # fmt: skip

_SCALAR_SOFTMAX = (
    _ENGINE
    + """
def $function($z):
    <shift>
    <exps>
    <total>
    return [e / total for e in exps]
"""
)


def _drive_scalar_softmax(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    values = [namespace["Value"](float(v)) for v in case["z"][0]]
    return [np.array([v.data for v in namespace[variant.words["function"]](values)])]


SCALAR_SOFTMAX = Family(
    "scalar engine, softmax", _SCALAR_SOFTMAX, _drive_scalar_softmax,
    lambda case: [softmax(case["z"][:1])[0]],
    lines=_DERIVATIVES | _EXPS, words=_Z | {"function": ("softmax",)},
    faults=(
        slip("softmax.sign", exps="exps = [(-v).exp() for v in $z]"),
        slip("softmax.not_normalised", total="total = 1.0"),
        slip("softmax.first_class_left_out", total="total = sum(exps[1:])"),
        slip("softmax.last_class_left_out", total="total = sum(exps[:-1])"),
        slip("softmax.no_exp", exps="exps = list($z)"),
    ),
)  # fmt: skip

_TORCH_LOSS = """
import torch


def $function($arguments):
    <shift>
    <logp>
    <loss>
"""


def _drive_torch_loss(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    import torch

    z = torch.tensor(case["z"])
    return [variant.call(namespace, {"z": z, "y": torch.tensor(case["y"])}).detach().numpy()]


TORCH_LOSS = Family(
    "torch, loss", _TORCH_LOSS, _drive_torch_loss,
    lambda case: [row_losses(case["z"], case["y"]).mean()],
    lines={
        "shift": ("s = $z - $z.max(dim=1, keepdim=True).values", "s = $z - torch.max($z, dim=1, keepdim=True)[0]"),
        "logp": ("logp = s - torch.log(torch.exp(s).sum(dim=1, keepdim=True))", "logp = s - s.exp().sum(1, keepdim=True).log()", "logp = s - torch.logsumexp(s, dim=1, keepdim=True)"),
        "loss": ("return -logp[torch.arange($z.shape[0]), $y].mean()", "return -logp.gather(1, $y.unsqueeze(1)).mean()", "return -logp[range(len($y)), $y].sum() / len($y)"),
    },
    words={"function": ("cross_entropy_loss", "softmax_cross_entropy"), "z": ("logits", "scores"), "y": ("labels", "target")},
    arguments=("z", "y"), shuffled=True,
    faults=(
        slip("loss.sum", loss="return -logp[torch.arange($z.shape[0]), $y].sum()"),
        slip("loss.sign", loss="return logp[torch.arange($z.shape[0]), $y].mean()"),
        slip("loss.columns_selected", loss="return -logp[:, $y].sum() / len($y)"),
        slip("softmax.axis", logp="logp = $z - torch.log(torch.exp($z).sum(dim=0, keepdim=True))"),
        slip("softmax.whole_batch", logp="logp = $z - torch.log(torch.exp($z).sum())"),
    ),
)  # fmt: skip

_TORCH_BOTH = """
import torch


def softmax($z):
    <softmax>


def $function($arguments):
    n = $z.size(0)
    p = softmax($z)
    loss = -torch.log(p[torch.arange(n), $y]).mean()
    <delta>
    <average>
    return loss, d
"""


def _drive_torch_both(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    import torch

    values = {"z": torch.tensor(case["z"]), "y": torch.tensor(case["y"])}
    return [part.detach().numpy() for part in variant.call(namespace, values)]


def _both(case: Case) -> list[Any]:
    z, y = case["z"], case["y"]
    return [row_losses(z, y).mean(), gradient(lambda v: row_losses(v, y).mean(), z)]


TORCH_BOTH = Family(
    "torch, loss and gradient", _TORCH_BOTH, _drive_torch_both, _both,
    lines={
        "softmax": ("e = torch.exp($z - $z.max(1, keepdim=True).values)\nreturn e / e.sum(1, keepdim=True)", "e = ($z - $z.amax(dim=1, keepdim=True)).exp()\nreturn e / torch.sum(e, dim=1).unsqueeze(1)"),
        "delta": ("d = p.clone()\nd[torch.arange(n), $y] -= 1", "Y = torch.zeros_like(p)\nY[torch.arange(n), $y] = 1\nd = p - Y"),
        "average": ("d = d / n", "d /= n"),
    },
    words={"function": ("softmax_loss", "cross_entropy_with_grad"), "z": ("logits", "x"), "y": ("labels", "y")},
    arguments=("z", "y"), shuffled=True,
    faults=(
        slip("dL_dz.sum", average="pass"),
        slip("dL_dz.target_missing", delta="d = p.clone()"),
        slip("dL_dz.target_added", delta="d = p.clone()\nd[torch.arange(n), $y] += 1"),
        slip("softmax.axis", softmax="e = torch.exp($z - $z.max())\nreturn e / e.sum(0, keepdim=True)"),
        slip("dL_dz.divided_by_classes", average="d = d / $z.size(1)"),
    ),
)  # fmt: skip

TORCH = (TORCH_LOSS, TORCH_BOTH)
ENGINES = (SCALAR_LOSS, SCALAR_SOFTMAX, *TORCH)
