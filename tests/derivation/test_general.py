"""Statements as SymPy, and the lines that SymPy proves with K left open."""

import pytest
import sympy

from pminusy.derivation.engine.proof import prove_by_algebra
from pminusy.derivation.engine.symbolic import holds_for_any_K, to_sympy
from pminusy.derivation.tree import Delta, Partial, Relation, Sum
from pminusy.derivation.tree.letters import L, i, j, k, p, y, z
from tests.derivation.cases import derivation
from tests.derivation.mutants import mutants

FOR_ANY_K = [
    "softmax", "shift", "p_sum", "cross_entropy_one_hot", "ce_sum", "ce_log", "dL_dp",
    "denominator", "numerator", "quotient", "jacobian_own", "jacobian_other", "jacobian", "chain",
    "chain_filled", "chain_cancelled", "chain_split", "others_sum", "chain_combined", "dL_dz_long",
    "sparse_chain", "sparse_row", "sparse_own", "sparse_other", "dL_dz_sparse", "direct_loss",
    "direct_lse", "direct_own", "dL_dz_direct", "row_sum", "hessian", "likelihood", "shifted_lse",
    "stable_loss", "stable_log1p", "stable_gradient",
]  # fmt: skip


@pytest.mark.parametrize("name", FOR_ANY_K)
def test_proved_with_K_left_open(name):
    assert derivation("logits")[name].holds_for_any_K


@pytest.mark.parametrize("name", ["jacobian_other", "sparse_own", "dL_dp", "stable_gradient"])
def test_no_slip_is_proved(name):
    line, context = derivation("logits")[name].line, derivation("logits")[name].context
    for what, mutant in mutants(line.statement):
        if holds_for_any_K(mutant):  # then it is a fact, and exact algebra proves it too
            assert prove_by_algebra(mutant, context.exact_environments(mutant, (2, 3))), what


@pytest.mark.parametrize(
    "wrong",
    [
        Relation.equal(Partial(L, z[k]), p[k] + y[k]),
        Relation.equal(Partial(p[i], z[j]), p[j] * (Delta(i, j) - p[j])),
        Relation.equal(Sum(j, y[j], without=k), 1 + y[k]),
        Relation.equal(Sum(k, p[k]), 2),
    ],
)
def test_wrong_lines_are_not(wrong):
    assert not holds_for_any_K(wrong)


def test_statement_as_sympy():
    left, right = to_sympy(Relation.equal(Partial(p[i], z[j]), p[i] * (Delta(i, j) - p[j])))
    assert isinstance(left, sympy.Derivative)
    assert right.has(sympy.KroneckerDelta)
