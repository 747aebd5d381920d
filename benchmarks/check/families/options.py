"""Options of the loss in learners' code: weights, ignored rows, focal, smoothing, temperature."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from typing import Any

from benchmarks.check.families.family import Case, Family, Variant
from benchmarks.check.families.numeric import gradient, row_losses
from benchmarks.check.slips import slip

__all__ = ["OPTIONS"]

_TOP = """
import numpy as np


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def $function($arguments):
    n = len($y)
    logp = log_softmax($z)
    p = np.exp(logp)
"""
_WORDS = {"z": ("logits", "scores", "z"), "y": ("labels", "targets", "y")}


def _drive(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return list(variant.call(namespace, {**case, "z": case["z"].copy()}))


def _with_gradient(loss: Any, case: Case) -> list[Any]:
    return [loss(case["z"]), gradient(loss, case["z"])]


def _weighted(case: Case) -> list[Any]:
    own, y = case["cw"][case["y"]], case["y"]
    return _with_gradient(lambda z: (own * row_losses(z, y)).sum() / own.sum(), case)


CLASS_WEIGHTS = Family(
    "class weights", _TOP + """
    w = $cw[$y]
    <loss>
    <delta>
    <scale>
    return loss, d
""", _drive, _weighted,
    lines={
        "loss": ("loss = -(w * logp[np.arange(n), $y]).sum() / w.sum()", "loss = np.average(-logp[np.arange(n), $y], weights=w)"),
        "delta": ("d = p.copy()\nd[np.arange(n), $y] -= 1", "d = p - np.eye(p.shape[1])[$y]"),
        "scale": ("d = d * w[:, None] / w.sum()", "d *= (w / np.sum(w)).reshape(-1, 1)"),
    },
    words=_WORDS | {"function": ("weighted_cross_entropy", "weighted_softmax_loss"), "cw": ("class_weights", "weight", "class_weight")},
    arguments=("z", "y", "cw"), shuffled=True,
    faults=(
        slip("class_weights.missing_in_gradient", scale="d = d / n"),
        slip("class_weights.missing_in_loss", loss="loss = -logp[np.arange(n), $y].mean()"),
        slip("class_weights.gradient_of_other_classes", scale="d = d * $cw / w.sum()"),
        slip("dL_dz.sign dL_dz.negated", delta="d = np.eye(p.shape[1])[$y] - p"),
        slip("dL_dz.target_missing", delta="d = p.copy()"),
        slip("loss.sign loss.negated", loss="loss = (w * logp[np.arange(n), $y]).sum() / w.sum()"),
    ),
)  # fmt: skip


def _with_ignored(case: Case) -> dict[str, Any]:
    y = case["y"].copy()
    if case["N"] > 1:
        y[::3] = -1
    return {**case, "y": y, "ignore": -1}


def _drive_with_ignored(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return _drive(namespace, variant, _with_ignored(case))


def _ignored(case: Case) -> list[Any]:
    y = _with_ignored(case)["y"]
    kept = y >= 0

    def loss(z: Any) -> Any:
        return row_losses(z[kept], y[kept]).sum() / kept.sum()

    return _with_gradient(loss, case)


IGNORED = Family(
    "ignored rows", _TOP + """
    keep = $y != $ignore
    own = np.where(keep, $y, 0)
    <loss>
    <delta>
    <rows>
    <average>
    return loss, d
""", _drive_with_ignored, _ignored,
    lines={
        "loss": ("loss = -(logp[np.arange(n), own] * keep).sum() / keep.sum()", "loss = -logp[np.arange(n), own][keep].mean()"),
        "delta": ("d = p.copy()\nd[np.arange(n), own] -= 1", "d = p - np.eye(p.shape[1])[own]"),
        "rows": ("d[~keep] = 0", "d = d * keep[:, None]"),
        "average": ("d = d / keep.sum()", "d /= np.count_nonzero(keep)"),
    },
    words=_WORDS | {"function": ("masked_cross_entropy", "softmax_loss"), "ignore": ("ignore_index", "ignore")},
    arguments=("z", "y", "ignore"),
    faults=(
        slip("ignored.gradient_not_zero", rows="pass"),
        slip("ignored.loss_counted", loss="loss = -logp[np.arange(n), own].mean()"),
        slip("weighted.loss_divided_by_rows", loss="loss = -(logp[np.arange(n), own] * keep).sum() / n"),
        slip("weighted.loss_divided_by_rows", average="d = d / n"),
        slip("dL_dz.sum", average="pass"),
        slip("dL_dz.target_missing", delta="d = p.copy()"),
    ),
)  # fmt: skip


def _focal(case: Case) -> list[Any]:
    return [row_losses(case["z"], case["y"], power=case["power"]).mean()]


def _drive_alone(namespace: Any, variant: Variant, case: Case) -> list[Any]:
    return [variant.call(namespace, {**case, "z": case["z"].copy()})]


FOCAL = Family(
    "focal loss", _TOP + """
    <own>
    <factor>
    <loss>
    return loss
