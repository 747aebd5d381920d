"""Change one symbol of a statement about a layer, and its proof fails."""

import sys

import numpy as np
import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.engine.proof import ProofError, prove_by_algebra, prove_by_numbers
from pminusy.derivation.layers import exact as network_algebra
from tests.derivation.cases import CASES, derivation
from tests.derivation.mutants import mutants

NETWORKS = [case for case, given in CASES.items() if "network" in given]

EQUAL = {
    ("dropout_test_paths", "factor dropped"),  # the factor ∂o/∂a is 1 there
    *((f"tanh_{line}", "sign added") for line in ("local", "da")),  # (−o)² is o²
    *((f"gelu_tanh_{line}", "sign added") for line in ("local", "da")),  # sech² is even
}
"""Changes that leave a statement true."""


@pytest.fixture(autouse=True)
def _own_algebra():
    """Mutants use up spare generators of the rings that proofs share; later proofs get new ones."""
    yield
    network_algebra._environment.cache_clear()


def survives(relation, context):
    """Whether a statement passes the very proof that a step has to pass."""
    try:
        prove_by_algebra(relation, context.exact_environments(relation, ()))
        prove_by_numbers(relation, context.numbers)
    except (ProofError, ArithmeticError, TypeError):  # the root of a negative number is complex
        return False
    return True


def holds_elsewhere(case, key, relation):
    """Whether a statement holds at other numbers: then it is no slip, but a fact."""
    given = CASES[case]
    x = np.random.default_rng(7).standard_normal(np.shape(given["x"])) * 2
    contexts = {c.key: c.context for c in derive(**{**given, "x": x, "seed": 3})._all}
    prove_by_numbers(relation, contexts[key].numbers)
    return True


@pytest.mark.parametrize("case", NETWORKS)
def test_no_slip_of_the_pen_survives(case):
    tried, survivors = 0, []
    for chapter in derivation(case)._all:
        for line in chapter.lines if chapter.key.startswith("layer") else ():
            for what, relation in mutants(line.statement):
                if relation == line.statement:
                    continue
                tried += 1
                if survives(relation, chapter.context):
                    assert holds_elsewhere(case, chapter.key, relation)
                    survivors.append((line.name.partition("_")[2], what))
    message = f"{case}: {tried} mutants, {len(survivors)} survive, all of them true"
    sys.stderr.write(message + "\n")  # read with pytest -s
    assert tried >= 100
    assert set(survivors) <= EQUAL
