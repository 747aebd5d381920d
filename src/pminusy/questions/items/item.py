"""What every question has: where it is from, what it shows, and a judge of answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from pminusy.questions.judge import Verdict
from pminusy.questions.lines import TypedLine

__all__ = ["Question"]


@dataclass(frozen=True, eq=False)
class Question(ABC):
    """A question.

    Attributes
    ----------
    kind
        next, rule, order, predict, false or function.
    line
        Whose line it is: the article and the line's name, 001/dL_dz_long.
    source
        The same in words.
    rests_on
        The lines that it shows, which are proved before it is asked.
    """

    kind: ClassVar[str]

    line: str
    source: str
    rests_on: tuple[TypedLine, ...]

    @property
    @abstractmethod
    def text(self) -> str:
        """The question, as a terminal shows it."""

    @property
    @abstractmethod
    def solution(self) -> str:
        """An answer that is right."""

    @abstractmethod
    def judge(self, answer: str) -> Verdict:
        """What an answer is worth."""

    @abstractmethod
    def as_data(self) -> dict[str, Any]:
        """What the page needs to ask it and to judge answers."""

    def __repr__(self) -> str:
        return f"<Question {self.kind}, {self.line}: .text, .judge('answer')>"
