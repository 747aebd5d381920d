"""The loss of scores where rows count differently: class weights, ignored rows, a focal factor.

Inputs as the head's, and perhaps: `cw` (K,) a weight for each class, `sw` (N,) one for each row,
`ignore` the label of rows that do not count, `gamma` the exponent of the focal factor (1 − p_y)^γ,
`balance` a factor of every loss. `v` (N,) is what each row counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import SOFTMAX
from pminusy.diagnosis.catalogue.recipe import Recipe, Record, Step

__all__ = ["WEIGHTED", "divisor", "kept_labels", "own", "row_weights", "target"]


def kept_labels(record: Record) -> Any:
    """The labels, 0 in place of those that are ignored."""
    y = record["y"]
    return np.where(y == record["ignore"], 0, y) if "ignore" in record else y


def row_weights(record: Record) -> Any:
    """What each row counts."""
    y = record["y"]
    weights = np.ones(y.size) * record.get("balance", 1.0)
    if "cw" in record:
        weights = weights * record["cw"][kept_labels(record)]
    if "sw" in record:
        weights = weights * record["sw"]
    return weights * (y != record["ignore"]) if "ignore" in record else weights


def target(record: Record) -> Any:
    """The one-hot of the labels, (N, K)."""
    return (kept_labels(record)[:, None] == np.arange(record["p"].shape[1])).astype(float)


def own(record: Record, name: str) -> Any:
    """The entry of the true class in each row, (N,)."""
    return record[name][np.arange(record["y"].size), kept_labels(record)]


def divisor(record: Record) -> Any:
    """What the sum over the batch is divided by: what all rows count, N, or 1."""
    if record.get("weighted"):
        return record["v"].sum()
    return record["y"].size if record["mean"] else 1.0


def _row_losses(record: Record) -> Any:
    factor = (1 - own(record, "p")) ** record["gamma"] if "gamma" in record else 1.0
    return -record["v"] * factor * own(record, "log_p")


def _row_gradients(record: Record) -> Any:
    """With the focal factor, (1 − p_y)^γ − γ (1 − p_y)^(γ − 1) p_y ln p_y times p − Y."""
    factor: Any = 1.0
    if record.get("gamma"):
        p, log_p, power = own(record, "p"), own(record, "log_p"), record["gamma"]
        factor = (1 - p) ** power - power * (1 - p) ** (power - 1) * p * log_p
    return (record["v"] * factor)[:, None] * (record["p"] - target(record))


WEIGHTED = Recipe(
    (
        *SOFTMAX.steps,
        Step("v", row_weights, "v_i = w_y_i, 0 where y_i is ignored", "where rows are weighted"),
        Step(
            "L_i", _row_losses, "L_i = −v_i (1 − p_i,y_i)^γ ln p_i,y_i",
            "where the loss of each sample is computed",
        ),
        Step(
            "L_data", lambda t: t["L_i"].sum() / divisor(t), "L = Σ_i L_i / Σ_i v_i",
            "where losses are averaged",
        ),
        Step("L", lambda t: t["L_data"], "L = Σ_i L_i / Σ_i v_i", "where the loss is put together"),
        Step(
            "dL_dz_i", _row_gradients, "∂L_i/∂z_i = v_i (p_i − Y_i)",
            "where the gradient at the scores is computed",
        ),
        Step(
            "dL_dz", lambda t: t["dL_dz_i"] / divisor(t), "dL_dz = v (p − Y) / Σ_i v_i",
            "where the gradient is averaged over the batch",
        ),
    )
)  # fmt: skip
