"""One HTML file: MathML, steps that fold, bars and a heat map as inline SVG. No script, no network."""

# ruff: noqa: E501  (an element reads better on one line)
from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from pminusy.derivation.render.document import (
    Page,
    ShownStep,
    Writer,
    classes_shown,
    document,
    safe,
)
from pminusy.derivation.render.mathml import MathMLPrinter, mathml_number
from pminusy.derivation.render.value_text import is_matrix, vector
from pminusy.derivation.statements.line import FULL, Table
from pminusy.derivation.steps.chapters import Chapter, Steps, Summary
from pminusy.derivation.steps.step import Step
from pminusy.derivation.values.digits import as_text, rounded
from pminusy.derivation.values.result_value import WIDEST_ROW, ResultValue

__all__ = ["to_fragment", "to_page"]

_STYLE = """
.pmy{--ink:#1b1f24;--soft:#57606a;--paper:#ffffff;--card:#f6f8fa;--line:#d0d7de;--accent:#0b5cad;
--raise:#0969da;--lower:#b42318;--ok:#116329;color:var(--ink);background:var(--paper);
font:16px/1.55 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;max-width:56rem;margin:0 auto;
padding:1.5rem 1rem}
@media (prefers-color-scheme:dark){.pmy{--ink:#e6edf3;--soft:#9da7b3;--paper:#0d1117;--card:#161b22;
--line:#30363d;--accent:#6cb6ff;--raise:#6cb6ff;--lower:#ff8a7a;--ok:#56d364}}
.pmy h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .6rem}
.pmy h2{font-size:1.25rem;margin:2.2rem 0 .3rem;border-bottom:2px solid var(--accent);padding-bottom:.2rem}
.pmy .intro{color:var(--soft);margin:.2rem 0 .8rem}
.pmy details{border:1px solid var(--line);border-radius:8px;margin:.6rem 0;background:var(--card)}
.pmy summary{cursor:pointer;padding:.55rem .8rem;font-weight:600}
.pmy summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.pmy summary .rules{font-weight:400;font-style:italic;color:var(--soft);font-size:.85rem;margin-left:.5rem}
.pmy .body{padding:.1rem .9rem .7rem}
.pmy .scroll{overflow-x:auto;overflow-y:hidden;padding:.3rem 0}
.pmy math{font-size:1.12rem}
.pmy .rows math{font-size:1rem}
.pmy .why{margin:.5rem 0}
.pmy .why sub,.pmy .why sup{line-height:0;font-size:.75em}
.pmy .proof{color:var(--ok);font-size:.85rem;margin:.3rem 0 0}
.pmy .note{color:var(--soft);font-size:.85rem}
.pmy table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}
.pmy th,.pmy td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:left}
.pmy td.n{text-align:right}
.pmy svg{max-width:100%;height:auto;font:13px system-ui,"Noto Sans",sans-serif}
.pmy svg text{fill:var(--ink)}
.pmy figure{margin:1rem 0;display:flex;flex-wrap:wrap;gap:.5rem 2rem}
.pmy figcaption{flex-basis:100%}
.pmy .hint>summary{font-weight:400;color:var(--soft)}
@media print{.pmy{max-width:none;font-size:11pt}.pmy details{break-inside:avoid;border:0;background:none}
.pmy details::details-content{content-visibility:visible;display:block;height:auto}}
"""
_PAGE_STYLE = """
:root{color-scheme:light dark}body{margin:0;background:#fff}
@media (prefers-color-scheme:dark){body{background:#0d1117}}
"""


def to_page(derivation: Steps) -> str:
    """A whole page."""
    title = escape(safe(derivation.summary.heading, 200))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_PAGE_STYLE}</style>\n</head>\n<body>\n"
        f"{to_fragment(derivation)}\n</body>\n</html>\n"
    )


def to_fragment(derivation: Steps) -> str:
    """The same without a page round it, for notebooks."""
    return "\n".join(document(_Html(derivation)))


