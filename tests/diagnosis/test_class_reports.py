"""Reports for a class: what many have in common, the way out, and nobody's line as everyone's."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from pminusy.api.check import Report, check_file, check_folder
from pminusy.diagnosis.report.causes import of_mistake
from pminusy.diagnosis.report.rubric import Rubric
from pminusy.diagnosis.report.summary import summarise
from pminusy.diagnosis.report.verdict import Finding, Fragility, Verdict
from pminusy.diagnosis.run.limits import Limits
from pminusy.diagnosis.submission import Settings
from pminusy.errors import InputError

HEAD = "import numpy as np\nimport os, time\ndef softmax(z):\n    "
NOT_JUDGED = {
    "starter": (HEAD + "pass\n", "Not begun", ""),
    "zeros": (HEAD + "return np.zeros_like(z)\n", "Not begun", ""),
    "syntax": (HEAD + "return (z\n", "not Python", "the line"),
    "python2": (HEAD + "return `z`\nprint 'x'\n", "Python 2", "need more than that"),
    "time": (HEAD + "time.sleep(60)\n", "time limit", "--seconds"),
    "ended": (HEAD + "os._exit(3)\n", "process ended", "exit"),
    "module": ("import absent_module as m\n" + HEAD + "return m.f(z)\n", "absent_module", "NumPy"),
    "base": ("import absent_module as m\nclass Softmax(m.Base):\n    def forward(self, z):\n"
             "        return z\n", "absent_module", "NumPy"),
    "name": (HEAD + "return np.exp(z) / total\n", "total", "argument"),
    "raises": (HEAD + "return z[{}.pop(17)]\n", "KeyError", "--reference"),
    "unknown": ("def mine(a, b):\n    return a\n", "mine", "--function mine"),
    "large": ("x = 1\n" * 300_000, "not read", "above 1 MB"),
}  # fmt: skip
SETTINGS = Settings(limits=Limits(seconds=4, call_seconds=1))


@pytest.mark.parametrize("kind", NOT_JUDGED)
def test_why_many_were_not_judged_and_the_way_out(kind, tmp_path):
    source, words, way_out = NOT_JUDGED[kind]
    for i in range(2):
        (tmp_path / f"s{i}.py").write_text(source)
    (cluster,) = summarise(check_folder(tmp_path, SETTINGS)).clusters
    assert cluster.count == 2
    assert words in cluster.sentence
    assert way_out in cluster.way_out
    assert not re.search(r"line \d|17", cluster.sentence)


def test_a_notebook_that_is_none_and_a_function_that_is_not_there(tmp_path):
    (tmp_path / "a.ipynb").write_text("<html>")
    (tmp_path / "b.py").write_text(HEAD + "return z\n")
    found = check_folder(tmp_path, Settings(function="softmax_two"))
    sentences = {c.sentence: c for c in summarise(found).clusters}
    assert "The file is named .ipynb and is no notebook." in sentences
    absent = next(c for c in sentences.values() if "softmax_two" in c.sentence)
    assert "--function" in absent.way_out
    assert absent.status == "unfinished"


def test_the_most_frequent_names_come_first_and_can_be_copied():
    names = [("loss_fn",)] * 3 + [("grad", "loss_fn")]
    verdicts = [
        Verdict("unknown", "x", "", f"{i}.py", cause="no exercise", concerns=n)
        for i, n in enumerate(names)
    ]
    (cluster,) = summarise(verdicts).clusters
    assert "They have: loss_fn (4), grad (1)." in cluster.sentence
    assert "--function loss_fn,grad" in cluster.way_out


@pytest.mark.parametrize(
    ("name", "sentences", "shared"),
    [
        ("a", ["It is off. By 3.", "It is off. By 4."], "It is off."),
        ("a", ["It raises: line 3.", "It raises: line 4."], "It raises."),
        ("a", ["Line 3 is off.", "Line 4 is off."], "Wrong: a."),
        ("a", ["The sum is missing."], "The sum is missing."),
        ("runs.sometimes", ["It raises IndexError (line 3) on one row."],
         "It raises on some inputs, and runs on others."),
    ],
)  # fmt: skip
def test_only_what_all_have_in_common_is_said_of_all(name, sentences, shared):
    assert of_mistake(name, sentences) == shared


def test_lines_of_two_learners_are_in_their_own_reports_alone(tmp_path):
    body = (
        "if len(z) == 1:\n        raise IndexError('{}')\n    e = np.exp(z - z.max(1)[:, None])\n"
    )
    body += "    return e / e.sum(1)[:, None]\n"
    for name in ("anna", "berta"):
        (tmp_path / f"{name}.py").write_text(HEAD + "\n" * len(name) + "    " + body.format(name))
    found = check_folder(tmp_path, SETTINGS)
    assert "anna" in str(found[0])
    page = Report(found, "class", folder=True).text("html")
    clusters = page[: page.index('id="submissions"')]
    assert "IndexError" not in clusters
    assert "(line" not in clusters


WRONG = Finding(
    "ridge.missing", "No regulariser.", hints=("Look here.", "It is off.", "It should be R.")
)
CLASS = (
    Verdict("correct", "softmax", "Correct.", "anna", file="a.py", seconds=0.5),
    Verdict("wrong", "loss", "No regulariser.", "anna", file="b.py", findings=(WRONG,)),
    Verdict(
        "fragile", "loss", "It breaks.", "bert", fragilities=(Fragility("shift", "s", "", ""),)
    ),
    Verdict("does not run", "c.py", "It raises.", "c.py", cause="raises", concerns=("KeyError",)),
    Verdict("unfinished", "loss", "Nothing.", "dora", cause="starter"),
    Verdict("unknown", "f", "No exercise.", "emil", cause="no exercise", concerns=("f",)),
)


def test_a_submission_is_as_good_as_its_worst_function():
    summary = summarise(CLASS)
    assert dict(summary.submissions) == {
        "anna": "wrong", "bert": "fragile", "c.py": "does not run", "dora": "unfinished",
        "emil": "unknown",
    }  # fmt: skip
    assert json.loads(Report(CLASS, "").text("json"))["submission_counts"]["wrong"] == 1


@pytest.mark.parametrize("allowed", [False, True])
def test_junit_tells_fragile_from_failed(allowed):
    root = ElementTree.fromstring(Report(CLASS, "").text("junit", allow_fragile=allowed))
    assert [suite.attrib["name"] for suite in root] == ["anna", "bert", "c.py", "dora", "emil"]
    found = {(c.attrib["classname"], c.attrib["name"]): c for c in root.iter("testcase")}
    assert len(found["anna/a.py", "softmax"]) == 0
    kinds = {key: [(e.tag, e.get("type")) for e in case] for key, case in found.items()}
    assert kinds["anna/b.py", "loss"] == [("failure", "wrong")]
    fragile = [("system-out", None)] if allowed else [("failure", "fragile")]
    assert kinds["bert", "loss"] == fragile
    assert kinds["c.py", "c.py"] == [("error", "does not run")]
    assert kinds["dora", "loss"] == [("failure", "unfinished")]
    assert kinds["emil", "f"] == [("skipped", None)]
    counts = [root.attrib[name] for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["6", "2" if allowed else "3", "1", "1"]


RUBRIC = Rubric(10, fragile=8, unfinished=1, mistakes={"ridge.*": 3})


def test_gradescope_has_a_file_for_each_submission_whose_points_add_up(tmp_path):
    report = Report(CLASS, "class", folder=True, rubric=RUBRIC)
    report.write_gradescope(tmp_path)
    points = {"anna": 8.5, "bert": 8, "c.py": 0, "dora": 1, "emil": 0}
    for source, expected in points.items():
        result = json.loads((tmp_path / f"{source}.json").read_text())
        assert result["score"] == expected
        assert sum(test["score"] for test in result["tests"]) == pytest.approx(expected)
        assert sum(test["max_score"] for test in result["tests"]) == 10
    anna = json.loads((tmp_path / "anna.json").read_text())["tests"]
    assert [(test["name"], test["score"], test["status"]) for test in anna] == [
        ("softmax (a.py)", 5, "passed"), ("loss (b.py)", 3.5, "failed"),
    ]  # fmt: skip


@pytest.mark.parametrize(("allowed", "points"), [(False, 0.5), (True, 1.0)])
def test_gradescope_without_a_rubric(allowed, points):
    text = Report(CLASS[2:3], "").text("gradescope", allow_fragile=allowed)
    assert json.loads(text)["score"] == points


def test_gradescope_is_for_one_submission():
    with pytest.raises(InputError, match=r"one submission, got 5.*--output"):
        Report(CLASS, "").text("gradescope")


@pytest.mark.parametrize("kind", ["gradescope", "junit", "html"])
@pytest.mark.parametrize("hints", [1, 2])
def test_hints_hold_back_in_what_learners_may_see(kind, hints):
    text = Report(CLASS[1:2], "", hints=hints).text(kind)
    assert ("Look here." if hints == 1 else "It is off.") in text
    assert "No regulariser" not in text


SIGN = """import numpy as np
def softmax_loss(z, y):
    s = z - z.max(1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(1, keepdims=True))
    rows = np.arange(len(y))
    d = -np.exp(log_p)
    d[rows, y] += 1
    return -log_p[rows, y].mean(), d / len(y)
