"""Where lines about one sample are proved: algebra for K = 2, 3, 4, and the reader's numbers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.core.trace import Trace
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.engine.proof import MANY, ProofError, indices_of, mentions
from pminusy.derivation.head.exact import algebra
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.head.symbols import symbols
from pminusy.derivation.tree import Relation, free_indices

if TYPE_CHECKING:
    from pminusy.derivation.steps.step import Step

__all__ = ["RowContext", "agree"]

_IN_TRACE = {
    "softmax": "p",
    "cross_entropy_logits": "L_i",
    "dL_dz_direct": "dL_dz",
    "dL_dz": "dL_dz",
    "dL_du": "dL_du",
    "jacobian": "J",
    "ignored_loss": "L_i",
    "ignored_gradient": "dL_dz",
}


_WITH_Z_LOSS = {
    "softmax": "p",
    "z_loss": "L_i",
    "dL_dz_total": "dL_dz",
    "dL_du": "dL_du",
    "jacobian": "J",
    "ignored_loss": "L_i",
    "ignored_gradient": "dL_dz",
}


def agree(step: Step, computed: Any, ulps: float, terms: Any = None) -> None:
    """Compare the entries shown with float64 ones.

    `terms` are the sizes of what was subtracted, where the entries are differences: `core` promises
    digits relative to those.

    Raises
    ------
    ProofError
        They differ by more than so many units in the last place.
    """
    for place, exact in step.value.entries.items():
        here = float(computed[place] if np.ndim(computed) else computed)
        scale = max(abs(float(exact)), _TINY, 0.0 if terms is None else float(terms[place]))
        if abs(here - float(exact)) > ulps * np.spacing(scale):
            raise ProofError(
                f"step {step.name}: core gives {here!r} where the exact value is {float(exact)!r}"
            )


_TINY = 1e-30  # what a difference quotient of an exact 0 may leave


@dataclass(frozen=True, eq=False)
class RowContext:
    """One sample."""

    sample: Sample

    @property
    def kind(self) -> Hashable:
        """The case: which letters there are and how they are defined."""
        return self.sample.case

    @property
    def numbers(self) -> Evaluator:
        """The reader's numbers."""
        return self.sample.numbers

    def algebra(self, relation: Relation, sizes: tuple[int, ...]) -> list[Evaluator]:
        """One world a size; where the true class is named, one for each true class too."""
        named = mentions(relation)
        case = self.sample.case
        per_class = case.one_hot and self._speaks_of_c(relation, named)
        return [
            algebra(case, K, c, named) for K in sizes for c in (range(K) if per_class else (None,))
        ]

    def confirm(self, step: Step) -> None:
        """The record of `core.trace` agrees with the exact value, within its own promise."""
        name = (_WITH_Z_LOSS if self.sample.case.z_loss else _IN_TRACE).get(step.name)
        if name is not None and not (name == "J" and self.sample.K > MANY):
            terms = self._terms if name.startswith("dL_d") and self.sample.case.mass else None
            agree(step, self._trace[name].value[0], self._slack, terms)

    @cached_property
    def _terms(self) -> Any:
        """The larger of S p and q, through cap and temperature: what S p − q is a difference of."""
        numbers, case = self.numbers, self.sample.case
        factor = 1 + 2 * abs(numbers.array("zeta") * numbers.array("lse")) if case.z_loss else 1
        larger = np.maximum(numbers.array("S") * factor * numbers.array("p"), numbers.array("q"))
        return larger * numbers.array("t") if case.transforms else larger

    @cached_property
    def _trace(self) -> Trace:
        numbers, case = self.numbers, self.sample.case
        u = np.array([[float(value) for value in numbers.array(case.logit_letter.name)]])
        X = np.array([[float(v) for v in numbers.array("x")]]) if case.layer else None
        options = self.sample.options
        y = np.array([float(value) for value in numbers.array("y")])
        target = y[None] if self.sample.c is None else np.array([self.sample.c])
        if case.ignored:
            target = np.array([options.ignore_index])
        return Trace(target, u=u, X=X, options=options)

    @cached_property
    def _slack(self) -> float:
        """Units in the last place that the rounding of z itself may cost: none for plain logits."""
        if self.sample.case.source == "logits" and not self.sample.case.transforms:
            return 4.0
        largest = max(abs(float(value)) for value in self.numbers.array("z"))
        return 16.0 + 4.0 * largest

    def _speaks_of_c(self, relation: Relation, named: frozenset[str]) -> bool:
        if any(index.name == "c" for index in indices_of(relation)):
            return True
        environment = Environment(symbols(self.sample.case), {}, {})
        made_from = frozenset().union(*(environment.made_from(name) for name in named))
        bodies = [
            body for name in made_from if (body := environment.symbols[name].body) is not None
        ]
        return any(index.name == "c" for body in bodies for index in free_indices(body))
