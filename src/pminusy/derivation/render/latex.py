"""A LaTeX document: plain article, amsmath and nothing unusual."""

from __future__ import annotations

from collections.abc import Sequence

from pminusy.derivation.render.document import Page, ShownStep, Writer, document, safe
from pminusy.derivation.render.latex_align import Parts, align
from pminusy.derivation.render.latex_math import LatexPrinter
from pminusy.derivation.render.latex_prose import with_math
from pminusy.derivation.render.markdown import latex_value, statement
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.values.digits import rounded
from pminusy.derivation.values.result_value import WIDEST_ROW

__all__ = ["Latex", "escape", "prose", "to_latex"]

_PREAMBLE = r"""\documentclass{article}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[utf8]{inputenc}
  \usepackage[T1]{fontenc}
\fi
\usepackage{amsmath,amssymb}
\usepackage[margin=25mm]{geometry}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\begin{document}"""

_MATH = {
    "Σ": r"\Sigma", "δ": r"\delta", "∂": r"\partial", "κ": r"\kappa", "ζ": r"\zeta",
    "ε": r"\varepsilon", "ω": r"\omega", "λ": r"\lambda", "η": r"\eta", "β": r"\beta",
    "γ": r"\gamma", "μ": r"\mu", "ν": r"\nu", "σ": r"\sigma", "Ω": r"\Omega", "≤": r"\le",
    "≥": r"\ge", "≠": r"\ne", "⪯": r"\preceq", "−": "-", "·": r"\cdot", "⊙": r"\odot",
    "⊗": r"\otimes", "×": r"\times", "½": r"\tfrac12", "²": "^2", "³": "^3", "ᵀ": r"^{\top}",
    "∞": r"\infty", "‖": r"\|", "√": r"\surd", "″": "''", "⁺": "^{+}", "→": r"\to", "ŷ": r"\hat{y}",
    "Ŷ": r"\hat{Y}", "⁻": "^{-}", "⁰": "^{0}", "¹": "^{1}", "⁴": "^{4}", "⁵": "^{5}", "⁶": "^{6}",
    "⁷": "^{7}", "⁸": "^{8}", "⁹": "^{9}", "𝟏": r"\mathbf{1}", "✓": r"\checkmark", "⋅": r"\cdot",
}  # fmt: skip
_TEXT = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "…": r"\dots{}",
    "–": "--", "“": "``", "”": "''", "‘": "`", "’": "'", "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # bare ones after a line break would be its argument
}  # fmt: skip


def to_latex(derivation: Steps) -> str:
    """The derivation as a document that pdflatex, xelatex and lualatex compile."""
    return "\n".join(document(Latex(derivation))) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX sets as it stands; letters without a font become their code."""
    return "".join(_character(ch) for ch in safe(text, 10_000))


def _character(ch: str) -> str:
    if ch in _TEXT:
        return _TEXT[ch]
    if ch in _MATH:
        return rf"\ensuremath{{{_MATH[ch]}}}"
    if ch.isascii() or ch in _LATIN:
        return ch
    return rf"\texttt{{U+{ord(ch):04X}}}"


_LATIN = set("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßŒœŠšŽžŁł")


class Latex(Writer[str]):
    """Lines of LaTeX; `widest` is what fits on one, in characters."""

    widest, small = 80, "small"

    def __init__(self, derivation: Steps) -> None:
        super().__init__(derivation)
        self.printer = LatexPrinter(derivation.notation, derivation.digits)

    def opening(self, summary: Overview) -> Page[str]:
        """The preamble, a heading, paragraphs."""
        yield _PREAMBLE
        yield rf"\section*{{{escape(summary.heading)}}}"
        for name, value in summary.options.items():
            yield rf"{escape(name)} = {escape(value)}\par"
        for note in summary.notes:
            yield rf"{escape(note)}\par"

    def classes(self, summary: Overview) -> Page[str]:
        """A table, unless it were endless."""
        if len(summary.classes) > WIDEST_ROW:
            return
        yield r"\begin{tabular}{lrrr} class & probability & target & gradient \\ \hline"
        for k, name in enumerate(summary.classes):
            p = rounded(summary.probabilities[k], self.digits, rest=True)
            others = (rounded(v, self.digits) for v in (summary.targets[k], summary.gradient[k]))
            numbers = " & ".join(f"${number.latex}$" for number in (p, *others))
            yield rf"{escape(safe(name))} & {numbers} \\"
        yield r"\end{tabular}\par"
        yield rf"Loss: ${rounded(summary.loss, self.digits).latex}$\par"

    def table(self, table: Table) -> Page[str]:
        """A table, and its caption below."""
        yield rf"\begin{{tabular}}{{{'l' * len(table.head)}}}"
        yield rf"{' & '.join(map(escape, table.head))} \\ \hline"
        for row in table.rows:
            yield rf"{' & '.join(map(escape, row))} \\"
        yield r"\end{tabular}\par"
        if table.caption:
            yield rf"{{\footnotesize {escape(table.caption)}\par}}"

    def chapter(self, chapter: Chapter) -> Page[str]:
        """A heading and a sentence."""
        yield rf"\subsection*{{{prose(chapter.title)}}}"
        yield rf"\emph{{{prose(chapter.intro)}}}"

    def step(self, shown: ShownStep) -> Page[str]:
        """A heading, formulas, the reason and the proof."""
        step = shown.step
        yield rf"\paragraph{{{step.number}. {prose(shown.title)}}}{self._rules(step)}\par"
        yield from self._formulas(shown)
        yield prose(step.why) + r"\par"
        if step.line.table is not None and not shown.hides_results:
            yield from self.table(step.line.table)
        yield rf"{{\footnotesize {escape(f'✓ {step.proof}')}\par}}"

    def _rules(self, step: ProvedStep) -> str:
        return rf" \emph{{\small {escape(' · '.join(step.rules))}}}" if step.rules else ""

    def _formulas(self, shown: ShownStep) -> Page[str]:
        """The line; below it the reader's numbers, one environment for all of them."""
        if shown.hides_statement:
            yield rf"\[ {statement(shown, self.printer)} \]"
        else:
            yield _clean(align([self.printer.parts(shown.step.statement)], self.widest))
        rows: list[Parts] = [self.printer.parts(row) for row in shown.rows]
        if shown.value is not None and not shown.hides_results:
            rows.append((("", latex_value(shown.value, self.digits)), ("=",), ""))
        if rows:
            yield rf"{{\{self.small} {_clean(align(rows, round(1.1 * self.widest)))}}}"

    def beside(self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]) -> Page[str]:
        """Formulas with arrows back."""
        yield r"\subsection*{Forward beside backward}"
        for forward, backward in pairs:
            yield _clean(align([self.printer.parts(forward.statement)], self.widest))
            for step in backward:
                (first, *others), signs, condition = self.printer.parts(step.statement)
                sides = (rf"\Longleftarrow\quad {first}", *others)
                yield _clean(align([(sides, signs, condition)], self.widest))

    def closing(self) -> Page[str]:
        """One line, and the end of the document."""
        yield self.derivation.in_short
        yield r"\end{document}"


def _clean(body: str) -> str:
    return body.replace("𝟏", r"\mathbf{1}")


def prose(sentence: str) -> str:
    """A sentence of the derivation's own: its formulas as mathematics."""
    return with_math(sentence, escape)
