"""Where the lines about one layer are proved.

For any size: L = Σ c ⊙ o with arbitrary c, so ∂L/∂o = c stands for all that comes after. At the
reader's numbers, where the network is small and differentiable there: L is the real loss,
through every later layer and the head. Elsewhere the layer stands alone: L = Σ g ⊙ o with the g
that back-propagation brings, at a few entries of each line.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pminusy.derivation.engine.decimals import Decimals, as_array, decimals, exact_array
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.samples import SampledEvaluator
from pminusy.derivation.layers.exact import environments
from pminusy.derivation.layers.head import HeadNumbers
from pminusy.derivation.layers.run import LayerRun
from pminusy.derivation.layers.statements import statements
from pminusy.derivation.layers.symbols import append_head, append_layer, layer_symbols
from pminusy.derivation.steps.context import Computed
from pminusy.derivation.tree import Ref, Relation

__all__ = ["LayerContext"]

NUDGE = decimals.mpf(10) ** -18
"""How far entries at a kink are moved: far more than the step of a difference quotient."""

_DIGITS = 80
"""Digits of a layer that stands alone: one difference quotient loses 22 of them."""

_SAME_AS = {"full": "da", "flipped": "da"}
_LETTERS = {"da": "a", "dW": "W", "db": "b", "dgamma": "gamma", "dbeta": "beta", "dE": "E"}
_ULPS = 2.0**16
"""A layer sums hundreds of products, and batch norm divides by a variance that may be small."""


@dataclass(frozen=True, eq=False)
class LayerContext:
    """One layer, and the loss as a function of what comes out of it.

    `upstream` and `gradients` are those of `core`, the latter by step suffix; the lines are
    compared with them. `alone` says that the layer is looked at by itself. Otherwise numbers are
    exact from the network's input on: `before` is the context of the layer before, None for the
    first; `after` is that of the layer behind, None before the head.
    """

    layer: LayerRun
    gradients: Mapping[str, Any]
    upstream: Any
    later: tuple[LayerRun, ...]
    head: HeadNumbers
    alone: bool = False
    before: LayerContext | None = field(default=None, repr=False)
    after: LayerContext | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Tell the layer before who follows it."""
        if self.before is not None:
            object.__setattr__(self.before, "after", self)

    def kind(self, relation: Relation) -> Hashable:
        """Kind of layer, and what of its shape a statement depends on."""
        del relation
        return ("layer", self.layer.form)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many places each index of this layer has."""
        form = self.layer.form
        about = statements(form)
        spaces = (index.space for index in (*about.inputs, *about.outputs))
        shapes = (*self.layer.inputs.shape, *self.layer.outputs.shape)
        sizes = dict(zip(spaces, shapes, strict=True))
        sizes |= {space: axis.kernel for space, axis in zip("EF", form.axes, strict=False)}
        return sizes | {
            space: axis.stride * (sizes[windows] - 1) + 1
            for space, windows, axis in zip("VX", "QR", form.axes, strict=False)
        }

    @cached_property
    def numbers(self) -> Evaluator:
        """The reader's numbers."""
        return self._sampled() if self.alone else self._whole()

    def _sampled(self) -> SampledEvaluator:
        """The layer by itself; entries at kinks and in ties moved below them."""
        layer = self.layer
        moved = {
            place: decimals.mpf(float(layer.inputs[place])) - count * NUDGE
            for count, place in enumerate(layer.nudged, start=1)
        }
        values = {**layer.values, "a": layer.inputs, "g": self.upstream}
        recorded = {_LETTERS[key]: array for key, array in self.gradients.items()}
        environment = Environment(
            layer_symbols(layer.form, alone=True), self.sizes, values, digits=_DIGITS
        )
        return SampledEvaluator(
            environment, {**recorded, "o": self.upstream}, layer.outputs, {"a": moved}
        )

    def _whole(self) -> Evaluator:
        """With every later layer behind this one."""
        symbols, sizes = layer_symbols(self.layer.form), dict(self.sizes)
        values = self._values()
        last = "o"
        for place, later in enumerate(self.later, start=1):
            own = {name: exact_array(value) for name, value in later.values.items()}
            last = append_layer(symbols, sizes, values, later.form, own, later.outputs.shape,
                                f"_{place}", last)  # fmt: skip
        append_head(symbols, values, self.head, last)
        evaluator = Evaluator(Environment(symbols, sizes, values), Decimals())
        if self.after is not None:
            evaluator.set_array("g", self.after.slopes.reshape(self.layer.outputs.shape))
        return evaluator

    def _values(self) -> dict[str, Any]:
        inputs = self.layer.inputs
        values = {name: exact_array(value) for name, value in self.layer.values.items()}
        values["a"] = (
            exact_array(inputs) if self.before is None else self.before.exact.reshape(inputs.shape)
        )
        return values

    @cached_property
    def exact(self) -> Any:
        """What comes out, not rounded."""
        environment = Environment(layer_symbols(self.layer.form), self.sizes, self._values())
        return Evaluator(environment, Decimals()).array("o")

    @cached_property
    def slopes(self) -> Any:
        """∂L/∂a, entry by entry: what the layer before takes as its g."""
        at = self.numbers
        shape = self.layer.inputs.shape
        flat = [at.derivative(Ref("L"), "a", place, {}) for place in np.ndindex(shape)]
        return as_array(flat).reshape(shape)

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """Small environments of different sizes, on different sides of the kinks."""
        return environments(self.layer.form)

    def sizes_for_any(self, relation: Relation, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """None: a layer is proved for its own sizes."""
        del relation, sizes
        return ()

    def computed(self, step: str) -> Iterator[Computed]:
        """What `core.layers` gives, to a small part of the largest entry."""
        suffix = step.rpartition("_")[2]
        made = {**self.gradients, "forward": self.layer.outputs}
        known = made.get(_SAME_AS.get(suffix, suffix))
        if known is not None:
            values = np.asarray(known, dtype=np.float64)
            largest = max(1.0, float(np.abs(values).max(initial=0.0)))
            scale = np.broadcast_to(largest, values.shape)
            yield Computed(suffix, values, _ULPS, scale, room="core.layers")
