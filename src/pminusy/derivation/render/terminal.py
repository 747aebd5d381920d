"""The derivation in a terminal: Unicode mathematics, matrices, coloured bars (Rich)."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from pminusy.derivation.render.document import (
    Page,
    ShownStep,
    Writer,
    classes_shown,
    document,
    safe,
)
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.render.value_text import is_matrix, matrix_lines, vector
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter, Overview, Steps
from pminusy.derivation.steps.step import ProvedStep
from pminusy.derivation.values.digits import as_text
from pminusy.derivation.values.result_value import WIDEST_ROW, ResultValue

__all__ = ["Trimmed", "show", "to_text"]

_BAR = 24
_REPEATED = 6
"""A larger matrix is printed where it is stated as a whole, not at every line about an entry."""


def to_text(derivation: Steps, *, width: int = 80, color: bool = False) -> str:
    """The whole derivation as text of a given width."""
    stream = StringIO()
    console = Console(
        file=stream, width=width, force_terminal=color, no_color=not color, highlight=False,
        color_system="standard" if color else None,
    )  # fmt: skip
    show(derivation, console)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


class Trimmed:
    """A stream whose lines end where their text does: what a pipe gets."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._rest = stream, ""

    def write(self, text: str) -> int:
        """Pass on whole lines."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._stream.writelines(f"{line.rstrip()}\n" for line in lines)
        return len(text)

    def flush(self) -> None:
        """Pass it on."""
        self._stream.flush()


def show(derivation: Steps, console: Console) -> None:
    """Print step by step: each is proved just before it appears."""
    for piece in document(_Terminal(derivation, console.width)):
        console.print(piece)


class _Terminal(Writer[RenderableType]):
    """What Rich prints, piece by piece."""

    def __init__(self, derivation: Steps, width: int) -> None:
        super().__init__(derivation)
        self.width = width
        self.printer = TextPrinter(derivation.notation, derivation.digits)

    def opening(self, summary: Overview) -> Page[RenderableType]:
        """Lines of text."""
        yield Text(safe(summary.heading, 200), style="bold")
        for name, value in summary.options.items():
            yield Text(f"  {name} = {value}", style="dim")
        yield from map(Text, summary.notes)

    def classes(self, summary: Overview) -> Page[RenderableType]:
        """Bars."""
        yield _bars(self.derivation, self.width)

    def table(self, table: Table) -> Page[RenderableType]:
        """A table, and its caption below."""
        yield _table(table)

    def chapter(self, chapter: Chapter) -> Page[RenderableType]:
        """A rule with the title, and a sentence."""
        yield from ("", _rule(chapter.title), Text(chapter.intro, style="italic"))

    def step(self, shown: ShownStep) -> Page[RenderableType]:
        """A heading, formulas, the reason and the proof."""
        step = shown.step
        items = [_heading(shown), _indented(Text(self._statement(shown), style="cyan"))]
        items += [_indented(Text(self.printer.relation(row)), 9) for row in shown.rows]
        items += self._value(shown)
        items.append(_indented(Text(step.why)))
        if step.line.table is not None and not shown.hides_results:
            items.append(Padding(_table(step.line.table), (0, 0, 0, 5)))
        items.append(_indented(Text(f"✓ {step.proof}", style="green")))
        yield from ("", Group(*items))

    def beside(
        self, pairs: Sequence[tuple[ProvedStep, tuple[ProvedStep, ...]]]
    ) -> Page[RenderableType]:
        """A table of two columns."""
        table = RichTable(box=None, title=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(Text("forward", style="bold"))
        table.add_column(Text("backward", style="bold"))
        relation = self.printer.relation
        for forward, backward in pairs:
            lines = "\n".join(relation(step.statement) for step in backward)
            table.add_row(Text(relation(forward.statement)), Text(lines))
        yield from ("", Group(_rule("Forward beside backward"), table))

    def closing(self) -> Page[RenderableType]:
        """One line."""
        yield Text(self.derivation.in_short, style="green")

    def _statement(self, shown: ShownStep) -> str:
        line = shown.step.statement
        if not shown.hides_statement:
            return self.printer.relation(line)
        return f"{self.printer.tree(line.sides[0])} {line.signs[0]} ____"

    def _value(self, shown: ShownStep) -> list[RenderableType]:
        """What the step comes to, without what was written out just above."""
        value, step = shown.value, shown.step
        if shown.hides_results:
            if shown.rows:
                return []  # they end in a blank
            return [_indented(Text("= ____"), 9)]
        if value is None:
            return []
        if is_matrix(value):
            return [_matrix(value, self.digits, repeated=bool(step.rows))]
        if value.left_out and len(value.entries) == len(step.rows):
            return [_indented(Text(f"… and {value.left_out:,} more entries", style="dim"), 9)]
        items = [_indented(Text(f"= {vector(value, self.digits)}", style="bold"), 9)]
        return items + [_indented(Text(f"({shown.note})", style="dim"), 9)] * bool(shown.note)


def _rule(title: str) -> RenderableType:
    return Rule(Text(title, style="bold cyan"), align="left", style="cyan")


def _heading(shown: ShownStep) -> RenderableType:
    step = shown.step
    title = Text(shown.title, style="bold")
    if step.rules:
        title.append(f"   {' · '.join(step.rules)}", style="not bold dim italic")
    heading = RichTable.grid(padding=(0, 2, 0, 0))
    heading.add_column(justify="right", min_width=3, style="dim", no_wrap=True)
    heading.add_column()
    heading.add_row(str(step.number), title)
    return heading


def _matrix(value: ResultValue, digits: int, *, repeated: bool) -> RenderableType:
    if repeated and max(value.shape) > _REPEATED:
        size = " × ".join(map(str, value.shape))
        return _indented(Text(f"some entries of a {size} matrix", style="dim"), 9)
    body = RichTable.grid(padding=(0, 1, 0, 0))
    for place in ("top", "middle", "bottom"):
        body.add_column(vertical=place)
    for line in matrix_lines(value, digits):
        body.add_row("[", Text(line), "]")
    return Padding(body, (0, 0, 0, 9))


def _indented(text: Text, by: int = 5) -> RenderableType:
    return Padding(text, (0, 0, 0, by))


def _bars(derivation: Steps, width: int) -> RenderableType:
    """Class by class: p as a bar, the target, and p − y to the left (raise) or right (lower)."""
    summary = derivation.summary
    order = classes_shown(summary, WIDEST_ROW)
    digits, letter = derivation.digits, derivation.notation.text
    masses = any(target not in (0, 1) for target in summary.targets)
    columns = {
        "class": [safe(summary.classes[k], 24) for k in order],
        letter("p"): [as_text(summary.probabilities[k], digits, rest=True) for k in order],
        "target" if masses else "y": [as_text(summary.targets[k], digits) for k in order],
        "gradient" if masses or summary.options else f"{letter('p')} − y": [
            as_text(summary.gradient[k], digits) for k in order
        ],
    }
    used = sum(max(map(cell_len, (head, *cells))) + 2 for head, cells in columns.items())
    bar = min(_BAR, (width - used - 6) * 2 // 3) // 2
    bar = bar if bar > 1 else 0
    table = RichTable(box=None, pad_edge=False, padding=(0, 1))
    for place, head in enumerate(columns):
        side: JustifyMethod = "right" if place else "left"
        least = None if place else min(8, max(map(cell_len, columns["class"])))
        table.add_column(head, justify=side, no_wrap=place > 0, min_width=least)
        if place == 1 and bar:
            table.add_column("", no_wrap=True)  # the bar of p
    if bar:
        table.add_column("", no_wrap=True)
    top = max((abs(value) for value in summary.gradient), default=1) or 1
    for row, k in enumerate(order):
        gradient = summary.gradient[k]
        color = "blue" if gradient < 0 else "red"
        length = round(float(abs(gradient) / top) * bar)
        left = ("█" * length if gradient < 0 else "").rjust(bar)
        right = "█" * length if gradient > 0 else ""
        name, p, target, shown = (column[row] for column in columns.values())
        of_p = Text("█" * round(float(summary.probabilities[k]) * bar), style="cyan")
        cells = [Text(name), Text(p), of_p, Text(target), Text(shown, style=color)]
        if bar:
            table.add_row(*cells, Text(f"{left}│{right}", style=color))
        else:
            table.add_row(*(cell for cell in cells if cell is not of_p))
    items: list[RenderableType] = [table]
    left_out = len(summary.classes) - len(order)
    if left_out:
        items.append(Text(f"… and {left_out} more classes, with smaller entries", style="dim"))
    loss, signs = as_text(summary.loss, derivation.digits), "below 0: the step raises the logit"
    items.append(Text(f"loss {loss}   {signs}, above: lowers it", style="dim"))
    return Padding(Group(*items), (1, 0, 0, 2))


def _table(table: Table) -> RenderableType:
    shown = RichTable(box=None, pad_edge=False)
    for head in table.head:
        shown.add_column(Text(safe(head)), style=None)
    for row in table.rows:
        shown.add_row(*(Text(safe(cell)) for cell in row))
    if not table.caption:
        return shown
    # below it and not its caption, which would be wrapped at the width of the table
    return Group(shown, Text(safe(table.caption, 200), style="dim italic"))