class _Html(Writer[str]):
    """Elements of a page."""

    def __init__(self, derivation: Steps) -> None:
        super().__init__(derivation)
        self.printer = MathMLPrinter(derivation.notation, derivation.digits)

    def opening(self, summary: Summary) -> Page[str]:
        """The style, a heading, a list, paragraphs."""
        yield f'<main class="pmy"><style>{_STYLE}</style>'
        yield f"<h1>{escape(safe(summary.heading, 200))}</h1>"
        if summary.options:
            items = (f"<li>{escape(n)} = {escape(v)}</li>" for n, v in summary.options.items())
            yield f"<ul>{''.join(items)}</ul>"
        for note in summary.notes:
            yield f"<p>{escape(safe(note, 2000))}</p>"

    def classes(self, summary: Summary) -> Page[str]:
        """Bars."""
        yield _bars(self.derivation)

    def table(self, table: Table) -> Page[str]:
        """A table, and its caption below."""
        yield _table(table)

    def chapter(self, chapter: Chapter) -> Page[str]:
        """A section with a heading and a sentence."""
        yield f'<section><h2>{escape(chapter.title)}</h2><p class="intro">{escape(chapter.intro)}</p>'

    def chapter_end(self) -> Page[str]:
        """The end of the section."""
        yield "</section>"

    def step(self, shown: ShownStep) -> Page[str]:
        """A step that folds."""
        step = shown.step
        rules = f'<span class="rules">{escape(" · ".join(step.rules))}</span>' if step.rules else ""
        is_open = ' open=""' if step.line.depth != FULL or self.derivation.hints else ""
        yield (
            f'<details id="{step.name}"{is_open}><summary>{step.number}. {escape(step.title)}{rules}'
            f'</summary><div class="body">{self._body(shown)}</div></details>'
        )

    def _body(self, shown: ShownStep) -> str:
        step, page = shown.step, self.printer.page
        body = [_folded(_math(page(step.statement)), shown.hides_statement, "the line")]
        if step.rows:
            rows = "".join(_math(page(row.statement)) for row in step.rows)
            rows = f'<div class="rows">{rows}</div>'
            body.append(_folded(rows, shown.hides_numbers, "with your numbers"))
        if shown.value is not None:
            value = _value(shown.value, shown, self.digits)
            body.append(_folded(value, shown.hides_results, "the result"))
        body.append(f'<p class="why">{_prose(step.why)}</p>')
        if step.line.table is not None:
            body.append(_folded(_table(step.line.table), shown.hides_results, "the table"))
        body.append(f'<p class="proof">✓ {escape(str(step.proof))}</p>')
        return "".join(body)

    def beside(self, pairs: Sequence[tuple[Step, tuple[Step, ...]]]) -> Page[str]:
        """A table of two columns."""
        page = self.printer.page
        rows = []
        for forward, backward in pairs:
            lines = "".join(page(step.statement) for step in backward)
            rows.append(f"<tr><td>{page(forward.statement)}</td><td>{lines}</td></tr>")
        yield (
            '<section><h2>Forward beside backward</h2><div class="scroll"><table><thead><tr>'
            '<th scope="col">forward</th><th scope="col">backward</th></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div></section>"
        )

    def closing(self, steps: int) -> Page[str]:
        """One line, and the end of the page."""
        yield f'<p class="proof">{steps} steps, every one proved.</p></main>'


_INDEX = re.compile(r"(?<=[^\W\d_])_([A-Za-z]{1,3}|\d)(?![A-Za-z_])")
_POWER = re.compile(r"\^(?:\(([^()]*)\)|(\w))")


def _prose(sentence: str) -> str:
    """A sentence whose p_k and e^z are set as such."""
    raised = _POWER.sub(lambda found: f"<sup>{found[1] or found[2]}</sup>", escape(sentence))
    return _INDEX.sub(r"<sub>\1</sub>", raised)


def _folded(body: str, hide: bool, what: str) -> str:
    if not hide:
        return body
    return f'<details class="hint"><summary>Your turn: {what}. Open to compare.</summary>{body}</details>'


def _math(math: str) -> str:
    return f'<div class="scroll" tabindex="0" role="group" aria-label="formula">{math}</div>'


def _value(value: ResultValue, shown: ShownStep, digits: int) -> str:
    if is_matrix(value):
        equals = f"<mrow><mo>=</mo>{_matrix(value, digits)}</mrow>"
        body = _math(f'<math display="block">{equals}</math>')
        return body + (_heat_map(value, digits) if shown.step.name == "jacobian_matrix" else "")
    aside = f'<br/><span class="note">{escape(shown.note)}</span>' if shown.note else ""
    return f"<p>= <strong>{escape(vector(value, digits))}</strong>{aside}</p>"


