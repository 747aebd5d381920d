"""The command line: parse, call, print. One module a command; no mathematics here."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the `pminusy` command."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 – it stays open
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
