"""The array functions: check the arguments, resolve the options, run an implementation.

Conventions: logits `z` (..., K) with classes on the last axis; `y` class indices of shape (...) or
soft targets (..., K); inputs `X` (N, D), weights `W` (K, D), bias `b` (K,) or None. float32 and
float64 arrays give results of their own type; lists and integers are taken as float64. The options
of every loss are those of `pminusy.core.options.Options`: `weight`, `sample_weight`,
`ignore_index`, `label_smoothing`, `reduction`, `temperature`, `z_loss`, `softcap`, `num_items`.
"""

from pminusy.ops.linear import (
    LinearGradient,
    LinearHVP,
    linear_cross_entropy,
    linear_cross_entropy_grad,
    linear_cross_entropy_hvp,
)
from pminusy.ops.loss import (
    LossAndGradient,
    cross_entropy,
    cross_entropy_grad,
    cross_entropy_hvp,
)
from pminusy.ops.outputs import (
    LossOutputs,
    cross_entropy_outputs,
    linear_cross_entropy_outputs,
)
from pminusy.ops.probabilities import log_softmax, logsumexp, softmax, softmax_jacobian

__all__ = [
    "LinearGradient",
    "LinearHVP",
    "LossAndGradient",
    "LossOutputs",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "cross_entropy_outputs",
    "linear_cross_entropy",
    "linear_cross_entropy_grad",
    "linear_cross_entropy_hvp",
    "linear_cross_entropy_outputs",
    "log_softmax",
    "logsumexp",
    "softmax",
    "softmax_jacobian",
]
