"""What the commands print: text from outside made safe for a terminal, and streams that fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

import typer

from pminusy.errors import InputError
from pminusy.present.sanitise import cut, visible

if TYPE_CHECKING:  # Rich takes time to import, and not all that is printed needs it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["keep_numbers_whole", "print_notes", "print_table", "printing", "say", "shown", "stdout"]

_LABEL = 24  # columns for names, where there is room for no more
_UNBOUNDED = 10_000


def shown(text: str, width: int = 60) -> Text:
    """Text for a Rich table: no markup is read from it, and it is cut to a width."""
    from rich.text import Text

    return Text(cut(visible(text[: width + 1]), width))


def stdout(width: int | None = None, file: IO[str] | None = None) -> Console:
    """Console that prints to standard output and guesses no styles."""
    from pminusy.cli.console import PipeConsole

    return PipeConsole(highlight=False, width=width, file=file)


def print_notes(notes: Sequence[str]) -> None:
    """Print notes about the rows on standard error; a closed standard error is ignored."""
    from pminusy.tables.wording import shortened

    for note in shortened(notes):
        say(f"note    {visible(note)}")


def say(line: str) -> None:
    """Print a line on standard error; one that is closed or full is ignored, also at exit."""
    try:
        typer.echo(line, err=True)
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def keep_numbers_whole(table: Table) -> int:
    """Let a Rich table fold words and nothing else; return the width it then needs."""
    ruler = stdout(width=_UNBOUNDED)
    for column in table.columns:
        column.overflow = "fold"
        column.no_wrap = column.no_wrap or column.justify == "right"
        cells = [ruler.measure(cell) for cell in (column.header, *column.cells)]
        whole = max(cell.maximum for cell in cells)
        word = min(_LABEL, max(cell.minimum for cell in cells))
        column.min_width = whole if column.no_wrap else word
    between = 2 * (len(table.columns) - 1) + 2 * table.pad_edge
    return sum(column.min_width or 0 for column in table.columns) + between


def print_table(console: Console, table: Table) -> None:
    """Print a table whose numbers are never cut: a narrow terminal breaks its lines instead."""
    needed = keep_numbers_whole(table)
    wide = console if needed <= console.width else stdout(width=needed, file=console.file)
    wide.print(table)


@contextmanager
def printing(written: Sequence[Path | None] = ()) -> Iterator[None]:
    """Print, after the files of a command are `written`.

    A reader of the output, `head` say, may close the pipe when it has seen enough: what is left is
    not printed, and the command goes on to its exit code.

    Raises
    ------
    InputError
        Standard output takes no more, a full disk say; the files are named, for they are there.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:  # files say what is wrong with them as InputError: this is stdout
        _silence(sys.stdout)
        names = " and ".join(repr(str(path)) for path in written if path is not None)
        got = error.strerror or type(error).__name__
        remedy = f"{names} written all the same" if names else ""
        place = "a place that can be written"
        raise InputError("standard output", place, got, remedy) from None


def _silence(stream: TextIO) -> None:
    """Keep Python from flushing, at exit, what can no longer be written."""
    with suppress(OSError):  # no file at all, when something stands in for it
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
