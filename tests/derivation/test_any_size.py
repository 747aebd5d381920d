"""Which lines hold for any number of classes, read off their form."""

import numpy as np
import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.engine.any_size import sizes_for_any
from pminusy.derivation.engine.proof import ProofError, prove_by_algebra
from pminusy.derivation.head.exact import row_environment
from pminusy.derivation.head.symbols import symbols
from pminusy.derivation.statements.case import Case
from pminusy.derivation.tree import Partial, Relation, Size, Sum, exp, node
from pminusy.derivation.tree.letters import L, c, j, k, p, y, z

SYMBOLS = symbols(Case())


def for_any(relation):
    return sizes_for_any(relation, SYMBOLS, (2, 3, 4))


def test_the_default_page_holds_for_any_number_of_classes():
    d = derive(z=[2.0, 1.0, 0.1], y=0)
    assert all(step.proof.any_size for step in d)
    assert d.in_short == "25 steps, every one proved, all for any K."


@pytest.mark.parametrize(
    ("article", "others"),
    [
        ("000", {f"batch_{n}" for n in ("logits", "row_loss", "loss", "dL_dZ", "dL_dW", "dL_db")}),
        ("001", {"likelihood"}),
        ("002", set()),
        ("003", set()),
        ("004", {"likelihood", "loss_written_out", "error_of_data"}),
    ],
)
def test_articles_hold_for_any_number_of_classes_but_for_these(article, others):
    d = derive(article=article)
    assert {step.name for step in d if not step.proof.any_size} == others


@pytest.mark.parametrize(
    "relation",
    [
        # true for two, three or four classes and for no more: the number itself is in it
        Relation.equal(Sum(j, node(1)), Size("K")),
        # what it is a function of is a sum of all classes
        Relation.equal(exp(-L), p[c]),
        # one sum is not over all classes
        Relation.equal(Sum(j, Sum(k, p[k], above=j)), Sum(j, Sum(k, p[k], above=j))),
        Relation.chain(p[k] - y[k], ">", 0),
        Relation.chain(L - 1, ">", 0),
        Relation.chain(z[k], ">", 0),
    ],
)
def test_what_the_form_does_not_decide(relation):
    assert not for_any(relation)


@pytest.mark.parametrize(
    ("relation", "most"),
    [
        (Relation.equal(Partial(p[k], z[j]), -(p[k] * p[j])).where(k, "≠", j), 4),
        (Relation.equal(Partial(L, z[k]), Sum(j, Partial(L, p[j]) * Partial(p[j], z[k]))), 5),
        (Relation.equal(Sum(k, Partial(L, z[k])), node(0)), 4),
    ],
)
def test_more_classes_are_proved_where_more_are_named(relation, most):
    assert for_any(relation) == tuple(range(2, most + 1))


def test_a_line_of_three_classes_is_not_proved_by_two():
    # the square of a sum is the sum of squares where it has one term
    others = Sum(j, p[j], without=k)
    wrong = Relation.equal(Sum(j, p[j] ** 2, without=k), others**2)
    assert max(for_any(wrong), default=4) >= 3
    prove_by_algebra(wrong, [row_environment(Case(), 2, None, frozenset({"p"}))])
    with pytest.raises(ProofError):
        prove_by_algebra(wrong, [row_environment(Case(), 3, None, frozenset({"p"}))])


@pytest.mark.parametrize("seed", range(3))
def test_they_hold_for_many_classes(seed):
    rng = np.random.default_rng(seed)
    K = int(rng.integers(8, 14))
    d = derive(z=rng.standard_normal(K), y=int(rng.integers(K)))
    assert all(step.proof.any_size for step in d)  # and each is proved at these numbers too
