"""The derivation: steps that can be compared with others, and printed in every format."""

from __future__ import annotations

from dataclasses import dataclass

from pminusy.derivation.steps.chapters import Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.values.digits import as_text

__all__ = ["Derivation", "Difference"]


@dataclass(frozen=True)
class Difference:
    """Where two derivations part: a step that one has not, or that says or comes to another."""

    name: str
    what: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}: {self.here or 'none'} | {self.there or 'none'}"


class Derivation(Steps):
    """Every line from the input to the gradient, proved, with the reader's numbers.

    `playing` says how the page of `pminusy play` opens at these numbers: what a link to it has
    behind #, and a call of `pminusy.play`. Whoever makes a derivation sets it where there is such
    a page.

    Iterate to get its steps (each is proved when it is first reached), index by name, `str` for
    the terminal's text; `to_html`, `to_markdown`, `to_latex`, `to_beamer`, `to_json` for pages.

    Examples
    --------
    >>> from pminusy.derivation.build import derive
    >>> d = derive(probabilities=[0.2, 0.6, 0.2], y=0)
    >>> d["dL_dz"].title
    'Result: p − y'
    >>> [written(v) for v in d["dL_dz"].value.entries.values()]
    ['−0.8', '0.6', '0.2']
    """

    playing: tuple[str, str] | None = None

    def compare(self, other: Steps) -> tuple[Difference, ...]:
        """Steps that differ from those of another derivation, in statement or in value."""
        from pminusy.derivation.render.text import TextPrinter

        printer = TextPrinter(self.notation, self.digits)
        found = []
        for name in dict.fromkeys((*self.names, *other.names)):
            if name not in self.names or name not in other.names:
                here, there = (
                    printer.relation(d[name].statement) if name in d.names else ""
                    for d in (self, other)
                )
                found.append(Difference(name, "only one has it", here, there))
                continue
            one, two = self[name], other[name]
            lines = printer.relation(one.statement), printer.relation(two.statement)
            if lines[0] != lines[1]:
                found.append(Difference(name, "statement", *lines))
            values = _shown(one, self.digits), _shown(two, self.digits)
            if values[0] != values[1]:
                found.append(Difference(name, "value", *values))
        return tuple(found)

    def __str__(self) -> str:
        from pminusy.derivation.render.terminal import to_text

        return to_text(self, width=80, color=False)

    def _repr_html_(self) -> str:
        from pminusy.derivation.render.html import to_fragment

        return to_fragment(self)

    def to_html(self) -> str:
        """One page that needs nothing else: no script, no network."""
        from pminusy.derivation.render.html import to_page

        return to_page(self)

    def to_markdown(self) -> str:
        """Markdown with GitHub's mathematics."""
        from pminusy.derivation.render.markdown import to_markdown

        return to_markdown(self)

    def to_latex(self) -> str:
        """A LaTeX document."""
        from pminusy.derivation.render.latex import to_latex

        return to_latex(self)

    def to_beamer(self) -> str:
        """Slides in LaTeX, one step a slide."""
        from pminusy.derivation.render.beamer import to_beamer

        return to_beamer(self)

    def to_json(self) -> str:
        """Steps as data; the schema is in docs/explain.schema.json."""
        from pminusy.derivation.render.json import to_json

        return to_json(self)


def _shown(step: ProvedStep, digits: int) -> str:
    return ", ".join(as_text(value, digits) for value in step.value.entries.values())
