"""Put lines in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Any, ClassVar

from pminusy.questions.items.item import Question
from pminusy.questions.items.said import written
from pminusy.questions.judge import Verdict
from pminusy.questions.lines import TypedLine, typed_lines

__all__ = ["PutInOrder", "order_questions"]

_LEAST, _MOST = 3, 5


@dataclass(frozen=True, eq=False, repr=False)
class PutInOrder(Question):
    """Lines with one left side, shuffled; `order[n]` is the place of the n-th line among them."""

    kind: ClassVar[str] = "order"

    shuffled: tuple[str, ...]
    order: tuple[int, ...]

    @property
    def text(self) -> str:
        """The lines, numbered."""
        listed = [f"  {number}  {line}" for number, line in enumerate(self.shuffled, 1)]
        return "\n".join(
            ["In which order do these lines follow each other? Type their numbers.", *listed]
        )

    @property
    def solution(self) -> str:
        """Their numbers in order."""
        return " ".join(str(place + 1) for place in self.order)

    def judge(self, answer: str) -> Verdict:
        """Take the numbers in their order."""
        numbers = [int(found) - 1 for found in re.findall(r"[0-9]", answer[:100])]
        if sorted(numbers) != list(range(len(self.order))) or re.search(r"[^\d\s,;.]", answer):
            return Verdict("unread", f"Type each of the numbers 1 to {len(self.order)} once.")
        wrong = [n for n, (got, right) in enumerate(zip(numbers, self.order, strict=True))
                 if got != right]  # fmt: skip
        if not wrong:
            return Verdict("right", "Right.")
        place = f"It is right up to line {wrong[0]}." if wrong[0] else "Another line is first."
        return Verdict("wrong", place, "order")

    def as_data(self) -> dict[str, Any]:
        """The lines, and their places in order."""
        return {"lines": self.shuffled, "order": self.order}


def order_questions(article: str, rng: Random) -> tuple[PutInOrder, ...]:
    """One for each run of lines about one left side."""
    runs = groupby(
        typed_lines(article), lambda line: (line.chapter.key, repr((line.sides or ("",))[0]))
    )
    return tuple(
        _question(list(run)[:_MOST], rng) for run in (list(found) for _, found in runs)
        if len(run) >= _LEAST
    )  # fmt: skip


def _question(lines: list[TypedLine], rng: Random) -> PutInOrder:
    places = list(range(len(lines)))
    while places == sorted(places):
        rng.shuffle(places)
    first = lines[0]
    source = f"article {first.article}, “{first.chapter.title}”: {len(lines)} lines"
    shuffled = tuple(written(lines[place]) for place in places)
    order = tuple(places.index(n) for n in range(len(lines)))
    return PutInOrder(lines[-1].key, source, tuple(lines), shuffled, order)
