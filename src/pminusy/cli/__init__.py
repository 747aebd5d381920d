"""The command line: parse, call, print. One module a command; no mathematics here."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["main"]


def _open_closed_streams() -> None:
    """Open the null device in place of each standard stream that is closed.

    Else the next file opened, a model say, has the stream's number, and gets what is written to it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 – it stays open
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 – it stays open


def main() -> None:
    """Entry point of the `pminusy` command."""
    _open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character shows its code, as stderr does by default.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        # Not before it is needed: importing pminusy.cli costs nothing.
        from pminusy.cli.app import run

        code = run()
    except KeyboardInterrupt:  # before the commands could be loaded
        sys.stderr.write("pminusy: interrupted\n")
        code = 130
    raise SystemExit(code)
