"""Sentences beside a formula, each tied to what has to hold for it.

`says` reads the line itself, which is proved; `because` states more, and names the relations that
are proved beside the line under the options at hand; `remark` states no mathematics. A line takes
nothing else, so that no claim is printed that nothing holds up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from pminusy.derivation.tree import Relation

__all__ = ["Reason", "Sentence", "because", "in_words", "remark", "reworded", "says", "sentences"]

Kind = Literal["line", "facts", "remark", "layer"]


@dataclass(frozen=True)
class Sentence:
    """A sentence and what it rests on.

    Parameters
    ----------
    text
        In words, with letters such as p_k in them.
    kind
        "line": the line it stands beside; "facts": relations of its own; "remark": nothing, for
        it states none; "layer": the lines of the layer of a network that it is about.
    holds
        Relations that are proved as a line is.
    here
        Relations that are evaluated at the reader's numbers alone, for what is true of these.
    """

    text: str
    kind: Kind
    holds: tuple[Relation, ...] = ()
    here: tuple[Relation, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a claim without a predicate."""
        refused = {"line": _RELATION, "remark": _MATHEMATICS}.get(self.kind)
        found = refused.search(self.text) if refused else None
        if found:
            raise ValueError(f"{self.text!r} states {found[0]!r} and names nothing that proves it")
        if self.kind == "facts" and not (self.holds or self.here):
            raise ValueError(f"{self.text!r} names nothing that proves it")


_RELATION = re.compile(r"[=<>≤≥≠⪯∞]|\bis (0|1)\b|\bare (0|1)\b")
"""What makes a sentence state a relation: `says` may not, as the line need not be that relation."""

_MATHEMATICS = re.compile(r"[=<>≤≥≠⪯∞∂Σ√²]|\d|\b[A-Za-z]_[A-Za-z0-9]|\b(zero|equal|never|always)\b")
"""What a sentence without mathematics does not have."""

Reason = Sentence | tuple[Sentence, ...] | str


def says(text: str) -> Sentence:
    """A sentence that reads the line it stands beside."""
    return Sentence(text, "line")


def because(text: str, *holds: Relation, here: tuple[Relation, ...] = ()) -> Sentence:
    """A sentence that states what these relations say."""
    return Sentence(text, "facts", holds, here)


def remark(text: str) -> Sentence:
    """A sentence that states no mathematics: a name, a purpose, a convention."""
    return Sentence(text, "remark")


def sentences(reason: Reason) -> tuple[Sentence, ...]:
    """One sentence or several, as several."""
    if isinstance(reason, str):  # of a layer of a network: read off the lines of that layer
        return (Sentence(reason, "layer"),)
    found = (reason,) if isinstance(reason, Sentence) else reason
    if not found or not all(isinstance(one, Sentence) for one in found):
        raise TypeError(f"{reason!r} is no sentence with what it rests on: says, because, remark")
    return found


def in_words(reason: Reason) -> str:
    """The sentences as one text."""
    return " ".join(sentence.text for sentence in sentences(reason))


def reworded(reason: Reason, words: Callable[[str], str]) -> Reason:
    """The same sentences in other letters."""
    return tuple(replace(one, text=words(one.text)) for one in sentences(reason))
