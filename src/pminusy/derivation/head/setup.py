"""From what is given to the reader's case: which letters there are, and their numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.derivation.engine.decimals import digits_for
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.input.logit_source import LogitSource
from pminusy.derivation.input.reading import names_of, typed_number
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import class_names
from pminusy.derivation.statements.case import Case
from pminusy.errors import InputError

__all__ = ["option_numbers", "sample_of"]

_WIDEST_SPREAD = 5000
"""Logits farther apart take thousands of digits to tell the least probability from 0."""


def sample_of(
    request: Request, source: LogitSource, target: Any, c: int | None, options: Options
) -> Sample:
    """The reader's numbers for one sample, in as many digits as its logits need.

    `options` are those of this sample: of a batch it has one sample weight.
    """
    K, D = source.K, source.D
    if options.weight is not None and options.weight.shape != (K,):
        raise InputError("weight", f"{K} class weights", f"shape {options.weight.shape}")
    case = _case(source.kind, c, options)
    if request.route in ("sparse", "direct") and case.ignored:
        raise InputError("route", "a row that counts", f"an ignored one ({request.y!r})"[:60])
    c = None if case.ignored else c
    values = _constants(request, options, K, D) | {"y": target}
    if case.layer:
        values |= {name: source.exact(name) for name in ("x", "W", "b")}
        features = names_of("features", request.features, [f"x_{d}" for d in range(D)])
    else:
        values[case.logit_letter.name] = source.exact("logits")
        features = ()
    # what core is asked for: the plain natural logarithm; the base is a step of its own
    plain = replace(options, reduction="sum", log_base=None)
    first = Sample(case, values, K, D, c, class_names(request, K), features, plain)
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


def option_numbers(options: Options) -> dict[str, Any]:
    """Number of each option that is one number, as typed; what is off has its neutral value."""
    given = {
        "T": options.temperature, "kappa": options.softcap or 1.0, "zeta": options.z_loss,
        "epsilon": options.label_smoothing, "B": options.log_base or 2.0,
    }  # fmt: skip
    return {name: typed_number(value) for name, value in given.items()}


def _constants(request: Request, options: Options, K: int, D: int) -> dict[str, Any]:
    """Numbers of the options and of a few directions; what is off has its neutral value."""
    directions = np.array([1 - 2 * (k % 2) + k // 2 for k in range(max(K, K * D))], dtype=float)
    return {
        "v": directions[:K], "V": directions[: K * D].reshape(K, D), "V_b": directions[:K],
        "eta": typed_number(request.rate), "lambda": typed_number(request.ridge),
        **option_numbers(options),
        "omega": 1.0 if options.sample_weight is None else options.sample_weight[0],
        "w": np.ones(K) if options.weight is None else options.weight, "a": 0.0, "m": 0.0,
    }  # fmt: skip


def _digits(spread: float) -> int:
    if spread > _WIDEST_SPREAD:
        raise InputError(
            "logits", f"logits at most {_WIDEST_SPREAD:,} apart", f"{spread:,.6g}",
            f"the smallest probability has more than {_WIDEST_SPREAD / math.log(10):,.0f} zeros",
        )  # fmt: skip
    return digits_for(spread)
