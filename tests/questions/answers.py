"""Answers that learners type, right and wrong, made from the text of the articles' lines.

`python -m tests.questions.answers` writes `answers.json`. What is right `oracle` tells; the slip of
a wrong one is how it was made. Slips are made in the text and not in trees: they owe nothing to
the judges. Lines are parted in two halves: `half` is 0 for those that the judge of slips
was built on, 1 for those that it had not seen.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from pminusy.derivation.statements.articles import ARTICLES
from pminusy.questions.grammar import parse
from pminusy.questions.judge import Judge
from pminusy.questions.lines import TypedLine, typed_lines
from pminusy.questions.tokens import GrammarError
from tests.questions.oracle import is_equal

__all__ = ["FILE", "half", "judge_of", "recorded"]

FILE = Path(__file__).parent / "answers.json"
_EACH = 2
"""So many slips of a kind are made of a line."""


def half(line: str) -> int:
    """Which half a line is of."""
    return zlib.crc32(line.encode()) % 2


def recorded() -> list[dict[str, str]]:
    """Every answer with its line, its slip (none where it is right), and the one that was named."""
    found: list[dict[str, str]] = []
    for article in ARTICLES:
        for line in typed_lines(article):
            rng = Random(line.key)
            for text in right_forms(line):
                found.append({"line": line.key, "answer": text, "slip": ""})
            for kind, text in wrong_forms(line, rng):
                found.append({"line": line.key, "answer": text, "slip": kind})
    for each in found:
        each["named"] = judge_of(each["line"]).verdict(each["answer"]).slip
    return found


@cache
def judge_of(key: str) -> Judge:
    """The judge of a line by its key, 001/jacobian."""
    return Judge(next(line for line in typed_lines(key[:3]) if line.key == key))


def _side(line: TypedLine) -> str:
    """The last side as the derivation prints it."""
    text = line.text().partition("   for ")[0]
    return re.split(r" = (?![^()]*\))", text)[-1]


def right_forms(line: TypedLine) -> Iterator[str]:
    """As it is printed; in plain letters and brackets; with something that changes nothing."""
    side = _side(line)
    forms = [side, _plain(side), f"0 + ({side})", f"{side} · 1"]
    for text in dict.fromkeys(forms):
        if _truth(line, text):
            yield text


def _plain(text: str) -> str:
    """Typed on a plain keyboard: p[k]-y[k]."""
    text = re.sub(r"_([a-zA-Z]+)", lambda found: f"[{','.join(found[1])}]", text)
    text = re.sub(r"Σ\[(.*?)\]", r"sum_\1", text).replace("Σ_(", "sum_(").replace("≠", "!=")
    text = re.sub(r"∂(?=[A-Za-zŷ])", "d", text)
    for one, other in (("−", "-"), ("δ", "delta"), ("ŷ", "yhat"), ("²", "^2"), ("ᵀ", ".T"),
                       ("ln(", "log("), (" · ", "*")):  # fmt: skip
        text = text.replace(one, other)
    return text


def _truth(line: TypedLine, text: str) -> bool | None:
    """Whether an answer is right; None where it is no formula."""
    try:
        (tree,) = parse(text, line.letters)
    except (GrammarError, ValueError):
        return None
    with np.errstate(all="ignore"):
        return is_equal(line, tree)


def wrong_forms(line: TypedLine, rng: Random) -> Iterator[tuple[str, str]]:
    """Slips of every kind that are formulas, and false."""
    side, seen = _side(line), set()
    for kind, made in _SLIPS.items():
        texts = list(dict.fromkeys(made(side, line)))
        rng.shuffle(texts)
        kept = 0
        for text in texts:
            if kept < _EACH and text not in seen and _truth(line, text) is False:
                seen.add(text)
                kept += 1
                yield kind, text


def _each(pattern: str, to: str, text: str) -> Iterator[str]:
    """The text with one match replaced, for each match."""
    for found in re.finditer(pattern, text):
        yield text[: found.start()] + found.expand(to) + text[found.end() :]


def _sign(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r" − ", " + ", text)
    yield from _each(r" \+ ", " − ", text)
    yield from _each(r"(?<![^(])−", "", text)
    if not text.startswith("−"):
        yield f"−({text})"


def _delta(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r" ?δ_[a-z]+", " 1", text)
    yield from _each(r"𝟏\(.*?\)", "1", text)


def _index(text: str, line: TypedLine) -> Iterator[str]:
    letters = sorted(set(re.findall(r"_([a-z])(?![a-zA-Z])", text)) | line.spaces.keys())
    for new in letters:
        yield from _each(r"_[a-z](?![a-zA-Z])", f"_{new}", text)
        yield from _each(r"(_[a-z])[a-z](?![a-zA-Z])", rf"\1{new}", text)
        yield from _each(r"_[a-z]([a-z])(?![a-zA-Z])", rf"_{new}\1", text)


def _mean(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r"1 / N ", "", text)
    if "N" not in text:
        yield f"1 / N ({text})"


def _turned(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r"ᵀ", "", text)
    yield from _each(r"(\(.*?\))ᵀ ([A-Z])$", r"\2ᵀ \1", text)
    yield from _each(r"(\([^()]*\)) (\w)ᵀ$", r"\2 \1ᵀ", text)
    yield from _each(r"^(\w) (\w)(?= \+)", r"\2 \1", text)


def _range(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r"Σ_\((\w)≠\w\)", r"Σ_\1", text)
    for letter in line.spaces:
        yield from _each(r"Σ_([a-z])(?![a-z])", rf"Σ_(\1≠{letter})", text)


def _letter(text: str, line: TypedLine) -> Iterator[str]:
    shown = line.letters.shown
    p, y = (shown[name] for name in (("P", "Y") if line.is_of_batch else ("p", "y")))
    yield from _each(rf"(?<![A-Za-z∂]){p}_", f"{y}_", text)
    yield from _each(rf"(?<![A-Za-z_∂]){y}_", f"{p}_", text)


def _number(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r"(?<![\w^])1(?! / N)", "2", text)
    yield from _each(r"(?<![\w^])2", "1", text)
    yield f"2 ({text})"


def _power(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r"²", "", text)
    yield from _each(r"²", "³", text)
    yield from _each(r"((?<![\w∂^(])[A-Za-zŷ]_[a-z](?![a-zA-Z^]))(?! /)", r"\1²", text)


def _function(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r"ln(?=[ (])", "", text)
    yield from _each(r"e\^\(z_([a-z])\)", r"z_\1", text)


def _factor(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r" \([^()]*\)$", "", text)
    yield from _each(r"(?<=[_ \w)]) [A-Za-zŷ]_[a-z]+(?= |$)", "", text)
    yield from _each(r" / [A-Za-zŷ]_[a-z]", "", text)


def _term(text: str, line: TypedLine) -> Iterator[str]:
    yield from _each(r" [−+] [A-Za-zŷ]_[a-z]( [A-Za-zŷ]_[a-z])?(?= [−+]|$|\))", "", text)
    yield from _each(r" − 1(?=$|\))", "", text)


_SLIPS = {
    "sign": _sign, "delta": _delta, "index": _index, "factor 1/N": _mean,
    "transposed product": _turned, "range of a sum": _range, "letter": _letter, "number": _number,
    "power": _power, "function": _function, "factor": _factor, "term": _term,
}  # fmt: skip


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in recorded())
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
