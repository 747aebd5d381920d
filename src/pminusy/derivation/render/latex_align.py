"""Formulas under each other in one align environment, broken where a line would be too long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["Parts", "align", "width"]

Parts = tuple[Sequence[str], Sequence[str], str]
"""Sides of a relation, the signs between them, and its condition."""

_COMMAND = re.compile(r"\\[A-Za-z]+")
_WIDE = {
    r"\sum": "MM", r"\dots": "...", r"\partial": "d", r"\tanh": "tanh", r"\max": "max",
    r"\ln": "ln", r"\exp": "exp", r"\times": "MM", r"\cdot": "M", r"\qquad": "MMMM",
}  # fmt: skip


def align(rows: Sequence[Parts], most: int) -> str:
    """Relations of one step, each from its first side on; no line is wider than `most` if it can.

    `most` is in characters of the size that the formula has.
    """
    lines = [line for sides, signs, condition in rows
             for line in _lines(sides, signs, condition, most)]  # fmt: skip
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def _lines(sides: Sequence[str], signs: Sequence[str], condition: str, most: int) -> Iterator[str]:
    first, *others = sides
    start, at = f"{first} &", width(first)
    line, used = start, at
    for sign, side in zip(signs, others, strict=True):
        broken = _broken(side, most - at - 2)
        if line != start and used + width(broken[0]) + 2 > most:
            yield line
            line, used = "&", at
        line, used = f"{line} {sign} {broken[0]}", used + width(broken[0]) + 2
        for rest in broken[1:]:
            yield line
            line, used = rf"&\qquad {rest}", at + 4 + width(rest)
    if condition:
        line += condition
    yield line


def _broken(side: str, most: int) -> list[str]:
    """A side in pieces, each beginning with a + or −; only between terms of the outermost sum."""
    if width(side) <= most:
        return [side]
    pieces, piece = [], ""
    for term in _terms(side):
        if piece and width(piece + term) > most:
            pieces.append(piece)
            piece = ""
        piece += term
    return [*pieces, piece]


def _terms(side: str) -> list[str]:
    """Terms with the signs before them, found outside all braces and brackets."""
    depth, cuts = 0, []
    for found in re.finditer(r"\\left|\\right|\\begin|\\end|[{}]| [+-] ", side):
        token = found[0]
        if token in ("\\left", "\\begin", "{"):
            depth += 1
        elif token in ("\\right", "\\end", "}"):
            depth -= 1
        elif depth == 0 and found.start():
            cuts.append(found.start())
    places = [0, *cuts, len(side)]
    return [side[a:b] for a, b in pairwise(places)]


def width(tex: str) -> int:
    """About how many characters wide a formula is when set; of fractions the wider part."""
    tex = _narrowed(tex)
    tex = _COMMAND.sub(lambda found: _WIDE.get(found[0], "M" if found[0] in _LETTERS else ""), tex)
    return len(re.sub(r"[\s{}^_&]", "", tex))


_LETTERS = frozenset({
    r"\alpha", r"\beta", r"\gamma", r"\delta", r"\varepsilon", r"\zeta", r"\eta", r"\kappa",
    r"\lambda", r"\mu", r"\nu", r"\rho", r"\sigma", r"\omega", r"\Omega", r"\ell", r"\le", r"\ge",
    r"\ne", r"\infty", r"\odot", r"\otimes", r"\Phi", r"\varphi", r"\hat",
})  # fmt: skip


def _narrowed(tex: str) -> str:
    """Fractions replaced by the wider of their two parts, from the inside out."""
    fraction = re.compile(r"\\t?frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
    for _ in range(6):
        found = fraction.search(tex)
        if found is None:
            return tex
        wider = max(found[1], found[2], key=lambda part: len(_COMMAND.sub("", part)))
        tex = f"{tex[: found.start()]}{wider}{tex[found.end() :]}"
    return tex
