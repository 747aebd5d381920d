"""Slides: a beamer document with one step a slide."""

from __future__ import annotations

from collections.abc import Sequence

from pminusy.derivation.render.document import Page, ShownStep, document
from pminusy.derivation.render.latex import Latex, escape, prose
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep

__all__ = ["to_beamer"]

_PREAMBLE = r"""\documentclass[aspectratio=169]{beamer}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[utf8]{inputenc}
  \usepackage[T1]{fontenc}
\fi
\usepackage{amsmath,amssymb}
\setbeamertemplate{navigation symbols}{}
\setbeamertemplate{footline}[frame number]
\begin{document}"""


def to_beamer(derivation: Steps) -> str:
    """The derivation as slides that pdflatex, xelatex and lualatex compile."""
    return "\n".join(document(_Beamer(derivation))) + "\n"


class _Beamer(Latex):
    """Frames."""

    widest, small = 62, "footnotesize"

    def opening(self, summary: Overview) -> Page[str]:
        """The preamble, and a slide with heading, options and notes."""
        yield _PREAMBLE
        yield r"\begin{frame}[t,shrink]"
        yield rf"\frametitle{{{escape(summary.heading)}}}"
        for name, value in summary.options.items():
            yield rf"{escape(name)} = {escape(value)}\par"
        for note in summary.notes:
            yield rf"{escape(note)}\par"
        if not summary.classes:
            yield r"\end{frame}"

    def classes(self, summary: Overview) -> Page[str]:
        """The table of the classes on the first slide."""
        yield from super().classes(summary)
        yield r"\end{frame}"

    def table(self, table: Table) -> Page[str]:
        """A slide of its own."""
        yield r"\begin{frame}[t,shrink]"
        yield from self._within(table)
        yield r"\end{frame}"

    def _within(self, table: Table) -> Page[str]:
        yield from super().table(table)

    def chapter(self, chapter: Chapter) -> Page[str]:
        """A section, for the outline."""
        yield rf"\section{{{prose(chapter.title)}}}"

    def step(self, shown: ShownStep) -> Page[str]:
        """One slide: its title, formulas, the reason and the proof."""
        step = shown.step
        yield r"\begin{frame}[t,shrink]"
        yield rf"\frametitle{{{step.number}. {prose(shown.title)}}}"
        if step.rules:
            yield rf"\framesubtitle{{{escape(' · '.join(step.rules))}}}"
        yield from self._formulas(shown)
        yield prose(step.why) + r"\par"
        if step.line.table is not None and not shown.hides_results:
            yield from self._within(step.line.table)
        yield rf"{{\tiny {escape(f'✓ {step.proof}')}\par}}"
        yield r"\end{frame}"

    def beside(self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]) -> Page[str]:
        """A slide of forward and backward lines."""
        yield r"\begin{frame}[t,shrink]"
        yield from super().beside(pairs)
        yield r"\end{frame}"

    def closing(self) -> Page[str]:
        """The end."""
        yield r"\end{document}"
