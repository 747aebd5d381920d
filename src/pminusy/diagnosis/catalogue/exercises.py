"""The catalogue: every exercise learners are set, with the mistakes it can have.

A new style of exercise is an entry in `EXERCISES`. A new mistake is an entry in a tuple of
`mistakes`, or of a layer's file, and so in every exercise that has the tuple.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pminusy.core import softmax as core_softmax
from pminusy.core.options import Options
from pminusy.core.trace import Trace
from pminusy.diagnosis.catalogue.exercise import Exercise
from pminusy.diagnosis.catalogue.head import (
    FROM_PROBABILITIES,
    HEAD,
    OF_PARAMETERS,
    RIDGE,
    SOFTMAX,
    SOFTMAX_LAYER,
    TO_SCORES,
)
from pminusy.diagnosis.catalogue.layers import LAYERS
from pminusy.diagnosis.catalogue.mistakes import (
    gradient,
    loss,
    network,
    operations,
    options,
    ridge,
    softmax,
    weights,
)
from pminusy.diagnosis.catalogue.network import EPOCH, NETWORK, NETWORK_EPOCH, NETWORK_FORWARD
from pminusy.diagnosis.catalogue.recipe import Change, Record
from pminusy.diagnosis.catalogue.weighted import WEIGHTED

__all__ = ["EXERCISES"]


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
# Other operations come last: a mistake with a name of its own is the better explanation.
_OTHER_HEAD = (*operations.SOFTMAX, *operations.LOSS, *operations.LOGITS)
_OTHER_LAYER = (
    *operations.LINEAR,
    *_OTHER_HEAD,
    *operations.WEIGHTS,
    *operations.PENALTY,
)
_OTHER_TRAINED = (
    *operations.LINEAR,
    *operations.SOFTMAX,
    *operations.LOGITS,
    *operations.WEIGHTS,
    *operations.PENALTY,
)
_OTHER_PENALTY = tuple(m for m in operations.PENALTY if m.step == "R")

EXERCISES = {
    exercise.name: exercise
    for exercise in (
        Exercise(
            "linear", "linear softmax classifier: loss and gradient", HEAD,
            ("X", "W", "b", "y", "r", "T", "eps"),
            ("L", "dL_dW", "dL_db", "dL_dX", "p"), (*_LAYER, *_OTHER_LAYER),
            regularised=True, exact=_SPECIFICATION,
        ),
        Exercise(
            "logits", "softmax cross-entropy of scores", HEAD,
            ("z", "y", "T", "eps"), ("L", "dL_dz", "p"), (*_HEAD, *_OTHER_HEAD),
            exact=_SPECIFICATION,
        ),
        Exercise(
            "probabilities", "cross-entropy of probabilities", FROM_PROBABILITIES,
            ("p", "y", "eps"), ("L", "dL_dp"),
            (
                *loss.LOSS, *loss.VISIBLE_GUARDS, *gradient.PROBABILITIES, *options.SMOOTHING,
                *operations.LOSS,
            ),
        ),
        Exercise(
            "probabilities to scores", "cross-entropy of probabilities, gradient at the scores",
            TO_SCORES, ("p", "y"), ("L", "dL_dz"),
            (
                *loss.LOSS, *loss.VISIBLE_GUARDS, *gradient.LOGITS, *operations.LOSS,
                *operations.LOGITS,
            ),
        ),
        Exercise(
            "probabilities and parameters", "cross-entropy of probabilities with L2 of the weights",
            OF_PARAMETERS, ("p", "y", "W1", "b1", "W", "b", "r"), ("L",),
            (
                *loss.LOSS, *loss.VISIBLE_GUARDS,
                *ridge.averaged((*ridge.RIDGE, *network.PENALTIES)), *operations.LOSS,
                *ridge.averaged(_OTHER_PENALTY),
            ),
            regularised=True,
        ),
        Exercise(
            "probabilities and weights", "cross-entropy of probabilities with L2 of the weights",
            FROM_PROBABILITIES, ("p", "y", "W1", "b1", "W", "b", "r"), ("L",),
            (
                *loss.LOSS, *loss.VISIBLE_GUARDS,
                *(m for m in (*ridge.RIDGE, *network.PENALTIES) if m.step == "R" and not m.also),
                *operations.LOSS, *_OTHER_PENALTY,
            ),
            regularised=True,
        ),
        Exercise(
            "network probabilities", "two-layer network: forward pass", NETWORK_FORWARD,
            ("X0", "W1", "b1", "W", "b"), ("p",),
            (
                *softmax.LINEAR, *softmax.SOFTMAX, *network.FORWARD, *operations.LINEAR,
                *operations.SOFTMAX, *(m for m in operations.HIDDEN if m.step == "a1"),
            ),
            exact=_SPECIFICATION,
        ),
        Exercise(
            "softmax and labels", "softmax and the gradient of its cross-entropy", HEAD,
            ("z", "y"), ("p", "dL_dz"),
            (*softmax.SOFTMAX, *gradient.LOGITS, *operations.SOFTMAX, *operations.LOGITS),
            exact=_SPECIFICATION,
        ),
        Exercise(
            "class probabilities", "linear softmax classifier: probabilities", SOFTMAX,
            ("X", "W", "b", "T"), ("p",),
            (
                *softmax.LINEAR, *softmax.SOFTMAX, *options.FORWARD_TEMPERATURE,
                *operations.LINEAR, *operations.SOFTMAX,
            ),
            exact=_SPECIFICATION,
        ),
        Exercise(
            "weighted logits", "softmax cross-entropy of scores, rows weighted", WEIGHTED,
            ("z", "y", "cw", "sw", "ignore", "gamma", "balance", "T"), ("L", "dL_dz", "p"),
            (
                *softmax.SOFTMAX, *weights.of_weighted_rows((*loss.LOSS, *gradient.LOGITS)),
                *weights.WEIGHTS, *weights.FOCAL, *operations.SOFTMAX,
                *weights.of_weighted_rows((*operations.LOSS, *operations.LOGITS)),
            ),
            exact={"p": _SPECIFICATION["p"], "log_p": _SPECIFICATION["log_p"]},
        ),
        Exercise(
            "softmax", "softmax", SOFTMAX, ("z", "T"), ("p",),
            (*softmax.SOFTMAX, *options.TEMPERATURE, *operations.SOFTMAX),
            exact=_SPECIFICATION,
        ),
        Exercise(
            "softmax layer", "softmax layer: forward and backward", SOFTMAX_LAYER,
            ("z", "T", "g"), ("p", "dL_dz"),
            (*softmax.SOFTMAX, *softmax.BACKWARD, *operations.SOFTMAX),
            exact={"p": _SPECIFICATION["p"]},
        ),
        Exercise(
            "log_softmax", "logarithm of the softmax", SOFTMAX, ("z", "T"), ("log_p",),
            (*softmax.SOFTMAX, *options.TEMPERATURE, *operations.SOFTMAX),
            exact=_SPECIFICATION,
        ),
        Exercise(
            "ridge", "L2 regulariser: loss and gradient", RIDGE, ("W", "r"), ("R", "dR_dW"),
            (*ridge.RIDGE, *operations.PENALTY), regularised=True,
        ),
        Exercise(
            "network", "two-layer network: loss and gradients", NETWORK,
            ("X0", "W1", "b1", "W", "b", "y", "r"),
            ("L", "dL_dW1", "dL_db1", "dL_dW", "dL_db"),
            (*_NETWORK, *_OTHER_LAYER, *operations.HIDDEN), regularised=True, exact=_SPECIFICATION,
        ),
        Exercise(
            "network_backward", "two-layer network: backward pass", NETWORK,
            ("X0", "W1", "b1", "W", "b", "y"),
            ("dL_dW1", "dL_db1", "dL_dW", "dL_db"),
            (*_NETWORK, *_OTHER_LAYER, *operations.HIDDEN), exact=_SPECIFICATION,
        ),
        Exercise(
            "epoch", "softmax regression: one epoch of training", EPOCH,
            ("X", "y", "W", "lr", "batch", "r", "T"), ("after_W",),
            (
                *network.EPOCH, *_TRAINED, *options.TEMPERATURE, *operations.EPOCH,
                *_OTHER_TRAINED,
            ),
            regularised=True, exact=_SPECIFICATION,
        ),
        Exercise(
            "network_epoch", "two-layer network: one epoch of training", NETWORK_EPOCH,
            ("X0", "y", "W1", "W", "lr", "batch"), ("after_W1", "after_W"),
            (
                *network.EPOCH, *_TRAINED, *network.NETWORK_ONLY, *operations.EPOCH,
                *_OTHER_TRAINED, *operations.HIDDEN,
            ),
            exact=_SPECIFICATION,
        ),
    )
}  # fmt: skip
EXERCISES |= {layer.name: layer for layer in LAYERS}
