"""Predict the sign and the size of p − y."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import numpy as np

from pminusy.core.softmax import softmax
from pminusy.questions.items.item import Question
from pminusy.questions.items.said import source_of
from pminusy.questions.judge import Verdict
from pminusy.questions.lines import typed_lines

__all__ = ["Predict", "predictions"]

_NEAR = 0.1
_COUNT = 6
_LINE = "dL_dz"


@dataclass(frozen=True, eq=False, repr=False)
class Predict(Question):
    """Logits, the true class c and a class k, whose p_k − y_k is asked for."""

    kind: ClassVar[str] = "predict"

    z: tuple[float, ...]
    c: int
    k: int

    @property
    def value(self) -> float:
        """p_k − y_k."""
        return float(softmax(np.array([self.z]))[0, self.k]) - float(self.k == self.c)

    @property
    def text(self) -> str:
        """The logits, the true class and the class asked about."""
        logits = ", ".join(f"{value:g}" for value in self.z).replace("-", "−")
        return (
            f"Logits z = ({logits}), classes counted from 0, true class {self.c}.\n"
            f"What is p_{self.k} − y_{self.k}, sign and size? Within {_NEAR} is near enough."
        )

    @property
    def solution(self) -> str:
        """The number, to three decimals."""
        return f"{self.value:.3f}".replace("-", "−")

    def judge(self, answer: str) -> Verdict:
        """The sign first, then the size."""
        typed = answer.strip().replace("−", "-").replace(",", ".")[:40]
        try:
            guess = float(typed)
        except ValueError:
            return Verdict("unread", "Type a number with its sign, −0.4 say.")
        if not np.isfinite(guess):
            return Verdict("unread", "Type a number with its sign, −0.4 say.")
        if (guess < 0) != (self.value < 0) or not guess:
            why = (
                "it is the true class, whose p is below 1: a step raises its logit"
                if self.k == self.c
                else "it is not the true class, and p > 0: a step lowers its logit"
            )
            return Verdict("wrong", f"The sign: {why}.", "sign")
        if abs(guess - self.value) > _NEAR:
            larger = "larger" if abs(self.value) > abs(guess) else "smaller"
            return Verdict("wrong", f"The sign is right; the size is {larger}.", "size")
        return Verdict("right", f"Right: it is {self.solution}.")

    def as_data(self) -> dict[str, Any]:
        """The logits and the two classes."""
        return {"z": self.z, "c": self.c, "k": self.k}


def predictions(article: str, rng: Random) -> tuple[Predict, ...]:
    """Some rows of logits with one decimal."""
    line = next((each for each in typed_lines(article) if each.line.name == _LINE), None)
    if line is None:  # article 003 ends with a row vector
        line = typed_lines(article)[-1]
    found = []
    for _ in range(_COUNT):
        K = rng.choice((2, 3, 3, 4))
        z = tuple(rng.randint(-20, 30) / 10 for _ in range(K))
        found.append(
            Predict(line.key, source_of(line), (line,), z, rng.randrange(K), rng.randrange(K))
        )
    return tuple(found)
