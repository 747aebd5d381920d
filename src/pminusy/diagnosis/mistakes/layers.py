"""Mistakes in the layers before the head."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pminusy.core import layers
from pminusy.diagnosis.mistakes.mistake import Mistake
from pminusy.diagnosis.recipes.recipe import Record

__all__ = ["LAYER_MISTAKES"]


def _m(
    name: str, step: str, change: Callable[[Record], Any], wrong: str, sentence: str, off: str,
    **also: Callable[[Record], Any],
) -> Mistake:  # fmt: skip
    return Mistake(name, step, change, wrong, sentence, off, also=also)


_LINEAR = (
    _m("linear.bias_missing", "out", lambda t: t["X"] @ t["W"].T, "X Wᵀ",
       "The bias is never added.", "One of the parameters has no effect."),
    _m("dL_db.total", "dL_db", lambda t: np.full(t["b"].shape, t["g"].sum()), "ΣΣ g",
       "The sum has no axis: every output gets the same number.", "The sum runs over too much."),
    _m("dL_db.averaged", "dL_db", lambda t: t["g"].mean(0), "mean_i g_i",
       "The gradient of the bias is averaged; g already carries any 1/N.", "A factor N."),
    _m("linear.bias_subtracted", "out", lambda t: t["X"] @ t["W"].T - t["b"], "X Wᵀ − b",
       "The bias is subtracted where it should be added.", "The sign of one term is turned."),
    _m("linear.bias_twice", "out", lambda t: t["X"] @ t["W"].T + 2 * t["b"], "X Wᵀ + 2 b",
       "The bias is added twice.", "There is a term too many."),
    _m("dL_db.last_sample", "dL_db", lambda t: t["g"][-1], "g_N",
       "Only the last sample's gradient is left: accumulate over the samples.",
       "Not every sample counts."),
    _m("dL_db.sign", "dL_db", lambda t: -t["g"].sum(0), "−Σ_i g_i",
       "The gradient of the bias has the wrong sign.", "The sign is turned."),
    _m("dL_db.missing", "dL_db", lambda t: 0 * t["b"], "0",
       "The gradient of the bias is zero: it is never computed.", "A step is missing."),
    _m("dL_dW.last_sample", "dL_dW", lambda t: np.outer(t["g"][-1], t["X"][-1]), "g_N ⊗ x_N",
       "Only the last sample's gradient is left: accumulate over the samples.",
       "Not every sample counts."),
    _m("dL_dW.inputs_missing", "dL_dW",
       lambda t: np.repeat(t["g"].sum(0)[:, None], t["X"].shape[1], 1), "Σ_i g_i",
       "The inputs are missing: each weight's gradient carries the feature it multiplies.",
       "A factor is missing."),
    _m("dL_db.ones", "dL_db", lambda t: np.ones(t["b"].shape), "1",
       "The gradient of the bias ignores the upstream gradient.", "A factor is missing."),
    _m("dL_dW.averaged", "dL_dW", lambda t: t["g"].T @ t["X"] / len(t["X"]), "gᵀ X / N",
       "The gradient of the weights is divided by N; g already carries any 1/N.", "A factor N."),
    _m("dL_dW.sign", "dL_dW", lambda t: -t["g"].T @ t["X"], "−gᵀ X",
       "The gradient of the weights has the wrong sign.", "The sign is turned."),
    _m("dL_dX.sign", "dL_dX", lambda t: -t["g"] @ t["W"], "−g W",
       "The gradient of the inputs has the wrong sign.", "The sign is turned."),
    _m("dL_dX.averaged", "dL_dX", lambda t: t["g"] @ t["W"] / len(t["X"]), "g W / N",
       "The gradient of the inputs is divided by N; g already carries any 1/N.", "A factor N."),
)  # fmt: skip

_RELU = (
    _m("relu.missing", "out", lambda t: t["X"], "a", "Nothing is cut off.", "A function is missing."),
    _m("relu.absolute", "out", lambda t: np.abs(t["X"]), "|a|",
       "The absolute value is taken in place of max(a, 0).", "It is another function."),
    _m("relu.minimum", "out", lambda t: np.minimum(t["X"], 0), "min(a, 0)",
       "The minimum is taken in place of the maximum.", "It is another function."),
    *(_m(f"relu.leaky_{slope:g}", "out",
         lambda t, slope=slope: np.where(t["X"] > 0, t["X"], slope * t["X"]), f"max(a, {slope:g} a)",  # type: ignore[misc]  # bound now
         "Negative inputs leak through: this is leaky ReLU.", "It is another function.")
      for slope in (0.01, 0.1, 0.2)),
    _m("relu.step", "out", lambda t: (t["X"] > 0).astype(float), "[a > 0]",
       "The mask is returned, not the masked input.", "A factor is missing."),
    _m("relu.mask_missing", "dL_dX", lambda t: t["g"], "g",
       "The gradient passes unmasked: where a ≤ 0 nothing passes.", "A factor is missing."),
    _m("relu.gradient_clipped", "dL_dX", lambda t: np.maximum(t["g"], 0), "max(g, 0)",
       "The gradient itself is clipped at 0: the mask belongs to the sign of the forward value.",
       "The mask looks at the wrong array."),
    _m("relu.masked_by_gradient", "dL_dX", lambda t: np.maximum(t["g"], 0) * (t["X"] > 0),
       "max(g, 0) ⊙ [a > 0]", "The gradient is clipped at 0 as well as masked.",
       "There is a mask too many."),
    _m("relu.mask_turned", "dL_dX", lambda t: t["g"] * (t["X"] < 0), "g ⊙ [a < 0]",
       "The mask is turned round.", "The mask is turned round."),
    _m("relu.sigmoid_gradient", "dL_dX",
       lambda t: t["g"] * (s := 1 / (1 + np.exp(-t["X"]))) * (1 - s), "g ⊙ σ(a) (1 − σ(a))",
       "This is the gradient of the sigmoid.", "It is another function's gradient."),
    _m("relu.gradient_sign", "dL_dX", lambda t: -t["g"] * (t["X"] > 0), "−g ⊙ [a > 0]",
       "The gradient has the wrong sign.", "The sign is turned."),
    _m("relu.input_itself", "dL_dX", lambda t: t["g"] * t["X"], "g ⊙ a",
       "The gradient is multiplied by the input; the derivative of ReLU is 0 or 1.",
       "It is another factor."),
    _m("relu.input_as_factor", "dL_dX", lambda t: t["g"] * np.maximum(t["X"], 0), "g ⊙ max(a, 0)",
       "The gradient is multiplied by the output; the derivative of ReLU is 0 or 1.",
       "It is another factor."),
    _m("relu.gradient_missing", "dL_dX", lambda t: (t["X"] > 0).astype(float), "[a > 0]",
       "The upstream gradient is missing: only the mask is returned.", "A factor is missing."),
)  # fmt: skip


def _normalised(t: Record) -> Any:
    return t["x_hat"]


_BATCH_NORM = (
    _m("batch_norm.epsilon_outside", "root", lambda t: np.sqrt(t["var"]) + t["eps"], "σ + ε",
       "ε stands outside the root: it belongs to the variance, under the root.",
       "A bracket closes too early."),
    _m("batch_norm.epsilon_missing", "root", lambda t: np.sqrt(t["var"]), "√σ²",
       "ε is missing: a feature that is constant in a batch divides by 0.", "A term is missing."),
    _m("batch_norm.root_missing", "root", lambda t: t["var"] + t["eps"], "σ² + ε",
       "The inputs are divided by the variance, not by its root.", "A function is missing."),
    _m("batch_norm.unbiased", "var", lambda t: t["X"].var(0, ddof=1), "Σ (x − μ)² / (N − 1)",
       "The unbiased variance normalises the batch; the biased one, divided by N, belongs there.",
       "It is divided by the wrong number."),
    _m("batch_norm.axis", "mu", lambda t: t["X"].mean(1, keepdims=True), "mean over features",
       "Each sample is normalised over its features (that is layer norm), not each feature over "
       "the batch.", "The axis is the wrong one.",
       var=lambda t: t["X"].var(1, keepdims=True),
       running_mean=lambda t: t["old_mean"], running_var=lambda t: t["old_var"]),
    _m("batch_norm.running_not_updated", "running_mean", lambda t: t["old_mean"],
       "running statistics ← old", "The running mean and variance are never updated.",
       "A line is missing, or its result is not stored.", running_var=lambda t: t["old_var"]),
    _m("batch_norm.variance_of_all", "var", lambda t: np.full(t["X"].shape[1], t["X"].var()),
       "σ² over everything", "The variance has no axis: it runs over all features at once.",
       "The axis is missing."),
    _m("batch_norm.sum_of_squares", "var", lambda t: ((t["X"] - t["mu"]) ** 2).sum(0),
       "Σ (x − μ)²", "The squares are summed, not averaged.", "A factor 1/N."),
    _m("batch_norm.not_centred", "mu", lambda t: 0 * t["X"].mean(0), "x / √(σ² + ε)",
       "The mean is not subtracted.", "A term is missing."),
    _m("batch_norm.scale_missing", "out", lambda t: _normalised(t) + t["beta"], "x̂ + β",
       "γ is missing.", "One of the parameters has no effect."),
    _m("batch_norm.shift_missing", "out", lambda t: t["gamma"] * _normalised(t), "γ x̂",
       "β is missing.", "One of the parameters has no effect."),
    _m("batch_norm.running_deviation", "running_var",
       lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * np.sqrt(t["var"]),
       "running variance ← m · old + (1 − m) · σ",
       "The standard deviation is kept as running variance: keep σ², and take the root in use.",
       "Variance and deviation."),
    _m("batch_norm.running_root", "running_var",
       lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * np.sqrt(t["var"] + t["eps"]),
       "running variance ← m · old + (1 − m) · √(σ² + ε)",
       "√(σ² + ε) is kept as running variance: keep σ² itself.", "Variance and deviation."),
    _m("batch_norm.running_with_epsilon", "running_var",
       lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * (t["var"] + t["eps"]),
       "running variance ← m · old + (1 − m) · (σ² + ε)",
       "ε is kept inside the running variance, and added again in use.", "ε enters twice."),
    _m("batch_norm.running_mean_turned", "running_mean",
       lambda t: (1 - t["momentum"]) * t["old_mean"] + t["momentum"] * t["mu"],
       "running mean ← (1 − m) · old + m · μ",
       "The momentum stands at the new mean; here it is the share of the old one that is kept.",
       "m and 1 − m are exchanged."),
    _m("batch_norm.running_var_turned", "running_var",
       lambda t: (1 - t["momentum"]) * t["old_var"] + t["momentum"] * t["var"],
       "running variance ← (1 − m) · old + m · σ²",
       "The momentum stands at the new variance; here it is the share of the old one that is kept.",
       "m and 1 − m are exchanged."),
    _m("batch_norm.running_turned", "running_mean",
       lambda t: (1 - t["momentum"]) * t["old_mean"] + t["momentum"] * t["mu"],
       "running ← (1 − m) · old + m · new",
       "The momentum stands at the new statistics; here it is the share of the old ones that is kept.",
       "m and 1 − m are exchanged.",
       running_var=lambda t: (1 - t["momentum"]) * t["old_var"] + t["momentum"] * t["var"]),
    _m("batch_norm.running_unbiased", "running_var",
       lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * t["X"].var(0, ddof=1),
       "running variance ← m · old + (1 − m) · Σ (x − μ)² / (N − 1)",
       "The unbiased variance is kept. Some libraries do so; the exercise keeps the batch's own.",
       "It is divided by another number."),
    _m("batch_norm.running_mean_replaced", "running_mean", lambda t: t["mu"], "running mean ← μ",
       "The running mean is replaced, not averaged.", "The momentum has no effect."),
    _m("batch_norm.running_var_replaced", "running_var", lambda t: t["var"],
       "running variance ← σ²", "The running variance is replaced, not averaged.",
       "The momentum has no effect."),
    _m("batch_norm.running_mean_kept", "running_mean", lambda t: t["old_mean"],
       "running mean ← running mean",
       "The running mean is never updated (or never written back).", "A step is missing."),
    _m("batch_norm.running_var_kept", "running_var", lambda t: t["old_var"],
       "running variance ← running variance",
       "The running variance is never updated (or never written back).", "A step is missing."),
    _m("batch_norm.test_uses_batch", "out_test", lambda t: t["out"], "the batch's μ and σ",
       "The test branch normalises with the batch's own statistics, not with the running ones.",
       "It is the other branch's formula."),
    _m("batch_norm.test_not_scaled", "out_test",
       lambda t: (t["X"] - t["old_mean"]) / np.sqrt(t["old_var"] + t["eps"]), "x̂",
       "γ and β are missing in the test branch.", "Two parameters have no effect."),
    _m("batch_norm.test_root_missing", "out_test",
       lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / (t["old_var"] + t["eps"]) + t["beta"],
       "(x − running mean) / (running variance + ε)",
       "The test branch divides by the variance, not by its root.", "A function is missing."),
    _m("batch_norm.test_epsilon_missing", "out_test",
       lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / np.sqrt(t["old_var"]) + t["beta"],
       "(x − running mean) / √running variance", "ε is missing in the test branch.",
       "A term is missing."),
    _m("batch_norm.test_epsilon_outside", "out_test",
       lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / (np.sqrt(t["old_var"]) + t["eps"])
       + t["beta"],
       "(x − running mean) / (√running variance + ε)",
       "ε stands outside the root in the test branch.", "A bracket closes too early."),
    _m("batch_norm.mean_ignored", "mean_g", lambda t: 0.0, "dx without mean(g)",
       "The gradient ignores that μ depends on x.", "A path of the chain rule is missing."),
    _m("batch_norm.variance_ignored", "mean_gx", lambda t: 0.0, "dx without x̂ mean(g x̂)",
       "The gradient ignores that σ depends on x.", "A path of the chain rule is missing."),
    _m("batch_norm.statistics_ignored", "dL_dX", lambda t: t["slope"] * t["g"], "γ/√(σ² + ε) g",
       "The gradient ignores that μ and σ depend on x: that is right in test mode only.",
       "Two paths of the chain rule are missing."),
    _m("batch_norm.gradient_not_scaled", "slope", lambda t: 1 / t["root"], "dx without γ",
       "γ is missing in the gradient of the inputs.", "A factor is missing."),
    _m("batch_norm.gradient_not_divided", "slope", lambda t: t["gamma"], "dx without 1/√(σ² + ε)",
       "The division by √(σ² + ε) is missing in the gradient of the inputs.",
       "A factor is missing."),
    _m("batch_norm.dgamma_of_inputs", "dL_dgamma", lambda t: (t["g"] * t["X"]).sum(0), "Σ g x",
       "The raw inputs are used in the gradient of γ; it multiplies x̂.", "It is another array."),
    _m("batch_norm.dgamma_of_outputs", "dL_dgamma", lambda t: (t["g"] * t["out"]).sum(0),
       "Σ g out", "The output is used in the gradient of γ; it multiplies x̂.",
       "It is another array."),
    _m("batch_norm.dgamma_averaged", "dL_dgamma", lambda t: (t["g"] * t["x_hat"]).mean(0),
       "mean(g x̂)", "The gradient of γ is averaged; g already carries any 1/N.", "A factor N."),
    _m("batch_norm.dgamma_plain", "dL_dgamma", lambda t: t["g"].sum(0), "Σ g",
       "x̂ is missing in the gradient of γ.", "A factor is missing."),
    _m("batch_norm.gradient_of_normalised", "dL_dX", lambda t: t["g"] * t["gamma"], "γ g",
       "The gradient stops at x̂: the division and the two statistics are still to come.",
       "The chain rule stops one step early."),
    _m("batch_norm.sign_of_mean", "mean_g", lambda t: -t["g"].mean(0), "g + mean(g) − …",
       "The mean of g is added where it should be subtracted.", "The sign of one term is turned."),
    _m("batch_norm.sums_not_averaged", "mean_g", lambda t: t["g"].sum(0),
       "g − Σ g − x̂ Σ g x̂", "The two sums are not divided by N.", "A factor 1/N.",
       mean_gx=lambda t: t["x_hat"] * (t["g"] * t["x_hat"]).sum(0)),
    _m("batch_norm.dbeta_averaged", "dL_dbeta", lambda t: t["g"].mean(0), "mean(g)",
       "The gradient of β is averaged; g already carries any 1/N.", "A factor N."),
)  # fmt: skip


def _windows(t: Record) -> Any:
    size, stride = t["size"], t["stride"]
    return sliding_window_view(t["X"], (size, size), axis=(2, 3))[:, :, ::stride, ::stride]


def _pool_assigned(t: Record) -> Any:
    """`dx[window] = …`: the last window to touch an entry decides."""
    dX, size, stride = np.zeros_like(t["X"]), t["size"], t["stride"]
    for n, c, r, q in np.ndindex(*t["g"].shape):
        rows = slice(r * stride, r * stride + size)
        columns = slice(q * stride, q * stride + size)
        window = t["X"][n, c, rows, columns]
        dX[n, c, rows, columns] = t["g"][n, c, r, q] * (window == window.max())
    return dX


def _pool_spread(t: Record) -> Any:
    dX, size, stride = np.zeros_like(t["X"]), t["size"], t["stride"]
    for n, c, r, q in np.ndindex(*t["g"].shape):
        rows = slice(r * stride, r * stride + size)
        dX[n, c, rows, q * stride : q * stride + size] += t["g"][n, c, r, q] / size**2
    return dX


def _pool_entry_assigned(t: Record) -> Any:
    """`dx[arg-max] = g`: where windows share a maximum, only the last one counts."""
    places = layers.max_pool(t["X"], t["size"], t["stride"])[1].places
    dX = np.zeros(t["X"].size)
    dX[places.ravel()] = t["g"].ravel()
    return dX.reshape(t["X"].shape)


def _pooled(t: Record) -> Any:
    return layers.max_pool(t["X"], t["size"], t["stride"])[0]


def _pool_mask(t: Record) -> Any:
    cache = layers.max_pool(t["X"], t["size"], t["stride"])[1]
    return layers.max_pool_backward(np.ones_like(t["g"]), cache)


def _pool_largest(t: Record) -> Any:
    dX = np.zeros_like(t["X"])
    for n, c in np.ndindex(*t["X"].shape[:2]):
        place = np.unravel_index(t["X"][n, c].argmax(), t["X"][n, c].shape)
        dX[n, c][place] = t["g"][n, c].sum()
    return dX


_MAX_POOL = (
    _m("max_pool.assigned", "dL_dX", _pool_assigned, "dx[window] = …",
       "The windows' gradients are assigned, so overlapping windows overwrite each other: add them.",
       "Not every window counts."),
    _m("max_pool.entry_assigned", "dL_dX", _pool_entry_assigned, "dx[arg-max] = g",
       "Where overlapping windows share a maximum only the last gradient is left: add them.",
       "Not every window counts."),
    _m("max_pool.spread", "dL_dX", _pool_spread, "g / size², to every entry",
       "The gradient is spread over the window; it goes to the maximum alone.",
       "It is another pooling's gradient."),
    _m("max_pool.average", "out", lambda t: _windows(t).mean((-1, -2)), "mean of each window",
       "The mean is taken, not the maximum.", "It is another function."),
    _m("max_pool.starts_at_zero", "out", lambda t: np.maximum(_pooled(t), 0),
       "max(0, maximum of each window)",
       "The maximum starts at 0, so a window of negative numbers gives 0: start at its first entry.",
       "Negative windows are lost."),
    _m("max_pool.gradient_of_largest", "dL_dX", _pool_largest, "g to the largest entry of all",
       "The gradient goes to the largest entry of the image, not of the window.",
       "The maximum runs over too much."),
    _m("max_pool.gradient_missing", "dL_dX", _pool_mask, "1 at the arg-max",
       "The upstream gradient is missing: only the mask is returned.", "A factor is missing."),
    _m("max_pool.minimum", "out", lambda t: _windows(t).min((-1, -2)), "minimum of each window",
       "The minimum is taken, not the maximum.", "It is another function."),
)  # fmt: skip


def _with(t: Record, **other: Any) -> Record:
    return {**t, **other}


def _out(t: Record) -> Any:
    return layers.convolution(t["X"], t["W"], t["b"], stride=t["stride"], padding=t["pad"])[0]


def _gradients(t: Record) -> Any:
    cache = layers.convolution(t["X"], t["W"], t["b"], stride=t["stride"], padding=t["pad"])[1]
    return layers.convolution_backward(t["g"], cache)


def _convolution_assigned(t: Record) -> Any:
    pad, stride = t["pad"], t["stride"]
    height, width = t["W"].shape[2:]
    dX = np.pad(np.zeros_like(t["X"]), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for n, o, r, q in np.ndindex(*t["g"].shape):
        rows = slice(r * stride, r * stride + height)
        dX[n, :, rows, q * stride : q * stride + width] = t["W"][o] * t["g"][n, o, r, q]
    inner = slice(pad, -pad) if pad else slice(None)
    return dX[:, :, inner, inner]


def _convolution_windows_assigned(t: Record) -> Any:
    """The same where all samples and kernels are summed at once, place by place."""
    pad, stride = t["pad"], t["stride"]
    height, width = t["W"].shape[2:]
    dX = np.pad(np.zeros_like(t["X"]), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    for r, q in np.ndindex(*t["g"].shape[2:]):
        rows = slice(r * stride, r * stride + height)
        back = np.einsum("no,ochw->nchw", t["g"][:, :, r, q], t["W"])
        dX[:, :, rows, q * stride : q * stride + width] = back
    inner = slice(pad, -pad) if pad else slice(None)
    return dX[:, :, inner, inner]


def _flipped(t: Record) -> Record:
    return _with(t, W=t["W"][:, :, ::-1, ::-1])


def _last_place(t: Record) -> Any:
    """The gradient of the weights from the last place of the output, all samples."""
    g = np.zeros_like(t["g"])
    g[:, :, -1, -1] = t["g"][:, :, -1, -1]
    return _gradients(_with(t, g=g)).dL_dW


def _stride_ignored(t: Record) -> Any:
    """Windows at the first rows and columns, as many as the stride leaves room for."""
    out = _out(_with(t, stride=1))
    height, width = t["g"].shape[2:]
    return out[:, :, :height, :width]


_CONVOLUTION = (
    _m("convolution.bias_missing", "out", lambda t: _out(_with(t, b=0 * t["b"])), "Σ X W",
       "The bias is never added.", "One of the parameters has no effect."),
    _m("convolution.flipped", "out", lambda t: _out(_flipped(t)), "Σ X W, kernel flipped",
       "The kernel is flipped: networks use the cross-correlation, without a flip.",
       "The kernel lies the wrong way round."),
    _m("convolution.gradient_flipped", "dL_dX", lambda t: _gradients(_flipped(t)).dL_dX,
       "g W, kernel flipped", "The kernel is flipped in the gradient of the inputs.",
       "The kernel lies the wrong way round."),
    _m("convolution.assigned", "dL_dX", _convolution_assigned, "dx[window] = g W",
       "The windows' gradients are assigned, so overlapping windows overwrite each other: add them.",
       "Not every window counts."),
    Mistake(
        "convolution.windows_assigned", "dL_dX", _convolution_windows_assigned, "dx[window] = g W",
        "The windows' gradients are assigned, so overlapping windows overwrite each other: add them.",
        "Not every window counts.", called="convolution.assigned",
    ),
    _m("convolution.stride_ignored", "out", _stride_ignored, "stride 1",
       "The stride has no effect: windows step by 1.", "An argument has no effect."),
    _m("convolution.padding_ignored", "out", lambda t: _out(_with(t, pad=0)), "no padding",
       "The padding has no effect.", "An argument has no effect."),
    _m("convolution.first_channel", "out",
       lambda t: _out(_with(t, X=t["X"][:, :1], W=t["W"][:, :1])), "channel 0 alone",
       "Only the first channel is used: sum over the channels.", "The sum runs over too little."),
    _m("convolution.gradient_of_last_sample", "dL_dX",
       lambda t: _gradients(t).dL_dX * (np.arange(len(t["X"])) == len(t["X"]) - 1)[:, None, None, None],
       "dX of the last sample", "Only the last sample gets a gradient.", "Not every sample counts."),
    _m("convolution.weights_assigned", "dL_dW", _last_place, "dW = window ⊙ g, assigned",
       "The gradient of the weights is assigned in the loop, so only the last place is left: "
       "accumulate over the places.",
       "Not every place counts."),
    _m("convolution.weights_sign", "dL_dW", lambda t: -_gradients(t).dL_dW, "−dW",
       "The gradient of the weights has the wrong sign.", "The sign is turned."),
    _m("convolution.weights_averaged", "dL_dW", lambda t: _gradients(t).dL_dW / len(t["X"]),
       "dW / N", "The gradient of the weights is divided by N; g already carries any 1/N.",
       "A factor N."),
    _m("convolution.bias_averaged", "dL_db", lambda t: t["g"].mean((0, 2, 3)), "mean of g",
       "The gradient of the bias is averaged; every place adds to it.", "Mean and sum."),
    _m("convolution.bias_of_samples", "dL_db", lambda t: t["g"].sum((2, 3)).mean(0),
       "mean_n Σ_rq g", "The gradient of the bias is averaged over the samples.", "A factor N."),
    _m("convolution.last_sample", "dL_dW",
       lambda t: _gradients(_with(t, X=t["X"][-1:], g=t["g"][-1:])).dL_dW, "dW of the last sample",
       "Only the last sample's gradient of the weights is left: accumulate over the samples.",
       "Not every sample counts."),
)  # fmt: skip

LAYER_MISTAKES: Mapping[str, tuple[Mistake, ...]] = {
    "linear layer": _LINEAR, "ReLU": _RELU, "batch norm": _BATCH_NORM, "max pool": _MAX_POOL,
    "convolution": _CONVOLUTION,
}  # fmt: skip
