"""Verdicts: what is right, what is true and not there yet, what kind of slip."""

from __future__ import annotations

import pytest

from pminusy.derivation.statements.articles import ARTICLES
from pminusy.questions.expression import write
from pminusy.questions.judge import Judge
from pminusy.questions.lines import lines_of, typed_lines
from tests.questions.answers import judge_of

UNTYPED = {
    "001": 11, "002": 1, "003": 4, "004": 6,
}  # fmt: skip


def verdict(line, answer):
    return judge_of(line).verdict(answer)


@pytest.mark.parametrize("article", ARTICLES)
def test_every_line_is_right_itself(article):
    lines = typed_lines(article)
    assert len(lines_of(article)) - len(lines) == UNTYPED.get(article, 0)
    for line in lines:
        assert line.sides is not None
        answer = " = ".join(write(side, line.letters.shown) for side in line.sides[1:])
        assert Judge(line).verdict(answer).outcome == "right", line.key


@pytest.mark.parametrize(
    ("line", "answer", "words"),
    [
        ("001/dL_dz_long", "p[i]-y[i]", "Right."),
        ("001/dL_dz_long", "∂L/∂z_i = p_i − y_i", "Right."),
        ("001/dL_dz_long", "-y_i + p_i", "Right."),
        ("001/dL_dz_long", "-y_i(1-p_i) + p_i (1 - y_i)", "other words"),
        ("001/dL_dz_long", "p_i - δ_ic", "other words"),
        ("001/dL_dz_long", "1/(1/(p_i-y_i+2))-2", "other words"),
        ("001/dL_dz_long", "p_i - y_i^2", "with a soft target it would not hold"),
        ("001/own_quotient", "p_i (1 - p_i)", "other words"),
        ("001/softmax", "e^(z_i - lse)", "other words"),
        ("000/loss_substituted", "lse - z_y", "other words"),
        ("000/loss_substituted", "ln(2 S) - ln 2 - z_c", "other words"),
        ("003/loss_of_true_class", "-y_c ln s_c", "other words"),
        ("000/batch_dL_dW", "1/N (P-Y).T X", "Right."),
        ("000/dL_dz", "(p - y)ᵀ", "other words"),
        ("001/likelihood", "e^(z_c) / S", "other words"),
    ],
)
def test_right(line, answer, words):
    found = verdict(line, answer)
    assert (found.outcome, found.slip) == ("right", "")
    assert words in found.words


@pytest.mark.parametrize(
    ("line", "answer", "words"),
    [
        ("001/dL_dz_long", "∂L/∂z_i", "where the line begins"),
        ("001/own_quotient", "∂(e^(z_i) / S)/∂z_i", "a derivative is still to be taken"),
        ("001/others_used", "-y_i + y_i p_i + p_i Σ_(j≠i) y_j", "a sum that can be worked out"),
    ],
)
def test_true_and_not_yet_there(line, answer, words):
    found = verdict(line, answer)
    assert found.outcome == "not yet"
    assert words in found.words


@pytest.mark.parametrize(
    ("line", "answer", "slip"),
    [
        ("001/dL_dz_long", "y_i - p_i", "sign"),
        ("001/dL_dz_long", "p_j - y_j", "index"),
        ("001/dL_dz_long", "1/N (p_i - y_i)", "factor 1/N"),
        ("001/jacobian", "p_i (1 - p_j)", "delta"),
        ("001/jacobian", "p_i (δ_ij + p_j)", "sign"),
        ("001/jacobian", "p_i (δ_ij - p_i)", "index"),
        ("000/batch_dL_dW", "(P - Y)ᵀ X", "factor 1/N"),
        ("000/batch_dL_dW", "1/N Xᵀ (P - Y)", "transposed product"),
        ("000/batch_dL_dW", "1/N (P - Y) X", "transposed product"),
        ("000/dL_dW", "x (p - y)ᵀ", "transposed product"),
        ("001/factor_before_sum", "-y_i + y_i p_i + p_i Σ_j y_j", "range of a sum"),
        ("001/likelihood", "ln p_c", "function"),
        ("001/size", "1 - p_c", "number"),
        ("001/jacobian_own", "p_i (1 - p_i)^2", "power"),
    ],
)
def test_the_slip_is_named(line, answer, slip):
    found = verdict(line, answer)
    assert (found.outcome, found.slip) == ("wrong", slip)
    assert "The slip is" in found.words


@pytest.mark.parametrize(
    ("line", "answer", "words"),
    [
        ("000/batch_dL_dW", "(P - Y) X", "N × K times N × D does not fit"),
        ("001/dL_dz_long", "p_j", "j is no index of this line"),
        ("001/dL_dz_long", "p - y", "different shapes"),
        ("001/dL_dz_long", "p_i + p", "the terms of a sum have different shapes"),
        ("001/dL_dz_long", "1 / p", "nothing is divided by an array"),
        ("001/dL_dz_long", "ln p", "ln is taken of a number"),
        ("000/linear", "Σ_j W_kj x_k", "k runs through classes and features"),
        ("001/dL_dz_long", "1 / 0", "not equal"),
        ("001/dL_dz_long", "ln(0)", "not equal"),
        ("001/dL_dz_long", "ln(-1)", "not equal"),
        ("001/dL_dz_long", "e^(999999)", "not equal"),
        ("001/dL_dz_long", "Σ_c p_c", "the letter of the true class does not run"),
        ("001/dL_dz_long", "((((2^9)^9)^9)^9)", "not equal"),
    ],
)
def test_what_does_not_fit_is_wrong_and_breaks_nothing(line, answer, words):
    found = verdict(line, answer)
    assert found.outcome == "wrong"
    assert words in found.words


def test_many_functions_of_unknown_values_do_not_wear_a_judge_out():
    judge = judge_of("001/dL_dz_long")
    for n in range(2, 60):
        assert judge.verdict(f"e^(z_i/{n}) ln(ln {n + 50})").outcome == "wrong"
    assert judge.verdict("p_i - y_i").outcome == "right"


def test_an_answer_that_is_no_formula_is_unread():
    found = verdict("001/dL_dz_long", "p_i - ")
    assert (found.outcome, found.at) == ("unread", 6)
