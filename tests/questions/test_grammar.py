"""The grammar of answers: many spellings of one formula, and errors that say where."""

from __future__ import annotations

import pytest

from pminusy.derivation.statements.articles import ARTICLES
from pminusy.questions.expression import write
from pminusy.questions.grammar import LONGEST, parse
from pminusy.questions.letters import letters_of
from pminusy.questions.lines import typed_lines
from pminusy.questions.tokens import GrammarError

ROW = letters_of("001", "row")


@pytest.mark.parametrize(
    "texts",
    [
        (
            "p_k - y_k",
            "p[k]-y[k]",
            "p_k−y_k",
            "p_{k} − y_{k}",
            "p_(k) - y_(k)",
            "pₖ - yₖ",
            "+p_k-y_k",
        ),
        ("∂L/∂z_k", "dL/dz_k", "dL/dz[k]", "∂L / ∂z_k"),
        ("∂(y_i ln p_i)/∂p_i", "d(y_i ln p_i)/dp_i", "∂(y_i log p_i)/∂p_i"),
        ("Σ_j p_j y_j", "sum_j p_j y_j", "∑_j p_j·y_j", "Σ_{j} p_j*y_j", "sum_(j) p_j × y_j"),
        ("Σ_(j≠k) y_j", "sum_(j!=k) y_j", "Σ_{j ≠ k} y_j"),
        ("δ_ij", "delta_ij", "δ_{ij}", "delta[i,j]", "delta[i][j]", "𝟏(i = j)", "1(i=j)", "1[i=j]"),
        ("e^(z_i) / S", "exp(z_i)/S", "e^z_i/S", "e**(z_i) ÷ S"),
        ("½ x_d^2", "½ x_d²", "½ x[d]**2"),
        ("(p − y) xᵀ", "(p-y) x.T", "(p-y) x^T", "(p-y) x'"),
        ("W_kd x_d", "W[k,d] x[d]", "W[k][d]*x[d]", "W_{kd} x_d", "W_k,d x_d"),
        ("|p_k − y_k|", "| p_k - y_k |"),
        ("1 / N", "1/N"),
        ("1 / x_d^2", "x_d^-2", "x_d^(-2)"),
    ],
)
def test_spellings_of_one_formula(texts):
    assert len({parse(text, ROW) for text in texts}) == 1


def test_a_hat_is_typed_in_any_way():
    letters = letters_of("002", "row")
    spellings = ("ŷ_k", "yhat_k", "p_k", "y\u0302_k")
    assert {parse(text, letters) for text in spellings} == {(("ref", "p", "k"),)}


def test_a_division_is_by_one_factor():
    assert write(parse("1 / N p_k", ROW)[0], ROW.shown) == "(1 / N) p_k"
    assert parse("a" and "y_i / 2 p_i", ROW) == parse("(y_i / 2) p_i", ROW)


@pytest.mark.parametrize(
    ("text", "words", "at"),
    [
        ("", "expected a quantity or a number, found the end", 0),
        ("p_k -", "expected a quantity or a number, found the end", 5),
        ("(p_k - y_k", "expected “)”, found the end", 10),
        ("p_k - y_k)", "expected an operator or the end, found “)”", 9),
        ("p_k $ y_k", "'$' has no meaning here", 4),
        ("p_k - qq_k", "“qq” is none of the letters here: p, z, y", 6),
        ("p_kj", "p has one index, here two indices", 0),
        ("p_", "expected an index, one letter, found the end", 2),
        ("p_0", "expected an index, one letter, found “0”", 2),
        ("δ_i p_k", "δ has two indices", 0),
        ("p_k^x", "expected a whole power up to 9, or T", 4),
        ("p_k^99", "expected a whole power up to 9, or T", 4),
        ("∂L/z_k", "expected “∂”", 3),
        ("dL/z_k", "a derivative is typed dL/dz_k", 3),
        ("Σ p_j", "expected “_”", 2),
        ("1234567", "a number has at most 6 digits", 0),
        ("p_k = = y_k", "expected a quantity or a number", 6),
        ("<script>alert(1)</script>", "'<' has no meaning here", 0),
        ("(" * 60 + "p_k" + ")" * 60, "too many parentheses", 40),
        ("[p_k]", "expected a quantity or a number, found “[”", 0),
    ],
)
def test_what_is_no_formula_is_said_with_its_place(text, words, at):
    with pytest.raises(GrammarError) as caught:
        parse(text, ROW)
    assert words in caught.value.words
    assert caught.value.at == at


def test_an_answer_of_ten_thousand_characters_is_refused():
    with pytest.raises(GrammarError, match=f"at most {LONGEST} characters, this one has 10,000"):
        parse("p_k + " * 1666 + "p_k ", ROW)


@pytest.mark.parametrize("article", ARTICLES)
def test_what_is_written_is_read_again(article):
    for line in typed_lines(article):
        assert line.sides is not None
        for side in line.sides:
            text = write(side, line.letters.shown)
            (read,) = parse(text, line.letters)
            assert write(read, line.letters.shown) == text
