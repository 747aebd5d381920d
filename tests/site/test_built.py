"""The site has no link into nothing and asks no other host; `make docs` builds the whole."""

import subprocess
import sys

import pytest
from tools.site.built import faults
from tools.site.sources import ROOT, page


def built(folder, pages):
    """Exit code and warnings of Sphinx, with the settings of the site, for some pages."""
    sources = folder / "source"
    sources.mkdir()
    for name, text in pages.items():
        (sources / name).write_text(text, encoding="utf-8")
    settings = str(ROOT / "tools" / "site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-c", settings,
         str(sources), str(folder / "html")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


CONTENTS = "# Book\n\n```{toctree}\npage\n```\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("# Page\n\nSee [there](index.md#moved).\n", "page.md:3: WARNING: "),
        ("# Page\n\nText.\n\nSee [below](#moved).\n", "page.md:5: WARNING: "),
        ("# Page\n\nSee [that](gone.md).\n", "page.md:3: WARNING: "),
        ("# Page\n\nSee [the book](index.md#book).\n", ""),
    ],
)
def test_a_link_to_a_heading_that_moved_ends_the_build_with_its_line(tmp_path, page, place):
    code, said = built(tmp_path, {"index.md": CONTENTS, "page.md": page})
    assert place in said
    assert bool(code) == bool(place), said


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
