"""The frame and the look that all pages share."""

import re
from html.parser import HTMLParser

import pytest

import pminusy as pmy
from pminusy.api.check import Report
from pminusy.present.html import page, style
from pminusy.report.page import render_page
from tests.report.examples import fit_report

POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def softmax_of_rows(z):
    import numpy as np

    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def pages():
    """Every page there is."""
    derivation = pmy.explain(z=[2.0, 1.0, 0.1], y=0, depth="result")
    verdict = pmy.check(softmax_of_rows)
    return {
        "fit": render_page(fit_report()),
        "explain": derivation.to_html(),
        "check": Report([verdict], "class").text("html"),
    }


@pytest.mark.parametrize("name", ["fit", "explain", "check"])
def test_every_page_has_the_frame_and_the_look(pages, name):
    html = pages[name]
    assert html.startswith("<!doctype html>")
    head, *body = html.split("<body>")
    assert len(body) == 1
    assert head.count("<style>") == head.count("<title>") == 1
    assert "<style" not in body[0]
    assert POLICY in html
    assert html.count("<script") == (name == "fit")  # which sorts, filters and reads values
    assert style("").strip() in html


@pytest.mark.parametrize("name", ["fit", "explain", "check"])
def test_every_colour_that_is_used_is_declared(pages, name):
    """A name that no style sheet declares is black, or nothing, in silence."""
    used = set(re.findall(r"var\((--[a-z-]+)", pages[name]))
    inline = {"--a", "--v"}  # set by the element itself
    assert used - inline <= set(re.findall(r"(--[a-z-]+):", pages[name]))


def test_a_fragment_styles_nothing_outside_of_itself():
    fragment = pmy.explain(z=[2.0, 1.0, 0.1], y=0, depth="result")._repr_html_()
    css = fragment[fragment.index("<style>") + 7 : fragment.index("</style>")]
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    selectors = re.findall(r"([^{}]+)\{", css)
    for selector in ",".join(s for s in selectors if "@" not in s).split(","):
        assert selector.strip().startswith(".pmy")


def test_a_title_from_outside_is_a_title():
    html = page("</title><script>\x1b" + "x" * 1000, "", "<p>body {braces}</p>")
    found = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append(tag)

    Tags().feed(html)
    assert "script" not in found
    assert "\x1b" not in html
    assert len(html) < len(style("")) + 1500
    assert "<p>body {braces}</p>" in html
