"""Batch norm: its steps, its mistakes, and the inputs it is tried on."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.exercise import Extreme, layer
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.probes import Inputs, Probe, small_numbers
from pminusy.diagnosis.catalogue.recipe import Recipe, Record, Step

__all__ = ["BATCH_NORM"]


def _moved(t: Record, old: str, new: Any) -> Any:
    return t["momentum"] * t[old] + (1 - t["momentum"]) * new


_RECIPE = Recipe((
    Step("mu", lambda t: t["X"].mean(0), "μ = mean of each feature over the batch",
         "where the mean is taken"),
    Step("var", lambda t: t["X"].var(0), "σ² = mean of (x − μ)² over the batch",
         "where the variance is taken"),
    Step("root", lambda t: np.sqrt(t["var"] + t["eps"]), "√(σ² + ε)",
         "where the standard deviation is computed"),
    Step("x_hat", lambda t: (t["X"] - t["mu"]) / t["root"], "x̂ = (x − μ) / √(σ² + ε)",
         "where the inputs are normalised"),
    Step("out", lambda t: t["gamma"] * t["x_hat"] + t["beta"], "γ x̂ + β", "where the output is computed"),
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
         "dx = γ/√(σ² + ε) (g − mean(g) − x̂ mean(g x̂))", "where the gradient of the inputs is computed"),
    Step("dL_dgamma", lambda t: (t["g"] * t["x_hat"]).sum(0), "dγ = Σ_i g_i x̂_i",
         "where the gradient of γ is computed"),
    Step("dL_dbeta", lambda t: t["g"].sum(0), "dβ = Σ_i g_i",
         "where the gradient of β is computed"),
))  # fmt: skip

_MISTAKES = (
    Mistake(
        "batch_norm.epsilon_outside", "root", lambda t: np.sqrt(t["var"]) + t["eps"], "σ + ε",
        "ε stands outside the root: it belongs to the variance, under the root.",
        "A bracket closes too early.",
    ),
    Mistake(
        "batch_norm.epsilon_missing", "root", lambda t: np.sqrt(t["var"]), "√σ²",
        "ε is missing: a feature that is constant in a batch divides by 0.", "A term is missing.",
    ),
    Mistake(
        "batch_norm.root_missing", "root", lambda t: t["var"] + t["eps"], "σ² + ε",
        "The inputs are divided by the variance, not by its root.", "A function is missing.",
    ),
    Mistake(
        "batch_norm.unbiased", "var", lambda t: t["X"].var(0, ddof=1), "Σ (x − μ)² / (N − 1)",
        "The unbiased variance normalises the batch; the biased one, divided by N, belongs there.",
        "It is divided by the wrong number.",
    ),
    Mistake(
        "batch_norm.axis", "mu", lambda t: t["X"].mean(1, keepdims=True), "mean over features",
        "Each sample is normalised over its features (that is layer norm), not each feature over "
        "the batch.", "The axis is the wrong one.",
        also={
            "var": lambda t: t["X"].var(1, keepdims=True),
            "running_mean": lambda t: t["old_mean"], "running_var": lambda t: t["old_var"],
        },
    ),
    Mistake(
        "batch_norm.running_not_updated", "running_mean", lambda t: t["old_mean"],
        "running statistics ← old", "The running mean and variance are never updated.",
        "A line is missing, or its result is not stored.", also={"running_var": lambda t: t["old_var"]},
    ),
    Mistake(
        "batch_norm.variance_of_all", "var", lambda t: np.full(t["X"].shape[1], t["X"].var()),
        "σ² over everything", "The variance has no axis: it runs over all features at once.",
        "The axis is missing.",
    ),
    Mistake(
        "batch_norm.sum_of_squares", "var", lambda t: ((t["X"] - t["mu"]) ** 2).sum(0),
        "Σ (x − μ)²", "The squares are summed, not averaged.", "A factor 1/N.",
    ),
    Mistake(
        "batch_norm.not_centred", "mu", lambda t: 0 * t["X"].mean(0), "x / √(σ² + ε)",
        "The mean is not subtracted.", "A term is missing.",
    ),
    Mistake(
        "batch_norm.scale_missing", "out", lambda t: t["x_hat"] + t["beta"], "x̂ + β",
        "γ is missing.", "One of the parameters has no effect.",
    ),
    Mistake(
        "batch_norm.shift_missing", "out", lambda t: t["gamma"] * t["x_hat"], "γ x̂",
        "β is missing.", "One of the parameters has no effect.",
    ),
    Mistake(
        "batch_norm.running_deviation", "running_var",
        lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * np.sqrt(t["var"]),
        "running variance ← m · old + (1 − m) · σ",
        "The standard deviation is kept as running variance: keep σ², and take the root in use.",
        "Variance and deviation.",
    ),
    Mistake(
        "batch_norm.running_root", "running_var",
        lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * np.sqrt(t["var"] + t["eps"]),
        "running variance ← m · old + (1 − m) · √(σ² + ε)",
        "√(σ² + ε) is kept as running variance: keep σ² itself.", "Variance and deviation.",
    ),
    Mistake(
        "batch_norm.running_with_epsilon", "running_var",
        lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * (t["var"] + t["eps"]),
        "running variance ← m · old + (1 − m) · (σ² + ε)",
        "ε is kept inside the running variance, and added again in use.", "ε enters twice.",
    ),
    Mistake(
        "batch_norm.running_mean_turned", "running_mean",
        lambda t: (1 - t["momentum"]) * t["old_mean"] + t["momentum"] * t["mu"],
        "running mean ← (1 − m) · old + m · μ",
        "The momentum stands at the new mean; here it is the share of the old one that is kept.",
        "m and 1 − m are exchanged.",
    ),
    Mistake(
        "batch_norm.running_var_turned", "running_var",
        lambda t: (1 - t["momentum"]) * t["old_var"] + t["momentum"] * t["var"],
        "running variance ← (1 − m) · old + m · σ²",
        "The momentum stands at the new variance; here it is the share of the old one that is kept.",
        "m and 1 − m are exchanged.",
    ),
    Mistake(
        "batch_norm.running_turned", "running_mean",
        lambda t: (1 - t["momentum"]) * t["old_mean"] + t["momentum"] * t["mu"],
        "running ← (1 − m) · old + m · new",
        "The momentum stands at the new statistics; here it is the share of the old ones that is kept.",
        "m and 1 − m are exchanged.",
        also={"running_var": lambda t: (1 - t["momentum"]) * t["old_var"] + t["momentum"] * t["var"]},
    ),
    Mistake(
        "batch_norm.running_unbiased", "running_var",
        lambda t: t["momentum"] * t["old_var"] + (1 - t["momentum"]) * t["X"].var(0, ddof=1),
        "running variance ← m · old + (1 − m) · Σ (x − μ)² / (N − 1)",
        "The unbiased variance is kept. Some libraries do so; the exercise keeps the batch's own.",
        "It is divided by another number.",
    ),
    Mistake(
        "batch_norm.running_mean_replaced", "running_mean", lambda t: t["mu"], "running mean ← μ",
        "The running mean is replaced, not averaged.", "The momentum has no effect.",
    ),
    Mistake(
        "batch_norm.running_var_replaced", "running_var", lambda t: t["var"],
        "running variance ← σ²", "The running variance is replaced, not averaged.",
        "The momentum has no effect.",
    ),
    Mistake(
        "batch_norm.running_mean_kept", "running_mean", lambda t: t["old_mean"],
        "running mean ← running mean",
        "The running mean is never updated (or never written back).", "A step is missing.",
    ),
    Mistake(
        "batch_norm.running_var_kept", "running_var", lambda t: t["old_var"],
        "running variance ← running variance",
        "The running variance is never updated (or never written back).", "A step is missing.",
    ),
    Mistake(
        "batch_norm.test_uses_batch", "out_test", lambda t: t["out"], "the batch's μ and σ",
        "The test branch normalises with the batch's own statistics, not with the running ones.",
        "It is the other branch's formula.",
    ),
    Mistake(
        "batch_norm.test_not_scaled", "out_test",
        lambda t: (t["X"] - t["old_mean"]) / np.sqrt(t["old_var"] + t["eps"]), "x̂",
        "γ and β are missing in the test branch.", "Two parameters have no effect.",
    ),
    Mistake(
        "batch_norm.test_root_missing", "out_test",
        lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / (t["old_var"] + t["eps"]) + t["beta"],
        "(x − running mean) / (running variance + ε)",
        "The test branch divides by the variance, not by its root.", "A function is missing.",
    ),
    Mistake(
        "batch_norm.test_epsilon_missing", "out_test",
        lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / np.sqrt(t["old_var"]) + t["beta"],
        "(x − running mean) / √running variance", "ε is missing in the test branch.",
        "A term is missing.",
    ),
    Mistake(
        "batch_norm.test_epsilon_outside", "out_test",
        lambda t: t["gamma"] * (t["X"] - t["old_mean"]) / (np.sqrt(t["old_var"]) + t["eps"])
        + t["beta"],
        "(x − running mean) / (√running variance + ε)",
        "ε stands outside the root in the test branch.", "A bracket closes too early.",
    ),
    Mistake(
        "batch_norm.mean_ignored", "mean_g", lambda t: 0.0, "dx without mean(g)",
        "The gradient ignores that μ depends on x.", "A path of the chain rule is missing.",
    ),
    Mistake(
        "batch_norm.variance_ignored", "mean_gx", lambda t: 0.0, "dx without x̂ mean(g x̂)",
        "The gradient ignores that σ depends on x.", "A path of the chain rule is missing.",
    ),
    Mistake(
        "batch_norm.statistics_ignored", "dL_dX", lambda t: t["slope"] * t["g"], "γ/√(σ² + ε) g",
        "The gradient ignores that μ and σ depend on x: that is right in test mode only.",
        "Two paths of the chain rule are missing.",
    ),
    Mistake(
        "batch_norm.gradient_not_scaled", "slope", lambda t: 1 / t["root"], "dx without γ",
        "γ is missing in the gradient of the inputs.", "A factor is missing.",
    ),
    Mistake(
        "batch_norm.gradient_not_divided", "slope", lambda t: t["gamma"], "dx without 1/√(σ² + ε)",
        "The division by √(σ² + ε) is missing in the gradient of the inputs.",
        "A factor is missing.",
    ),
    Mistake(
        "batch_norm.dgamma_of_inputs", "dL_dgamma", lambda t: (t["g"] * t["X"]).sum(0), "Σ g x",
        "The raw inputs are used in the gradient of γ; it multiplies x̂.", "It is another array.",
    ),
    Mistake(
        "batch_norm.dgamma_of_outputs", "dL_dgamma", lambda t: (t["g"] * t["out"]).sum(0),
        "Σ g out", "The output is used in the gradient of γ; it multiplies x̂.",
        "It is another array.",
    ),
    Mistake(
        "batch_norm.dgamma_averaged", "dL_dgamma", lambda t: (t["g"] * t["x_hat"]).mean(0),
        "mean(g x̂)", "The gradient of γ is averaged; g already carries any 1/N.", "A factor N.",
    ),
    Mistake(
        "batch_norm.dgamma_plain", "dL_dgamma", lambda t: t["g"].sum(0), "Σ g",
        "x̂ is missing in the gradient of γ.", "A factor is missing.",
    ),
    Mistake(
        "batch_norm.gradient_of_normalised", "dL_dX", lambda t: t["g"] * t["gamma"], "γ g",
        "The gradient stops at x̂: the division and the two statistics are still to come.",
        "The chain rule stops one step early.",
    ),
    Mistake(
        "batch_norm.sign_of_mean", "mean_g", lambda t: -t["g"].mean(0), "g + mean(g) − …",
        "The mean of g is added where it should be subtracted.", "The sign of one term is turned.",
    ),
    Mistake(
        "batch_norm.sums_not_averaged", "mean_g", lambda t: t["g"].sum(0),
        "g − Σ g − x̂ Σ g x̂", "The two sums are not divided by N.", "A factor 1/N.",
        also={"mean_gx": lambda t: t["x_hat"] * (t["g"] * t["x_hat"]).sum(0)},
    ),
    Mistake(
        "batch_norm.dbeta_averaged", "dL_dbeta", lambda t: t["g"].mean(0), "mean(g)",
        "The gradient of β is averaged; g already carries any 1/N.", "A factor N.",
    ),
)  # fmt: skip


def _ordinary() -> list[Probe]:
    draw, D = np.random.default_rng(3).normal, 4
    scale = np.array([0.3, 1.0, 2.0, 0.7])
    return [
        Probe(f"{N} rows", {
            "X": draw(size=(N, D)) * scale + np.arange(D), "gamma": 1 + draw(size=D) * 0.3,
            "beta": draw(size=D), "old_mean": draw(size=D), "old_var": 0.5 + np.arange(D) * 0.4,
            "momentum": 0.8, "eps": 0.05, "g": draw(size=(N, D)),
        })
        for N in (6, 3)
    ]  # fmt: skip


def _small() -> Iterator[Inputs]:
    for N, D in ((2, 1), (3, 1), (3, 2)):
        yield {
            "X": small_numbers(N, D), "gamma": 2 + np.arange(D) * 1.0,
            "beta": small_numbers(D, start=2), "old_mean": np.full(D, 0.5),
            "old_var": np.full(D, 2.0), "momentum": 0.5, "eps": 0.5,
            "g": small_numbers(N, D, start=2),
        }  # fmt: skip


def _one_feature(*values: float) -> Inputs:
    one = np.ones(1)
    return {
        "X": np.array(values)[:, None], "gamma": one, "beta": 0.0 * one, "old_mean": 0.0 * one,
        "old_var": one, "momentum": 0.9, "eps": 1e-5, "g": np.array([[1.0], [-2.0], [0.5]]),
    }  # fmt: skip


_EXTREMES = (
    Extreme(  # mean(x²) − μ² keeps no digit of a variance of 1 there
        "features far from 0", _one_feature(1e8 + 1, 1e8 + 2, 1e8 + 4), "batch_norm.cancellation",
        "The variance loses its digits where the mean is large beside it: mean(x²) − μ² subtracts "
        "two nearly equal numbers. Compute mean((x − μ)²).",
        "σ² = mean(x²) − μ²", "σ² = mean of (x − μ)²", "x = (1, 2, 4) + 1e8",
    ),
    Extreme(
        "a constant feature", _one_feature(2.0, 2.0, 2.0), "batch_norm.constant_feature",
        "A feature that is constant in a batch has variance 0: ε must keep the division finite.",
        "", "√(σ² + ε)", "x = (2, 2, 2)",
    ),
)  # fmt: skip


BATCH_NORM = layer(
    "batch norm", _RECIPE, _MISTAKES, functions="batch_?norm|bn",
    arguments=("X", "gamma", "beta", "settings"),
    settings={
        "eps": "eps", "momentum": "momentum", "running_mean": "old_mean", "running_var": "old_var",
    },
    test_mode=True, ordinary=_ordinary, small=_small, derivation="batchnorm",
    lines={
        "mu": "mean", "var": "variance", "root": "normalised", "x_hat": "normalised",
        "out": "forward", "mean_g": "da", "mean_gx": "da", "slope": "da", "dL_dX": "da",
        "dL_dgamma": "dgamma", "dL_dbeta": "dbeta",
    },
    extremes=_EXTREMES,
)  # fmt: skip
