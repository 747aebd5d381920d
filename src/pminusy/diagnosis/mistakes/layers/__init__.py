"""Mistakes in the layers before the head, one layer a file."""

from collections.abc import Mapping

from pminusy.diagnosis.mistakes.layers.batch_norm import BATCH_NORM
from pminusy.diagnosis.mistakes.layers.convolution import CONVOLUTION
from pminusy.diagnosis.mistakes.layers.linear import LINEAR
from pminusy.diagnosis.mistakes.layers.max_pool import MAX_POOL
from pminusy.diagnosis.mistakes.layers.relu import RELU
from pminusy.diagnosis.mistakes.mistake import Mistake

__all__ = ["LAYER_MISTAKES"]

LAYER_MISTAKES: Mapping[str, tuple[Mistake, ...]] = {
    "linear layer": LINEAR,
    "ReLU": RELU,
    "batch norm": BATCH_NORM,
    "max pool": MAX_POOL,
    "convolution": CONVOLUTION,
}