""", _drive_alone, _focal,
    lines={
        "own": ("pt, log_pt = p[np.arange(n), $y], logp[np.arange(n), $y]",),
        "factor": ("factor = (1 - pt) ** $power", "factor = np.power(1.0 - pt, $power)"),
        "loss": ("loss = -(factor * log_pt).mean()", "loss = np.sum(-factor * log_pt) / n"),
    },
    words=_WORDS | {"function": ("focal_loss", "softmax_focal_loss"), "power": ("gamma", "focusing")},
    arguments=("z", "y", "power"),
    faults=(
        slip("focal.missing", factor="factor = np.ones(n)"),
        slip("focal.power_of_p", factor="factor = pt ** $power"),
        slip("focal.times_power", factor="factor = (1 - pt) * $power"),
        slip("loss.sum", loss="loss = -(factor * log_pt).sum()"),
        slip("loss.sign loss.negated", loss="loss = (factor * log_pt).mean()"),
        slip("focal.log_missing", loss="loss = -factor.mean()"),
    ),
)  # fmt: skip


def _smoothed(case: Case) -> list[Any]:
    y, eps = case["y"], case["eps"]
    return _with_gradient(lambda z: row_losses(z, y, smoothing=eps).mean(), case)


SMOOTHED = Family(
    "label smoothing", _TOP + """
    K = p.shape[1]
    <target>
    <loss>
    <delta>
    return loss, d
""", _drive, _smoothed,
    lines={
        "target": ("q = np.full((n, K), $eps / K)\nq[np.arange(n), $y] += 1 - $eps", "q = (1 - $eps) * np.eye(K)[$y] + $eps / K"),
        "loss": ("loss = -(q * logp).sum() / n", "loss = -np.mean(np.sum(q * logp, axis=1))"),
        "delta": ("d = (p - q) / n", "d = p - q\nd /= n"),
    },
    words=_WORDS | {"function": ("smoothed_cross_entropy", "softmax_loss"), "eps": ("label_smoothing", "smoothing")},
    arguments=("z", "y", "eps"), shuffled=True,
    faults=(
        slip("smoothing.other_classes", target="q = np.full((n, K), $eps / (K - 1))\nq[np.arange(n), $y] = 1 - $eps"),
        slip("smoothing.label_kept", target="q = np.eye(K)[$y] + $eps / K"),
        slip("smoothing.not_shared", target="q = (1 - $eps) * np.eye(K)[$y] + $eps"),
        slip("smoothing.ignored", target="q = np.eye(K)[$y]"),
        slip("smoothing.gradient_not_smoothed", delta="d = (p - np.eye(K)[$y]) / n"),
        slip("dL_dz.sum", delta="d = p - q"),
    ),
)  # fmt: skip


def _tempered(case: Case) -> list[Any]:
    y, T = case["y"], case["T"]
    return _with_gradient(lambda z: row_losses(z / T, y).mean(), case)


TEMPERED = Family(
    "temperature", """
import numpy as np


def $function($arguments):
    n = len($y)
    <scale>
    s = s - s.max(axis=1, keepdims=True)
    logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    <loss>
    d = np.exp(logp)
    d[np.arange(n), $y] -= 1
    <gradient>
    return loss, d
""", _drive, _tempered,
    lines={
        "scale": ("s = $z / $T", "s = np.divide($z, $T)", "s = 1 / $T * $z"),
        "loss": ("loss = -logp[np.arange(n), $y].mean()", "loss = -np.sum(logp[np.arange(n), $y]) / n"),
        "gradient": ("d = d / (n * $T)", "d /= n\nd /= $T"),
    },
    words=_WORDS | {"function": ("softmax_loss", "cross_entropy_with_temperature"), "T": ("temperature", "temp")},
    arguments=("z", "y", "T"), shuffled=True,
    faults=(
        slip("temperature.ignored", scale="s = $z + 0", gradient="d = d / n"),
        slip("temperature.multiplies", scale="s = $z * $T", gradient="d = d / n * $T"),
        slip("temperature.gradient_not_divided", gradient="d = d / n"),
        slip("temperature.gradient_multiplied", gradient="d = d / n * $T"),
        slip("dL_dz.sum", gradient="d = d / $T"),
        slip("loss.sum", loss="loss = -logp[np.arange(n), $y].sum()"),
    ),
)  # fmt: skip

OPTIONS = (CLASS_WEIGHTS, IGNORED, FOCAL, SMOOTHED, TEMPERED)
