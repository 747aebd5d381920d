"""The page of an audit in a real browser: sorted, filtered, printed; nothing asked for."""

from __future__ import annotations

import pytest

import pminusy as pmy
from tests import needs
from tests.report.test_audit_page import BAD, some_table
from tests.report.test_in_a_browser import SIZES, opened, shown

pytestmark = pytest.mark.skipif(bool(needs.missing_browser()), reason=needs.missing_browser())


@pytest.fixture(scope="module")
def browser():
    from tests.playground.browser import launched

    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "audit.html"
    pmy.audit(some_table(), target="y", C=1.0).write_report(path, rows=30)
    return path


@pytest.mark.parametrize("size", SIZES)
def test_rows_are_sorted_filtered_and_found(browser, file, size):
    with opened(browser, file, size) as page:
        everything = shown(page, "row")
        assert len(everything) == 30
        page.select_option("#row-sort", "row")
        assert shown(page, "row") == sorted(everything, key=int)
        page.select_option("#row-sort", "true")
        labels = [int(k) for k in shown(page, "true")]
        assert labels == sorted(labels)
        page.select_option("#row-sort", "norm")
        assert shown(page, "row") == everything
        page.select_option("#row-part", "1")
        suspected = shown(page, "row")
        assert set(shown(page, "suspected")) == {"1"}
        page.select_option("#row-part", "0")
        assert len(suspected) + len(shown(page, "row")) == 30
        page.select_option("#row-part", "")
        page.fill("#row-find", "damselfly dusk")
        assert 0 < len(shown(page, "row")) < 30
        page.fill("#row-find", "")
        page.select_option("#class", label=BAD)
        k = page.input_value("#class")
        pairs = zip(shown(page, "true"), shown(page, "rival"), strict=True)
        assert all(k in pair for pair in pairs)
        assert page.locator("#shares tr.followed").count() == 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(browser, file, size, scheme):
    with opened(browser, file, size, color_scheme=scheme) as page:
        page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= SIZES[size]["width"] + 1


def test_on_paper_suspected_rows_are_whole_and_the_others_one_line(browser, file):
    with opened(browser, file) as page:
        page.emulate_media(media="print")
        inside = """kind => [...document.querySelectorAll(`details[data-suspected="${kind}"]`)]
            .slice(3).map(d => d.getBoundingClientRect().height)"""
        whole, lines = page.evaluate(inside, "1"), page.evaluate(inside, "0")
        assert not page.locator("#row-tools").is_visible()
        assert max(lines) < 80
        assert all(height > 150 for height in whole)


def test_without_a_script_all_rows_are_there(browser, file):
    with opened(browser, file, java_script_enabled=False) as page:
        assert not page.locator("#row-tools").is_visible()
        assert page.locator("#row-list details.row").count() == 30
