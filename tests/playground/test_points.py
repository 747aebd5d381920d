"""Points from Python and from CSV: what the page opens with, and what is said of others."""

import json
import re

import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.errors import InputError
from pminusy.playground.points import points_text
from tests.playground.browser import opened

ROWS = [(0, 1, "a"), (1.5, -2, "b"), (2, 0.25, "x,y")]


def test_rows_and_files_are_the_same(tmp_path):
    plain, german = tmp_path / "plain.csv", tmp_path / "german.csv"
    plain.write_text('u,v,class\n0,1,a\n1.5,-2,b\n\n2, 0.25,"x,y"\n')
    german.write_text("u;v;class\n0;1;a\n1,5;-2;b\n2;0,25;x,y\n")
    expected = points_text(ROWS)
    assert expected.splitlines()[-1] == '2.0,0.25,"x,y"'
    assert points_text(plain) == points_text(str(german)) == expected


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(0, 1, "a")], "points: expected 2 to 2,000 rows, got 1"),
        ([(0, 1, "a")] * 3, "points: expected 2 to 10 classes, got 1"),
        ([(0, 1, n) for n in range(11)], "points: expected 2 to 10 classes, got 11"),
        ([(0, 1)], "points[0]: expected two numbers and a class, got 2 entries"),
        ([(0, 1, "a"), (0, "x", "b")], "points[1]: expected two numbers and a class, got 'x'"),
        ([(0, float("nan"), "a")], "points[0]: expected two numbers and a class, got nan"),
        ([(0, 1e13, "a")], "points[0]: expected two numbers and a class, got 1"),
        ([(0, 1, "")], "points[0]: expected a class of 1 to 40 characters, got ''"),
        (7, "points: expected rows of two numbers and a class, got int"),
        ("nowhere.csv", "points: expected a CSV file, not 'nowhere.csv', got No such file"),
    ],
)
def test_what_is_no_points_is_said(points, words):
    with pytest.raises(InputError, match=re.escape(words)):
        pmy.play(points=points)


def test_a_large_file_is_refused(tmp_path):
    (tmp_path / "large.csv").write_text("1,2,a\n" * 40_000)
    with pytest.raises(InputError, match=re.escape("at most 200,000 characters, got 240,000")):
        points_text(tmp_path / "large.csv")


def test_the_page_opens_with_them(tmp_path, browser):
    table = tmp_path / "points.csv"
    table.write_text('u;v;class\n0;1;<b>a\n1,5;-2;"b"\n2;0;c\n')
    assert run(["play", "--points", str(table), "-o", str(tmp_path / "p.html")]) == 0
    with opened(browser, tmp_path / "p.html") as page:
        assert page.get_attribute("#tab-learn", "aria-selected") == "true"
        page.get_by_text("Points and weights as JSON").click()
        page.wait_for_timeout(100)
        value = json.loads(page.input_value("textarea[aria-label='points and weights as JSON']"))
        assert value["X"] == [[-1, 1], [0.5, -1], [1, 0.333333]]
        assert value["y"] == [0, 1, 2]


def test_quotes_and_decimal_commas_are_pasted(browser, page_of):
    with opened(browser, page_of(), "#panel=learn") as page:
        page.get_by_text("Your own points").click()
        page.fill("details textarea:not([readonly])", '0;0;"a;b"\n2,5;1;b\n-2,5;-1;b')
        page.get_by_role("button", name="Take these points").click()
        page.wait_for_timeout(100)
        assert "3 points of 2 classes" in page.inner_text(".notice")


def test_the_heading_says_what_the_options_make_of_it(browser, page_of):
    with opened(browser, page_of(), "#e=0.1&T=2") as page:
        words = page.inner_text(".top .note")
        assert "With these options ∂L/∂z = p − q" in words
    with opened(browser, page_of()) as page:
        assert "copy it to send it" in page.inner_text(".top .note")
