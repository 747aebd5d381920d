"""Where the lines about a batch are proved: algebra for two rows, and the reader's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.derivation.engine.decimals import WORKING_DIGITS, Decimals, exact_array
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import mentions
from pminusy.derivation.head.core_run import CoreRun, are_floats
from pminusy.derivation.head.exact import batch_environment
from pminusy.derivation.head.symbols import batch_symbols
from pminusy.derivation.statements.case import BatchCase
from pminusy.derivation.steps.context import Computed
from pminusy.derivation.tree import Relation

__all__ = ["BatchContext"]


@dataclass(frozen=True, eq=False)
class BatchContext:
    """A batch: `values` has X, W, b or logits, Y and the constants of the loss.

    `rows` says which rows of a larger batch these are, `classes` which classes, where some are
    masked.
    """

    case: BatchCase
    values: Mapping[str, Any]
    sizes: Mapping[str, int]
    rows: tuple[int, ...]
    classes: tuple[int, ...] = ()
    digits: int = WORKING_DIGITS
    options: Options = field(default_factory=Options)
    numbers: Evaluator = field(init=False, repr=False)
    _runs: dict[Any, CoreRun] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the evaluator at the reader's numbers."""
        exact = {name: exact_array(value) for name, value in self.values.items()}
        labels = {"N": self.rows} | ({"K": self.classes} if self.classes else {})
        environment = Environment(
            batch_symbols(self.case), self.sizes, exact, {}, self.digits, labels
        )
        object.__setattr__(self, "numbers", Evaluator(environment, Decimals()))

    def kind(self, relation: Relation) -> Hashable:
        """Which letters there are."""
        del relation
        return self.case

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """One for each number of classes, with two rows and two features."""
        wanted = [K for K in sizes if K <= 3] or [2]
        return [batch_environment(self.case, K, mentions(relation)) for K in wanted]

    def sizes_for_any(self, relation: Relation, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """None: a line about rows is proved for those numbers of classes that it names."""
        del relation, sizes
        return ()

    def computed(self, step: str) -> Iterator[Computed]:
        """The quantities of `core.trace` that a step shows."""
        for name in _OF_STEP.get(step, ()):
            if name == "gradient":
                name = "dL_du" if self.case.transforms else "dL_dz"
            elif name == "logits":
                name = self.case.logit_letter.name.lower()
            letter = _LETTERS.get(step, {}).get(name, "")
            yield self._run(step).computed(name, letter=letter)

    def _run(self, step: str) -> CoreRun:
        """The run of `core` with the options that belong to a step."""
        options, factors = self.options, self.values["g"]
        if step not in _OTHER_BASE:
            options = replace(options, log_base=None)
        if step in _ROW_BY_ROW:
            options, factors = replace(options, reduction="sum"), None
        elif options.reduction != "none":
            factors = None
        key = (options.log_base, options.reduction)
        if key not in self._runs:
            self._runs[key] = self._new_run(options, factors)
        return self._runs[key]

    def _new_run(self, options: Options, factors: Any) -> CoreRun:
        values, case = self.values, self.case
        target = np.asarray(values["Y"], dtype=np.float64)
        if case.one_hot:
            target = np.where(values["r"] > 0, target.argmax(1), options.ignore_index)
        exact = self.numbers.array(case.logit_letter.name)
        u = np.array(exact, dtype=np.float64)
        layer = None
        if case.layer:
            X, W, b = (np.asarray(values[name], dtype=np.float64) for name in ("X", "W", "b"))
            layer = X, W, b
        return CoreRun(
            target, u, options, layer,
            exact=not case.layer and not case.transforms and are_floats(exact),
            differences=not case.plain, factors=factors,
        )  # fmt: skip


_OF_STEP = {
    "batch_logits": ("logits",), "batch_mass": ("q",), "batch_row_loss": ("L_i", "p", "z"),
    "batch_loss": ("L",), "batch_total": ("L",), "batch_none": ("L",), "batch_sum": ("L",),
    "batch_empty": ("L", "gradient"), "batch_dL_dZ": ("gradient",), "batch_upstream": ("gradient",),
    "batch_dL_dW": ("dL_dW",), "batch_dL_db": ("dL_db",), "batch_dL_dX": ("dL_dX",),
    "batch_log_base": ("L",), "batch_dL_B_dZ": ("gradient",), "batch_dL_B_dW": ("dL_dW",),
}  # fmt: skip
"""Quantities of `core.trace` that a step shows."""

_LETTERS = {"batch_row_loss": {"p": "P", "z": "Z"}, "batch_empty": {"L": "L"}}
"""Quantities compared with the letters of these names, and not with the value of the step."""

_ROW_BY_ROW = ("batch_mass", "batch_row_loss", "batch_sum")
"""Steps about rows before they are put together: their sum, whatever the reduction."""

_OTHER_BASE = ("batch_log_base", "batch_dL_B_dZ", "batch_dL_B_dW")
