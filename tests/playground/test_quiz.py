"""The quiz on the page: its judge beside Python's, every kind, keys, progress, bad input."""

from __future__ import annotations

import json
import subprocess
from shutil import which

import pytest

from pminusy.playground.quiz_data import quiz_data
from tests.playground.browser import opened, settle
from tests.playground.test_numbers import STATIC
from tests.questions.answers import FILE

JUDGE = "\n".join(
    (STATIC / f"quiz/{name}.js").read_text()
    for name in ("exact", "grammar", "judge", "slips", "lines")
)
VERDICTS = """
const judges = {};
for (const [article, lines] of Object.entries(data.lines)) {
  for (const line of lines) {
    judges[`${article}/${line[0]}`] = new AnswerJudge(judgedLine(line, data.letters[article]));
  }
}
const verdicts = asked.map(({ line, answer }) => judges[line].verdict(answer));
"""
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
HOSTILE = [
    "", "(" * 60, "p_i +" * 2000, "<img src=x onerror=alert(1)>", "1 / 0", "ln(0)", "ln(-1)",
    "e^(999999)", "((((2^9)^9)^9)^9)", "p - y", "constructor", "__proto__", "1 / p", "Σ_c p_c",
    "p_i \ud83d\ude00", "toString_k", "p_0", "𝟏", "|", "δ_i", "e^(e^(e^(z_i)))", "∂(∂L/∂z_i)/∂z_i",
]  # fmt: skip


