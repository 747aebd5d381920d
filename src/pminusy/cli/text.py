"""What the commands print: text from outside made safe for a terminal, and streams that fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import typer
from rich.console import Console
from rich.text import Text

from pminusy.errors import InputError
from pminusy.present.sanitise import cut, visible

__all__ = ["print_notes", "printing", "shown", "stdout"]


def shown(text: str, width: int = 60) -> Text:
    """Text for a Rich table: no markup is read from it, and it is cut to a width."""
    return Text(cut(visible(text[: width + 1]), width))


class _Console(Console):
    """A console that lets the command decide what a closed pipe means."""

    def on_broken_pipe(self) -> None:
        """Raise the error that Rich has caught, in place of its own exit code."""
        raise


def stdout(width: int | None = None, file: IO[str] | None = None) -> Console:
    """Console that prints to standard output and guesses no styles."""
    return _Console(highlight=False, width=width, file=file)


def print_notes(notes: Sequence[str]) -> None:
    """Say on standard error what was done to the rows; results do not depend on its being read."""
    from pminusy.tables.wording import shortened

    with suppress(OSError):
        for note in shortened(notes):
            typer.echo(f"note    {visible(note)}", err=True)


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
        _silence_stdout()
    except OSError as error:  # files say what is wrong with them as InputError: this is stdout
        _silence_stdout()
        names = " and ".join(repr(str(path)) for path in written if path is not None)
        got = error.strerror or type(error).__name__
        remedy = f"{names} written all the same" if names else ""
        place = "a place that can be written"
        raise InputError("standard output", place, got, remedy) from None


def _silence_stdout() -> None:
    """Keep Python from flushing, at exit, what can no longer be written."""
    with suppress(OSError):  # no file at all, when something stands in for it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
