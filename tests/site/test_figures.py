"""Every figure of the documentation comes from a benchmark that is there."""

import importlib.util
import json

import pytest
from tools.site.figures import SOURCES, marked, readme_with_figures, untraced
from tools.site.sources import ROOT

from benchmarks.harness import Measured, _cell

RUNS = "pminusy", "MLPClassifier", "torch"  # of benchmarks.network_curves, which needs torch

README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
AUDIT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
MEASURED = {ROOT / "README.md", *(ROOT / "docs" / f"{n}.md" for n in ("benchmarks", "accuracy"))}
MADE = {ROOT / "docs" / f"{name}.md" for name in ("derivation", "equations")}
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").rglob("*.md")) - MADE)]
MARKS = {mark for page in PAGES[1:] for mark in marked(page.read_text(encoding="utf-8"))}
RECORDS = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))


def source_of(mark):
    """The benchmark that fills a mark."""
    return next(
        (SOURCES[name] for name in SOURCES if mark == name or mark.startswith(f"{name}-")), ""
    )


@pytest.mark.parametrize("mark", sorted(MARKS))
def test_every_table_comes_from_a_benchmark(mark):
    module = source_of(mark)
    assert module, f"docs: the table {mark!r} has no benchmark in tools.site.figures.SOURCES"
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_figure_stands_without_its_benchmark(page):
    text = page.read_text(encoding="utf-8").replace("<!-- figures -->", "python -m benchmarks")
    assert not list(untraced(text, memory=page in MEASURED))


def test_a_figure_without_a_benchmark_is_found_with_its_line():
    text = "# A\n\nIt is 4 × as fast.\n\n# B\n\n`python -m benchmarks.fit`: 3 s\n"
    assert list(untraced(text)) == [(3, "It is 4 × as fast.")]
    assert not list(untraced("<!-- fit -->\nIt is 4 × as fast.\n<!-- end of fit -->\n"))
    assert not list(untraced("# A\n<!-- figures: a setting -->\nIt waits 30 s.\n"))
    assert list(untraced("It takes 4 MiB.\n")) == [(1, "It takes 4 MiB.")]
    assert not list(untraced("It takes 4 MiB, images of 3 × 3.\n", memory=False))


def test_the_readme_quotes_the_benchmarks():
    assert readme_with_figures(README, BENCHMARKS) == README, "run python -m tools.make_docs"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_tables_are_those_of_their_records(path):
    rows = json.loads(path.read_text(encoding="utf-8"))
    table = {**marked(BENCHMARKS), **marked(AUDIT)}[path.stem]
    if path.stem == "audit":
        for row in rows:
            scores = " | ".join(f"{score:.4f}" for score in row["auroc"])
            assert f"| {row['set']} | {row['rows']:,} | {row['noise']} | {scores} |" in table
    elif isinstance(rows, list):
        for row in rows:
            problem = Measured(**row)
            cells = [_cell(problem, name) for name in problem.milliseconds]
            assert f"| {problem.problem} | " in table
            assert all(cell in table for cell in cells)
    elif path.stem == "network-curves":
        for name, row in rows.items():
            last = [f"{row[who][-1]:.4f} ± {row[f'{who} sd'][-1]:.4f}" for who in RUNS]
            assert f"| {name} | {len(row['pminusy'])} | {' | '.join(last)} |" in table
    elif path.stem == "small-fits":
        for name, row in rows.items():
            assert f"{name} | {row['ours']:.2f} | {row['theirs']:.2f} | {row['peer']} |" in table