def _verdicts(asked, browser):
    """In node where there is one, else in the browser."""
    given = json.dumps({"data": json.loads(quiz_data()), "asked": asked})
    if which("node"):
        code = (
            f"{JUDGE}\nconst {{ data, asked }} = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        )
        code += f"{VERDICTS}\nconsole.log(JSON.stringify(verdicts));"
        done = subprocess.run(
            ["node", "-e", code], input=given, capture_output=True, text=True, timeout=240,
            check=True,
        )  # fmt: skip
        return json.loads(done.stdout)
    page = browser.new_page()
    found = page.evaluate(
        f"(given) => {{ {JUDGE}\nconst {{ data, asked }} = JSON.parse(given);"
        f"{VERDICTS}\nreturn JSON.stringify(verdicts); }}",
        given,
    )
    page.close()
    return json.loads(found)


@pytest.mark.parametrize(
    "asked", [RECORDED[::16], pytest.param(RECORDED, marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_both_judges_come_to_the_same_verdicts(asked, browser):
    for answer, verdict in zip(asked, _verdicts(asked, browser), strict=True):
        assert verdict["outcome"] == ("wrong" if answer["slip"] else "right"), answer
        assert verdict["slip"] == answer["named"], answer


def test_both_judges_say_the_same_of_what_is_no_answer(browser):
    from tests.questions.answers import judge_of

    line = "001/dL_dz_long"
    asked = [{"line": line, "answer": answer} for answer in HOSTILE]
    for answer, verdict in zip(HOSTILE, _verdicts(asked, browser), strict=True):
        python = judge_of(line).verdict(answer)
        assert verdict["outcome"] == python.outcome, answer
        if python.outcome == "unread" and answer.isascii():
            assert (verdict["words"], verdict["at"]) == (python.words, python.at)


@pytest.fixture
def page_at(page_of, browser):
    """The page with a link."""

    def at(link, **more):
        return opened(browser, page_of(), f"#panel=quiz&{link}", **more)

    return at


def _press(page, name):
    page.get_by_role("button", name=name, exact=True).click()
    settle(page)


def _answer(page, text):
    page.fill(".question .answer", text)
    page.press(".question .answer", "Enter")
    settle(page)
    return page.inner_text(".verdict")


def test_a_line_is_typed_and_judged_by_keyboard_alone(page_at):
    with page_at("qk=next&qa=001&q=1") as page:
        _press(page, "Show an answer")
        solution = page.evaluate("document.querySelector('.verdict').textContent")
        assert solution.startswith("One answer: ")
        assert "1 answered: 0 at once, 0 after a slip, 1 shown." in page.inner_text("#panel-quiz")
        _press(page, "Next question")
        title = page.inner_text(".question h3")
        assert title.startswith("2 of 41 · article 001, “")
        assert "expected a quantity or a number, found the end" in _answer(page, "p_k -")
        assert page.get_attribute(".question .answer", "aria-invalid") == "true"
        assert _answer(page, "(1/2) 7").startswith("✗")
        assert page.get_attribute(".question .answer", "aria-invalid") is None


def test_a_right_answer_and_a_slip(page_at):
    lines = [line[0] for line in json.loads(quiz_data())["lines"]["001"]]
    wanted = f"next 001 {lines.index('dL_dz_long')}"
    with page_at("qk=next&qa=001&q=1") as page:
        for _ in lines:
            if "Result" in page.inner_text(".question h3") and "cancel equal" in page.inner_text(
                ".question"
            ):
                break
            _press(page, "Next question")
        assert "The slip is a sign: look at" in _answer(page, "y[i] - p[i]")
        assert "where the line begins" in _answer(page, "dL/dz_i")
        assert _answer(page, "p[i]-y[i]") == "✓ Right."
        kept = page.evaluate("localStorage.getItem('pminusy-quiz')")
        assert json.loads(kept) == {wanted: 1}
        page.reload()
        settle(page)
        assert "1 answered: 0 at once, 1 after a slip" in page.inner_text("#panel-quiz")
        _press(page, "Forget what I answered")
        assert "Nothing answered yet." in page.inner_text("#panel-quiz")


@pytest.mark.parametrize("kind", ["rule", "false"])
def test_one_of_a_few_is_chosen(page_at, kind):
    with page_at(f"qk={kind}&q=3") as page:
        _press(page, "Check")
        assert page.inner_text(".verdict") == "✗ Choose one of them."
        boxes = page.locator(".choices input")
        words = []
        for n in range(boxes.count()):
            boxes.nth(n).check()
            _press(page, "Check")
            words.append(page.inner_text(".verdict"))
        assert len(words) == 4
        assert [said[0] for said in words].count("✓") == 1


def test_lines_are_put_in_order(page_at):
    with page_at("qk=order&q=2") as page:
        buttons = page.locator(".in-order button")
        count = buttons.count()
        assert count >= 3
        _press(page, "Check")
        assert page.inner_text(".verdict") == "✗ Press every line once."
        _press(page, "Show an answer")
        right = page.evaluate("document.querySelector('.verdict').textContent")
        assert right.startswith("One answer: ")
        assert right.count("\n") == count - 1
        buttons.nth(0).click()
        assert buttons.nth(0).get_attribute("aria-pressed") == "true"
        buttons.nth(0).click()
        assert buttons.nth(0).get_attribute("aria-pressed") == "false"
        for n in range(count):
            buttons.nth(n).click()
        _press(page, "Check")
        assert page.inner_text(".verdict").startswith("✗")


def test_a_prediction_is_judged_and_shown_in_the_bars(page_at):
    with page_at("qk=predict&q=1") as page:
        assert not page.get_by_role("button", name="Show it in the bars").is_visible()
        assert "Type a number with its sign" in _answer(page, "large")
        said = [_answer(page, f"{guess / 10:g}") for guess in range(-10, 11)]
        assert sum(words.startswith("✓ Right: it is ") for words in said) in (1, 2, 3)
        _press(page, "Show it in the bars")
        assert "z=" in page.evaluate("location.hash") or page.locator(".row").count() >= 3


def test_a_function_is_read_and_its_command_offered(page_at):
    with page_at("qk=function") as page:
        page.fill("textarea.answer", "x = 1")
        _press(page, "Check")
        assert "There is no function in it" in page.inner_text(".verdict")
        page.fill("textarea.answer", "def softmax(z):\n    return z")
        _press(page, "Check")
        assert "run: pminusy check answer.py" in page.inner_text(".verdict")


def test_the_same_key_asks_the_same(page_at):
    def asked(link):
        with page_at(link) as page:
            titles = []
            for _ in range(4):
                titles.append(page.inner_text(".question"))
                _press(page, "Next question")
            return titles

    assert asked("q=77") == asked("q=77")
    assert asked("q=77") != asked("q=78")


@pytest.mark.parametrize("link", ["q=0", "q=x", "qa=005", "qk=hard", "qn=-1", "qn=1e9"])
def test_what_of_a_link_is_no_quiz_is_left_out(page_at, link):
    with page_at(link) as page:
        assert "left out" in page.inner_text(".notice")
        assert page.locator(".question h3").count() == 1


def test_without_storage_it_still_works(page_of, browser):
    with opened(browser, page_of(), "#panel=quiz&qk=rule") as page:
        page.evaluate(
            "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }})"
        )
        _press(page, "Show an answer")
        assert "1 answered" in page.inner_text("#panel-quiz")


def test_storage_of_others_is_not_trusted(page_of, browser):
    with opened(browser, page_of(), "#panel=quiz") as page:
        for kept in ('{"<b>": 2, "next 001 3": 9, "rule 001 2": 1}', "[]", "null", "{", '"x"'):
            page.evaluate("(kept) => localStorage.setItem('pminusy-quiz', kept)", kept)
            page.reload()
            settle(page)
            words = page.inner_text("#panel-quiz")
            one = "1 answered: 0 at once, 1 after a slip, 0 shown." in words
            assert one == kept.startswith('{"')
