"""Inputs that together reach every line of the derivation."""

from functools import cache
from typing import Any

import numpy as np

from pminusy.derivation.build import derive

W = [[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]]
LAYER: dict[str, Any] = {"x": [1.0, -2.0], "W": W, "b": [0.1, 0.2, 0.3], "y": 0}
OPTIONS: dict[str, dict[str, Any]] = {
    "label_smoothing": {"label_smoothing": 0.1},
    "weight": {"weight": [1.0, 2.0, 0.5]},
    "sample_weight": {"sample_weight": 2.0},
    "temperature": {"temperature": 2.0},
    "softcap": {"softcap": 3.0},
    "z_loss": {"z_loss": 0.01},
    "log_base": {"log_base": 2.0},
}
CASES: dict[str, dict[str, Any]] = {
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
    "batch, all options": {
        "x": [[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]], "W": W, "y": [0, -100, 2], "row": 2,
        "label_smoothing": 0.1, "weight": [1.0, 2.0, 0.5], "sample_weight": [1.0, 2.0, 3.0],
        "temperature": 2.0, "softcap": 3.0, "z_loss": 0.01, "log_base": 2.0,
    },
    "batch of soft targets": {
        "x": [[1.0, -2.0], [0.5, 1.0]], "W": W, "y": [[0.5, 0.3, 0.4], [0.0, 1.0, 0.0]],
        "weight": [1.0, 2.0, 0.5], "label_smoothing": 0.1, "sample_weight": [1.0, 2.0],
    },
    "ignored rows": {
        "x": [[1.0, -2.0], [0.5, 1.0], [2.0, 0.0]], "W": W, "y": [0, -100, 2],
    },
    "nothing counts": {"z": [[1.0, -2.0], [0.5, 1.0]], "y": [-100, -100]},
    "sum": {"x": [[1.0, -2.0], [0.5, 1.0]], "W": W, "y": [0, 1], "reduction": "sum"},
    "none": {
        "x": [[1.0, -2.0], [0.5, 1.0]], "W": W, "y": [0, 1], "reduction": "none",
        "grad_output": [2.0, -0.5],
    },
    "ignored": {"x": [1.0, -2.0], "W": W, "y": -100},
    "ignored, all options": LAYER | {"y": -100}
    | {key: v for option in OPTIONS.values() for key, v in option.items()},
    "masked": {"z": [2.0, -np.inf, 0.1, 1.0], "y": 2},
    "masked, options": {
        "z": [2.0, -np.inf, 0.1, -np.inf, 1.0], "y": [0.5, 0.0, 0.5, 0.0, 0.0],
        "weight": [1.0, 2.0, 3.0, 4.0, 5.0], "temperature": 2.0, "z_loss": 0.1,
    },
    "infinite": {"z": [2.0, -np.inf, 0.1], "y": 2, "label_smoothing": 0.1},
    "masked rows": {"z": [[2.0, -np.inf, 0.1], [1.0, 2.0, 3.0], [0.0, -np.inf, 1.0]],
                    "y": [0, 1, -100], "temperature": 2.0},
    "rows": {
        "network": "linear:4,batchnorm,relu,dropout:0.4", "y": [0, 1, 1],
        "x": np.random.default_rng(0).standard_normal((3, 3)).tolist(),
    },
    "sequence": {
        "network": "conv:2x3,maxpool:2/1,relu:3", "y": [0, 1],
        "x": np.random.default_rng(1).standard_normal((2, 6)).tolist(),
    },
}  # fmt: skip


@cache
def derivation(name):
    return derive(**CASES[name])
