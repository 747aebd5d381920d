"""Lines in the words of questions."""

from __future__ import annotations

from pminusy.questions.expression import write
from pminusy.questions.lines import TypedLine

__all__ = ["condition", "source_of", "written"]


def source_of(line: TypedLine) -> str:
    """Whose line it is."""
    return f"article {line.article}, “{line.chapter.title}”: {line.line.title}"


def written(line: TypedLine) -> str:
    """A line as readers type it."""
    assert line.sides is not None
    sides = (write(side, line.letters.shown) for side in line.sides)
    return " = ".join(sides) + condition(line)


def condition(line: TypedLine) -> str:
    """For which letters it holds."""
    shown = line.letters.shown
    pairs = [f"{i} {sign} {shown.get(f'index {j}', j)}" for i, sign, j in line.conditions]
    return f"   for {', '.join(pairs)}" if pairs else ""
