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


def _network(network: str, rows: int, columns: int) -> dict[str, Any]:
    x = np.random.default_rng(columns).standard_normal((rows, columns))
    return {"network": network, "x": x.tolist(), "y": [0, 1, 1][:rows]}


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
    "rows": _network("linear:4,batchnorm,relu,dropout:0.4", 3, 3),
    "activations": _network("tanh,sigmoid,gelu,gelu:tanh", 2, 2),
    "sequence": _network("conv:2x3,maxpool:2/1,relu:3", 2, 6),
    "strided sequence": _network("sequence:2x5,conv:2x3/2+1,batchnorm,relu", 2, 10),
    "image": _network("image:4x5,conv:2x2x3/2x1+1x0,relu,maxpool:2/1", 2, 20),
    "image by channel": _network("image:2x3x2,batchnorm,dropout:0.3,conv:1x2,relu", 2, 12),
    "test mode": _network("linear:3,batchnorm:test,relu,dropout:test", 2, 3),
    "image in test mode": _network("image:2x2x2,batchnorm:test,dropout:test,conv:2x2+1", 1, 8),
}  # fmt: skip

ARTICLES = ("000", "001", "002", "003", "004")
CASES |= {f"article {name}": {"article": name, "z": [2.0, 1.0, 0.1], "y": 0} for name in ARTICLES}


@cache
def derivation(name):
    """A case with every route and every chapter; an article has its own."""
    everything = {} if "article" in CASES[name] else {"route": "all"}
    return derive(**CASES[name], **everything)
