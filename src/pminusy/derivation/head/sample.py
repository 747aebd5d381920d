"""One sample: the reader's numbers for the letters of its case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pminusy.core.options import Options
from pminusy.derivation.engine.decimals import WORKING_DIGITS, Decimals, exact_array
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.head.symbols import symbols
from pminusy.derivation.statements.case import Case

__all__ = ["Sample"]


@dataclass(frozen=True)
class Sample:
    """The reader's numbers.

    Parameters
    ----------
    case
        Which letters there are.
    values
        Given values by letter: floats, or mpmath numbers where they are exact.
    K, D
        Classes and features (D is 1 without a layer).
    c
        True class, None for soft targets.
    classes, features
        Names to show.
    options
        The same options for `core`.
    digits
        Digits that decimals are worked in: as many as these logits need.
    labels
        The classes among all, where some are masked and left out.
    """

    case: Case
    values: Mapping[str, Any]
    K: int
    D: int
    c: int | None
    classes: tuple[str, ...]
    features: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    digits: int = WORKING_DIGITS
    labels: tuple[int, ...] = ()
    numbers: Evaluator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the evaluator at the reader's numbers."""
        values = {name: exact_array(value) for name, value in self.values.items()}
        fixed = {} if self.c is None else {"c": self.c}
        labels = {"K": self.labels} if self.labels else {}
        sizes = {"K": self.K, "D": self.D}
        environment = Environment(symbols(self.case), sizes, values, fixed, self.digits, labels)
        object.__setattr__(self, "numbers", Evaluator(environment, Decimals()))
