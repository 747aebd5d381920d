"""A Rich console that leaves a closed pipe to `streams.printing`."""

from __future__ import annotations

from rich.console import Console

__all__ = ["PipeConsole"]


class PipeConsole(Console):
    """A console that raises `BrokenPipeError`, for `printing` to handle."""

    def on_broken_pipe(self) -> None:
        """Raise the error that Rich has caught, in place of its own exit code."""
        raise