"""


@pytest.fixture
def class_of_two(tmp_path):
    for name in ("bertha", "conrad"):
        (tmp_path / f"{name}.py").write_text(SIGN)
    (tmp_path / "dagmar.py").write_text("def softmax_loss(z, y):\n    return z[\n")
    return check_folder(tmp_path, SETTINGS)


@pytest.mark.parametrize("kind", ["html", "terminal", "junit"])
def test_the_first_hint_has_no_right_value_and_no_formula(class_of_two, kind):
    shown = {hints: Report(class_of_two, "class", True, hints).text(kind) for hints in (1, 2, 3)}
    assert "(p − Y)" in shown[3]
    assert "right" in shown[2]
    assert not re.search(
        r"p − Y|right|sign", shown[1].rpartition("</style>")[2].partition("<script")[0]
    )


def test_a_page_for_all_to_see_has_numbers_in_place_of_names(class_of_two):
    report = Report(class_of_two, "class", True)
    named, hidden = (each.text("html") for each in (report, report.without_names()))
    for name in ("bertha", "conrad", "dagmar"):
        assert name in named
        assert name not in hidden
    assert all(f"submission {number}" in hidden for number in (1, 2, 3))


def test_names_that_would_be_one_file_are_two(tmp_path):
    names = ("a b", "a_b", "A_b", "../a_b")
    verdicts = [Verdict("correct", "softmax", f"Of {name}.", source=name) for name in names]
    Report(verdicts, "").write_feedback(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(names)
    for path in tmp_path.iterdir():
        assert path.read_text().count("Of ") == 1


def test_a_folder_may_be_one_submission(tmp_path):
    (tmp_path / "tool.py").write_text("import numpy as np\ndef top(z):\n    return z.max(1)\n")
    source = HEAD.replace("import os", "from tool import top\nimport os")
    source += "e = np.exp(z - top(z)[:, None])\n    return e / e.sum(1)[:, None]\n"
    (tmp_path / "a.py").write_text(source)
    (verdict,) = check_file(tmp_path, Settings())
    assert (verdict.status, verdict.file, verdict.source) == ("correct", "a.py", tmp_path.name)


# ---------------------------------------------------------------------------------- the page

VOID = {"meta", "input", "br", "link", "img"}


class Page(HTMLParser):
    """Elements of a page: name, attributes, the open elements around, and text."""

    def __init__(self, text):
        super().__init__()
        self.open: list[Any] = []
        self.elements: list[Any] = []
        self.script = ""
        self.feed(text)
        assert self.open == []  # everything that is opened is closed

    def handle_starttag(self, tag, attributes):
        """Open an element."""
        element = (tag, dict(attributes), tuple(self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        """Close the innermost one."""
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        """Keep the script."""
        if self.open and self.open[-1][0] == "script":
            self.script += data

    def all(self, *names):
        """Elements of these names."""
        return [element for element in self.elements if element[0] in names]


@pytest.fixture(scope="module")
def text():
    return Report(CLASS, "class", folder=True, rubric=RUBRIC).text("html")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_page_asks_nothing_of_anyone(page, text):
    for _, attributes, _ in page.elements:
        assert not {"src", "srcset", "action", "data"} & set(attributes)
        assert attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttp|import\(", text)


def test_page_allows_its_own_script_alone(page):
    (policy,) = (a["content"] for _, a, _ in page.all("meta") if "http-equiv" in a)
    print_of_it = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{print_of_it}'"
    )
    handlers = [name for _, a, _ in page.elements for name in a if name.startswith("on")]
    assert handlers == []


def test_page_is_whole_without_its_script(page, text):
    hidden = [(tag, a) for tag, a, _ in page.elements if "hidden" in a]
    assert all(tag in ("form", "button") for tag, _ in hidden)
    cards = [a for tag, a, _ in page.all("details") if "data-status" in a]
    assert [a["data-name"] for a in cards] == ["anna", "bert", "c.py", "dora", "emil"]
    assert all(word in text for word in ("No regulariser.", "It raises.", "b.py"))


def test_links_of_a_mistake_lead_into_the_submission(page):
    places = {
        a["id"]: around for _, a, around in page.elements if re.fullmatch(r"s\d+", a.get("id", ""))
    }
    links = [a["href"][1:] for _, a, _ in page.all("a")]
    assert sorted(set(links)) == ["s1", "s2", "s3", "s4", "s5"]
    for link in links:  # a browser opens the fold around the place that an address names
        assert places[link][-1][0] == "details"


def test_page_works_by_keyboard_and_says_what_it_is(page):
    for _, attributes, around in page.all("input", "select"):
        assert any(tag == "label" for tag, _, _ in around), attributes
    assert all(a.get("type") in ("button", "reset") for _, a, _ in page.all("button"))
    focusable = {"summary", "a", "button", "input", "select"}
    clicked = set(re.findall(r'querySelectorAll\("(\w+)', page.script))
    assert clicked <= focusable
    ids = {a["id"] for _, a, _ in page.elements if "id" in a}
    assert set(re.findall(r'at\("(\w+)"\)', page.script)) <= ids
    summaries = page.all("summary")
    assert len(summaries) == len(page.all("details"))


def test_page_of_one_submission_runs_no_script():
    one = Page(Report(CLASS[:2], "anna").text("html"))
    assert one.script == ""
    assert len([a for _, a, _ in one.all("details") if "open" in a]) == 1
