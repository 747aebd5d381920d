"""The declaration of every option of the loss: name, type, default, check, help and effect.

The fields of `Options` are the declaration, and `OPTIONS` is the same as data. Signatures, command
lines, torch's schemas and the checks of every path are made from it; what a type checker or
TorchScript needs written out is compared with it by `tests/test_loss_options.py`. What has to be
edited for a new option is in `docs/architecture.md`.

Most options act through the target mass q alone (`target_mass`), the others on the logits
(`transform`) or on each row's loss (`head`).

Source: the options and their names are those of `torch.nn.functional.cross_entropy`; Szegedy et al.
2016 (label smoothing); Hinton et al. 2015 (temperature); de Brébisson & Vincent 2016 (z-loss).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple, SupportsFloat, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from pminusy.core.twofold import Float64
from pminusy.errors import InputError, short_repr

__all__ = [
    "ARRAYS",
    "DEFAULTS",
    "OPTIONS",
    "TENSORS",
    "ExplainedLossOptions",
    "LossOption",
    "LossOptions",
    "Options",
    "Reduction",
    "beside_a_mean",
    "first_invalid",
    "options_of",
]

Reduction = Literal["mean", "sum", "none"]
Kind = Literal["array", "scalar", "int", "float", "word"]


class LossOption(NamedTuple):
    """One option of the loss, as data.

    Attributes
    ----------
    name, default
        Name of the parameter wherever it is one, and its value if it is not given.
    kind, optional
        What a value is; whether None is one too. A "scalar" is a number, or an array or tensor of
        no axes.
    accepts, expected
        Whether a value has a meaning, and in words what has one. The entries and the shape of an
        array are checked by whoever knows N and K.
    entries
        What an array has an entry for: "class" or "row".
    help
        What it is, for docstrings and command lines.
    effect
        What it does to the target mass q, the logits or the loss.
    in_torch
        Whether `torch.nn.functional.cross_entropy` has it.
    explain_only, losses_only
        Whether `pminusy.explain` alone has it, or all but `pminusy.explain`.
    flag
        Its flag on a command line.
    """

    name: str
    default: Any
    kind: Kind
    optional: bool
    accepts: Callable[[Any], bool]
    expected: str
    entries: str
    help: str
    effect: str
    in_torch: bool
    explain_only: bool
    losses_only: bool
    flag: str


def is_number(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number from `low` to `high`; NaN is in no interval."""
    if isinstance(value, np.number):  # float16 knows no 1e30 to compare with
        value = value.item()
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: is_number(value, low, high)


def _is_index(value: Any) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return whole and -(2**63) <= int(value) < 2**63


def _is_reduction(value: Any) -> bool:
    return isinstance(value, str) and value in ("mean", "sum", "none")


def _any_array(value: Any) -> bool:
    return True


def _declare(
    kind: Kind,
    accepts: Callable[[Any], bool],
    expected: str,
    help: str,  # noqa: A002  # what a command line calls it
    effect: str,
    **more: Any,
) -> dict[str, Any]:
    """What a field of `Options` has to say; `LossOption` explains each part."""
    return {
        "kind": kind, "accepts": accepts, "expected": expected, "help": help, "effect": effect,
        "entries": "", "in_torch": False, "explain_only": False,
        "losses_only": False, **more,
    }  # fmt: skip


