"""Softmax, cross-entropy and their gradients, as a learner writes them line by line.

Inputs: `z` (N, K), or `X` (N, D), `W` (K, D) and perhaps `b` (K,); or `p` (N, K) alone. `y` (N,)
class indices; `r` the regulariser's strength, `half` its factor (½ or 1), `free` the column of W it
leaves out (or None), `mean` whether losses are averaged; perhaps `T` the temperature and `eps` the
label smoothing, where a submission has them as arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.recipe import Recipe, Record, Step

__all__ = [
    "FROM_PROBABILITIES", "HEAD", "OF_PARAMETERS", "RIDGE", "SOFTMAX", "SOFTMAX_LAYER", "TO_SCORES",
    "batch", "bias_penalty_gradient", "logits", "one_hot", "penalised",
]  # fmt: skip


def one_hot(record: Record) -> Any:
    """Y (N, K); with label smoothing the target mass q = (1 − ε) Y + ε / K."""
    K = record["p"].shape[1]
    Y = (record["y"][:, None] == np.arange(K)).astype(float)
    return (1 - record["eps"]) * Y + record["eps"] / K if record.get("eps") else Y


def batch(record: Record) -> float:
    """What sums over the batch are divided by: N for a mean, 1 for a sum."""
    return float(record["y"].shape[0]) if record["mean"] else 1.0


def penalised(record: Record, name: str = "W") -> Any:
    """The weights the regulariser sees: without the column that stands for a bias."""
    weights = record[name]
    if record["free"] is None:
        return weights
    kept = np.ones(weights.shape[1])
    kept[record["free"]] = 0.0
    return weights * kept


def logits(record: Record) -> Any:
    """The scores, computed or given."""
    if "z" in record:
        return record["z"]
    z = record["X"] @ record["W"].T
    z = z + record["b"] if "b" in record else z
    return z / record["T"] if "T" in record else z


def _row_losses(record: Record) -> Any:
    if record.get("eps"):
        return -(one_hot(record) * np.log(record["p"])).sum(1)
    return -np.log(record["p"][np.arange(record["y"].size), record["y"]])


def _weight_gradient(record: Record) -> Any:
    return record["dL_dz"].T @ record["X"] if "X" in record else None


def _penalty(record: Record) -> Any:
    if "W" not in record:
        return 0.0
    terms = [penalised(record, name) for name in ("W", "W1") if name in record]
    terms += [record[name] for name in ("b", "b1") if name in record and record.get("biases")]
    return record["half"] * record["r"] * sum(np.sum(term**2) for term in terms)


def bias_penalty_gradient(record: Record, name: str = "b") -> Any:
    """What the regulariser adds to the gradient of a bias: nothing, where it has no bias in it."""
    regularised = record.get("biases") and name in record
    return 2 * record["half"] * record["r"] * record[name] if regularised else 0.0


def _penalty_gradient(record: Record) -> Any:
    return 2 * record["half"] * record["r"] * penalised(record) if "W" in record else 0.0


_STEPS = (
    Step("z", logits, "z = X Wᵀ + b", "where the scores (logits) are computed"),
    Step(
        "m", lambda t: t["z"].max(1, keepdims=True), "m_i = max_j z_ij, of each row",
        "where the maximum is subtracted before exp",
    ),
    Step("e", lambda t: np.exp(t["z"] - t["m"]), "e_ik = e^(z_ik − m_i)", "where exp is taken"),
    Step(
        "s", lambda t: t["e"].sum(1, keepdims=True), "s_i = Σ_j e_ij, of each row",
        "where the exponentials are summed",
    ),
    Step(
        "p", lambda t: t["e"] / t["s"], "p_ik = e_ik / s_i", "where the probabilities are computed"
    ),
    Step("log_p", lambda t: np.log(t["p"]), "ln p_ik", "where the logarithm is taken"),
    Step("Y", one_hot, "Y_ik = 1 if k = y_i, else 0", "where the labels are used"),
    Step("L_i", _row_losses, "L_i = −ln p_i,y_i", "where the loss of each sample is computed"),
    Step(
        "L_data", lambda t: t["L_i"].sum() / batch(t), "L = (1/N) Σ_i L_i",
        "where losses are averaged",
    ),
    Step("R", _penalty, "R = ½ r ‖W‖²", "where the regulariser is added to the loss"),
    Step(
        "L", lambda t: t["L_data"] + t["R"], "L = (1/N) Σ_i L_i + R",
        "where the loss is put together",
    ),
    Step(
        "dL_dz_i", lambda t: (t["p"] - t["Y"]) / t.get("T", 1.0), "∂L_i/∂z_i = p_i − Y_i",
        "where the gradient at the scores is computed, p − y",
    ),
    Step(
        "dL_dz", lambda t: t["dL_dz_i"] / batch(t), "dL_dz = (1/N) (p − Y)",
        "where the gradient is averaged over the batch",
    ),
    Step(
        "dD_dW", _weight_gradient, "dL_dW = dL_dzᵀ X",
        "where the gradient of the weights is accumulated",
    ),
    Step(
        "dR_dW", _penalty_gradient, "dR_dW = r W", "where the regulariser is added to the gradient"
    ),
    Step(
        "dL_dW", lambda t: None if t["dD_dW"] is None else t["dD_dW"] + t["dR_dW"],
        "dL_dW = dL_dzᵀ X + r W", "where the gradient of the weights is put together",
    ),
    Step(
        "dR_db", bias_penalty_gradient, "dR_db = 0",
        "where the regulariser is added to the gradient of the bias",
    ),
    Step(
        "dL_db", lambda t: t["dL_dz"].sum(0) + t["dR_db"], "dL_db = Σ_i dL_dz_i",
        "where the bias gradient is computed",
    ),
    Step(
        "dL_dX", lambda t: t["dL_dz"] @ t["W"] if "W" in t else None, "dL_dX = dL_dz W",
        "where the gradient goes on to the inputs",
    ),
)  # fmt: skip


def _of(*names: str) -> Recipe:
    return Recipe(tuple(step for step in _STEPS if step.name in names))


_BACKWARD = Step(
    "dL_dz", lambda t: t["p"] * (t["g"] - (t["p"] * t["g"]).sum(1, keepdims=True)),
    "dL_dz_ik = p_ik (g_ik − Σ_j p_ij g_ij)", "where the gradient passes back through the softmax",
)  # fmt: skip
_OF_PROBABILITIES = (
    Step(
        "dL_dp_i", lambda t: -t["Y"] / t["p"], "∂L_i/∂p_i = −Y_i / p_i",
        "where the gradient at the probabilities is computed",
    ),
    Step(
        "dL_dp", lambda t: t["dL_dp_i"] / batch(t), "dL_dp = −(1/N) Y / p",
        "where the gradient at the probabilities is averaged over the batch",
    ),
)  # fmt: skip
HEAD = Recipe(_STEPS)
SOFTMAX = _of("z", "m", "e", "s", "p", "log_p")
SOFTMAX_LAYER = Recipe((*SOFTMAX.steps, _BACKWARD))
_FROM_PROBABILITIES = ("Y", "L_i", "L_data", "R", "L")
FROM_PROBABILITIES = Recipe((*_of(*_FROM_PROBABILITIES).steps, *_OF_PROBABILITIES))
_AVERAGED_PENALTY = Step(
    "R", lambda t: _penalty(t) / t["y"].shape[0], "R = r ‖W‖² / (2 N)",
    "where the regulariser is added to the loss",
)  # fmt: skip
OF_PARAMETERS = Recipe(
    tuple(_AVERAGED_PENALTY if step.name == "R" else step for step in FROM_PROBABILITIES.steps)
)
TO_SCORES = _of(*_FROM_PROBABILITIES, "dL_dz_i", "dL_dz")
RIDGE = _of("R", "dR_dW")
