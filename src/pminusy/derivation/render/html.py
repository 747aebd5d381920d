"""One HTML file: MathML, steps that fold, bars and a heat map as inline SVG. No script, no network."""

# ruff: noqa: E501  (an element reads better on one line)
from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from pminusy.derivation.render.document import (
    Page,
    ShownStep,
    Writer,
    classes_shown,
    document,
    safe,
)
from pminusy.derivation.render.mathml import MathMLPrinter, mathml_number
from pminusy.derivation.render.pictures import heat_map, network_graph, pictures
from pminusy.derivation.render.value_text import is_matrix, vector
from pminusy.derivation.render.window_picture import window_picture
from pminusy.derivation.statements.line import FULL, Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.values.digits import as_text, rounded
from pminusy.derivation.values.result_value import WIDEST_ROW, ResultValue
from pminusy.present.html import page, style

__all__ = ["STYLE", "HtmlWriter", "prose", "to_fragment", "to_page"]

STYLE = (Path(__file__).parent / "derivation.css").read_text(encoding="utf-8")
_TITLE = 200  # characters of the heading


def to_page(derivation: Steps) -> str:
    """A whole page."""
    body = "\n".join(document(HtmlWriter(derivation)))
    return page(safe(derivation.summary.heading, _TITLE), STYLE, body)


def to_fragment(derivation: Steps) -> str:
    """The same without a page round it, for notebooks."""
    writer = HtmlWriter(derivation)
    writer.is_fragment = True
    body = "\n".join(document(writer))
    return f'<div class="pmy"><style>{style(STYLE, ".pmy")}</style>{body}</div>'


class HtmlWriter(Writer[str]):
    """Elements of a page; a room above may have letters written in a way of its own."""

    def __init__(self, derivation: Steps, printer: MathMLPrinter | None = None) -> None:
        super().__init__(derivation)
        self.is_fragment = False
        self.printer = printer or MathMLPrinter(derivation.notation, derivation.digits)

    def opening(self, summary: Overview) -> Page[str]:
        """A heading, a list, paragraphs."""
        yield '<main class="derivation">'
        yield f"<h1>{escape(safe(summary.heading, _TITLE))}</h1>"
        if summary.options:
            items = (f"<li>{escape(n)} = {escape(v)}</li>" for n, v in summary.options.items())
            yield f"<ul>{''.join(items)}</ul>"
        for note in summary.notes:
            yield f"<p>{escape(safe(note, 2000))}</p>"

    def classes(self, summary: Overview) -> Page[str]:
        """Bars."""
        yield _bars(self.derivation)
        if not summary.folded:
            yield pictures(self.derivation)
        yield network_graph(summary)

    def table(self, table: Table) -> Page[str]:
        """A table, and its caption below."""
        yield _table(table)

    def fold(self) -> Page[str]:
        """A fold, shut."""
        count = len(self.derivation)
        drawn = pictures(self.derivation)
        yield f'<details class="fold"><summary>The derivation: {count} steps, each proved</summary>{drawn}'

    def fold_end(self) -> Page[str]:
        """The end of the fold."""
        yield "</details>"

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
            f'<details id="{step.name}" class="card"{is_open}><summary>{step.number}. {escape(shown.title)}{rules}'
            f'</summary><div class="body">{self._body(shown)}</div></details>'
        )

    def _body(self, shown: ShownStep) -> str:
        step, page = shown.step, self.printer.page
        body = [_folded(_math(page(step.statement)), shown.hides_statement, "the line")]
        if step.rows:
            listed = shown.rows or tuple(row.statement for row in step.rows)
            rows = "".join(_math(page(row)) for row in listed)
            rows = f'<div class="rows">{rows}</div>'
            body.append(_folded(rows, shown.hides_numbers, "with your numbers"))
        if shown.value is not None:
            value = self._value(shown.value, shown)
            body.append(_folded(value, shown.hides_results, "the result"))
        if not shown.hides_numbers:
            body.append(window_picture(step))
        body.append(f'<p class="why">{prose(step.why)}</p>')
        if step.line.table is not None:
            body.append(_folded(_table(step.line.table), shown.hides_results, "the table"))
        body.append(f'<p class="proof">✓ {escape(str(step.proof))}</p>')
        return "".join(body)

    def _value(self, value: ResultValue, shown: ShownStep) -> str:
        digits, text = self.digits, self.derivation.notation.text
        if not is_matrix(value):
            aside = f'<br/><span class="note">{escape(shown.note)}</span>' if shown.note else ""
            return f"<p>= <strong>{escape(vector(value, digits))}</strong>{aside}</p>"
        equals = f"<mrow><mo>=</mo>{_matrix(value, digits)}</mrow>"
        drawn = ""
        if shown.step.name == "jacobian_matrix":
            drawn = heat_map(value, digits, self._class_names(), text("z"), text("p"))
        return _math(f'<math display="block">{equals}</math>') + drawn

    def _class_names(self) -> tuple[str, ...]:
        return self.derivation.summary.classes

    def beside(self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]) -> Page[str]:
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

    def closing(self) -> Page[str]:
        """One line, and the end of the page."""
        yield f'<p class="proof">{self.derivation.in_short}</p>{self._playing()}</main>'

    def _playing(self) -> str:
        """The way to the page on which these numbers move."""
        ways = getattr(self.derivation, "playing", None)
        if ways is None or self.derivation.hints:
            return ""
        link, call = ways
        if self.is_fragment:
            return f'<p class="note">Play with these numbers: <code>{escape(call)}</code></p>'
        return (
            f'<p class="note"><a href="play.html#{escape(link)}">Play with these numbers</a>: the link opens '
            "<code>play.html</code> beside this page. If there is none, <code>pminusy play</code> in this "
            "folder writes it: one page takes the numbers of every link.</p>"
        )


