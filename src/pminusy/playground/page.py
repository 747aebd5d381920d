"""The page as one file: state, proved lines, style and scripts; nothing is loaded from anywhere.

The files of `static/` are joined in the order of `SCRIPTS` into one script, in which they share one
scope. The policy of the page allows that script and its style by their fingerprints alone, and no
request at all. Markup is written here; scripts only copy it or set text.
"""

# ruff: noqa: E501  (an element reads better on one line)
from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from pminusy.derivation.render.document import Page, document
from pminusy.derivation.render.html import STYLE, HtmlWriter
from pminusy.derivation.statements.articles import ARTICLES
from pminusy.derivation.steps.chapters import Overview
from pminusy.derivation.steps.derivation import Derivation
from pminusy.playground.lines import LitPrinter, article_lines, panel_lines
from pminusy.playground.quiz_data import quiz_data
from pminusy.playground.smaller import smaller_markup, smaller_script
from pminusy.present.html import style

__all__ = ["SCRIPTS", "script", "to_page"]

_STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "head/twofold.js", "head/head.js",
    "page/dom.js", "page/state.js", "page/controls.js", "page/panels.js",
    "panels/letters.js", "panels/bars.js", "panels/graph.js", "panels/curve.js", "panels/jacobian.js",
    "learn/points.js", "learn/model.js", "learn/learn.js",
    "panels/lines.js",
    "quiz/exact.js", "quiz/grammar.js", "quiz/judge.js", "quiz/slips.js", "quiz/lines.js",
    "quiz/questions.js", "quiz/quiz.js",
    "page/page.js",
)  # fmt: skip
"""In the order in which they are loaded; a panel's tab stands where its file is listed."""

_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Play with p − y</title>
<style>{style}</style>
</head>
<body>
<header class="top">
<h1>{formula}</h1>
<p class="note">Move a logit and watch the probabilities, the loss and its gradient follow. The page’s address carries what you set: copy it to send it.</p>
</header>
<main>
<noscript><p class="notice">With JavaScript the numbers move; here they stand still, every line proved.</p></noscript>
<div id="play" hidden></div>
<div id="derivation">{derivation}</div>
</main>
{templates}
<script type="application/json" id="opening">{opening}</script>
<script type="application/json" id="quiz-data">{quiz}</script>
<script>{script}</script>
</body>
</html>
"""
_FORMULA = (
    '<math><mrow><mfrac><mrow><mo form="prefix">∂</mo><mi>L</mi></mrow><mrow><mo form="prefix">∂</mo>'
    '<mi>z</mi></mrow></mfrac><mo>=</mo><mi class="of-p">p</mi><mo>−</mo><mi class="of-y">y</mi></mrow></math>'
)


def to_page(derivation: Derivation, state: Mapping[str, Any]) -> str:
    """The whole document: the derivation, and the panels that open with this state."""
    code, look = script(), _style()
    return _FRAME.format(
        policy=_POLICY.format(script=_fingerprint(code), style=_fingerprint(look)),
        style=look,
        formula=_FORMULA,
        derivation=_of_the_opening(
            smaller_markup(
                "\n".join(document(_Section(derivation, LitPrinter(derivation.notation))))
            )
        ),
        templates=_templates(),
        opening=_in_element(json.dumps(state, ensure_ascii=False, allow_nan=False)),
        quiz=_in_element(quiz_data()),
        script=code,
    )


@cache
def script() -> str:
    """All scripts as one; a function around them keeps their names to themselves."""
    text = "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{smaller_script(text)}\n}})();\n'


@cache
def _style() -> str:
    return style(f"{STYLE}\n{(_STATIC / 'play.css').read_text(encoding='utf-8')}")


@cache
def _templates() -> str:
    lines = {f"article-{name}": article_lines(name) for name in ARTICLES}
    lines["proved-lines"] = panel_lines()
    says = {f"article-{name}": article.says for name, article in ARTICLES.items()}
    return smaller_markup(
        "\n".join(
            f'<template id="{name}" data-says="{escape(says.get(name, ""))}">{body}</template>'
            for name, body in lines.items()
        )
    )


def _of_the_opening(html: str) -> str:
    """The readers' numbers move with the bars; those of the derivation stay as the page opened."""
    return re.sub(
        r'(<(?:p class="proof"|summary)>[^<]*)your numbers', r"\1the opening numbers", html
    )


class _Section(HtmlWriter):
    """The derivation as a part of a page that has a heading of its own."""

    def opening(self, summary: Overview) -> Page[str]:
        """A heading of the second order."""
        first, heading, *rest = super().opening(summary)
        del first
        yield '<section class="derivation">'
        yield heading.replace("<h1>", '<h2 class="of-derivation">').replace("</h1>", "</h2>")
        yield from rest

    def closing(self) -> Page[str]:
        """One line, and the end of the section."""
        yield f'<p class="proof">{self.derivation.in_short}</p></section>'


def _fingerprint(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _in_element(text: str) -> str:
    """JSON that ends no element."""
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
