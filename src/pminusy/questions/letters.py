"""What may stand in an answer: the quantities of an article's line, and their letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pminusy.derivation.tree.notation import notation

__all__ = ["About", "Letters", "letters_of"]

About = Literal["row", "batch"]

_SPACES: Mapping[About, Mapping[str, str]] = {
    "row": {
        "p": "K", "z": "K", "y": "K", "x": "D", "W": "KD", "b": "K", "L": "", "S_e": "",
        "g": "K", "lse": "", "E2": "", "error": "K",
    },
    "batch": {
        "P": "NK", "Z": "NK", "Y": "NK", "X": "ND", "W": "KD", "b": "K", "L": "", "L_n": "N",
    },
}  # fmt: skip
"""Quantities of one sample and of a batch, with the sets that their indices run through."""

_ALSO = {"p": ("yhat", "ŷ"), "E2": ("E_2",), "S_e": ("S",)}
"""Other ways to type a letter."""


@dataclass(frozen=True)
class Letters:
    """The letters of an article's line.

    Attributes
    ----------
    spaces
        Quantities with the sets that their indices run through: K classes, D features, N samples.
    names
        What is typed, and which quantities it may be: `S` is S_e in article 001. A letter with two
        meanings has the first that takes as many indices.
    shown
        How each quantity is printed; "index c" for the letter of the true class.
    """

    article: str
    about: About
    spaces: Mapping[str, str]
    names: Mapping[str, tuple[str, ...]]
    shown: Mapping[str, str]

    @property
    def true_class(self) -> str:
        """The letter of the true class: c, or y in article 000."""
        return self.shown["index c"]


@lru_cache(maxsize=16)
def letters_of(article: str, about: About) -> Letters:
    """The letters of an article's lines about one sample or about a batch."""
    letters, spaces = notation(article), _SPACES[about]
    shown = {name: "S" if name == "S_e" else letters.text(name) for name in spaces}
    names: dict[str, list[str]] = {}
    for name, letter in shown.items():
        names.setdefault(letter, []).append(name)
    for name in spaces:  # the usual letters too, where the article has no other use for them
        for also in (name, *_ALSO.get(name, ())):
            if also not in names:
                names[also] = [name]
    shown["index c"] = letters.indices.get("c", "c")
    return Letters(
        article, about, spaces, {typed: tuple(found) for typed, found in names.items()}, shown
    )
