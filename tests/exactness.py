"""Worst error of every function under every option, over generated rows.

What is compared with what: the loss, each entry of the gradient, of H v, of p and of ln p, against
`oracle`. Errors are units in the last place of the entry's own value, except where the formula is a
true subtraction of two given numbers: there of the largest term (`tests.oracle.Row.largest_term`).
Under a cap or a temperature the truth is evaluated at the rounded z, whose own error is a column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from mpmath import mp, mpf

import pminusy as pmy
from pminusy.core import head, transform
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from tests import oracle
from tests.generator import Random, Rows
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

Key = tuple[str, str, str, str]
"""Implementation, function, option, type."""

Worst = dict[Key, float]
"""Largest error by key."""


class _Core:
    """The array functions, and the option that `core` has beyond them: the logarithm's base."""

    softmax = staticmethod(pmy.softmax)
    log_softmax = staticmethod(pmy.log_softmax)
    softmax_jacobian = staticmethod(pmy.softmax_jacobian)

    @staticmethod
    def cross_entropy_grad(u: Any, y: Any, **options: Any) -> Any:
        if "log_base" not in options:
            return pmy.cross_entropy_grad(u, y, **options)
        resolved = Options(**options)
        return head.cross_entropy_grad(u, target_mass(y, len(u), u.shape[1], resolved), resolved)

    @staticmethod
    def cross_entropy_hvp(u: Any, y: Any, v: Any, **options: Any) -> Any:
        if "log_base" not in options:
            return pmy.cross_entropy_hvp(u, y, v, **options)
        resolved = Options(**options)
        return head.cross_entropy_hvp(u, target_mass(y, len(u), u.shape[1], resolved), resolved, v)


IMPLEMENTATIONS: dict[str, Any] = {"pminusy": _Core}
"""By name, whatever offers the functions of `_Core`."""


def _weights(random: Random, size: int) -> Any:
    w = 10 ** random.uniform(-3, 3, size=size)
    w[random.random(size) < 0.15] = 0.0
    w[random.integers(size)] = 1.5
    return w


def measure(
    source: Iterable[tuple[Random, Rows]],
    names: Sequence[str] = tuple(OPTIONS),
    implementations: Mapping[str, Any] = IMPLEMENTATIONS,
) -> Worst:
    """Worst errors over batches of rows, the options and reductions taking turns."""
    worst: Worst = defaultdict(float)
    for index, (random, made) in enumerate(source):
        name = names[index // 2 % len(names)]  # types take turns faster than options
        reduction = REDUCTIONS[index // (2 * len(names)) % 3]
        errors = errors_of_batch(name, reduction, random, made, implementations)
        if name == "plain":
            errors = chain(errors, errors_of_softmax(made, implementations))
        for implementation, function, error in errors:
            key = implementation, function, name, str(made.z.dtype)
            worst[key] = max(worst[key], error)
    return dict(worst)


Errors = Iterator[tuple[str, str, float]]
"""Implementation, function, error."""


def errors_of_batch(
    name: str, reduction: str, random: Random, made: Rows, implementations: Mapping[str, Any]
) -> Errors:
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
        yield "pminusy", "z", _error_of_transform(z, u, core_options)
    truth = oracle.batch(u, y, v=v, z=z, **options)
    true_loss = truth.loss if reduction == "none" else [truth.loss]
    for implementation, functions in implementations.items():
        loss, dL_dz = functions.cross_entropy_grad(u, y, **options)
        Hv = functions.cross_entropy_hvp(u, y, v, **options)
        yield implementation, "loss", max(map(_error(dtype), np.ravel(loss), true_loss))
        for i, row in enumerate(truth.rows):
            for k in range(u.shape[1]):
                term = None if name in OWN_VALUE else row.largest_term[k]
                error = distance(dL_dz[i, k], row.dL_du[k], dtype, relative_to=term)
                yield implementation, "gradient", error
                term = row.largest_term_Hv[k]
                yield implementation, "H v", distance(Hv[i, k], row.Hv[k], dtype, relative_to=term)


def errors_of_softmax(made: Rows, implementations: Mapping[str, Any]) -> Errors:
    """Errors of p, ln p and, for few classes, of the Jacobian."""
    dtype = made.z.dtype
    truth = [oracle.log_probabilities(oracle.exact(z)) for z in made.z]
    J = [oracle.jacobian(oracle.exact(z)) for z in made.z] if made.shape[1] <= 10 else []
    for implementation, functions in implementations.items():
        p, log_p = functions.softmax(made.z), functions.log_softmax(made.z)
        for i, (true_p, true_log_p) in enumerate(truth):
            yield implementation, "p", max(map(_error(dtype), p[i], true_p))
            yield implementation, "ln p", max(map(_error(dtype), log_p[i], true_log_p))
        got = functions.softmax_jacobian(made.z) if J else ()
        for rows, true_rows in zip(got, J, strict=True):
            for row, true_row in zip(rows, true_rows, strict=True):
                yield implementation, "Jacobian", max(map(_error(dtype), row, true_row))


def _error_of_transform(z: Any, u: Any, options: Options) -> float:
    with mp.workdps(oracle.DIGITS):
        truth = oracle.logits(
            oracle.exact(u.ravel()), softcap=options.softcap, temperature=options.temperature
        )
        return max(map(_error(u.dtype), z.ravel(), map(mpf, truth)))


def _error(dtype: Any) -> Callable[[Any, Any], float]:
    return lambda got, truth: distance(got, truth, dtype)