def _matrix(value: ResultValue, digits: int) -> str:
    rows = []
    for i in range(value.shape[0]):
        row = (rounded(value.entries[i, j], digits, rest=value.rest) for j in range(value.shape[1]))
        rows.append(f"<mtr>{''.join(f'<mtd>{mathml_number(n)}</mtd>' for n in row)}</mtr>")
    return f'<mo fence="true">(</mo><mtable>{"".join(rows)}</mtable><mo fence="true">)</mo>'


def _bars(derivation: Steps) -> str:
    """Bars of p (left) and of the gradient (right), class by class."""
    summary, digits = derivation.summary, derivation.digits
    order = classes_shown(summary, WIDEST_ROW)
    top = max((abs(v) for v in summary.gradient), default=1) or 1
    letter = derivation.notation.text("p")
    plain = not summary.options and all(v in (0, 1) for v in summary.targets)
    right = f"{letter} − y" if plain else "gradient"
    height = 26 * len(order) + 32
    left_parts, right_parts = (
        [f'<text x="{x}" y="16"{anchor}>{escape(head)}</text>']
        for x, anchor, head in ((150, "", letter), (315, ' text-anchor="middle"', right))
    )
    for place, k in enumerate(order):
        y = 26 + 26 * place
        p, gradient = summary.probabilities[k], summary.gradient[k]
        mark = " ●" if k == summary.true_class else ""
        name = f'<text x="0" y="{y + 14}">{escape(safe(summary.classes[k], 16))}{mark}</text>'
        length = float(abs(gradient) / top) * 80
        side, x = ("raise", 315 - length) if gradient < 0 else ("lower", 315)
        left_parts += [
            name,
            f'<rect x="150" y="{y + 2}" width="{float(p) * 120:.2f}" height="16" rx="2" fill="var(--accent)"/>',
            f'<text x="{150 + float(p) * 120 + 6:.1f}" y="{y + 14}">{as_text(p, digits, rest=True)}</text>',
        ]
        right_parts += [
            name,
            f'<text x="230" y="{y + 14}" text-anchor="end">{as_text(gradient, digits)}</text>',
            f'<rect x="{x:.2f}" y="{y + 2}" width="{length:.2f}" height="16" rx="2" fill="var(--{side})"/>',
        ]
    right_parts.append(f'<line x1="315" x2="315" y1="22" y2="{height - 4}" stroke="var(--soft)"/>')
    loss = as_text(summary.loss, digits)
    both = _chart(f"{letter} by class", left_parts, height)
    both += _chart(f"{right} by class; loss {loss}", right_parts, height)
    rest = len(summary.classes) - len(order)
    more = f" {rest} more classes have smaller entries." if rest else ""
    caption = (
        f"Loss {loss}. Bars to the left: the step raises the logit; to the "
        f"right: it lowers it. ● the true class.{more}"
    )
    return f'<figure>{both}<figcaption class="note">{escape(caption)}</figcaption></figure>'


def _chart(title: str, parts_: list[str], height: int) -> str:
    """One of the two charts: beside the other where there is room, below it where there is not."""
    return (
        f'<svg role="img" viewBox="0 0 400 {height}" width="400" height="{height}" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts_)}</svg>"
    )


def _heat_map(shown: ResultValue, digits: int) -> str:
    """The Jacobian as colours: blue below 0, red above, stronger where larger."""
    n, cell = shown.shape[0], 44
    top = max(abs(value) for value in shown.entries.values()) or 1
    size = n * cell + 2
    squares = []
    for (i, j), value in shown.entries.items():
        opacity = float(abs(value) / top)
        color = "var(--raise)" if value < 0 else "var(--lower)"
        text = as_text(value, 2)
        squares.append(
            f'<rect x="{j * cell + 1}" y="{i * cell + 1}" width="{cell - 2}" height="{cell - 2}" rx="3" '
            f'fill="{color}" fill-opacity="{opacity:.3f}" stroke="var(--line)"><title>row {i}, column {j}: '
            f"{as_text(value, digits)}</title></rect>"
            f'<text x="{j * cell + cell / 2}" y="{i * cell + cell / 2 + 4}" text-anchor="middle" '
            f'font-size="11">{text}</text>'
        )
    return (
        f'<svg role="img" aria-label="Heat map of the Jacobian: positive on the diagonal, negative off it" '
        f'viewBox="0 0 {size} {size}" width="{size}" height="{size}">{"".join(squares)}</svg>'
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(safe(cell))}</th>' for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(safe(cell))}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    caption = f'<p class="note">{escape(table.caption)}</p>' if table.caption else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{caption}'
