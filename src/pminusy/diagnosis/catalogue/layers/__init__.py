"""Layers before the head, one a file: its steps, mistakes and inputs, and how functions name it.

Weights lie as in `core.layers`: W (K, D), kernels (O, C, h, w), images (N, C, height, width), and
`g` is the gradient from the layer above. A new layer is a file here and an entry in `LAYERS`.
"""

from pminusy.diagnosis.catalogue.layers.batch_norm import BATCH_NORM
from pminusy.diagnosis.catalogue.layers.convolution import CONVOLUTION
from pminusy.diagnosis.catalogue.layers.linear import LINEAR
from pminusy.diagnosis.catalogue.layers.max_pool import MAX_POOL
from pminusy.diagnosis.catalogue.layers.relu import RELU
from pminusy.diagnosis.catalogue.layers.squashing import SIGMOID, TANH

__all__ = ["LAYERS"]

LAYERS = (LINEAR, RELU, SIGMOID, TANH, BATCH_NORM, MAX_POOL, CONVOLUTION)
