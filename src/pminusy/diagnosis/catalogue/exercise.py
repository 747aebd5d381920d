"""What an exercise is, and what a layer is besides: the two forms of an entry of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, probes, small_inputs, squares
from pminusy.diagnosis.catalogue.recipe import Change, Recipe, Record

__all__ = ["Exercise", "Extreme", "Layer", "Ties", "layer"]


_MOST_KNOWN = 1000  # inputs of an exercise whose right results are kept


def _content(value: Any) -> Any:
    """What tells one input from another."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return repr(value)


@dataclass(frozen=True)
class Exercise:
    """One kind of function.

    Parameters
    ----------
    name, title
        Its name here, and what it is called in a report.
    recipe
        The steps.
    given
        Quantities its arguments may stand for.
    outputs
        Quantities it may return.
    mistakes
        What can go wrong in it, the usual mistakes of a step first.
    regularised
        Whether a strength r can be among its arguments.
    exact
        Steps computed by `core` where the plain formulas lose digits.
    """

    name: str
    title: str
    recipe: Recipe
    given: tuple[str, ...]
    outputs: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    regularised: bool = False
    exact: Mapping[str, Change] = field(default_factory=dict)
    _known: dict[Any, Record] = field(default_factory=dict, init=False, repr=False, compare=False)

    def truth(self, inputs: Mapping[str, Any]) -> Record:
        """What is right, to the last digits; remembered, as all of a class meet the same inputs."""
        key = tuple((name, _content(value)) for name, value in sorted(inputs.items()))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = self._truth(inputs)
        return dict(found)

    def _truth(self, inputs: Mapping[str, Any]) -> Record:
        in_double = {
            name: value.astype(np.float64)
            if isinstance(value, np.ndarray) and value.dtype == np.float32
            else value
            for name, value in inputs.items()
        }
        return self.run(in_double, self.exact)

    def run(self, inputs: Mapping[str, Any], changes: Mapping[str, Change] | None = None) -> Record:
        """The record of a run; scores that are given are divided by a temperature first."""
        if "T" in inputs and "z" in inputs:
            inputs = {**inputs, "z": inputs["z"] / inputs["T"]}
        if changes and "z" in changes and "z" in inputs:
            inputs = {**inputs, "z": changes["z"]({**inputs})}
        return self.recipe.run(inputs, changes)

    def probes(self, given: tuple[str, ...], single: bool = False, square: str = "") -> list[Probe]:
        """Ordinary inputs; with `square`, those on which two sizes agree."""
        return squares(given, square) if square else probes(given, single)

    def small_inputs(self, given: tuple[str, ...], single: bool) -> Iterator[Inputs]:
        """Ever larger inputs of whole and half numbers, to be followed by hand."""
        return small_inputs(given, single)


@dataclass(frozen=True)
class Ties:
    """Inputs at which a derivative is a matter of convention.

    `choices` has every usual gradient of these inputs, by what is said of it. `where` says where
    such inputs are, and `id` names the mistake of following none of the choices.
    """

    id: str
    where: str
    inputs: Inputs
    choices: Mapping[str, Any]


@dataclass(frozen=True)
class Extreme:
    """Inputs that lose digits, and what is said of a layer that loses them."""

    name: str
    inputs: Inputs
    id: str
    sentence: str
    wrong: str
    right: str
    shown: str


@dataclass(frozen=True, kw_only=True)
class Layer(Exercise):
    """A layer before the head: `NAME_forward` with its `NAME_backward`, or the forward pass alone.

    Parameters
    ----------
    functions
        Pattern of the names that functions of this layer begin with.
    arguments
        Quantities the forward pass takes, in order; "settings" is a dictionary.
    settings
        Entries of that dictionary, and the quantity of each.
    test_mode
        Whether it computes something else in test mode.
    ordinary, small
        Its probes, and ever larger inputs to be followed by hand.
    derivation, lines
        The kind of layer in the derivation, and for each step the line it is there.
    ties, extremes
        Inputs of convention, and inputs that lose digits.
    """

    functions: str
    arguments: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    test_mode: bool = False
    ordinary: Callable[[], list[Probe]]
    small: Callable[[], Iterator[Inputs]]
    derivation: str
    lines: Mapping[str, str]
    ties: Ties | None = None
    extremes: tuple[Extreme, ...] = ()

    @property
    def gradients(self) -> tuple[str, ...]:
        """Quantities the backward pass returns, in order."""
        return tuple(name for name in self.outputs if name.startswith("dL_d"))

    def probes(self, given: tuple[str, ...], single: bool = False, square: str = "") -> list[Probe]:
        """Ordinary inputs; a layer always takes a batch, and all of its arrays."""
        del given, single, square
        return self.ordinary()

    def small_inputs(self, given: tuple[str, ...], single: bool) -> Iterator[Inputs]:
        """Ever larger inputs of whole and half numbers, to be followed by hand."""
        del given, single
        return self.small()


def layer(name: str, recipe: Recipe, mistakes: tuple[Mistake, ...], **declared: Any) -> Layer:
    """A layer that may return any of its steps."""
    outputs = tuple(step.name for step in recipe.steps)
    return Layer(name, name, recipe, ("X",), outputs, mistakes, **declared)
