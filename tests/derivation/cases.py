"""Inputs that together reach every line of the derivation."""

from functools import lru_cache

import numpy as np

from pminusy.derivation.build import derive

W = [[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]]
LAYER = {"x": [1.0, -2.0], "W": W, "b": [0.1, 0.2, 0.3], "y": 0}
OPTIONS = {
    "label_smoothing": {"label_smoothing": 0.1},
    "weight": {"weight": [1.0, 2.0, 0.5]},
    "sample_weight": {"sample_weight": 2.0},
    "temperature": {"temperature": 2.0},
    "softcap": {"softcap": 3.0},
    "z_loss": {"z_loss": 0.01},
    "log_base": {"log_base": 2.0},
}
CASES = {
    "logits": {"z": [2.0, 1.0, 0.1], "y": 0},
    "probabilities": {"probabilities": [0.2, 0.6, 0.2], "y": 0},
    "layer": LAYER,
    "soft": {"z": [2.0, 1.0, 0.1], "y": [0.5, 0.3, 0.4]},
    **{name: {"z": [2.0, 1.0, 0.1], "y": 0, **option} for name, option in OPTIONS.items()},
    "everything": LAYER | {key: v for option in OPTIONS.values() for key, v in option.items()},
    "batch": {"x": [[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]], "W": W, "y": [0, 1, 2]},
    "batch of two classes": {"x": [[1.0, -2.0], [0.5, 1.0]], "W": W[:2], "y": [0, 1]},
    "batch with options": {
        "x": [[1.0, -2.0], [0.5, 1.0]], "W": W[:2], "y": [0, 1], "label_smoothing": 0.1,
        "weight": [1.0, 3.0],
    },
    "rows": {
        "network": "linear:4,batchnorm,relu,dropout:0.4", "y": [0, 1, 1],
        "x": np.random.default_rng(0).standard_normal((3, 3)).tolist(),
    },
    "sequence": {
        "network": "conv:2x3,maxpool:2/1,relu:3", "y": [0, 1],
        "x": np.random.default_rng(1).standard_normal((2, 6)).tolist(),
    },
}  # fmt: skip


@lru_cache(maxsize=None)
def derivation(name):
    return derive(**CASES[name])
