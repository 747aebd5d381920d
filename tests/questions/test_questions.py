"""Questions of every kind: solutions are right, other answers wrong, seeds repeat."""

from __future__ import annotations

import re

import pytest

import pminusy as pmy
from pminusy.errors import InputError
from pminusy.questions.items.choosing import KINDS, questions
from pminusy.questions.items.false_line import FalseLine, proof_fails
from pminusy.questions.lines import typed_lines

ARTICLES = ("000", "001", "002", "003", "004")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_every_article_says_whose_line_it_is(kind):
    for article in ARTICLES:
        for question in questions(article, kind, 2, seed=1):
            assert question.kind == kind
            assert question.line.startswith(f"{article}/")
            assert question.source.startswith(f"article {article}, “")
            assert question.text
            assert question.line in repr(question)


@pytest.mark.parametrize("kind", ["next", "rule", "order", "predict", "false"])
def test_solutions_are_right(kind):
    for question in questions(kind=kind, n=12, seed=2):
        solution = question.solution.partition("   for ")[0]
        answer = re.split(r"  |;", solution)[0] if kind in ("rule", "false") else solution
        assert question.judge(answer).outcome == "right", (question.text, answer)


def test_every_false_line_is_false_and_the_others_are_proved():
    for question in questions(kind="false", n=6, seed=3):
        assert isinstance(question, FalseLine)
        for place in range(4):
            right = question.judge(f"{place + 1}").outcome == "right"
            assert right == (place == question.false)
        line = next(each for each in typed_lines(question.line[:3]) if each.key == question.line)
        assert line.sides is not None
        assert not proof_fails(line, line.sides[-1])


def test_tampered_lines_leave_what_proofs_need():
    questions(kind="false", n=200, seed=3)
    for line in typed_lines("001"):
        line.prove()


def test_a_false_line_is_told_with_its_slip():
    question = questions(kind="false", n=1, seed=3)[0]
    assert isinstance(question, FalseLine)
    assert "the slip is" in question.judge(str(question.false + 1)).words
    other = question.judge(str((question.false + 1) % 4 + 1))
    assert other.words.endswith("holds: it is proved.")


@pytest.mark.parametrize(
    ("answer", "outcome", "slip", "words"),
    [
        ("0.5", "wrong", "sign", "it is the true class, whose p is below 1"),
        ("-0.2", "wrong", "size", "the size is larger"),
        ("-1.5", "wrong", "size", "the size is smaller"),
        ("−0,8", "right", "", "it is −0.752"),
        ("much", "unread", "", "Type a number with its sign"),
        ("nan", "unread", "", "Type a number with its sign"),
        ("1" * 10_000, "wrong", "sign", "The sign"),
    ],
)
def test_predictions_are_judged_by_sign_and_size(answer, outcome, slip, words):
    from pminusy.questions.items.predict import Predict

    question = Predict("001/dL_dz", "article 001", (), (0.0, 1.0, -2.0), 0, 0)
    assert question.value == pytest.approx(-0.7437, abs=0.02)
    found = question.judge(answer)
    assert (found.outcome, found.slip) == (outcome, slip)
    assert words.partition("−0.752")[0] in found.words


def test_an_order_is_judged_up_to_where_it_is_wrong():
    question = questions(kind="order", n=1, seed=5)[0]
    right = question.solution.split()
    assert question.judge(",".join(right)).outcome == "right"
    swapped = [*right[:-2], right[-1], right[-2]]
    found = question.judge("".join(swapped))
    assert found.outcome == "wrong"
    assert f"right up to line {len(right) - 2}" in found.words or len(right) == 2
    for typed in ("1", "1 1 1", "1 2 x", "9" * 10_000):
        assert question.judge(typed).outcome == "unread"


def test_rules_are_chosen_by_number_or_words():
    question = questions(kind="rule", n=1, seed=0)[0]
    number, _, words = question.solution.partition("  ")
    assert question.judge(f" {number}. ").outcome == "right"
    assert question.judge(words.upper()).outcome == "right"
    assert question.judge("0").outcome == "unread"
    wrong = question.judge(str(int(number) % 4 + 1))
    assert (wrong.outcome, wrong.slip) == ("wrong", "rule")


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        ("def softmax(z):\n    return z", "offered", "pminusy check answer.py"),
        ("def softmax(z:\n    return z", "unread", "in line 1"),
        ("z = 1", "unread", "no function in it"),
        ("x" * 30_000, "unread", "At most 20,000 characters, not 30,000"),
        ("import os; os.system('touch /nowhere')", "unread", "no function"),
        ("(" * 10_000, "unread", "Python cannot read that"),
        ("\0", "unread", "Python cannot read that"),
    ],
)
def test_a_pasted_function_is_read_and_not_run(answer, outcome, words):
    found = questions("001", "function", 1)[0].judge(answer)
    assert found.outcome == outcome
    assert words in found.words


def test_the_same_seed_asks_the_same():
    one, other = (pmy.quiz(n=8, seed=4), pmy.quiz(n=8, seed=4))
    assert [q.text for q in one] == [q.text for q in other]
    assert [q.text for q in pmy.quiz(n=8, seed=5)] != [q.text for q in one]
    assert len({q.kind for q in one}) >= 5
    assert len({q.text for q in pmy.quiz(kind="next", n=200, seed=1)}) > 100


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"article": "005"}, "article: expected one of 000, 001, 002, 003, 004, got '005'"),
        ({"kind": "hard"}, "kind: expected one of next, rule, order, predict, false, function"),
        ({"n": 0}, "n: expected a whole number from 1 to 200, got 0"),
        ({"n": 2.5}, "n: expected a whole number from 1 to 200, got 2.5"),
        ({"seed": "x"}, "seed: expected a whole number, got 'x'"),
    ],
)
def test_what_cannot_be_asked_is_said(asked, words):
    with pytest.raises(InputError, match=re.escape(words)):
        pmy.quiz(**asked)
