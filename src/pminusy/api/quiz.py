"""`quiz`: questions about the derivation, each with a judge of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pminusy.questions.items.item import Question

__all__ = ["quiz"]


def quiz(
    article: str | None = None, kind: str | None = None, n: int = 6, seed: int = 0
) -> tuple[Question, ...]:
    """Questions about the derivation of ∂L/∂z = p − y, made from its proved lines.

    Parameters
    ----------
    article
        000 to 004: lines of one article; all of them in turn by default.
    kind
        "next" (type the next line), "rule" (choose it), "order" (put lines in order), "predict"
        (sign and size of p − y), "false" (find the false line) or "function" (write one); a
        mixture of all but the last by default.
    n
        How many, 1 to 200; fewer where there are no more.
    seed
        The same seed asks the same questions.

    Returns
    -------
    tuple of Question
        `text` is the question, `source` whose line it is, `solution` an answer; `judge("p_k")` is a
        verdict with its `outcome`, `words`, and the kind of `slip`.

    Raises
    ------
    InputError
        No such article or kind, or a number out of range.

    Examples
    --------
    >>> question = quiz(article="001", kind="order", seed=3)[0]
    >>> question.judge(question.solution).outcome
    'right'

    References
    ----------
    The chapter on the quiz has the grammar of answers. They are compared in exact arithmetic, every
    e^(z_k) a prime and every logarithm a symbol, for K = 2, 3 and 4.
    """
    from pminusy.questions.items.choosing import questions

    return questions(article, kind, n, seed)
