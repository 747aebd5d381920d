"""Benchmarks leave the documentation alone unless they are asked to write it."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import benchmarks.harness

ROOT = Path(__file__).parent.parent
WRITERS = sorted(
    path.stem
    for path in (ROOT / "benchmarks").glob("*.py")
    if re.search(r"(?<!def )(?<![.\w])(paste|write)\(", path.read_text(encoding="utf-8"))
    and path.stem not in ("harness", "fit_report")
)


def test_results_go_beside_the_documentation_unless_asked(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["loss"])
    assert importlib.reload(benchmarks.harness).DOCS == ROOT / "measured"
    monkeypatch.setattr(sys, "argv", ["loss", "--write"])
    assert importlib.reload(benchmarks.harness).DOCS == ROOT / "docs"
    monkeypatch.undo()
    importlib.reload(benchmarks.harness)


def test_a_page_is_made_where_there_is_none(tmp_path):
    page = tmp_path / "measured" / "benchmarks.md"
    for text in ("first", "second"):
        benchmarks.harness.paste(page, "loss", text)
    assert page.read_text().count("second") == 1
    assert "first" not in page.read_text()


@pytest.mark.parametrize("name", WRITERS)
def test_whatever_writes_has_the_option(name):
    source = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    assert "writes(parser)" in source
    assert not re.search(r"""["']docs["']""", source)


def test_writers_are_found():
    assert {"loss", "peak", "accuracy", "linear", "probe", "fit"} <= {*WRITERS, "fit"}
