"""The layers before the head as recipes: forward, and backward from an upstream gradient `g`.

Weights lie as in `core.layers`: W (K, D), kernels (O, C, h, w), images (N, C, height, width).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pminusy.core import layers
from pminusy.diagnosis.catalogue.recipe import Recipe, Record, Step

__all__ = ["LAYERS"]


def _moved(t: Record, old: str, new: Any) -> Any:
    return t["momentum"] * t[old] + (1 - t["momentum"]) * new


def _pooled(t: Record) -> Any:
    return layers.max_pool(t["X"], t["size"], t["stride"])


def _convolved(t: Record) -> Any:
    return layers.convolution(t["X"], t["W"], t["b"], stride=t["stride"], padding=t["pad"])


def _convolution_gradient(t: Record) -> Any:
    return layers.convolution_backward(t["g"], _convolved(t)[1])


_OUT = "where the output is computed"
_DX, _DW, _DB = (
    f"where the gradient of the {name} is computed" for name in ("inputs", "weights", "bias")
)

LAYERS: Mapping[str, Recipe] = {
    "linear layer": Recipe((
        Step("out", lambda t: t["X"] @ t["W"].T + t["b"], "X Wᵀ + b", _OUT),
        Step("dL_dX", lambda t: t["g"] @ t["W"], "dX = g W", _DX),
        Step("dL_dW", lambda t: t["g"].T @ t["X"], "dW = gᵀ X", _DW),
        Step("dL_db", lambda t: t["g"].sum(0), "db = Σ_i g_i", _DB),
    )),
    "ReLU": Recipe((
        Step("out", lambda t: layers.relu(t["X"])[0], "max(a, 0)", _OUT),
        Step(
            "dL_dX", lambda t: layers.relu_backward(t["g"], t["X"] > 0), "dX = g ⊙ [a > 0]", _DX,
        ),
    )),
    "batch norm": Recipe((
        Step("mu", lambda t: t["X"].mean(0), "μ = mean of each feature over the batch",
             "where the mean is taken"),
        Step("var", lambda t: t["X"].var(0), "σ² = mean of (x − μ)² over the batch",
             "where the variance is taken"),
        Step("root", lambda t: np.sqrt(t["var"] + t["eps"]), "√(σ² + ε)",
             "where the standard deviation is computed"),
        Step("x_hat", lambda t: (t["X"] - t["mu"]) / t["root"], "x̂ = (x − μ) / √(σ² + ε)",
             "where the inputs are normalised"),
        Step("out", lambda t: t["gamma"] * t["x_hat"] + t["beta"], "γ x̂ + β", _OUT),
        Step("running_mean", lambda t: _moved(t, "old_mean", t["mu"]),
             "running mean ← m · old + (1 − m) · μ", "where the running mean is kept"),
        Step("running_var", lambda t: _moved(t, "old_var", t["var"]),
             "running variance ← m · old + (1 − m) · σ²", "where the running variance is kept"),
        Step("out_test",
             lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / np.sqrt(t["old_var"] + t["eps"])
             + t["beta"],
             "γ (x − running mean) / √(running variance + ε) + β", "in the test branch"),
        Step("mean_g", lambda t: t["g"].mean(0), "mean(g)", "where the gradient is centred"),
        Step("mean_gx", lambda t: t["x_hat"] * (t["g"] * t["x_hat"]).mean(0), "x̂ mean(g x̂)",
             "where the gradient of the variance comes in"),
        Step("slope", lambda t: t["gamma"] / t["root"], "γ / √(σ² + ε)",
             "where the gradient is scaled"),
        Step("dL_dX", lambda t: t["slope"] * (t["g"] - t["mean_g"] - t["mean_gx"]),
             "dx = γ/√(σ² + ε) (g − mean(g) − x̂ mean(g x̂))", _DX),
        Step("dL_dgamma", lambda t: (t["g"] * t["x_hat"]).sum(0), "dγ = Σ_i g_i x̂_i",
             "where the gradient of γ is computed"),
        Step("dL_dbeta", lambda t: t["g"].sum(0), "dβ = Σ_i g_i",
             "where the gradient of β is computed"),
    )),
    "max pool": Recipe((
        Step("out", lambda t: _pooled(t)[0], "maximum of each window", _OUT),
        Step("dL_dX", lambda t: layers.max_pool_backward(t["g"], _pooled(t)[1]),
             "g to the arg-max of its window; windows that overlap add up", _DX),
    )),
    "convolution": Recipe((
        Step("out", lambda t: _convolved(t)[0], "Σ_cij X[n, c, s·r + i, s·q + j] W[o, c, i, j] + b",
             _OUT),
        Step("dL_dX", lambda t: _convolution_gradient(t).dL_dX,
             "g W to each window; windows that overlap add up", _DX),
        Step("dL_dW", lambda t: _convolution_gradient(t).dL_dW, "dW = Σ windows of X ⊙ g", _DW),
        Step("dL_db", lambda t: _convolution_gradient(t).dL_db, "db_o = Σ_nrq g[n, o, r, q]", _DB),
    )),
}  # fmt: skip
