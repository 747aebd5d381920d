"""A quiz: questions drawn by kind and article, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from random import Random

from pminusy.derivation.statements.articles import ARTICLES
from pminusy.errors import InputError
from pminusy.questions.items.false_line import false_lines
from pminusy.questions.items.function import paste_questions
from pminusy.questions.items.item import Question
from pminusy.questions.items.next_line import next_lines
from pminusy.questions.items.order import order_questions
from pminusy.questions.items.predict import predictions
from pminusy.questions.items.rule import rule_questions

__all__ = ["KINDS", "MOST", "questions"]

_Make = Callable[[str, Random], Iterable[Question]]
_MAKERS: Mapping[str, _Make] = {
    "next": lambda article, rng: next_lines(article),
    "rule": rule_questions,
    "order": order_questions,
    "predict": predictions,
    "false": false_lines,
    "function": paste_questions,
}
KINDS = tuple(_MAKERS)
"""Kinds of questions."""

_MIXED = ("next", "rule", "next", "false", "predict", "order")
"""The kinds in turn where none is asked for; a function is pasted only when asked for."""
MOST = 200


def questions(
    article: str | None = None, kind: str | None = None, n: int = 6, seed: int = 0
) -> tuple[Question, ...]:
    """Questions from the articles' lines.

    Parameters
    ----------
    article
        000 to 004; every one in turn by default.
    kind
        next, rule, order, predict, false or function; a mixture by default.
    n
        How many, 1 to 200; fewer where there are no more.
    seed
        The same seed asks the same.

    Raises
    ------
    InputError
        No such article or kind, or a number out of range.
    """
    if article is not None and article not in ARTICLES:
        raise InputError("article", f"one of {', '.join(ARTICLES)}", repr(article))
    if kind is not None and kind not in KINDS:
        raise InputError("kind", f"one of {', '.join(KINDS)}", repr(kind))
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
        raise InputError("n", f"a whole number from 1 to {MOST}", repr(n))
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError("seed", "a whole number", repr(seed))
    drawn = _drawn(tuple(ARTICLES) if article is None else (article,), kind, Random(seed))
    return tuple(question for question, _ in zip(drawn, range(n), strict=False))


def _drawn(articles: Sequence[str], kind: str | None, rng: Random) -> Iterator[Question]:
    """Kinds in turn, of each article in turn, none twice."""
    stock: dict[tuple[str, str], list[Question]] = {}
    turns = (kind,) if kind else _MIXED
    order = list(articles)
    rng.shuffle(order)
    seed, turn, idle = rng.randrange(2**32), 0, 0
    while idle < len(turns) * len(order):
        which, where = turns[turn % len(turns)], order[turn % len(order)]
        turn += 1
        if (which, where) not in stock:
            stock[which, where] = _shuffled(which, where, seed)
        if stock[which, where]:
            yield _proved(stock[which, where].pop())
            idle = 0
        else:
            idle += 1


def _proved(question: Question) -> Question:
    """The question, after the proofs of what it shows."""
    for line in question.rests_on:
        line.prove()
    return question


def _shuffled(kind: str, article: str, seed: int) -> list[Question]:
    rng = Random(f"{kind} {article} {seed}")
    found = list(_made(kind, article, rng.randrange(2**32)))
    rng.shuffle(found)
    return found


@lru_cache(maxsize=64)
def _made(kind: str, article: str, seed: int) -> tuple[Question, ...]:
    return tuple(_MAKERS[kind](article, Random(seed)))
