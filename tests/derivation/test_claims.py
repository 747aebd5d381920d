"""What a sentence states is proved where it stands, and nothing is printed that is not."""

import json
from dataclasses import replace

import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.statements.facts import FACTS
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import because, remark, says, sentences
from pminusy.derivation.steps.step import prove
from pminusy.derivation.tree import Partial, Relation
from pminusy.derivation.tree.letters import c, k, lse, p, y, z
from tests.derivation.cases import CASES, derivation

LINE = derivation("logits")._places["softmax"][2]
CONTEXT = derivation("logits")._places["softmax"][1].context
KINDS = {"line", "facts", "remark"}


@pytest.mark.parametrize("case", CASES)
def test_every_sentence_names_what_it_rests_on(case):
    for chapter in derivation(case)._all:
        if chapter.key.startswith("layer"):
            continue  # read off the lines of their layer
        told = [*sentences(chapter.opening)]
        told += [one for line in chapter.lines for one in sentences(line.reason)]
        assert {one.kind for one in told} <= KINDS


@pytest.mark.parametrize("case", CASES)
def test_facts_among_the_rules_are_proved(case):
    signs = "=<>≤≥"
    for chapter in derivation(case)._all:
        for line in chapter.lines:
            named = {rule for rule in line.rules if set(rule) & set(signs)}
            assert named <= {*FACTS, "sum of terms ≥ 0"}, line.name


@pytest.mark.parametrize(
    "words", ["p_k = 1.", "The sum is 0.", "It is ≥ 0.", "So that p_k < 1.", "L is ∞."]
)
def test_a_relation_in_words_needs_one_in_symbols(words):
    for make in (says, remark, because):
        with pytest.raises(ValueError, match="names nothing that proves it"):
            make(words)
    assert because(words, Relation.equal(p[k], p[k])).text == words


def test_words_alone_are_refused():
    with pytest.raises(TypeError, match="no sentence"):
        Line("name", "Title", LINE.statement, ("Because.",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="p_k"):
        remark("As p_k says.")


@pytest.mark.parametrize(
    "false",
    [
        Relation.equal(p[k], 1),
        Relation.chain(p[k], "<", 0),
        Relation.equal(y[k], 0),
        Relation.chain(Partial(p[k], z[c]), "<", 0),
        Relation.chain(lse, ">", 0),
    ],
)
def test_a_false_sentence_is_an_error_and_never_a_step(false):
    for reason in (because("So it is.", false), because("So it is.", here=(false,))):
        if false == Relation.chain(lse, ">", 0) and not reason.holds:
            continue  # true at these numbers, and not for any
        with pytest.raises((ProofError, ArithmeticError)):
            prove(replace(LINE, reason=reason), "forward", 1, CONTEXT)


def test_a_false_opening_is_an_error():
    d = derive(z=[2.0, 1.0, 0.1], y=0)
    chapter = replace(d._all[0], opening=because("So it is.", Relation.equal(p[k], 1)))
    d._all = (chapter, *d._all[1:])
    with pytest.raises(ProofError, match="So it is"):
        d["softmax"]


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ({"z_loss": 1.0}, "loss_sign", "The z-loss beside them is ζ ≥ 0 times a square."),
        ({"z_loss": 1.0}, "hessian", "That of lse² is 2 p pᵀ and 2 lse times the Jacobian."),
        ({"weight": [1.0, 2.0, 3.0]}, "others_sum", "All targets together are S."),
        ({"temperature": 2.0}, "why_stop_at_z", "Every parameter reaches the loss through"),
    ],
)
def test_sentences_are_about_the_options_at_hand(option, name, words):
    assert words in derive(z=[-5.0, -6.0, -7.0], y=0, **option)[name].why


def test_claims_are_in_the_data():
    made = json.loads(derive(z=[2.0, 1.0, 0.1], y=0).to_json())
    steps = {step["name"]: step for chapter in made["chapters"] for step in chapter["steps"]}
    claims = {one["sentence"]: one["proved"] for one in steps["jacobian_other"]["claims"]}
    assert [line["text"] for line in claims["Raising z_j takes mass from every other class."]] == [
        "∂p_i/∂z_j < 0   for i ≠ j"
    ]
