"""The chapter on 0 · ln 0, at the smallest probability of the reader's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import WORKING_DIGITS, Decimals, decimals
from pminusy.derivation.engine.environment import Environment, defined, variable
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.statements.forward.zero_times_logarithm import zero_times_logarithm
from pminusy.derivation.statements.sentence import remark
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.steps.context import FixedContext
from pminusy.derivation.tree import Ref

__all__ = ["limits_chapter"]


def limits_chapter(sample: Sample) -> Chapter | None:
    """The chapter; None where every class has target mass."""
    target = sample.numbers.array(sample.case.target.name)
    if all(mass > 0 for mass in target):
        return None
    with sample.numbers.working():
        root = decimals.sqrt(min(sample.numbers.array("p")))
    numbers = Evaluator(_environment({"root": root}, sample.digits), Decimals())
    context = FixedContext("limits", numbers, _algebra)
    intro = remark("A class without target meets a logarithm; what if that is infinite?")
    return Chapter(
        "limits", "Zero times a logarithm", intro, tuple(zero_times_logarithm()), context
    )


@lru_cache(maxsize=1)
def _algebra() -> list[Evaluator]:
    """Any ρ in (0, 1): w0 is ρ, w1 what it lacks of 1."""
    field = Algebra({"w": (2,)})
    field.sum_to_one(field["w"])
    return [Evaluator(_environment({"root": field["w"][0]}), field)]


def _environment(values: dict[str, Any], digits: int = WORKING_DIGITS) -> Environment:
    symbols = {"root": variable("root"), "x_p": defined("x_p", by=Ref("root") ** 2)}
    return Environment(symbols, {"1": 1}, values, digits=digits)
