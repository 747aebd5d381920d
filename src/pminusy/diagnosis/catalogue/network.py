"""A two-layer network with a softmax head, and one epoch of gradient steps.

The network's hidden layer is computed first and becomes the head's `X`; the inputs are `X0`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import HEAD, SOFTMAX, bias_penalty_gradient, penalised
from pminusy.diagnosis.catalogue.recipe import Change, Recipe, Record, Step

__all__ = ["EPOCH", "NETWORK", "NETWORK_EPOCH", "NETWORK_FORWARD", "EpochRecipe"]


def _hidden(record: Record) -> Any:
    a = record["X0"] @ record["W1"].T
    return a + record["b1"] if "b1" in record else a


def _first_penalty_gradient(record: Record) -> Any:
    return 2 * record["half"] * record["r"] * penalised(record, "W1")


_BEFORE = (
    Step("a1", _hidden, "a = X W₁ᵀ + b₁", "where the hidden layer is computed"),
    Step("X", lambda t: np.maximum(t["a1"], 0), "h = max(a, 0)", "where ReLU is applied"),
)  # fmt: skip
_AFTER = (
    Step(
        "dL_da1", lambda t: t["dL_dX"] * (t["a1"] > 0), "dL_da = dL_dh ⊙ [a > 0]",
        "where the gradient passes back through ReLU",
    ),
    Step(
        "dD_dW1", lambda t: t["dL_da1"].T @ t["X0"], "dL_dW₁ = dL_daᵀ X",
        "where the gradient of the first weights is computed",
    ),
    Step(
        "dR_dW1", _first_penalty_gradient, "dR_dW₁ = r W₁",
        "where the regulariser is added to the gradient of the first weights",
    ),
    Step(
        "dL_dW1", lambda t: t["dD_dW1"] + t["dR_dW1"], "dL_dW₁ = dL_daᵀ X + r W₁",
        "where the gradient of the first weights is put together",
    ),
    Step(
        "dR_db1", lambda t: bias_penalty_gradient(t, "b1"), "dR_db₁ = 0",
        "where the regulariser is added to the gradient of the first bias",
    ),
    Step(
        "dL_db1", lambda t: t["dL_da1"].sum(0) + t["dR_db1"],
        "dL_db₁ = Σ_i dL_da_i",
        "where the gradient of the first bias is computed",
    ),
)  # fmt: skip
NETWORK_FORWARD = Recipe((*_BEFORE, *SOFTMAX.steps))
NETWORK = Recipe((*_BEFORE, *HEAD.steps, *_AFTER))


@dataclass(frozen=True)
class EpochRecipe(Recipe):
    """One pass over the data in batches, `θ ← θ − η dL_dθ`; `inner` gives each batch's gradient.

    Inputs as the inner recipe's, with `lr`, `batch` and the names `trained`; the record has
    `after_W` and so on.
    """

    inner: Recipe = HEAD

    def run(self, inputs: Mapping[str, Any], changes: Mapping[str, Change] | None = None) -> Record:
        """The parameters after the epoch."""
        changes = changes or {}
        record: Record = dict(inputs)
        record["rows"] = changes.get("rows", self.step("rows").compute)(record)
        update = changes.get("update", self.step("update").compute)
        data = "X0" if "X0" in inputs else "X"
        for rows in record["rows"]:
            given = dict(record) | {data: inputs[data][rows], "y": inputs["y"][rows]}
            step = self.inner.run({k: v for k, v in given.items() if k != "rows"}, changes)
            step |= {"lr": record["lr"], "before": record}
            with np.errstate(all="ignore"):
                record |= update(step)
        return record | {f"after_{name}": record[name] for name in inputs["trained"]}


def _all_rows(record: Record) -> list[Any]:
    N = record["y"].size
    size = record.get("batch", N)
    return [np.arange(start, min(start + size, N)) for start in range(0, N, size)]


def _descend(record: Record) -> Record:
    return {name: record[name] - record["lr"] * record[f"dL_d{name}"] for name in record["trained"]}


_EPOCH_STEPS = (
    Step(
        "rows", _all_rows, "every row once, the last batch as short as it is",
        "where the batches are cut",
    ),
    Step("update", _descend, "θ ← θ − η dL_dθ", "where the parameters are updated"),
)  # fmt: skip
EPOCH = EpochRecipe((*_EPOCH_STEPS, *HEAD.steps))
NETWORK_EPOCH = EpochRecipe((*_EPOCH_STEPS, *NETWORK.steps), inner=NETWORK)
