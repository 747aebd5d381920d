"""Reports: every format is well-formed, and a submission's text is harmless in each."""

# ruff: noqa: E501  # programs and bytes, one line each
import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from rich.console import Console

from pminusy.api.check import Report
from pminusy.diagnosis.report.clean import clean, clean_cell
from pminusy.diagnosis.report.rubric import Rubric, read_rubric
from pminusy.diagnosis.report.verdict import (
    Comparison,
    DerivationLine,
    Finding,
    Fragility,
    Property,
    Verdict,
)
from pminusy.errors import InputError

NASTY = "\x1b[2J<script>alert(1)</script>\u202e=1+1"
VERDICTS = (
    Verdict("correct", "softmax", "Correct.", source="a.py"),
    Verdict(
        "wrong", NASTY, f"It raises {NASTY}", source="=cmd|x.py", assumed=(NASTY,), leans_on=(NASTY,),
        findings=(Finding("ridge.missing", "No regulariser.", hints=("Look here.", "Off.", "It should be R.")),),
        properties=(Property("value", False, NASTY),), smallest=((NASTY, "(1, 2)"),),
        compared=(Comparison("L", "L = R", "1", "2"),),
    ),
    Verdict("does not run", "x", NASTY, source="b.py"),
)  # fmt: skip


@pytest.mark.parametrize("kind", ["terminal", "json", "csv", "html", "gradescope", "junit"])
def test_text_is_neutralised(kind):
    verdicts = VERDICTS[1:2] if kind == "gradescope" else VERDICTS
    text = Report(verdicts, NASTY, folder=True, rubric=Rubric(10)).text(kind)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if kind in ("html", "junit"):
        assert "<script>alert" not in text


def test_formats_can_be_read_back():
    report = Report(VERDICTS, "class", folder=True, rubric=Rubric(10, mistakes={"ridge.*": 3}))
    assert json.loads(report.text("json"))["points"]["=cmd|x.py"] == 7
    rows = list(csv.DictReader(io.StringIO(report.text("csv"))))
    assert [row["verdict"] for row in rows] == ["correct", "wrong", "does not run"]
    assert rows[1]["submission"].startswith("'=")
    suite = ElementTree.fromstring(report.text("junit"))
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("1", "1")


def test_verdict_survives_json():
    for verdict in VERDICTS:
        assert Verdict.from_dict(json.loads(verdict.to_json())) == verdict


def test_hints_hold_back():
    shown = [Report(VERDICTS[1:2], "", hints=hints).text("terminal") for hints in (1, 2, 3)]
    assert "Look here." in shown[0]
    assert "No regulariser" not in shown[0]
    assert "Off." in shown[1]
    assert "No regulariser" in shown[2]


def told(hints):
    """A report of a fragile function that is also wrong, with all that there is to hold back."""
    verdict = replace(
        VERDICTS[1],
        broken_line=DerivationLine("dL_dz", "The result", "∂L/∂z = p − y", "Why."),
        smallest=(("z", "[[1.0]]"),),
        compared=(Comparison("the gradient", "dL_dz = p − y", "(-0.5)", "(0.5)"),),
        fragilities=(Fragility("f", "It overflows: subtract the largest", "", "", "z = 9", "inf", "7"),),
    )  # fmt: skip
    return Report([verdict], "", hints=hints).text("terminal")


def test_formulas_come_with_the_third_hint_and_right_values_with_the_second():
    assert all(
        words in told(3) for words in ("∂L/∂z = p − y", "dL_dz = p − y", "(0.5)", "subtract")
    )
    for hints in (1, 2):
        assert "p − y" not in told(hints)
        assert "subtract" not in told(hints)
        assert all(
            words in told(hints) for words in ("It overflows.", "the gradient", "(-0.5)", "inf")
        )
    assert "(0.5)" in told(2)
    assert "(0.5)" not in told(1)
    assert "should be  7" not in told(1)


def test_cells_and_lines():
    assert clean("a\nb\x00") == "a\\nb\\x00"
    assert clean_cell("-1") == "'-1"


BAD_RUBRICS = {
    "unknown key": ("pionts = 3", "pionts"), "not TOML": ("points = ", "TOML"),
    "no number": ("points = 'ten'", "number of points"), "negative": ("points = -1", "number of points"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_RUBRICS)
def test_bad_rubric_is_one_line(case, tmp_path):
    text, words = BAD_RUBRICS[case]
    path = tmp_path / "rubric.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_rubric(path)


def test_feedback_files(tmp_path):
    Report(VERDICTS, "class", folder=True).write_feedback(tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "_cmd_x.py.txt",
        "a.py.txt",
        "b.py.txt",
    ]


def test_a_class_is_a_line_each():
    long = Verdict("wrong", "softmax", "A sentence that is far too long. " * 9, source="a.py")
    broken = Verdict("does not run", "b.py", "line 1 is not Python\n    x\n    ^", source="b.py")
    report = Report([long, broken], "class", folder=True)
    shown = io.StringIO()
    report.print(Console(width=80, file=shown))
    text = shown.getvalue()
    assert text.count("far too long") == 1
    assert all(len(line.rstrip()) <= 80 for line in text.split("\n"))
    assert "\\x0a" not in text
    assert "points" not in text


def test_feedback_folder_that_is_a_file(tmp_path):
    (tmp_path / "f").touch()
    report = Report([Verdict("correct", "softmax", "Correct.", source="a.py")], "class")
    with pytest.raises(InputError, match="feedback folder"):
        report.write_feedback(tmp_path / "f")
