"""The chapter on 0 · ln 0, at the smallest probability of the reader's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pminusy.derivation.chapters import limits as chapter
from pminusy.derivation.domains import WORKING_DIGITS, Algebra, Decimals, decimals
from pminusy.derivation.evaluate import Evaluator
from pminusy.derivation.model import Setup
from pminusy.derivation.small_arena import SmallArena
from pminusy.derivation.steps import Chapter
from pminusy.derivation.tree import Ref
from pminusy.derivation.world import World, defined
from pminusy.derivation.world import given as given_symbol

__all__ = ["limits_chapter"]


def limits_chapter(setup: Setup) -> Chapter | None:
    """The chapter; None where every class has target mass."""
    target = setup.numbers.array(setup.case.target.name)
    if all(mass > 0 for mass in target):
        return None
    with setup.numbers.working():
        root = decimals.sqrt(min(setup.numbers.array("p")))
    numbers = Evaluator(_world({"root": root}, setup.digits), Decimals())
    arena = SmallArena("limits", numbers, _algebra)
    intro = "A target of 0 meets a logarithm; what if that is infinite?"
    return Chapter("limits", "Zero times a logarithm", intro, tuple(chapter.lines()), arena)


@lru_cache(maxsize=1)
def _algebra() -> list[Evaluator]:
    """Any ρ in (0, 1): w0 is ρ, w1 what it lacks of 1."""
    field = Algebra(["w0", "w1"])
    field.sum_to_one(["w0", "w1"])
    return [Evaluator(_world({"root": field["w0"]}), field)]


def _world(values: dict[str, Any], digits: int = WORKING_DIGITS) -> World:
    symbols = {"root": given_symbol("root"), "x_p": defined("x_p", by=Ref("root") ** 2)}
    return World(symbols, {"1": 1}, values, digits=digits)
