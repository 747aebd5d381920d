"""Worst error of every function under every option, over generated rows.

What is compared with what: the loss, each entry of the gradient, of H v, of p and of ln p, against
`oracle`. Errors are units in the last place of the entry's own value, except where the formula is a
true subtraction of two given numbers: there of the largest term (`tests.oracle.Row.largest_term`).
Under a cap or a temperature the truth is evaluated at the rounded z, whose own error is a column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from mpmath import mp, mpf

import pminusy as pmy
from pminusy.core import transform
from pminusy.core.options import Options
from tests import oracle
from tests.generator import Random, Rows, batches
from tests.ulp import distance

Made = tuple[dict[str, Any], Any]  # options, targets

REDUCTIONS = ("none", "sum", "mean")


def _plain(random: Random, rows: Rows) -> Made:
    return {}, rows.y


def _class_weights(random: Random, rows: Rows) -> Made:
    return {"weight": _weights(random, rows.shape[1])}, rows.y


def _sample_weights(random: Random, rows: Rows) -> Made:
    return {"sample_weight": _weights(random, rows.shape[0])}, rows.y


def _ignored(random: Random, rows: Rows) -> Made:
    y = np.where(random.random(rows.y.size) < 0.3, -7, rows.y)
    return {"ignore_index": -7, "sample_weight": _weights(random, y.size)}, y


def _smoothing(random: Random, rows: Rows) -> Made:
    return {"label_smoothing": float(random.choice([0.1, 0.5, 1.0, 1e-9]))}, rows.y


def _smoothing_and_weights(random: Random, rows: Rows) -> Made:
    weights = {"weight": _weights(random, rows.shape[1])}
    return {"label_smoothing": 0.1, **weights, **_ignored(random, rows)[0]}, rows.y


def _soft(random: Random, rows: Rows) -> Made:
    Y = random.dirichlet(np.full(rows.shape[1], 0.3), size=rows.shape[0])
    Y[rows.z == -np.inf] = 0.0
    return {}, Y.astype(rows.z.dtype)


def _soft_everything(random: Random, rows: Rows) -> Made:
    Y = random.exponential(size=rows.shape) * (random.random(rows.shape) < 0.5)
    options = _smoothing_and_weights(random, rows)[0]
    del options["ignore_index"]
    return options, Y.astype(rows.z.dtype)


def _log_base(random: Random, rows: Rows) -> Made:
    return {"log_base": float(random.choice([2.0, 10.0, 1.5]))}, rows.y


def _temperature(random: Random, rows: Rows) -> Made:
    return {"temperature": float(random.choice([0.07, 0.5, 2.0, 3.0, 100.0]))}, rows.y


def _softcap(random: Random, rows: Rows) -> Made:
    return {"softcap": float(random.choice([5.0, 30.0, 50.0]))}, rows.y


def _cap_and_temperature(random: Random, rows: Rows) -> Made:
    return {**_softcap(random, rows)[0], **_temperature(random, rows)[0]}, rows.y


def _z_loss(random: Random, rows: Rows) -> Made:
    return {"z_loss": float(random.choice([1e-4, 0.1, 2.0]))}, rows.y


def _everything(random: Random, rows: Rows) -> Made:
    options, y = _smoothing_and_weights(random, rows)
    return {**options, **_cap_and_temperature(random, rows)[0], "z_loss": 0.01}, y


OPTIONS: dict[str, Callable[[Random, Rows], Made]] = {
    "plain": _plain,
    "class weights": _class_weights,
    "sample weights": _sample_weights,
    "ignored rows": _ignored,
    "smoothing": _smoothing,
    "smoothing, weights": _smoothing_and_weights,
    "soft targets": _soft,
    "soft, smoothing, weights": _soft_everything,
    "log base": _log_base,
    "temperature": _temperature,
    "soft-cap": _softcap,
    "cap and temperature": _cap_and_temperature,
    "z-loss": _z_loss,
    "everything": _everything,
}

OWN_VALUE = {"plain", "class weights", "sample weights", "ignored rows", "log base"} | {
    "temperature",
    "soft-cap",
    "cap and temperature",
}
"""Options under which each entry of the gradient keeps its own relative accuracy."""

Worst = dict[tuple[str, str, str], float]
"""Largest error by (function, option, type)."""


def _weights(random: Random, size: int) -> Any:
    w = 10 ** random.uniform(-3, 3, size=size)
    w[random.random(size) < 0.15] = 0.0
    w[random.integers(size)] = 1.5
    return w


def measure(seed: int, rows: int, names: Iterable[str] = tuple(OPTIONS)) -> Worst:
    """Worst errors over at least `rows` rows, the options and reductions taking turns."""
    worst: Worst = defaultdict(float)
    names = list(names)
    for index, (random, made) in enumerate(batches(seed, rows)):
        name = names[index // 2 % len(names)]  # types take turns faster than options
        reduction = REDUCTIONS[index // (2 * len(names)) % 3]
        for function, error in errors_of_batch(name, reduction, random, made):
            key = function, name, str(made.z.dtype)
            worst[key] = max(worst[key], error)
        if name == "plain":
            for function, error in errors_of_softmax(made):
                key = function, name, str(made.z.dtype)
                worst[key] = max(worst[key], error)
    return dict(worst)


def errors_of_batch(
    name: str, reduction: str, random: Random, made: Rows
) -> Iterator[tuple[str, float]]:
    """Errors of loss, gradient, H v and, where logits are transformed, z."""
    options, y = OPTIONS[name](random, made)
    options["reduction"] = reduction
    u, v, dtype = made.z, made.v, made.z.dtype
    z = None
    if "softcap" in options or "temperature" in options:
        core_options = Options(
            softcap=options.get("softcap"), temperature=options.get("temperature", 1.0)
        )
        z = transform.logits(u, core_options)
        yield "z", _errors_of_transform(z, u, core_options)
    truth = oracle.batch(u, y, v=v, z=z, **options)
    loss, dL_dz, Hv = _computed(u, y, v, options)
    true_loss = truth.loss if reduction == "none" else [truth.loss]
    yield "loss", max(map(_error(dtype), np.ravel(loss), true_loss))
    for i, row in enumerate(truth.rows):
        for k in range(u.shape[1]):
            term = None if name in OWN_VALUE else row.largest_term[k]
            yield "gradient", distance(dL_dz[i, k], row.dL_du[k], dtype, relative_to=term)
            yield "H v", distance(Hv[i, k], row.Hv[k], dtype, relative_to=row.largest_term_Hv[k])


def errors_of_softmax(made: Rows) -> Iterator[tuple[str, float]]:
    """Errors of p, ln p and, for few classes, of the Jacobian."""
    p, log_p, dtype = pmy.softmax(made.z), pmy.log_softmax(made.z), made.z.dtype
    J = pmy.softmax_jacobian(made.z) if made.shape[1] <= 10 else None
    for i, z in enumerate(made.z):
        exact = oracle.exact(z)
        true_p, true_log_p = oracle.log_probabilities(exact)
        yield "p", max(map(_error(dtype), p[i], true_p))
        yield "ln p", max(map(_error(dtype), log_p[i], true_log_p))
        if J is not None:
            for got, truth in zip(J[i], oracle.jacobian(exact), strict=True):
                yield "Jacobian", max(map(_error(dtype), got, truth))


def _computed(u: Any, y: Any, v: Any, options: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Loss, gradient and H v by the package; the logarithm's base is an option of `core` alone."""
    if "log_base" not in options:
        loss, dL_dz = pmy.cross_entropy_grad(u, y, **options)
        return loss, dL_dz, pmy.cross_entropy_hvp(u, y, v, **options)
    from pminusy.core import head
    from pminusy.core.options import target_mass

    resolved = Options(**options)
    mass = target_mass(y, len(u), u.shape[1], resolved)
    loss, dL_dz = head.cross_entropy_grad(u, mass, resolved)
    return loss, dL_dz, head.cross_entropy_hvp(u, mass, resolved, v)


def _errors_of_transform(z: Any, u: Any, options: Options) -> float:
    with mp.workdps(oracle.DIGITS):
        truth = oracle.logits(
            oracle.exact(u.ravel()), softcap=options.softcap, temperature=options.temperature
        )
        return max(map(_error(u.dtype), z.ravel(), map(mpf, truth)))


def _error(dtype: Any) -> Callable[[Any, Any], float]:
    return lambda got, truth: distance(got, truth, dtype)
