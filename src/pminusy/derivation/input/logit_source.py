"""Where the logits come from: themselves, probabilities, or a linear layer; one row or a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pminusy.derivation.input.reading import as_typed, numbers
from pminusy.derivation.input.request import Request
from pminusy.errors import InputError

__all__ = ["MOST_CLASSES", "LogitSource", "logit_source"]

_OFF_BY = 1e-9
MOST_CLASSES = 5_000
"""More classes take minutes: each sum is taken in 110 digits."""


@dataclass(frozen=True, eq=False)
class LogitSource:
    """Logits, or the layer that makes them.

    Attributes
    ----------
    kind
        "logits", "probabilities" or "layer".
    logits
        (K,) or (N, K); None where they come from a layer.
    x, W, b
        The layer: (D,) or (N, D), (K, D), (K,).
    typed
        Of these, by name, the ones that were typed as decimals which no float64 holds.
    """

    kind: str
    logits: Any = None
    x: Any = None
    W: Any = None
    b: Any = None
    typed: Mapping[str, Any] = field(default_factory=dict)

    def exact(self, name: str) -> Any:
        """One of the arrays, to the last digit of what was typed."""
        return self.typed.get(name, getattr(self, name))

    @property
    def rows(self) -> Any:
        """What has one row a sample."""
        return self.x if self.kind == "layer" else self.logits

    @property
    def batch(self) -> bool:
        """Whether there are several rows."""
        return np.ndim(self.rows) == 2

    @property
    def K(self) -> int:
        """Number of classes."""
        return len(self.W) if self.kind == "layer" else int(self.logits.shape[-1])

    @property
    def D(self) -> int:
        """Number of features; 1 without a layer."""
        return int(self.W.shape[1]) if self.kind == "layer" else 1

    def row(self, row: int) -> LogitSource:
        """One row of a batch."""
        by_row = "x" if self.kind == "layer" else "logits"
        typed = {k: v[row] if k == by_row else v for k, v in self.typed.items()}
        return replace(self, **{by_row: getattr(self, by_row)[row]}, typed=typed)


def logit_source(request: Request) -> LogitSource:
    """The one source of logits that was given; what would change nothing beside it is refused."""
    sources = {"z": request.z, "probabilities": request.probabilities, "x": request.x}
    named = [name for name, value in sources.items() if value is not None]
    if len(named) != 1:
        raise InputError(
            "what to explain",
            "logits (z), probabilities, or a layer (x, W and b): one of the three",
            " and ".join(named) or "nothing",
        )
    if request.z is not None:
        z = _logits(numbers("z", request.z))
        found = LogitSource("logits", z, typed=_typed(logits=(request.z, z)))
    elif request.probabilities is not None:
        p = numbers("probabilities", request.probabilities)
        logits = _from_probabilities(p, as_typed(request.probabilities, p), request.normalise)
        found = LogitSource("probabilities", logits)
    else:
        found = _layer(request.x, request.W, request.b)
    _refuse_unused(request, found)
    if found.K > MOST_CLASSES:
        remedy = "leave out classes of small probability: every step has all of them"
        name = "W" if found.kind == "layer" else named[0]
        raise InputError(name, f"at most {MOST_CLASSES:,} classes", f"{found.K:,}", remedy)
    return found


def _refuse_unused(request: Request, found: LogitSource) -> None:
    layer = found.kind == "layer"
    weights = request.W is not None or request.b is not None
    unused = {
        "W and b": (weights and not layer, "an input x, for which they make the logits"),
        "features": (
            request.features is not None and not layer,
            "a layer (x, W and b) that has features",
        ),
        "steps": (request.steps != 1 and not layer, "a layer (x, W and b) whose weights can move"),
        "normalise": (request.normalise and found.kind != "probabilities", "probabilities"),
        "row": (request.row != 0 and not found.batch, "a batch of several rows"),
        "reduction": (
            request.options.reduction != "mean" and not found.batch,
            "a batch of several rows",
        ),
    }
    if request.grad_output is not None and request.options.reduction != "none":
        raise InputError(
            "grad_output", 'reduction="none" beside it', repr(request.options.reduction)
        )
    for name, (refused, needs) in unused.items():
        if refused:
            raise InputError(name, f"{needs} beside it", f"{found.kind} alone", "leave it out")


def _logits(z: Any) -> Any:
    if z.ndim > 2:
        raise InputError("z", "one row of logits, or one a sample", f"shape {z.shape}")
    if z.shape[-1] < 2:
        raise InputError("z", "at least 2 logits", str(z.shape[-1]), "give both, (0, z) for z")
    bad = np.isnan(z) | (z == np.inf)
    if bad.any():
        place = ", ".join(map(str, np.argwhere(bad)[0]))
        value = z[bad][0]
        effect = (
            "NaN spreads to every probability of its row"
            if np.isnan(value)
            else "+∞ is a certain class (p = 1): there is nothing left to derive"
        )
        raise InputError(f"z[{place}]", "a finite logit, or -inf for a mask", str(value), effect)
    return z


def _typed(**given: tuple[Any, Any]) -> Mapping[str, Any]:
    """What was given beside its float64, by name: the arrays that these do not hold exactly."""
    found = {name: (as_typed(value, array), array) for name, (value, array) in given.items()}
    return {name: exact for name, (exact, array) in found.items() if exact is not array}


def _from_probabilities(p: Any, typed: Any, normalise: bool) -> Any:
    if p.ndim != 1 or len(p) < 2:
        raise InputError("probabilities", "at least 2 numbers in a row", f"shape {p.shape}")
    bad = ~(np.isfinite(p) & (p >= 0))
    if bad.any():
        k = int(bad.argmax())
        raise InputError(f"probabilities[{k}]", "a finite number ≥ 0", f"{p[k]:g}")
    off = math.fsum(p) - 1.0
    if abs(off) > _OFF_BY and not normalise:
        raise InputError(
            "probabilities", "numbers that sum to 1", f"a sum that is off by {off:+.6g}",
            "pass --normalise (normalise=True) to divide by the sum",
        )  # fmt: skip
    from pminusy.derivation.engine.decimals import decimals  # loads mpmath

    exact = [decimals.mpf(value) for value in typed]
    total = decimals.fsum(exact)
    # a probability of exactly 0 is a masked class
    return np.array(
        [decimals.ln(value / total) if value else decimals.ninf for value in exact], dtype=object
    )


def _layer(x: Any, W: Any, b: Any) -> LogitSource:
    if W is None:
        raise InputError("W", "the weights of the layer beside x, one row a class", "nothing")
    given = {"x": x, "W": W, "b": b}
    x, W = numbers("x", x), numbers("W", W)
    if W.ndim != 2 or W.shape[0] < 2:
        raise InputError("W", "shape (K, D), one row a class, K at least 2", f"shape {W.shape}")
    if x.ndim > 2 or x.shape[-1] != W.shape[1]:
        remedy = "W has one row a class: transpose it" if x.shape[-1] == W.shape[0] else ""
        raise InputError("x", f"{W.shape[1]} features, as W has", f"shape {x.shape}", remedy)
    b = np.zeros(W.shape[0]) if b is None else numbers("b", b)
    if b.shape != (W.shape[0],):
        raise InputError("b", f"one number a class, {W.shape[0]}", f"shape {b.shape}")
    for name, array in (("x", x), ("W", W), ("b", b)):
        if not np.isfinite(array).all():
            place = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
            raise InputError(
                f"{name}[{place}]", "a finite number", str(array[~np.isfinite(array)][0])
            )
    arrays = {"x": x, "W": W, "b": b}
    pairs = {name: (given[name], array) for name, array in arrays.items()}
    pairs = {name: pair for name, pair in pairs.items() if pair[0] is not None}
    return LogitSource("layer", **arrays, typed=_typed(**pairs))
