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

from pminusy.derivation.render import parts
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Steps
from pminusy.derivation.steps.step import Step
from pminusy.derivation.values.digits import as_text

__all__ = ["Trimmed", "show", "to_text"]

_BAR = 24
_SHOWN_CLASSES = 12
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
    printer = TextPrinter(derivation.notation, derivation.digits)
    summary = derivation.summary
    console.print(Text(parts.safe(summary.heading, 200), style="bold"))
    for name, value in summary.options.items():
        console.print(Text(f"  {name} = {value}", style="dim"))
    for note in summary.notes:
        console.print(Text(note))
    if summary.classes:
        console.print(_bars(derivation, console.width))
    for table in summary.tables:
        console.print(_table(table))
    for chapter in derivation.chapters:
        console.print()
        console.print(Rule(Text(chapter.title, style="bold cyan"), align="left", style="cyan"))
        console.print(Text(chapter.intro, style="italic"))
        for line in chapter.lines:
            console.print()
            console.print(_step(derivation[line.name], derivation, printer))
    if beside := list(parts.closing(derivation)):
        console.print()
        console.print(_closing(beside, printer))
    console.print(Text(f"{len(derivation)} steps, every one proved.", style="green"))


def _step(step: Step, derivation: Steps, printer: TextPrinter) -> RenderableType:
    hidden = parts.hidden(derivation)
    title = Text(step.title, style="bold")
    if step.rules:
        title.append(f"   {' · '.join(step.rules)}", style="not bold dim italic")
    heading = RichTable.grid(padding=(0, 2, 0, 0))
    heading.add_column(justify="right", min_width=3, style="dim", no_wrap=True)
    heading.add_column()
    heading.add_row(str(step.number), title)
    items: list[RenderableType] = [heading]
    statement = printer.relation(step.statement)
    if hidden.statements:
        statement = f"{printer.tree(step.statement.sides[0])} {step.statement.signs[0]} ____"
    items.append(_indented(Text(statement, style="cyan")))
    if not hidden.numbers:
        items += [_indented(Text(printer.relation(row.statement)), 9) for row in step.rows]
    items += _value(step, derivation.digits, hide=hidden.results)
    items.append(_indented(Text(step.why)))
    if step.line.table is not None and not hidden.results:
        items.append(Padding(_table(step.line.table), (0, 0, 0, 5)))
    items.append(_indented(Text(f"✓ {step.proof}", style="green")))
    return Group(*items)


def _value(step: Step, digits: int, *, hide: bool) -> list[RenderableType]:
    if hide:
        return [_indented(Text("= ____"), 9)]
    shown = step.value
    alone = len(shown.entries) == 1 and step.rows
    if alone or step.statement.signs[-1] in "<≤>≥⪯":
        return []
    if parts.is_matrix(shown) and step.rows and max(shown.shape) > _REPEATED:
        size = " × ".join(map(str, shown.shape))
        return [_indented(Text(f"some entries of a {size} matrix", style="dim"), 9)]
    if parts.is_matrix(shown):
        lines = parts.matrix_lines(shown, digits)
        body = RichTable.grid(padding=(0, 1, 0, 0))
        for place in ("top", "middle", "bottom"):
            body.add_column(vertical=place)
        for line in lines:
            body.add_row("[", Text(line), "]")
        return [Padding(body, (0, 0, 0, 9))]
    if shown.left_out and len(shown.entries) == len(step.rows):  # they were written out just above
        return [_indented(Text(f"… and {shown.left_out:,} more entries", style="dim"), 9)]
    items: list[RenderableType] = [
        _indented(Text(f"= {parts.vector(shown, digits)}", style="bold"), 9)
    ]
    note = parts.vector_note(step, digits)
    return [*items, _indented(Text(f"({note})", style="dim"), 9)] if note else items


def _indented(text: Text, by: int = 5) -> RenderableType:
    return Padding(text, (0, 0, 0, by))


def _bars(derivation: Steps, width: int) -> RenderableType:
    """Class by class: p as a bar, the target, and p − y to the left (raise) or right (lower)."""
    summary = derivation.summary
    order = list(range(len(summary.classes)))
    if len(order) > _SHOWN_CLASSES:
        largest = sorted(order, key=lambda k: -abs(summary.gradient[k]))[: _SHOWN_CLASSES - 1]
        order = sorted(
            {*largest, *([summary.true_class] if summary.true_class is not None else [])}
        )
    digits, letter = derivation.digits, derivation.notation.text
    masses = any(target not in (0, 1) for target in summary.targets)
    columns = {
        "class": [parts.safe(summary.classes[k], 24) for k in order],
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
    items.append(Text(f"loss {as_text(summary.loss, derivation.digits)}   "
                      "blue: the step raises the logit, red: lowers it", style="dim"))  # fmt: skip
    return Padding(Group(*items), (1, 0, 0, 2))


def _table(table: Table) -> RenderableType:
    shown = RichTable(box=None, pad_edge=False)
    for head in table.head:
        shown.add_column(Text(parts.safe(head)), style=None)
    for row in table.rows:
        shown.add_row(*(Text(parts.safe(cell)) for cell in row))
    if not table.caption:
        return shown
    # below it and not its caption, which would be wrapped at the width of the table
    return Group(shown, Text(parts.safe(table.caption, 200), style="dim italic"))


def _closing(rows: Sequence[tuple[Step, Sequence[Step]]], printer: TextPrinter) -> RenderableType:
    table = RichTable(box=None, title=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text("forward", style="bold"))
    table.add_column(Text("backward", style="bold"))
    for forward, backward in rows:
        lines = "\n".join(printer.relation(step.statement) for step in backward)
        table.add_row(Text(printer.relation(forward.statement)), Text(lines))
    return Group(
        Rule(Text("Forward beside backward", style="bold cyan"), align="left", style="cyan"), table
    )
