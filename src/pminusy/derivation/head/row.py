"""One sample: exact algebra for K = 2, 3, 4, the reader's numbers, and `core` at those numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pminusy.core.options import Options
from pminusy.derivation.engine.any_size import sizes_for_any
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import MANY_CLASSES, indices_of, mentions
from pminusy.derivation.head.core_run import CoreRun, are_floats
from pminusy.derivation.head.exact import depends_on, row_environment
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.head.symbols import symbols
from pminusy.derivation.steps.context import Computed
from pminusy.derivation.tree import Relation, free_indices

__all__ = ["RowContext"]

_OF_STEP = {
    "linear": ("logits",), "linear_vector": ("logits",), "transform": ("z",),
    "softmax": ("p", "z"), "shift": ("p",), "shifted_lse": ("m", "s"), "target_mass": ("q",),
    "z_loss": ("L_i", "L"), "z_loss_logits": ("L_i",), "log_base": ("L",),
    "jacobian": ("J",), "jacobian_matrix": ("J",), "dL_dp": ("dL_dp",),
    "dL_dz_total": ("dL_dz",), "dL_du": ("dL_du",), "dL_B_dz": ("dL_dz",), "dL_B_du": ("dL_du",),
    "why_stop_at_z": ("dL_dW",), "dL_dW_entry": ("dL_dW",), "dL_dW": ("dL_dW",),
    "dL_db": ("dL_db",), "dL_dx_entry": ("dL_dX",), "dL_dx": ("dL_dX",),
    "ignored_mass": ("q",), "ignored_loss": ("L_i", "L"), "ignored_gradient": ("dL_dz",),
    "ignored_gradient_given": ("dL_du",), "ignored_log_base": ("L",),
    "ignored_dL_dW": ("dL_dW",), "ignored_dL_db": ("dL_db",),
}  # fmt: skip
"""Quantities of `core.trace` that a step shows; "logits" are those of the layer."""

_OF_CROSS_ENTROPY = {
    **dict.fromkeys(
        ("cross_entropy", "cross_entropy_one_hot", "cross_entropy_logits"), ("L_i", "L")
    ),
    **dict.fromkeys(("direct_loss", "stable_loss", "stable_log1p"), ("L_i",)),
    **dict.fromkeys(("chain", "dL_dz_long", "row_times_jacobian", "dL_dz_sparse"), ("dL_dz",)),
    **dict.fromkeys(("dL_dz_direct", "dL_dz", "infinite_gradient"), ("dL_dz",)),
}
"""The same of the cross-entropy, without the z-loss that may stand beside it."""

_OTHER_BASE = ("log_base", "dL_B_dz", "dL_B_du", "ignored_log_base")
_LETTERS = {"shifted_lse": ("m", "s"), "softmax": ("z",)}
"""Quantities compared with the letters of these names, and not with the value of the step."""

_OF_ALL_ROWS = ("L", "dL_dW", "dL_db")
"""Quantities without an axis of rows."""


@dataclass(frozen=True, eq=False)
class RowContext:
    """One sample."""

    sample: Sample
    _runs: dict[Any, CoreRun] = field(default_factory=dict, init=False, repr=False)

    def kind(self, relation: Relation) -> Hashable:
        """Which of its letters there are and how they are defined."""
        named, case = mentions(relation), self.sample.case
        per_class = case.one_hot and self._speaks_of_c(relation, named)
        return "row", per_class, depends_on(case, per_class, named)

    @property
    def numbers(self) -> Evaluator:
        """The reader's numbers."""
        return self.sample.numbers

    def exact_environments(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """One for each size, and for each true class where the line depends on it."""
        named = mentions(relation)
        case = self.sample.case
        per_class = case.one_hot and self._speaks_of_c(relation, named)
        classes = [(K, c) for K in sizes for c in (range(K) if per_class else (None,))]
        return [row_environment(case, K, c, named) for K, c in classes]

    def sizes_for_any(self, relation: Relation, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Numbers of classes that the form of a line asks for; none where it decides nothing."""
        return sizes_for_any(relation, symbols(self.sample.case), sizes)

    def computed(self, step: str) -> Iterator[Computed]:
        """The quantities of `core.trace` that a step shows, for the one row there is."""
        names = _OF_STEP.get(step) or _OF_CROSS_ENTROPY.get(step, ())
        for name in names:
            if name == "J" and self.sample.K > MANY_CLASSES:
                continue
            name = self.sample.case.logit_letter.name if name == "logits" else name
            letter = name if name in _LETTERS.get(step, ()) else ""
            yield self._run(step).computed(name, letter=letter).of_row(name not in _OF_ALL_ROWS)

    def _run(self, step: str) -> CoreRun:
        """The run of `core` with the options that belong to a step."""
        options = self.sample.options
        if step in _OTHER_BASE:
            options = replace(options, log_base=float(self.sample.values["B"]))
        elif step in _OF_CROSS_ENTROPY:
            options = replace(options, z_loss=0.0)
        key = (options.log_base, options.z_loss)
        if key not in self._runs:
            self._runs[key] = self._new_run(options)
        return self._runs[key]

    def _new_run(self, options: Options) -> CoreRun:
        case, sample = self.sample.case, self.sample
        x, W, b, u, y = (
            self._floats(name) for name in ("x", "W", "b", case.logit_letter.name, "y")
        )
        given = self.numbers.array(case.logit_letter.name)
        target = y[None] if sample.c is None else np.array([sample.c])
        if case.ignored:
            target = np.array([options.ignore_index])
        return CoreRun(
            target, u[None], options, (x[None], W, b) if case.layer else None,
            exact=case.source == "logits" and not case.transforms and are_floats(given),
            differences=case.mass or bool(options.z_loss),
        )  # fmt: skip

    def _floats(self, name: str) -> Any:
        if name in ("x", "W", "b") and not self.sample.case.layer:
            return np.empty(0)
        return np.array(self.numbers.array(name), dtype=np.float64)

    def _speaks_of_c(self, relation: Relation, named: frozenset[str]) -> bool:
        if any(index.name == "c" for index in indices_of(relation)):
            return True
        environment = Environment(symbols(self.sample.case), {}, {})
        made_from = frozenset().union(*(environment.made_from(name) for name in named))
        bodies = [
            body for name in made_from if (body := environment.symbols[name].body) is not None
        ]
        return any(index.name == "c" for body in bodies for index in free_indices(body))
