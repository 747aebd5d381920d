"""The page as a file: its size, its policy, what it holds, and what is refused. No browser."""

import json
import re
from base64 import b64encode
from hashlib import sha256

import numpy as np
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.derivation.statements.articles import ARTICLES
from pminusy.playground.lines import PANEL_LINES
from pminusy.playground.page import _STATIC, SCRIPTS

NASTY = "</script><script>alert(1)</script>"


def found(pattern: str, text: str) -> str:
    """What the parentheses of a pattern match."""
    match = re.search(pattern, text, re.DOTALL)
    assert match
    return match[1]


@pytest.fixture(scope="module")
def html():
    return pmy.play().to_html()


def test_it_is_small_and_asks_for_nothing(html):
    largest = pmy.play(
        np.linspace(-3, 4.123456789, 10), 3, classes=[f"class {k}" for k in range(10)]
    )
    assert len(html.encode()) < 400_000
    assert len(largest.to_html().encode()) < 400_000
    addresses = set(re.findall(r"https?://[^\"'\s<]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:link|img|script src|iframe|object)\b|@import|url\(", html)
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|eval\(|innerHTML|sendBeacon", html)


def test_the_policy_allows_this_script_and_this_style_alone(html):
    policy = found(r'Content-Security-Policy" content="([^"]*)"', html)
    for tag in ("script", "style"):
        body = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert len(body) == 1
        fingerprint = b64encode(sha256(body[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{fingerprint}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert ' style="' not in html


def test_every_file_of_the_script_is_in_it_once():
    files = {str(path.relative_to(_STATIC)) for path in _STATIC.rglob("*.js")}
    assert sorted(SCRIPTS) == sorted(files)


def test_lines_of_every_article_and_those_that_panels_open_are_proved(html):
    for name in ARTICLES:
        template = found(rf'(<template id="article-{name}".*?</template>)', html)
        assert template.count("<article") == template.count("✓ proved: exact") > 10
    for name in PANEL_LINES:
        assert f'data-line="{name}"' in html


def test_without_a_script_it_is_the_derivation(html):
    body = html[html.index('<div id="derivation">') : html.index("<template")]
    assert body.count("✓") >= 25
    assert "∂" in body
    assert html.index("<noscript>") < html.index('id="play" hidden')


def test_names_are_text(html):
    page = pmy.play([1, 2], 0, classes=[NASTY, "\x1b[31mred\u202e"]).to_html()
    assert NASTY not in page
    assert page.count("<script>") == html.count("<script>")
    opening = json.loads(found(r'id="opening">(.*?)</script>', page))
    assert opening["names"][0] == NASTY
    assert "\x1b" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"z": [[1, 2], [3, 4]], "y": [0, 1]}, "one sample"),
        ({"z": range(11)}, "at most 10"),
        ({"z": [0, 1001]}, "from −1000 to 1000"),
        ({"z": [0, float("-inf")]}, "from −1000 to 1000"),
        ({"z": [0, float("nan")]}, "finite logit"),
        ({"z": [0]}, "at least 2"),
        ({"z": [0, 1], "y": 2}, "class"),
        ({"z": [0, 1], "y": [0.5, 0.6]}, "sum to 1"),
        ({"z": [0, 1], "weight": [1, 2]}, "none on the page"),
        ({"z": [0, 1], "temperature": 1e3}, "from 0.05 to 20"),
        ({"z": [0, 1], "y": -100}, "ignored row"),
        ({"x": range(9), "W": np.ones((2, 9))}, "at most 8"),
        ({"probabilities": [0.5, 0.6]}, "sum to 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_the_page_cannot_show_is_refused(asked, said):
    with pytest.raises(pmy.InputError, match=re.escape(said)):
        pmy.play(**asked)


def test_an_unknown_option_is_refused_as_python_does():
    with pytest.raises(TypeError, match="temprature"):
        pmy.play(temprature=2)  # type: ignore[call-arg]  # what is tested


def test_a_layer_opens_with_its_own_numbers():
    page = pmy.play(x=[1, 2], W=[[1, 0], [0, 1]], b=[0.5, 0], y=1)
    assert page.state == {"z": [1.5, 2.0], "x": [1, 2], "W": [[1, 0], [0, 1]], "c": 1}


def test_the_command_writes_the_page(tmp_path, capsys):
    path = tmp_path / "page.html"
    assert (
        run(["play", "--logits", "3,1", "--target", "1", "--classes", "a,b", "-o", str(path)]) == 0
    )
    assert "open it in a browser" in capsys.readouterr().out
    assert '"names": ["a", "b"]' in path.read_text()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--logits", "1,x"], "--logits"),
        (["--logits", "1,2", "--target", "5"], "--target"),
        (["--logits", "1,2", "--weight", "1,2"], "--weight"),
        (["--logits", "1,2000"], "--logits[1]"),
        (["-o", "page.pdf"], "another format"),
        (["-o", "no such folder/page.html"], "folder that exists"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_the_command_says_what_is_wrong_in_one_line(typed, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["play", *typed]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert not list(tmp_path.iterdir())


def test_a_notebook_shows_it_in_a_frame_that_reaches_nothing(html):
    shown = pmy.play()._repr_html_()
    assert 'sandbox="allow-scripts"' in shown
    assert "<script" not in shown  # it is escaped in srcdoc
    assert shown.count("<iframe") == 1


def test_the_help_offers_the_options_that_the_page_has():
    from pminusy.cli.play import _ON_THE_PAGE
    from pminusy.playground.opening import _REACH

    assert set(_ON_THE_PAGE) == set(_REACH)
