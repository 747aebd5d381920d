"""Steps as data: JSON, described by docs/explain.schema.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pminusy.derivation.engine.decimals import DIGITS, decimals
from pminusy.derivation.render.document import Page, ShownStep, Writer, document
from pminusy.derivation.render.latex_math import LatexPrinter
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.tree import Relation
from pminusy.derivation.values.digits import rounded

__all__ = ["FORMAT", "to_json"]

FORMAT = 1


def to_json(derivation: Steps) -> str:
    """The derivation as one JSON object."""
    return "".join(document(_Json(derivation)))


class _Json(Writer[str]):
    """One object, written when it is complete."""

    def __init__(self, derivation: Steps) -> None:
        super().__init__(derivation)
        self.text = TextPrinter(derivation.notation, derivation.digits)
        self.latex = LatexPrinter(derivation.notation, derivation.digits)
        self.chapters: list[dict[str, Any]] = []

    def opening(self, summary: Overview) -> Page[str]:
        """All of the summary comes with the closing."""
        yield from ()

    classes = opening

    def table(self, table: Table) -> Page[str]:
        """Tables of figures are for readers."""
        yield from ()

    def chapter(self, chapter: Chapter) -> Page[str]:
        """An object with a list of steps."""
        made = {"key": chapter.key, "title": chapter.title, "intro": chapter.intro, "steps": []}
        self.chapters.append(made)
        yield from ()

    def step(self, shown: ShownStep) -> Page[str]:
        """An object."""
        step, value = shown.step, shown.step.value
        table = None if shown.hides_results else step.line.table
        entries = [
            {"place": list(value.place(place)), **_number(entry, self.digits)}
            for place, entry in value.entries.items()
        ]
        result = {"shape": list(value.shape), "entries": entries, "left_out": value.left_out}
        self.chapters[-1]["steps"].append(
            {
                "number": step.number,
                "name": step.name,
                "title": shown.title,
                "rules": list(step.rules),
                "why": step.why,
                "claims": [] if shown.hides_statement else self._claims(step),
                "statement": None if shown.hides_statement else self._both(step.statement),
                "rows": [self._both(row) for row in shown.rows],
                "value": None if shown.hides_results else result,
                "table": None if table is None else _table(table),
                "proof": [asdict(check) for check in step.proof.checks],
            }
        )
        yield from ()

    def beside(self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]) -> Page[str]:
        """The steps are there already."""
        yield from ()

    def closing(self) -> Page[str]:
        """The whole object."""
        summary, derivation = self.summary, self.derivation
        made = {
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
            "chapters": self.chapters,
        }
        yield json.dumps(made, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def _claims(self, step: ProvedStep) -> list[dict[str, Any]]:
        """Sentences that state mathematics, with the relations that were proved for each."""
        return [
            {"sentence": claim.text, "proved": [self._both(line) for line in claim.relations]}
            for claim in step.claims
        ]

    def _both(self, line: Relation) -> dict[str, str]:
        """A line in Unicode and in LaTeX."""
        return {"text": self.text.relation(line), "latex": self.latex.relation(line)}


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
