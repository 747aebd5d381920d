"""`python -m benchmarks.tables [NAME …] [--held-back] [--splits 10] [--folder DIR] [--write]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import DOCS, paste, writes
from benchmarks.tables.compare import MOST, Comparison, compare
from benchmarks.tables.sources import SOURCES, read

_HEADINGS = ("table", "rows", "columns", "classes", "published with", "pminusy", "pipeline",
             "difference", "2 standard errors", "")  # fmt: skip


def main() -> None:
    """Compare, and print or paste the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="tables; all of the chosen half if none")
    parser.add_argument("--held-back", action="store_true", help="the half that was not tuned on")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where the files are, in place of packages")
    writes(parser)
    given = parser.parse_args()
    chosen = [
        source
        for source in SOURCES
        if (source.name in given.names if given.names else source.held_back == given.held_back)
    ]
    found = []
    for source in chosen:
        found.append(compare(source, read(source, given.folder), given.splits))
        print(" · ".join(_cells(found[-1])), flush=True)
    _show(found, given.splits, "held-back" if given.held_back else "looked-at", given.names)


def _cells(found: Comparison) -> tuple[str, ...]:
    ours, theirs = found.losses.mean(axis=0)
    return (
        found.source.name, f"{found.rows:,}", f"{found.columns:,}", f"{found.classes}",
        found.source.published_with, f"{ours:.4f}", f"{theirs:.4f}", f"{found.difference:+.4f}",
        f"{2 * found.standard_error:.4f}", "worse" if found.worse else "",
    )  # fmt: skip


def _show(found: list[Comparison], splits: int, half: str, names: list[str]) -> None:
    shown = Table(title=f"Held-out log loss, mean of {splits} splits")
    lines = [f"| {' | '.join(_HEADINGS)} |", f"|{' --- |' * len(_HEADINGS)}"]
    for heading in _HEADINGS:
        shown.add_column(heading)
    for each in found:
        shown.add_row(*_cells(each))
        lines.append(f"| {' | '.join(_cells(each))} |")
    Console(width=160).print(shown)
    worse = sum(each.worse for each in found)
    remark = (
        f"{len(found)} tables, {splits} stratified splits of three quarters against one, of at "
        f"most {MOST:,} rows; pminusy is `fit_table(cv=5)`, the pipeline imputes, scales and "
        "encodes one-hot before `LogisticRegressionCV` by log loss. A row of either counts with at "
        "most 36.04 (p = 2⁻⁵²), as in scikit-learn's `log_loss`. Worse by more than two "
        f"standard errors of the paired difference: {worse}."
    )
    print(remark)
    if not names:
        title = f"### Real tables, the half {half.replace('-', ' ')}"
        paste(DOCS / "benchmarks.md", f"tables-{half}", "\n".join([title, "", *lines, "", remark]))


if __name__ == "__main__":
    main()
