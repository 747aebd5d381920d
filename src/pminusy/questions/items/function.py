"""Paste a function: the command that checks it is offered, and nothing of it is run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pminusy.questions.items.item import Question
from pminusy.questions.items.said import source_of
from pminusy.questions.judge import Verdict
from pminusy.questions.lines import typed_lines

__all__ = ["ASKED", "LONGEST_FUNCTION", "PasteFunction", "paste_questions"]

LONGEST_FUNCTION = 20_000
_COMMAND = "pminusy check answer.py"
ASKED = {
    "softmax": ("softmax", "the probabilities of rows of logits: softmax(z)"),
    "dL_dz": ("gradient", "∂L/∂z of rows of logits and labels, their mean: gradient(z, y)"),
}


@dataclass(frozen=True, eq=False, repr=False)
class PasteFunction(Question):
    """A function to write."""

    kind: ClassVar[str] = "function"

    asked: str

    @property
    def text(self) -> str:
        """What to write."""
        return (
            f"Write a function in Python with NumPy: {self.asked}.\n"
            "Paste it here, then a line with a single dot. It is read, and not run."
        )

    @property
    def solution(self) -> str:
        """What to do with it."""
        return f"save it as answer.py, then: {_COMMAND}"

    def judge(self, answer: str) -> Verdict:
        """Read it, and offer the command that judges it."""
        if len(answer) > LONGEST_FUNCTION:
            return Verdict(
                "unread", f"At most {LONGEST_FUNCTION:,} characters, not {len(answer):,}."
            )
        try:
            tree = ast.parse(answer)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = getattr(error, "lineno", None)
            where = f", in line {line}" if line else ""
            return Verdict("unread", f"Python cannot read that{where}.")
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        if not names:
            return Verdict("unread", "There is no function in it: def softmax(z): …")
        return Verdict(
            "offered",
            f"To have {', '.join(names)} judged, save it as answer.py and run: {_COMMAND}",
        )

    def as_data(self) -> dict[str, Any]:
        """What to write, and the command."""
        return {"asked": self.asked, "command": _COMMAND}


def paste_questions(article: str, rng: Random) -> tuple[PasteFunction, ...]:
    """A function for each line of an article that is one."""
    del rng
    return tuple(
        PasteFunction(line.key, source_of(line), (line,), ASKED[line.line.name][1])
        for line in typed_lines(article)
        if line.line.name in ASKED
    )
