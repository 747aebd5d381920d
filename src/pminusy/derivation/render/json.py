"""Steps as data: JSON, described by docs/explain.schema.json."""

from __future__ import annotations

import json
from typing import Any

from pminusy.derivation.engine.decimals import DIGITS, decimals
from pminusy.derivation.render import parts
from pminusy.derivation.render.latex_math import LatexPrinter
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Steps
from pminusy.derivation.steps.step import Step
from pminusy.derivation.values.digits import rounded

__all__ = ["FORMAT", "to_json"]

FORMAT = 1


def to_json(derivation: Steps) -> str:
    """The derivation as one JSON object."""
    summary = derivation.summary
    chapters = []
    for chapter in derivation.chapters:
        steps = [_step(derivation[line.name], derivation) for line in chapter.lines]
        chapters.append(
            {"key": chapter.key, "title": chapter.title, "intro": chapter.intro, "steps": steps}
        )
    document = {
        "format": FORMAT,
        "heading": summary.heading,
        "notation": derivation.notation.name,
        "depth": derivation.depth,
        "hints": derivation.hints,
        "digits": derivation.digits,
        "options": dict(summary.options),
        "notes": list(summary.notes),
        "classes": list(summary.classes),
        "true_class": summary.true_class,
        "loss": None if summary.loss is None else _number(summary.loss),
        "probabilities": [_number(value) for value in summary.probabilities],
        "targets": [_number(value) for value in summary.targets],
        "gradient": [_number(value) for value in summary.gradient],
        "chapters": chapters,
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _step(step: Step, derivation: Steps) -> dict[str, Any]:
    text = TextPrinter(derivation.notation, derivation.digits)
    latex = LatexPrinter(derivation.notation, derivation.digits)
    hidden = parts.hidden(derivation)
    shown = step.value
    return {
        "number": step.number,
        "name": step.name,
        "title": step.title,
        "rules": list(step.rules),
        "why": step.why,
        "statement": None
        if hidden.statements
        else {"text": text.relation(step.statement), "latex": latex.relation(step.statement)},
        "rows": []
        if hidden.numbers
        else [
            {"text": text.relation(row.statement), "latex": latex.relation(row.statement)}
            for row in step.rows
        ],
        "value": None
        if hidden.results
        else {
            "shape": list(shown.shape),
            "entries": [
                {"place": list(shown.place(place)), **_number(value, derivation.digits)}
                for place, value in shown.entries.items()
            ],
            "left_out": shown.left_out,
        },
        "table": None if step.line.table is None or hidden.results else _table(step.line.table),
        "proof": [
            {"kind": check.kind, "detail": check.detail, "comparisons": check.comparisons}
            for check in step.proof.checks
        ],
    }


def _number(value: Any, digits: int = 5) -> dict[str, str]:
    """As shown, and to 30 digits; as text, because a float could not hold them."""
    return {
        "shown": rounded(value, digits).plain,
        "exact": decimals.nstr(value, DIGITS).lstrip("+"),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "head": list(table.head),
        "rows": [list(row) for row in table.rows],
        "caption": table.caption,
    }
