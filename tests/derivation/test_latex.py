"""LaTeX for papers and slides: formulas that break where they may, prose with its mathematics."""

import re

import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.render.latex import prose
from pminusy.derivation.render.latex_align import align, width
from pminusy.derivation.render.latex_prose import with_math
from tests.derivation.cases import CASES, derivation

PROSE = {
    "The factor e^(−a) cancels.": r"The factor \(e^{-a}\) cancels.",
    "Every other y_k is 0, so only c counts.": r"Every other \(y_{k}\) is 0, so only c counts.",
    "1 − y_k in the place of the sum.": r"\(1 - y_{k}\) in the place of the sum.",
    "Result: p − y": r"Result: \(p - y\)",
    "a word – and 3 rows": "a word -- and 3 rows",
    "δ_ij is 1 on the diagonal.": r"\(\delta _{ij}\) is 1 on the diagonal.",
    "bill_length_mm is a name": r"bill\_length\_mm is a name",
    "100 % of $x & y": r"100 \% of \$x \& \(y\)",
}


@pytest.mark.parametrize("sentence", PROSE)
def test_prose(sentence):
    assert prose(sentence) == PROSE[sentence]


@pytest.mark.parametrize("case", CASES)
def test_mathematics_in_prose_balances(case):
    for chapter in derivation(case)._all:
        for line in chapter.lines:
            for sentence in (line.title, line.why, chapter.intro):
                told = with_math(sentence, lambda text: text)
                formulas = re.findall(r"\\\((.*?)\\\)", told)
                assert all(f.count("{") == f.count("}") for f in formulas), told
                assert "\\(\\)" not in told


def test_a_long_sum_breaks_between_its_terms_and_no_line_is_too_wide():
    terms = " + ".join(rf"\frac{{{i}2345}}{{q_{{{i}}}}} \cdot 1.2345" for i in range(10, 22))
    tex = align([(("L", terms, "3.5"), ("=", "="), "")], 60)
    lines = tex.splitlines()[1:-1]
    assert len(lines) > 3
    assert all(width(line) <= 62 for line in lines)
    assert all(line.count("&") == 1 for line in lines)
    assert all(" + " in line.split("&")[1][:12] for line in lines[1:-1])
    assert re.sub(r"[\s&]|\\\\|\\qquad", "", "".join(lines)) == re.sub(r"\s", "", f"L={terms}=3.5")


def test_brackets_are_never_broken():
    inside = " + ".join(["12345 x_{k}"] * 20)
    tex = align([(("L", rf"\left( {inside} \right) + 1"), ("=",), "")], 40)
    assert tex.count(r"\\") == 1


def test_rows_of_a_step_stand_in_one_environment():
    page = derive(z=[2.0, 1.0, 0.1], y=0).to_latex()
    assert "multline" not in page
    step = page.partition(r"\paragraph{1. Softmax}")[2].partition(r"\paragraph")[0]
    assert step.count(r"\begin{align*}") == 2
    assert step.count(r"\\") == 3


@pytest.mark.parametrize("case", ["logits", "batch", "rows", "image"])
def test_one_step_a_slide(case):
    d = derivation(case)
    page = d.to_beamer()
    frames = re.findall(r"\\begin\{frame\}.*?\\end\{frame\}", page, re.DOTALL)
    titles = [re.search(r"\\frametitle\{(\d+)\. ", frame) for frame in frames]
    assert [int(t[1]) for t in titles if t] == list(range(1, len(d) + 1))
    assert page.count(r"\begin{frame}") == page.count(r"\end{frame}") == len(frames)
    for what in ("align*", "tabular", "document"):
        assert page.count(rf"\begin{{{what}}}") == page.count(rf"\end{{{what}}}")
    bare = page.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")


def test_slides_follow_hints():
    page = derive(z=[2.0, 1.0, 0.1], y=0, hints=3).to_beamer()
    assert r"\dots" in page
    assert "0.341" not in page


def test_headings_in_markdown_are_not_cut():
    d = derive(network="linear:5,tanh,linear:4,sigmoid,linear:3", x=[[1.0, 2.0]], y=[0])
    first = d.to_markdown().splitlines()[0]
    assert first.endswith(r"linear:5, tanh, linear:4, sigmoid, linear:3, linear:2")
    assert "…" not in first
