"""The softmax cross-entropy head for PyTorch: torch's names and defaults, our digits.

On CPU the kernels run, on torch's own memory. Under `torch.compile`, `torch.func`, forward-mode
differentiation, and for second derivatives and other devices, the same formulas run as torch
operations (`plain`), to the same results.
"""

from __future__ import annotations

from pminusy.torch import scripting  # noqa: F401  # registers operators
from pminusy.torch.linear import linear_cross_entropy
from pminusy.torch.loss import cross_entropy
from pminusy.torch.modules import CrossEntropyLoss, LinearCrossEntropyLoss
from pminusy.torch.outputs import cross_entropy_outputs, linear_cross_entropy_outputs

__all__ = [
    "CrossEntropyLoss",
    "LinearCrossEntropyLoss",
    "cross_entropy",
    "cross_entropy_outputs",
    "linear_cross_entropy",
    "linear_cross_entropy_outputs",
]
