"""Where the lines about a layer are proved.

For any size: L = Σ c ⊙ o with arbitrary c, so ∂L/∂o = c stands for all that comes after. At the
reader's numbers: L is the real loss, through every later layer and the head, so the gradient at the
first layer's input is proved from end to end.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pminusy.derivation.engine.decimals import Decimals, as_array, decimals, exact_array
from pminusy.derivation.engine.environment import Environment, Symbol
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.layers.exact import environments
from pminusy.derivation.layers.head import HeadNumbers
from pminusy.derivation.layers.run import LayerRun
from pminusy.derivation.layers.statements import statements
from pminusy.derivation.layers.symbols import append_head, append_layer, layer_symbols
from pminusy.derivation.steps.context import Computed
from pminusy.derivation.tree import Ref, Relation

__all__ = ["LayerContext"]

NUDGE = decimals.mpf(10) ** -18
"""How far blocked entries in a tie are moved: far more than the step of a difference quotient."""

_SAME_AS = {"full": "da", "flipped": "da"}
_ULPS = 2.0**16
"""A layer sums hundreds of products, and batch norm divides by a variance that may be small."""


@dataclass(frozen=True, eq=False)
class LayerContext:
    """One layer, and the loss as a function of what comes out of it.

    `gradients` are those of `core.layers`, by step suffix, to be compared with the lines'.
    Numbers are exact from the network's input on: `before` is the context of the layer before, None
    for the first; `after` is that of the layer behind, None before the head.
    """

    layer: LayerRun
    gradients: Mapping[str, Any]
    later: tuple[LayerRun, ...]
    head: HeadNumbers
    before: LayerContext | None = field(default=None, repr=False)
    after: LayerContext | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """Tell the layer before who follows it."""
        if self.before is not None:
            object.__setattr__(self.before, "after", self)

    @property
    def kind(self) -> Hashable:
        """Kind of layer, and what of its shape a statement depends on."""
        return ("layer", self.layer.form)

    @cached_property
    def numbers(self) -> Evaluator:
        """The reader's numbers, with every later layer behind them."""
        symbols, sizes, values = self._own(nudged=True)
        last = "o"
        for place, later in enumerate(self.later, start=1):
            own = {name: exact_array(value) for name, value in later.values.items()}
            last = append_layer(symbols, sizes, values, later.form, own, later.outputs.shape,
                                f"_{place}", last)  # fmt: skip
        append_head(symbols, values, self.head, last)
        evaluator = Evaluator(Environment(symbols, sizes, values), Decimals())
        if self.after is not None and not (self.layer.nudged or self.after.layer.nudged):
            evaluator.set_array("g", self.after.slopes.reshape(self.layer.outputs.shape))
        return evaluator

    def _own(self, *, nudged: bool) -> tuple[dict[str, Symbol], dict[str, int], dict[str, Any]]:
        """Symbols, sizes and values of this layer alone."""
        form, inputs = self.layer.form, self.layer.inputs
        about = statements(form)
        values = {name: exact_array(value) for name, value in self.layer.values.items()}
        values["a"] = (
            exact_array(inputs) if self.before is None else self.before.exact.reshape(inputs.shape)
        )
        for count, place in enumerate(self.layer.nudged if nudged else (), start=1):
            values["a"] = np.array(values["a"], copy=True) if count == 1 else values["a"]
            values["a"][place] = values["a"][place] - count * NUDGE
        spaces = (index.space for index in (*about.inputs, *about.outputs))
        sizes = dict(zip(spaces, (*inputs.shape, *self.layer.outputs.shape), strict=True))
        sizes |= {space: axis.kernel for space, axis in zip("EF", form.axes, strict=False)}
        sizes |= {
            space: axis.stride * (sizes[windows] - 1) + 1
            for space, windows, axis in zip("VX", "QR", form.axes, strict=False)
        }
        return layer_symbols(form), sizes, values

    @cached_property
    def exact(self) -> Any:
        """What comes out, not rounded."""
        symbols, sizes, values = self._own(nudged=False)
        return Evaluator(Environment(symbols, sizes, values), Decimals()).array("o")

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

    def computed(self, step: str) -> Iterator[Computed]:
        """What `core.layers` gives, to a small part of the largest entry."""
        suffix = step.rpartition("_")[2]
        made = {**self.gradients, "forward": self.layer.outputs}
        known = made.get(_SAME_AS.get(suffix, suffix))
        if known is not None:
            values = np.asarray(known, dtype=np.float64)
            largest = max(1.0, float(np.abs(values).max(initial=0.0)))
            scale = np.full(values.shape, largest)
            yield Computed(suffix, values, _ULPS, scale, room="core.layers")
