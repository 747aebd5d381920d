"""What the page's quiz is made of: the articles' lines as typed, false ones among them, and rules.

Questions are put together on the page; whatever is mathematics was proved here.
"""

from __future__ import annotations

import json
from functools import cache
from random import Random
from typing import Any

from pminusy.derivation.statements.articles import ARTICLES
from pminusy.questions.items.false_line import false_lines
from pminusy.questions.items.function import ASKED
from pminusy.questions.items.rule import FAMILIES
from pminusy.questions.items.said import written
from pminusy.questions.letters import letters_of
from pminusy.questions.lines import TypedLine, typed_lines

__all__ = ["quiz_data"]

_SEED = 1


@cache
def quiz_data() -> str:
    """JSON with the keys that `static/quiz/lines.js` reads."""
    lines = {article: typed_lines(article) for article in ARTICLES}
    for line in (line for every in lines.values() for line in every):
        line.prove()
    rules = sorted({rule for every in lines.values() for line in every for rule in line.line.rules})
    data = {
        "rules": rules,
        "families": [[rules.index(rule) for rule in family if rule in rules]
                     for family in FAMILIES.values()],
        "letters": {article: [_letters(article, "row"), _letters(article, "batch")]
                    for article in ARTICLES},
        "lines": {article: [_line(line, rules) for line in every]
                  for article, every in lines.items()},
        "false": {article: [_false(one, every) for one in false_lines(article, Random(_SEED))]
                  for article, every in lines.items()},
        "functions": {name: asked for name, (_, asked) in ASKED.items()},
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _letters(article: str, about: Any) -> dict[str, Any]:
    letters = letters_of(article, about)
    return {"spaces": letters.spaces, "names": letters.names, "shown": letters.shown}


def _line(line: TypedLine, rules: list[str]) -> list[Any]:
    """Its name, its rules, its text, and what its letters stand for: 0, a layer 1, a batch 2."""
    about = 2 if line.is_of_batch else int(line.case.layer)
    return [line.line.name, [rules.index(rule) for rule in line.line.rules], written(line), about]


def _false(question: Any, lines: tuple[TypedLine, ...]) -> list[Any]:
    """The first of four lines, which of them is false, how it then reads, and the slip."""
    return [lines.index(question.rests_on[0]), question.false, question.lines[question.false],
            question.slip]  # fmt: skip
