"""Text to tokens, each with its place; what has no meaning is said with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["GrammarError", "Token", "tokens"]

_SAME = {
    "−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "÷": "/", "∑": "Σ", "!=": "≠", "’": "'",
    "{": "(", "}": ")", "∗": "*", "**": "^",
}  # fmt: skip
"""Characters that mean the same."""

_LOWERED = dict(zip("ᵢⱼₖₘₙ", "ijkmn", strict=True))

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[½𝟏])|(?P<name>[A-Za-zŷŶδ]+)|(?P<power>[²³])"
    r"|(?P<two>!=|\*\*)|(?P<sign>[-−–+*·×⋅∗/÷^=≠()\[\]{}|_,.'’∂Σ∑ᵀ])"
)


@dataclass(frozen=True)
class Token:
    """A piece of text: its kind, what it means the same as, and where it stands."""

    kind: str
    text: str
    at: int


class GrammarError(ValueError):
    """Text that is no formula; `at` is the place of the character where it stops being one."""

    def __init__(self, words: str, at: int) -> None:
        super().__init__(words)
        self.words, self.at = words, at


def tokens(text: str) -> list[Token]:
    """The tokens of a text; the last is the end."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at] in _LOWERED:
            found += [Token("sign", "_", at), Token("name", _LOWERED[text[at]], at)]
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise GrammarError(f"{text[at]!r} has no meaning here", at)
        at = match.end()
        kind, token = match.lastgroup or "", match[0]
        if kind != "space":
            found.append(Token(kind, _SAME.get(token, token), match.start()))
    return [*found, Token("end", "", len(text))]
