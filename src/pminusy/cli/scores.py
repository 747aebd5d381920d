"""Scores beside those of the majority class and their intervals, as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pminusy.cli.streams import print_table
from pminusy.present.numbers import decimals

if TYPE_CHECKING:
    from rich.console import Console

    from pminusy.estimators.intervals import Intervals
    from pminusy.estimators.scores import Scores

__all__ = ["print_scores"]


def print_scores(
    console: Console,
    on: str,
    scores: Scores,
    baseline: Scores,
    ranking: tuple[tuple[str, float], ...],
    intervals: Intervals,
) -> None:
    """Print a line for each score; `on` says what rows they are of."""
    from rich.table import Table

    rows = Table(box=None, pad_edge=False)
    rows.add_column(f"on {on}")
    for heading in ("model", *(["95 % interval"] if intervals else []), "majority class"):
        rows.add_column(heading, justify="right", no_wrap=heading != "majority class")
    lines = [
        (name, decimals(value), decimals(other))
        for (name, value), (_, other) in zip(scores.named(), baseline.named(), strict=True)
    ]
    for name, value, other in (*lines, *((name, decimals(value), "") for name, value in ranking)):
        ends = [" – ".join(map(decimals, intervals[name]))] if name in intervals else []
        rows.add_row(name, value, *ends, other)
    print_table(console, rows)
    if intervals:
        observed = f"{intervals.rows:,} rows"
        if intervals.groups is not None:
            observed = f"{intervals.groups:,} groups"
        console.print(f"intervals from {observed}", style="dim", markup=False)
