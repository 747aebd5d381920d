"""From what is given to the reader's case: which letters there are, and their numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.derivation.domains import digits_for
from pminusy.derivation.given import Given
from pminusy.derivation.model import Case, Setup
from pminusy.derivation.reading import label_of, masses, names_of
from pminusy.derivation.request import Request
from pminusy.errors import InputError

__all__ = ["class_names", "setup_of", "target_of"]

_FARTHEST = 5000
"""Logits farther apart take thousands of digits to tell the least probability from 0."""


def class_names(asked: Request, K: int) -> tuple[str, ...]:
    """Names of the classes, or their indices."""
    return names_of("classes", asked.classes, list(map(str, range(K))))


def target_of(y: Any, names: tuple[str, ...], ignore_index: int) -> tuple[Any, int | None]:
    """Target of one sample as a vector, and its class if it has one: −1 where it is ignored."""
    K = len(names)
    if not isinstance(y, str) and np.ndim(y) > 0:
        return masses(y, (K,), f"a class or {K} target masses"), None
    c = label_of(y, names, ignore_index)
    return (np.arange(K) == c).astype(float), c


def setup_of(asked: Request, given: Given, target: Any, c: int | None, options: Options) -> Setup:
    """The reader's numbers for one sample, in as many digits as its logits need.

    `options` are those of this sample: of a batch it has one sample weight.
    """
    K, D = given.K, given.D
    if options.weight is not None and options.weight.shape != (K,):
        raise InputError("weight", f"{K} class weights", f"shape {options.weight.shape}")
    case = _case(given.source, c, options)
    if asked.route != "all" and case.ignored:
        raise InputError("route", "a row that counts", f"an ignored one ({asked.y!r})"[:60])
    c = None if case.ignored else c
    values = _constants(asked, options, K, D) | {"y": target}
    if case.layer:
        values |= {"x": given.x, "W": given.W, "b": given.b}
        features = names_of("features", asked.features, [f"x_{d}" for d in range(D)])
    else:
        values[case.inputs.name] = given.logits
        features = ()
    # what core is asked for: the plain natural logarithm; the base is a step of its own
    plain = replace(options, reduction="sum", log_base=None)
    first = Setup(case, values, K, D, c, class_names(asked, K), features, plain)
    z = first.numbers.array("z")
    largest = max(z)
    digits = _digits(float(largest - min(z)))
    return replace(first, values={**values, "a": largest, "m": largest}, digits=digits)


def _case(source: str, c: int | None, options: Options) -> Case:
    return Case(
        source=source,
        one_hot=c is not None and c >= 0,
        ignored=c is not None and c < 0,
        smoothing=options.label_smoothing != 0,
        weights=options.weight is not None,
        sample_weight=options.sample_weight is not None,
        temperature=options.temperature != 1,
        softcap=options.softcap is not None,
        z_loss=options.z_loss != 0,
        log_base=options.log_base is not None,
    )


def _constants(asked: Request, options: Options, K: int, D: int) -> dict[str, Any]:
    """Numbers of the options and of a few directions; what is off has its neutral value."""
    directions = np.array([1 - 2 * (k % 2) + k // 2 for k in range(max(K, K * D))], dtype=float)
    return {
        "v": directions[:K], "V": directions[: K * D].reshape(K, D), "V_b": directions[:K],
        "eta": asked.rate, "lambda": asked.ridge,
        "T": options.temperature, "kappa": options.softcap or 1.0, "zeta": options.z_loss,
        "epsilon": options.label_smoothing, "B": options.log_base or 2.0,
        "omega": 1.0 if options.sample_weight is None else options.sample_weight[0],
        "w": np.ones(K) if options.weight is None else options.weight, "a": 0.0, "m": 0.0,
    }  # fmt: skip


def _digits(spread: float) -> int:
    if spread > _FARTHEST:
        raise InputError(
            "logits", f"logits at most {_FARTHEST:,} apart", f"{spread:,.6g}",
            f"the smallest probability has more than {_FARTHEST / math.log(10):,.0f} zeros",
        )  # fmt: skip
    return digits_for(spread)
