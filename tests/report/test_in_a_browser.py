"""The pages of a fit and an evaluation in a real browser: nothing asked for, nothing wrong."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from tests import needs

pytestmark = pytest.mark.skipif(bool(needs.missing_browser()), reason=needs.missing_browser())

SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 420, "height": 800}}


@pytest.fixture(scope="module")
def browser():
    from tests.playground.browser import launched

    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    r = np.random.default_rng(0)
    y = r.integers(4, size=300)
    frame = pl.DataFrame(
        {
            "x": y + r.normal(size=300),
            "tint of the <b>wing</b>": [("red", "blue")[int(v)] for v in r.integers(2, size=300)],
            "y": [("ant", "bee", "<script>alert(1)</script>", "damselfly")[k] for k in y],
        }
    )
    model = pmy.fit_table(frame, target="y", C=[0.1, 1.0, 10.0], cv=3)
    model.write_report(folder / "fit.html")
    model.evaluate(frame).write_report(folder / "evaluation.html")
    return folder


@contextmanager
def opened(browser, file, size="desktop", **context):
    made = browser.new_context(viewport=SIZES[size], reduced_motion="reduce", **context)
    made.set_offline(True)
    page = made.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda said: wrong.append(f"console: {said.text}"))
    page.on("dialog", lambda shown: wrong.append(f"dialog: {shown.message}"))
    page.on(
        "request", lambda sent: None if sent.url.startswith("file:") else wrong.append(sent.url)
    )
    page.set_default_timeout(60_000)
    page.goto(file.as_uri())
    yield page
    made.close()
    assert wrong == []


def shown(page, attribute):
    cards = page.locator("#row-list details.row:not([hidden])")
    return [cards.nth(i).get_attribute(f"data-{attribute}") for i in range(cards.count())]


@pytest.mark.parametrize("size", SIZES)
def test_rows_are_sorted_filtered_and_found(browser, files, size):
    with opened(browser, files / "fit.html", size) as page:
        everything = shown(page, "row")
        assert len(everything) == 12
        page.select_option("#row-sort", "row")
        assert shown(page, "row") == sorted(everything, key=int)
        page.select_option("#row-sort", "p")
        p = [float(v) for v in shown(page, "p")]
        assert p == sorted(p)
        page.select_option("#row-sort", "norm")
        assert shown(page, "row") == everything
        page.select_option("#row-part", "1")
        assert set(shown(page, "held")) == {"1"}
        page.select_option("#row-part", "")
        page.fill("#row-find", "damselfly blue")
        found = shown(page, "row")
        assert 0 < len(found) < 12
        assert page.inner_text("#row-count") == f"{len(found)} of 12 rows shown"
        page.fill("#row-find", "no such word")
        assert shown(page, "row") == []


@pytest.mark.parametrize("name", ["fit", "evaluation"])
def test_a_class_is_followed_through_the_page(browser, files, name):
    with opened(browser, files / f"{name}.html") as page:
        page.select_option("#class", label="<script>alert(1)</script>")
        k = page.input_value("#class")
        for true, rival in zip(shown(page, "true"), shown(page, "rival"), strict=True):
            assert k in (true, rival)
        followed = page.locator(".by-class tr.followed th")
        assert followed.all_inner_texts()[0].startswith("<script>alert")
        first = page.locator(".confusion thead th.followed")
        assert first.count() == 1
        page.select_option("#class", "")
        assert page.locator(".followed").count() == 0
        assert len(shown(page, "row")) == 12


def test_values_are_read_off_curves_by_pointer_and_by_keys(browser, files):
    with opened(browser, files / "fit.html") as page:
        plot = page.locator("#training svg.plot").first
        said = page.locator("#training .reading-text").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.16, box["y"] + box["height"] / 2)
        assert said.inner_text().startswith("iteration 1: ")
        plot.focus()
        page.keyboard.press("ArrowRight")
        assert said.inner_text().startswith("iteration 2: ")
        page.keyboard.press("End")
        last = said.inner_text()
        page.keyboard.press("ArrowRight")
        assert said.inner_text() == last
        by_C = page.locator("#path .reading-text").first
        page.locator("#path svg.plot").first.focus()
        page.keyboard.press("Home")
        page.keyboard.press("Home")
        assert by_C.inner_text().startswith("C = 0.1000: log loss ")


def test_without_a_script_all_of_it_is_there(browser, files):
    with opened(browser, files / "fit.html", java_script_enabled=False) as page:
        assert not page.locator("#row-tools").is_visible()
        assert not page.locator("#class-tools").is_visible()
        assert page.locator("#row-list details.row").count() == 12


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen_and_no_class_name_is_broken(browser, files, size, scheme):
    with opened(browser, files / "fit.html", size, color_scheme=scheme) as page:
        page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= SIZES[size]["width"] + 1
        lines = """() => [...document.querySelectorAll('th .name')]
            .filter(e => e.textContent === 'damselfly' && e.getClientRects().length > 1).length"""
        assert page.evaluate(lines) == 0
