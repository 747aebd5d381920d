"""What an article is, and the five there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import Reason

__all__ = ["ARTICLES", "Article", "Part"]


@dataclass(frozen=True)
class Part:
    """A chapter of an article.

    `about` says what its letters stand for: one sample, a batch of samples, or any functions.
    """

    key: str
    title: str
    opening: Reason
    lines: tuple[Line, ...]
    about: Literal["row", "batch", "rules"] = "row"


@dataclass(frozen=True)
class Article:
    """A derivation in one article's order and letters.

    Parameters
    ----------
    name
        Its number; its letters are those of the notation of that name.
    says
        One line on how it goes.
    layer
        Whether it starts from a linear layer.
    parts
        Its chapters, for K classes.
    """

    name: str
    says: str
    layer: bool
    parts: Callable[[int], tuple[Part, ...]]


def _parts_of(name: str) -> Callable[[int], tuple[Part, ...]]:
    def parts(K: int) -> tuple[Part, ...]:
        module = import_module(f"pminusy.derivation.statements.articles.article_{name}")
        found: tuple[Part, ...] = module.parts(K)
        return found

    return parts


_SAYS = {
    "000": (True, "a linear classifier: the loss as log-sum-exp minus a logit, both cases, then "
                  "W, b and a batch"),
    "001": (False, "softmax Jacobian by both cases with the quotient rule, then the sum over all "
                   "paths, split and multiplied out"),
    "002": (True, "from the weights of one class: multivariate chain rule, Jacobian with "
                  "Kronecker δ, and back to the weights"),
    "003": (False, "one row of the Jacobian: only the true class's probability is in the loss; row "
                   "vectors"),
    "004": (True, "rules of calculus first, then the total error term by term; worked numbers "
                   "0.2, 0.6, 0.2"),
}  # fmt: skip

ARTICLES: Mapping[str, Article] = {
    name: Article(name, says, layer, _parts_of(name)) for name, (layer, says) in _SAYS.items()
}
