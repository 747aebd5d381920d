"""Every figure of the documentation comes from a benchmark that is there."""

import importlib.util
import json

import pytest
from tools.site.figures import SOURCES, marked, readme_with_figures, untraced
from tools.site.sources import ROOT

from benchmarks.harness import Measured, _cell

README = (ROOT / "README.md").read_text(encoding="utf-8")
BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
ACCURACY = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
AUDIT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
RECORDS = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))


def source_of(mark):
    """The benchmark that fills a mark."""
    return next(
        (SOURCES[name] for name in SOURCES if mark == name or mark.startswith(f"{name}-")), ""
    )


@pytest.mark.parametrize("mark", [*marked(BENCHMARKS), *marked(ACCURACY)])
def test_every_table_comes_from_a_benchmark(mark):
    module = source_of(mark)
    assert module, f"docs: the table {mark!r} has no benchmark in tools.site.figures.SOURCES"
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None


@pytest.mark.parametrize("page", ["README.md", "docs/benchmarks.md", "docs/accuracy.md"])
def test_no_figure_stands_without_its_benchmark(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert not list(untraced(text.replace("<!-- figures -->", "python -m benchmarks")))


def test_a_figure_without_a_benchmark_is_found_with_its_line():
    text = "# A\n\nIt is 4 × as fast.\n\n# B\n\n`python -m benchmarks.fit`: 3 s\n"
    assert list(untraced(text)) == [(3, "It is 4 × as fast.")]
    assert not list(untraced("<!-- fit -->\nIt is 4 × as fast.\n<!-- end of fit -->\n"))


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
    elif path.stem == "small-fits":
        for name, row in rows.items():
            assert f"{name} | {row['ours']:.2f} | {row['theirs']:.2f} | {row['peer']} |" in table
