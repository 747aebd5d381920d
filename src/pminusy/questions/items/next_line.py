"""Type the next line: judged by its value, whatever its form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pminusy.questions.expression import write
from pminusy.questions.items.item import Question
from pminusy.questions.items.said import condition, source_of, written
from pminusy.questions.judge import Judge, Verdict
from pminusy.questions.lines import TypedLine, typed_lines

__all__ = ["NextLine", "next_lines"]


@dataclass(frozen=True, eq=False, repr=False)
class NextLine(Question):
    """The left side of a line, its rule, and the line before."""

    kind: ClassVar[str] = "next"

    asked: TypedLine
    before: TypedLine | None

    @property
    def left(self) -> str:
        """The side that is shown."""
        assert self.asked.sides is not None
        return write(self.asked.sides[0], self.asked.letters.shown)

    @property
    def text(self) -> str:
        """The rule, the line before, and the left side."""
        rules = ", ".join(self.asked.line.rules) or "what was found so far"
        shown = [f"Before: {written(self.before)}"] if self.before else []
        last = f"{self.left} = ?{condition(self.asked)}"
        return "\n".join([f"Type the next line, by: {rules}.", *shown, f"Next:   {last}"])

    @property
    def solution(self) -> str:
        """The line."""
        return written(self.asked)

    @cached_property
    def _judge(self) -> Judge:
        return Judge(self.asked)

    def judge(self, answer: str) -> Verdict:
        """Compare it with the line."""
        return self._judge.verdict(answer)

    def as_data(self) -> dict[str, Any]:
        """Both, and what an answer is compared with."""
        line = self.asked
        return {
            "before": written(self.before) if self.before else "",
            "rules": list(line.line.rules),
            "sides": line.sides,
            "spaces": line.spaces,
            "for": line.conditions,
            "about": line.letters.about,
        }


def next_lines(article: str) -> tuple[NextLine, ...]:
    """Every line of an article that can be asked for."""
    found = []
    before: TypedLine | None = None
    for line in typed_lines(article):
        same = before is not None and before.chapter is line.chapter
        found.append(NextLine(line.key, source_of(line), (line,), line, before if same else None))
        before = line
    return tuple(found)
