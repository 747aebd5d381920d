"""What is asked of a derivation: numbers, options of the loss and how to show it, in one object.

The Python function, the command line and the derivation itself all pass this on; `explain` in
`pminusy.api` says what each field is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pminusy.core.options import ARRAYS, OPTIONS, LossOption, Options
from pminusy.derivation.input.reading import numbers
from pminusy.derivation.tree.notation import notation
from pminusy.errors import InputError

__all__ = ["DEPTHS", "ROUTES", "Request", "request_of"]

ROUTES = ("all", "long", "sparse", "direct")
DEPTHS = ("result", "outline", "full")
_HINTS = (0, 1, 2, 3)
_MOST_STEPS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """The parameters of `pminusy.explain`.

    Each is checked here as far as it can be on its own; what must fit together is checked where it
    meets, in `given`, `setup` and `build`.

    Attributes
    ----------
    options
        The options of the loss as `core` has them.
    """

    y: Any = None
    z: ArrayLike | None = None
    probabilities: ArrayLike | None = None
    x: ArrayLike | None = None
    W: ArrayLike | None = None
    b: ArrayLike | None = None
    normalise: bool = False
    classes: Sequence[str] | None = None
    features: Sequence[str] | None = None
    row: int = 0
    rate: float = 0.1
    steps: int = 1
    ridge: float = 0.1
    network: str | None = None
    network_layers: str | None = None
    layer: str | int | None = None
    seed: int = 0
    route: str = "long"
    chapters: Sequence[str] | None = None
    article: str | None = None
    depth: str | None = None
    notation: str | None = None
    hints: int = 0
    digits: int = 5
    grad_output: ArrayLike | None = None
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        """Refuse what no numbers could make sense of."""
        _one_of("route", self.route, ROUTES)
        _one_of("depth", self.depth, (*DEPTHS, None))
        _one_of("hints", self.hints, _HINTS)
        _whole("digits", self.digits, 1, 30)
        _whole("steps", self.steps, 1, _MOST_STEPS)
        notation(self.notation or "p")
        _listed("chapters", self.chapters)
        _number("rate", self.rate, "a finite number above 0", self.rate > 0)
        _number("ridge", self.ridge, "a finite number ≥ 0", self.ridge >= 0)


def request_of(**asked: Any) -> Request:
    """The request that has these fields, the options of the loss among them by their own names."""
    loss = {option.name: asked.pop(option.name) for option in OPTIONS if option.name in asked}
    for option in ARRAYS:
        if loss.get(option.name) is not None:
            loss[option.name] = _weights(option, loss[option.name])
    return Request(**asked, options=Options(**loss))


def _one_of(name: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        words = [str(word) for word in known if word is not None]
        expected = f"{', '.join(words[:-1])} or {words[-1]}"
        raise InputError(name, expected, repr(value))


def _listed(name: str, value: Any) -> None:
    if value is not None and (isinstance(value, str) or not all(isinstance(v, str) for v in value)):
        raise InputError(name, "a list of names", repr(value)[:60])


def _whole(name: str, value: Any, least: int, most: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        raise InputError(name, f"a whole number from {least} to {most}", repr(value))


def _number(name: str, value: float, expected: str, holds: bool) -> None:
    if not (math.isfinite(value) and holds):
        raise InputError(name, expected, f"{value:g}")


def _weights(option: LossOption, value: Any) -> Any:
    """Numbers of an array; one number is that of one row."""
    array = numbers(option.name, np.atleast_1d(value) if option.entries == "row" else value)
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        place = ", ".join(map(str, np.argwhere(wrong)[0]))
        raise InputError(f"{option.name}[{place}]", option.expected, f"{array[wrong][0]:g}")
    return array
