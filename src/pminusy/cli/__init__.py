"""The command line: parse, call, print. One module a command; no mathematics here."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Entry point of the `pminusy` command."""
    from pminusy.cli.app import run  # not before it is needed: importing pminusy.cli costs nothing

    raise SystemExit(run())
