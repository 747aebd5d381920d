"""Choose the rule that a line uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any, ClassVar

from pminusy.questions.items.choosing_one import chosen
from pminusy.questions.items.item import Question
from pminusy.questions.items.said import source_of, written
from pminusy.questions.judge import Verdict
from pminusy.questions.lines import TypedLine, typed_lines

__all__ = ["FAMILIES", "ChooseRule", "rule_questions"]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "derivatives": (
        "quotient rule", "chain rule", "chain rule over all paths", "derivative of a sum",
        "derivative of the logarithm", "derivative of the exponential", "derivative of a constant",
    ),
    "sums": ("distributive law", "split a sum", "cancel equal terms", "constant factor"),
    "fractions": ("product of fractions", "difference of fractions", "cancel a common factor"),
    "targets": ("Σ y = 1", "Kronecker δ", "one-hot target", "case distinction"),
    "arrays": ("matrix product", "outer product"),
    "logarithms": ("logarithm of a quotient", "logarithm and exponential"),
}  # fmt: skip
"""Rules that might be taken for each other are of one family: wrong choices are of others."""
_CHOICES = 4


def _family(rule: str) -> str:
    return next((name for name, rules in FAMILIES.items() if rule in rules), "")


@dataclass(frozen=True, eq=False, repr=False)
class ChooseRule(Question):
    """A line with the one before, and four rules."""

    kind: ClassVar[str] = "rule"

    before: str
    after: str
    choices: tuple[str, ...]
    right: int

    @property
    def text(self) -> str:
        """The lines and the rules, numbered."""
        listed = [f"  {number}  {rule}" for number, rule in enumerate(self.choices, 1)]
        return "\n".join(
            ["Which rule leads from one line to the next?", f"Before: {self.before}",
             f"Next:   {self.after}", *listed]
        )  # fmt: skip

    @property
    def solution(self) -> str:
        """The rule with its number."""
        return f"{self.right + 1}  {self.choices[self.right]}"

    def judge(self, answer: str) -> Verdict:
        """Take a number or the words of a rule."""
        place = chosen(answer, self.choices)
        if isinstance(place, Verdict):
            return place
        if place == self.right:
            return Verdict("right", "Right.")
        return Verdict("wrong", f"It is not “{self.choices[place]}”.", "rule")

    def as_data(self) -> dict[str, Any]:
        """The lines, the rules and the place of the right one."""
        return {"before": self.before, "after": self.after, "choices": self.choices,
                "right": self.right}  # fmt: skip


def rule_questions(article: str, rng: Random) -> tuple[ChooseRule, ...]:
    """One for each line of an article whose rule has a family."""
    lines = typed_lines(article)
    found = []
    for before, line in pairwise(lines):
        rules = [rule for rule in line.line.rules if _family(rule)]
        if before.chapter is line.chapter and rules:
            found.append(_question(before, line, rules[0], rng))
    return tuple(found)


def _question(before: TypedLine, line: TypedLine, rule: str, rng: Random) -> ChooseRule:
    own = {_family(each) for each in line.line.rules}
    others = rng.sample([name for name in FAMILIES if name not in own], _CHOICES - 1)
    choices = [rule, *(rng.choice(FAMILIES[name]) for name in others)]
    rng.shuffle(choices)
    return ChooseRule(
        line.key, source_of(line), (before, line), written(before), written(line), tuple(choices),
        choices.index(rule),
    )  # fmt: skip