_INDEX = re.compile(r"(?<=[^\W\d_])_([A-Za-z]{1,3}|\d)(?![A-Za-z_])")
_POWER = re.compile(r"\^(?:\(([^()]*)\)|(\w))")


def prose(sentence: str) -> str:
    """A sentence whose p_k and e^z are set as such."""
    raised = _POWER.sub(lambda found: f"<sup>{found[1] or found[2]}</sup>", escape(sentence))
    return _INDEX.sub(r"<sub>\1</sub>", raised)


def _folded(body: str, hide: bool, what: str) -> str:
    if not hide:
        return body
    return f'<details class="hint"><summary>Your turn: {what}. Open to compare.</summary>{body}</details>'


def _math(math: str) -> str:
    return f'<div class="scroll" tabindex="0" role="group" aria-label="formula">{math}</div>'


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
        side, x = ("raised", 315 - length) if gradient < 0 else ("lowered", 315)
        left_parts += [
            name,
            f'<rect x="150" y="{y + 2}" width="{float(p) * 120:.2f}" height="16" rx="2" class="probability"/>',
            f'<rect x="150" y="{y}" width="{min(float(summary.targets[k]), 1.0) * 120:.2f}" height="20" class="target"/>',
            f'<text x="{150 + float(p) * 120 + 6:.1f}" y="{y + 14}">{as_text(p, digits, rest=True)}</text>',
        ]
        right_parts += [
            name,
            f'<text x="230" y="{y + 14}" text-anchor="end">{as_text(gradient, digits)}</text>',
            f'<rect x="{x:.2f}" y="{y + 2}" width="{length:.2f}" height="16" rx="2" class="{side}"/>',
        ]
    right_parts.append(f'<line x1="315" x2="315" y1="22" y2="{height - 4}" class="axis"/>')
    loss = as_text(summary.loss, digits)
    both = _chart(f"{letter} by class", left_parts, height)
    both += _chart(f"{right} by class; loss {loss}", right_parts, height)
    rest = len(summary.classes) - len(order)
    more = f" {rest} more classes have smaller entries." if rest else ""
    caption = (
        f"Loss {loss}. Bars to the left: the step raises the logit; to the "
        f"right: it lowers it. ● the true class; the outline beside {letter} is the target.{more}"
    )
    return f'<figure>{both}<figcaption class="note">{escape(caption)}</figcaption></figure>'


def _chart(title: str, parts_: list[str], height: int) -> str:
    """One of the two charts: beside the other where there is room, below it where there is not."""
    return (
        f'<svg role="img" viewBox="0 0 400 {height}" width="400" height="{height}" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts_)}</svg>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(safe(cell))}</th>' for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(safe(cell))}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    caption = f'<p class="note">{escape(table.caption)}</p>' if table.caption else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{caption}'
