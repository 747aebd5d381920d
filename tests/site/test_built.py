"""The site is built without a warning, asks no other host, and has no link into nothing."""

import subprocess
import sys

import pytest
from tools.site.built import faults
from tools.site.sources import ROOT, page


@pytest.mark.slow
def test_the_site_is_built():
    done = subprocess.run(
        [sys.executable, "-m", "tools.site"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "open build/site/html/index.html" in done.stdout


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "asks another host for https://cdn"),
        ('<img src="//cdn.example/x.png">', "asks another host for //cdn.example/x.png"),
        ('<link rel="stylesheet" href="http://x.example/a.css">', "asks another host for http://x"),
        ("<style>@import 'https://x.example/a.css';</style>", "asks another host for https://x"),
        ('<p style="background: url(https://x.example/a.png)">', "asks another host for https://x"),
        ('<img srcset="https://x.example/a.png 2x">', "asks another host for https://x"),
        ('<img src="missing.png">', "loads missing.png, which is not there"),
        ('<a href="missing.html">', "links to missing.html, which is not there"),
        ('<a href="#moved">', "links to #moved: no heading or element has that name"),
        ('<a href="other.html#moved">', "links to other.html#moved: no heading or element"),
    ],
)
def test_a_fault_is_said_with_its_page(tmp_path, element, said):
    (tmp_path / "other.html").write_text('<h1 id="here">Other</h1>', encoding="utf-8")
    (tmp_path / "page.html").write_text(element, encoding="utf-8")
    (fault,) = faults(tmp_path)
    assert fault.startswith(f"page.html: {said}")


@pytest.mark.parametrize(
    "element",
    [
        '<a href="https://example.org">elsewhere</a>',
        '<a href="other.html#here">',
        '<img src="data:image/png;base64,AAAA">',
        '<a href="page.html">',
    ],
)
def test_what_is_allowed(tmp_path, element):
    (tmp_path / "other.html").write_text('<h1 id="here">Other</h1>', encoding="utf-8")
    (tmp_path / "page.html").write_text(element, encoding="utf-8")
    assert not list(faults(tmp_path))


def test_formulas_comments_and_links_become_those_of_the_site(tmp_path):
    source = ROOT / "docs" / "tutorials" / "fit.md"
    made = page(source, {})
    assert len(made.splitlines()) == len(source.read_text(encoding="utf-8").splitlines())
    assert "<!--" not in page(ROOT / "docs" / "check.md", {})
    assert "{math}`z = W \\, x + b`" in page(ROOT / "docs" / "equations.md", {})
    assert "](changelog.md)" not in page(ROOT / "CHANGELOG.md", {})
    assert "](tables.md)" in page(ROOT / "CHANGELOG.md", {})
