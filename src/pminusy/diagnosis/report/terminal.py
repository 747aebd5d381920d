"""Reports for a terminal: one verdict, or a class."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pminusy.diagnosis.report.clean import clean
from pminusy.diagnosis.report.lines import HEADINGS, in_short, lines
from pminusy.diagnosis.report.summary import CourseSummary
from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["print_class", "print_verdict"]

_STYLES = {
    "head": "bold", "good": "green", "warn": "yellow", "bad": "red", "key": "bold", "dim": "dim",
    "": "",
}  # fmt: skip
_ROWS, _CLUSTERS = 60, 20
_WIDEST = 100


def print_verdict(console: Console, verdict: Verdict, hints: int) -> None:
    """The report of one function."""
    width = min(console.width, _WIDEST)
    for line in lines(verdict, hints):
        for piece in line.wrapped(width):
            console.print(Text(piece, style=_STYLES[line.style]), soft_wrap=True)


def print_class(
    console: Console, verdicts: Sequence[Verdict], summary: CourseSummary, hints: int
) -> None:
    """Counts, what goes wrong with the way out, and a row for each function that is not correct."""
    many = f"{len(summary.submissions)} submissions, {len(verdicts)} functions"
    console.print(Text(many, style="bold"))
    for status, count in summary.submission_counts.items():
        mark, words, style = HEADINGS[status]
        console.print(Text(f"  {mark} {count:4d}  {words}", style=_STYLES[style]))
    if summary.clusters:
        console.print()
        console.print(Text("What goes wrong, in how many submissions", style="bold"))
        clusters = Table(box=None, pad_edge=False, show_header=False)
        for cluster in summary.clusters[:_CLUSTERS]:
            clusters.add_row(Text(f"  {cluster.count:4d}"), Text(clean(cluster.sentence)))
            if cluster.way_out:
                clusters.add_row(Text(), Text(clean(cluster.way_out), style="dim"))
        console.print(clusters)
    _print_rows(console, [v for v in verdicts if v.status != "correct"], summary, hints)


def _print_rows(
    console: Console, verdicts: Sequence[Verdict], summary: CourseSummary, hints: int
) -> None:
    if not verdicts:
        return
    console.print()
    width = min(console.width, _WIDEST)
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("submission", "function", "verdict"):
        table.add_column(name)
    if summary.points:
        table.add_column("points", justify="right")
    table.add_column(
        "what", ratio=1, no_wrap=True, overflow="ellipsis"
    )  # a line each, however narrow
    for verdict in verdicts[:_ROWS]:
        mark, _, style = HEADINGS[verdict.status]
        points = summary.points.get(verdict.source)
        table.add_row(
            Text(_short(verdict.source, width // 4)),
            Text(_short(verdict.name, width // 5)),
            Text(f"{mark} {verdict.status}", style=_STYLES[style]),
            *([Text("" if points is None else f"{points:g}")] if summary.points else []),
            Text(clean(in_short(verdict, hints))),
        )
    console.print(table)
    if len(verdicts) > _ROWS:
        console.print(f"… and {len(verdicts) - _ROWS} more; --format csv or html has them all")


def _short(text: str, width: int) -> str:
    shown = clean(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"
