"""Implementations side by side: by turns in one process, medians over rounds, beside the limit."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

__all__ = ["DOCS", "Measured", "by_turns", "draw", "merged", "paste", "write", "writes"]

_WARM = 0.1  # seconds; other people's threads spin for 30 ms, a processor wakes in as many
_TURN = 0.02
ROOT = Path(__file__).parent.parent
DOCS = ROOT / ("docs" if "--write" in sys.argv else "measured")
"""Where tables, figures and JSON go: into the documentation with `--write` alone."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One problem: milliseconds by implementation, and the ratio of medians to the limit."""

    problem: str
    limit: str
    milliseconds: dict[str, float]

    def ratio(self, name: str, to: str) -> float:
        """Time of one implementation over that of another."""
        return self.milliseconds[name] / self.milliseconds[to]


def by_turns(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each function over rounds; in a round each has one turn.

    A turn begins with calls that are not timed, since the threads of whoever came before spin for
    some time, and a second processor that they left asleep is slow to wake.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            _per_call(function, _WARM)
            times[name].append(_per_call(function, _TURN))
    return {name: 1e3 * median(found) for name, found in times.items()}


def _per_call(function: Callable[[], object], seconds: float) -> float:
    """Seconds a call takes: the median of calls made one after another for so long."""
    spent: list[float] = []
    while sum(spent) < seconds:
        start = time.perf_counter()
        function()
        spent.append(time.perf_counter() - start)
    return median(spent)


def merged(name: str, found: list[Measured], order: list[str]) -> list[Measured]:
    """Rows measured now, in the place of those of the same problem in the table of that name."""
    file = DOCS / "benchmarks" / f"{name}.json"
    before = json.loads(file.read_text()) if file.exists() else []
    rows = {row["problem"]: Measured(**row) for row in before} | {r.problem: r for r in found}
    return [rows[problem] for problem in order if problem in rows]


def write(
    name: str, title: str, problems: list[Measured], remarks: list[str], *, picture: bool = False
) -> None:
    """Print a table, write JSON beside the documentation, and paste the table into it."""
    names = list(dict.fromkeys(n for p in problems for n in p.milliseconds))
    shown = Table(title=title)
    for heading in ("problem", *names):
        shown.add_column(heading, justify="left" if heading == "problem" else "right")
    lines = [f"| problem | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for problem in problems:
        cells = [_cell(problem, n) for n in names]
        shown.add_row(problem.problem, *cells)
        lines.append(f"| {problem.problem} | {' | '.join(cells)} |")
    console = Console(width=160)
    console.print(shown)
    for remark in remarks:
        console.print(remark)
    DOCS.mkdir(exist_ok=True)
    folder = DOCS / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps([asdict(p) for p in problems], indent=1) + "\n")
    figure = [f"![{title}](benchmarks/{name}.svg)", ""] if picture else []
    text = "\n".join([f"### {title}", "", *lines, "", *figure, *remarks])
    paste(DOCS / "benchmarks.md", name, text)


def draw(name: str, title: str, problems: list[Measured]) -> None:
    """Draw the ratios to the limit as bars, one group a problem, into docs/benchmarks."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("matplotlib: not installed, no figure")
        return
    names = list(dict.fromkeys(n for p in problems for n in p.milliseconds if n != p.limit))
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    width = 0.85 / len(names)
    for j, implementation in enumerate(names):
        found = [(i, p) for i, p in enumerate(problems) if implementation in p.milliseconds]
        axes.bar(
            [i + (j - (len(names) - 1) / 2) * width for i, _ in found],
            [p.ratio(implementation, p.limit) for _, p in found],
            width,
            label=implementation,
        )
    axes.set_yscale("log")
    axes.axhline(1.0, color="0.3", linewidth=0.8)
    axes.set_xticks(range(len(problems)), [p.problem for p in problems])
    axes.set_title(title)
    axes.legend(fontsize="small", ncols=2)
    folder = DOCS / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _cell(problem: Measured, name: str) -> str:
    if name not in problem.milliseconds:
        return "–"
    value = f"{problem.milliseconds[name]:.2f}"
    return value if name == problem.limit else f"{value} ({problem.ratio(name, problem.limit):.2f})"


def writes(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark the option `--write`, which `DOCS` looks for."""
    parser.add_argument(
        "--write", action="store_true", help="write into docs/; without it, into measured/"
    )


def paste(page: Path, mark: str, text: str) -> None:
    """Put text between the marks of a page, which gets them if it has none."""
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    old = page.read_text() if page.exists() else f"# {page.stem.capitalize()}\n"
    if begin not in old:
        old += f"\n{begin}\n{end}\n"
    head, rest = old.split(begin)
    _, tail = rest.split(end)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}")
