"""What is wrong with a code block is said with its place; `make docs` runs those of all pages."""

import re
import sys

import pytest
from tools.site.blocks import blocks, commands
from tools.site.run import PAGES, first_wrong, run_page

from tests import needs

MORE = re.compile(r"^(>>> )?(import|from) (pminusy\.)?(torch|dask)\b", re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES[1:] if MORE.search(page.read_text(encoding="utf-8"))],
    ids=lambda page: page.stem,
)
def test_a_page_runs_that_needs_more_than_the_site(page):
    report = run_page(page)
    assert not report.wrong
    if needs.STRICT:
        assert not [line for line in report.not_run if "not installed" in line]


def written(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    return page


@pytest.fixture
def wrong_of(tmp_path):
    """What is wrong with the blocks of a text."""
    return lambda text: run_page(written(tmp_path, text)).wrong


def test_a_changed_output_is_said_with_its_line(wrong_of):
    text = "# Title\n\n```console\n$ pminusy --version\npminusy 9.9\n```\n"
    (wrong,) = wrong_of(text)
    assert wrong.startswith(
        "page.md:5: `pminusy --version` does not print\n  pminusy 9.9\nNearest is\n"
    )


def test_a_changed_result_is_said_with_its_line(wrong_of):
    (wrong,) = wrong_of("```python\n>>> x = 1\n>>> x + 1\n3\n```\n")
    assert wrong.startswith("page.md:3: ")
    assert "Expected:\n    3\nGot:\n    2" in wrong


def test_an_exception_is_said_with_its_line(wrong_of):
    (wrong,) = wrong_of("text\n\n```python\nx = 1\nx.missing\n```\n")
    assert wrong.startswith("page.md:5: AttributeError: ")


def test_a_warning_is_said_with_its_line(wrong_of):
    (wrong,) = wrong_of("```python\nimport warnings\nwarnings.warn('not converged')\n```\n")
    assert wrong == "page.md:3: UserWarning: not converged"


def test_a_command_that_fails_is_said(wrong_of):
    (wrong,) = wrong_of("```console\n$ pminusy explain --logits 1,2\n```\n")
    assert wrong.startswith("page.md:2: `pminusy explain --logits 1,2` ended with 2, not 0:")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("pip install -e '.[nothing]'", "there is no extra 'nothing'"),
        ("make nothing", "the Makefile has no target 'nothing'"),
        ("python -m benchmarks.nothing", "there is no module 'benchmarks.nothing'"),
    ],
)
def test_what_is_not_run_is_looked_up(command, said, wrong_of):
    (wrong,) = wrong_of(f"```console\n$ {command}\n```\n")
    assert wrong == f"page.md:2: {said}"


def test_a_page_is_one_session(wrong_of):
    text = "<!-- run: setup\nx = 1\n-->\n\n```python\ny = x + 1\n```\n\n```python\n>>> y\n2\n```\n"
    assert not wrong_of(text)


def test_an_exit_code_that_is_announced(wrong_of):
    block = "```console\n$ false | cat; exit 3\n```\n"
    assert not wrong_of(f"<!-- run: exit 3 -->\n{block}")
    assert wrong_of(block)


def test_commands_go_on_after_a_backslash(tmp_path):
    page = written(tmp_path, "```console\n$ a \\\n    b\nout\n\n$ c\n```\n")
    (block,) = blocks(page)
    first, second = commands(block)
    assert (first.words, first.shown) == ("a b", ("out",))
    assert (second.line, second.words, second.shown) == (6, "c", ())


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        (["a", "b"], None),
        (["...", "b"], None),
        (["a ..."], 0),
        (["a"], 1),
        (["a", "c"], 1),
        (["b"], 0),
        (["a", "...", "b", "..."], None),
    ],
)
def test_lines_shown_are_found_in_their_turn(shown, wrong):
    assert first_wrong(shown, ["a ", "b"]) == wrong


def test_nothing_printed_is_not_a_match():
    assert first_wrong(["a"], []) == 0


def test_what_follows_a_block_that_was_not_run_is_not_wrong(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    page = written(tmp_path, "```python\nimport torch\n\nx = 1\n```\n\n```python\n>>> x\n1\n```\n")
    report = run_page(page)
    assert not report.wrong
    assert len(report.not_run) == 2
