"""Mistakes in the layers before the head, one layer a file."""

from collections.abc import Mapping

from pminusy.diagnosis.catalogue.layers.batch_norm import BATCH_NORM
from pminusy.diagnosis.catalogue.layers.convolution import CONVOLUTION
from pminusy.diagnosis.catalogue.layers.linear import LINEAR
from pminusy.diagnosis.catalogue.layers.max_pool import MAX_POOL
from pminusy.diagnosis.catalogue.layers.relu import RELU
from pminusy.diagnosis.catalogue.mistake import Mistake

__all__ = ["LAYER_MISTAKES"]

LAYER_MISTAKES: Mapping[str, tuple[Mistake, ...]] = {
    "linear layer": LINEAR,
    "ReLU": RELU,
    "batch norm": BATCH_NORM,
    "max pool": MAX_POOL,
    "convolution": CONVOLUTION,
}