_POSITIVE = "a number from 1e-30 to 1e30"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """Options of the softmax cross-entropy loss; the defaults change nothing.

    Parameters
    ----------
    {parameters}

    Notes
    -----
    Weights may be of any size; one more than 1e250 times smaller than the largest may count as 0.
    """

    weight: Float64 | None = field(default=None, metadata=_declare(
        "array", _any_array, "a finite number ≥ 0", entries="class", in_torch=True,
        help="Class weights w, one a class.",
        effect="q_k is multiplied by w_k; the mean is over Σ ω w_c.",
    ))  # fmt: skip
    sample_weight: Float64 | None = field(default=None, metadata=_declare(
        "array", _any_array, "a finite number ≥ 0", entries="row",
        help="Sample weights ω, one a row.",
        effect="q is multiplied by ω; the mean is over Σ ω.",
    ))  # fmt: skip
    ignore_index: int = field(default=-100, metadata=_declare(
        "int", _is_index, "an integer of 64 bits", in_torch=True,
        help="Label of rows that do not count.",
        effect="q is 0 in a row with this label: its loss and gradient are exactly 0.",
    ))  # fmt: skip
    reduction: Reduction = field(default="mean", metadata=_declare(
        "word", _is_reduction, '"mean", "sum" or "none"', in_torch=True,
        help="How the losses of rows are reduced: mean, sum or none.",
        effect="The mean divides q by its denominator.",
    ))  # fmt: skip
    label_smoothing: float = field(default=0.0, metadata=_declare(
        "float", _between(0.0, 1.0), "a number in [0, 1]", in_torch=True,
        help="ε in [0, 1]: the share of the mass that is spread evenly over all classes.",
        effect="q_k is (1 − ε) of what it was, and ε / K more.",
    ))  # fmt: skip
    temperature: float = field(default=1.0, metadata=_declare(
        "float", _between(1e-30, 1e30), _POSITIVE,
        help="T > 0: the logits are divided by it.",
        effect="q stays; a cap comes before it.",
    ))  # fmt: skip
    z_loss: float = field(default=0.0, metadata=_declare(
        "float", _between(0.0, 1e30), "a number from 0 to 1e30",
        help="ζ ≥ 0: adds ζ S lse² to the loss of a row.",
        effect="q stays; the gradient is 2 ζ S lse p more.",
    ))  # fmt: skip
    softcap: float | None = field(default=None, metadata=_declare(
        "float", _between(1e-30, 1e30), _POSITIVE,
        help="κ > 0: the logits become κ tanh(u / κ).",
        effect="q stays; the temperature comes after it.",
    ))  # fmt: skip
    num_items: float | None = field(default=None, metadata=_declare(
        "scalar", _between(1e-30, 1e30), _POSITIVE, losses_only=True,
        help="n > 0: what the mean is divided by, as the rows of a step that is taken in parts.",
        effect="The denominator of the mean, whatever the weights, and however many are ignored.",
    ))  # fmt: skip
    log_base: float | None = field(default=None, metadata=_declare(
        "float", _between(math.nextafter(1, 2), sys.float_info.max),
        "a finite number above 1", explain_only=True, flag="base",
        help="Base B of the logarithm (e by default).",
        effect="q is divided by ln B.",
    ))  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse what has no meaning; array shapes are the business of whoever knows N and K."""
        for name, default, accepts, is_float in _CHECKS:
            value = getattr(self, name)
            if value is default:
                continue
            if not accepts(value):
                option = next(option for option in OPTIONS if option.name == name)
                got = value.item() if isinstance(value, np.generic) else value
                raise InputError(name, option.expected, short_repr(got))
            if is_float and type(value) is not float:  # kernels are compiled for that
                object.__setattr__(self, name, float(value))
        if self.num_items is not None and self.reduction != "mean":
            raise InputError(*beside_a_mean(self.reduction))

    @property
    def plain(self) -> bool:
        """Whether q is the same number at every label, and the loss that of the logits given.

        That number is 1, or 1 over how many labels there are.
        """
        return (
            self.weight is None
            and self.sample_weight is None
            and self.label_smoothing == 0.0
            and self.z_loss == 0.0
            and self.log_base is None
            and self.softcap is None
            and self.temperature == 1.0
            and self.num_items is None
        )

    @property
    def transforms_logits(self) -> bool:
        """Whether z differs from the logits u that were given (a soft-cap or a temperature)."""
        return self.softcap is not None or self.temperature != 1.0


def _declared() -> Iterator[LossOption]:
    for each in fields(Options):
        more = {"flag": each.name, **each.metadata}
        more["flag"] = "--" + more["flag"].replace("_", "-")
        yield LossOption(
            name=each.name, default=each.default, optional=each.default is None, **more
        )


OPTIONS = tuple(_declared())
ARRAYS = tuple(option for option in OPTIONS if option.kind == "array")
TENSORS = tuple(option for option in OPTIONS if option.kind in ("array", "scalar"))
"""The options that are tensors in torch."""
_CHECKS = tuple(
    (o.name, o.default, o.accepts, o.kind in ("float", "scalar"))
    for o in OPTIONS
    if o.kind != "array"
)


DEFAULTS = Options()
"""The options of a call that names none."""


class _SharedLossOptions(TypedDict, total=False):
    """Keyword options of the loss functions and of `pminusy.explain`, for type checkers."""

    weight: ArrayLike | None
    sample_weight: ArrayLike | None
    ignore_index: int
    reduction: Reduction
    label_smoothing: float
    temperature: float
    z_loss: float
    softcap: float | None


class LossOptions(_SharedLossOptions, total=False):
    """Those of the loss functions; `Options` declares them."""

    num_items: SupportsFloat | None


class ExplainedLossOptions(_SharedLossOptions, total=False):
    """Those of `pminusy.explain`."""

    log_base: float | None


def options_of(*, explain: bool) -> tuple[LossOption, ...]:
    """The options of `pminusy.explain`, or those of the loss functions."""
    return tuple(o for o in OPTIONS if not (o.losses_only if explain else o.explain_only))


def first_invalid(given: Any) -> tuple[str, str, Any] | None:
    """Name, expectation and value of the first option of a loss that has no meaning, or None.

    It forms no text of values, so that `torch.compile` can trace it.
    """
    for option in _OF_LOSSES:
        value = getattr(given, option.name)
        if not (option.optional and value is None) and not option.accepts(value):
            return option.name, option.expected, value
    return None


_OF_LOSSES = tuple(o for o in options_of(explain=False) if o not in TENSORS)


def beside_a_mean(reduction: str) -> tuple[str, str, str, str]:
    """What is said of a denominator where no mean is taken."""
    remedy = "divide the sum yourself, or leave num_items out"
    return "num_items", 'None unless reduction="mean"', f"a number with {reduction!r}", remedy


def _parameters() -> str:
    """The options as the section of a docstring."""
    lines = (f"{o.name}\n        {o.help} {o.effect}" for o in OPTIONS)
    return "\n    ".join(lines)


if Options.__doc__ is not None:  # Python may run without docstrings
    Options.__doc__ = Options.__doc__.replace("{parameters}", _parameters())
