"""The exercises learners are set: what is given, what is asked for, what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.core import softmax as core_softmax
from pminusy.core.options import Options
from pminusy.core.trace import Trace
from pminusy.diagnosis.catalogue.head import FROM_PROBABILITIES, HEAD, RIDGE, SOFTMAX
from pminusy.diagnosis.catalogue.layers import LAYER_MISTAKES
from pminusy.diagnosis.catalogue.layers.probes import layer_probes
from pminusy.diagnosis.catalogue.layers.recipes import LAYERS
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.mistakes import gradient, loss, network, options, ridge, softmax
from pminusy.diagnosis.catalogue.network import EPOCH, NETWORK, NETWORK_EPOCH
from pminusy.diagnosis.catalogue.probes import Probe, probes, squares
from pminusy.diagnosis.catalogue.recipe import Change, Recipe, Record

__all__ = ["EXERCISES", "Exercise", "probes_for"]

Array = NDArray[Any]


def _trace(t: Record) -> Trace:
    z = np.asarray(t["z"], dtype=np.float64)
    labels = t.get("y", np.zeros(len(z), dtype=np.intp))  # the softmax alone has none
    options = Options(reduction="none", label_smoothing=float(t.get("eps", 0.0)))
    return Trace(labels, u=z, options=options)


_SPECIFICATION: Mapping[str, Change] = {
    "p": lambda t: _trace(t)["p"].value,
    "log_p": lambda t: core_softmax.log_softmax(np.asarray(t["z"], dtype=np.float64)),
    "L_i": lambda t: _trace(t)["L_i"].value,
    "dL_dz_i": lambda t: _trace(t)["dL_dz"].value / t.get("T", 1.0),
}


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
        Letters its arguments may stand for.
    outputs
        Letters it may return.
    catalogue
        Mistakes it can make.
    regularised
        Whether a strength r can be among its arguments.
    stable
        Steps replaced by `core` where plain formulas lose digits.
    """

    name: str
    title: str
    recipe: Recipe
    given: tuple[str, ...]
    outputs: tuple[str, ...]
    catalogue: tuple[Mistake, ...]
    regularised: bool = False
    stable: Mapping[str, Change] = field(default_factory=dict)

    def truth(self, inputs: Mapping[str, Any]) -> Record:
        """What is right, to the last digits."""
        exact = {
            name: value.astype(np.float64)
            if isinstance(value, np.ndarray) and value.dtype == np.float32
            else value
            for name, value in inputs.items()
        }
        return self.run(exact, self.stable)

    def run(self, inputs: Mapping[str, Any], changes: Mapping[str, Change] | None = None) -> Record:
        """The record of a run; scores that are given are divided by a temperature first."""
        if "T" in inputs and "z" in inputs:
            inputs = {**inputs, "z": inputs["z"] / inputs["T"]}
        if changes and "z" in changes and "z" in inputs:
            inputs = {**inputs, "z": changes["z"]({**inputs})}
        return self.recipe.run(inputs, changes)


_FORWARD = (*softmax.SOFTMAX, *loss.LOSS, *loss.VISIBLE_GUARDS)
_OPTIONS = (*options.TEMPERATURE, *options.SMOOTHING)
_HEAD = (*_FORWARD, *gradient.LOGITS, *_OPTIONS)
_LAYER = (
    *softmax.LINEAR,
    *_HEAD,
    *gradient.WEIGHTS,
    *gradient.BIAS,
    *gradient.INPUTS,
    *ridge.RIDGE,
)
_NETWORK = (*_LAYER, *network.NETWORK_ONLY)
_TRAINED = (*softmax.LINEAR, *softmax.SOFTMAX, *gradient.LOGITS, *gradient.WEIGHTS, *ridge.RIDGE)

EXERCISES = {
    exercise.name: exercise
    for exercise in (
        Exercise(
            "linear", "linear softmax classifier: loss and gradient", HEAD,
            ("X", "W", "b", "y", "r", "T", "eps"),
            ("L", "dL_dW", "dL_db", "dL_dX", "p"), _LAYER,
            regularised=True, stable=_SPECIFICATION,
        ),
        Exercise(
            "logits", "softmax cross-entropy of scores", HEAD,
            ("z", "y", "T", "eps"), ("L", "dL_dz", "p"), _HEAD, stable=_SPECIFICATION,
        ),
        Exercise(
            "probabilities", "cross-entropy of probabilities", FROM_PROBABILITIES,
            ("p", "y", "eps"), ("L",),
            (*loss.LOSS, *loss.VISIBLE_GUARDS, *options.SMOOTHING),
        ),
        Exercise(
            "softmax", "softmax", SOFTMAX, ("z", "T"), ("p",),
            (*softmax.SOFTMAX, *options.TEMPERATURE),
            stable=_SPECIFICATION,
        ),
        Exercise(
            "log_softmax", "logarithm of the softmax", SOFTMAX, ("z", "T"), ("log_p",),
            (*softmax.SOFTMAX, *options.TEMPERATURE),
            stable=_SPECIFICATION,
        ),
        Exercise(
            "ridge", "L2 regulariser: loss and gradient", RIDGE, ("W", "r"), ("R", "dR_dW"),
            ridge.RIDGE, regularised=True,
        ),
        Exercise(
            "network", "two-layer network: loss and gradients", NETWORK,
            ("X0", "W1", "b1", "W", "b", "y", "r"),
            ("L", "dL_dW1", "dL_db1", "dL_dW", "dL_db"),
            _NETWORK, regularised=True, stable=_SPECIFICATION,
        ),
        Exercise(
            "epoch", "softmax regression: one epoch of training", EPOCH,
            ("X", "y", "W", "lr", "batch"), ("after_W",), (*network.EPOCH, *_TRAINED),
            stable=_SPECIFICATION,
        ),
        Exercise(
            "network_epoch", "two-layer network: one epoch of training", NETWORK_EPOCH,
            ("X0", "y", "W1", "W", "lr", "batch"), ("after_W1", "after_W"),
            (*network.EPOCH, *_TRAINED, *network.NETWORK_ONLY), stable=_SPECIFICATION,
        ),
    )
}  # fmt: skip
EXERCISES |= {
    name: Exercise(
        name, name, recipe, ("X",), tuple(step.name for step in recipe.steps), LAYER_MISTAKES[name]
    )
    for name, recipe in LAYERS.items()
}


def probes_for(
    exercise: str, given: tuple[str, ...], single: bool = False, square: str = ""
) -> list[Probe]:
    """Probes of an exercise; with `square`, those on which two sizes agree."""
    if exercise in LAYERS:
        return layer_probes(exercise)
    return squares(given, square) if square else probes(given, single)
