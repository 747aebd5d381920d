"""Change one symbol of a statement, and its proof fails."""

import sys

import numpy as np
import pytest

from pminusy.derivation import batch, model
from pminusy.derivation.build import derive
from pminusy.derivation.proof import ProofError, prove_by_algebra, prove_by_numbers
from tests.derivation.cases import CASES as CASES_BY_NAME
from tests.derivation.cases import derivation
from tests.derivation.mutants import mutants

CASES = ["layer", "z_loss", "log_base", "softcap", "weight", "label_smoothing", "batch",
         "batch of two classes"]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_algebra():
    """Mutants use up spare generators of the rings that proofs share; later proofs get new ones."""
    yield
    for room in (batch, model):
        room._algebra.cache_clear()


def survives(relation, chapter, line):
    """Whether a statement passes the very proof that a step has to pass."""
    try:
        prove_by_algebra(relation, chapter.arena.algebra(relation, line.sizes[:2]))
        prove_by_numbers(relation, chapter.arena.numbers)
    except (ProofError, ArithmeticError, KeyError, ValueError, IndexError, TypeError):
        return False
    return True


def elsewhere(case, seed):
    """The same lines at numbers drawn at random, and with five classes where that is possible."""
    rng = np.random.default_rng(seed)
    given = dict(CASES_BY_NAME[case])
    two = case == "batch of two classes"
    K, D = (2, 2) if two else (5, 3)
    if np.ndim(given["y"]) == 1:
        given |= {"x": rng.standard_normal((3, D)), "W": rng.standard_normal((K, D))}
        given |= {"b": rng.standard_normal(K), "y": rng.integers(0, K, 3).tolist()}
    elif "x" in given:
        given |= {"x": rng.standard_normal(D), "W": rng.standard_normal((K, D))}
        given |= {"b": rng.standard_normal(K), "y": int(rng.integers(K))}
    else:
        given |= {"z": rng.standard_normal(K), "y": int(rng.integers(K))}
    if "weight" in given:
        given["weight"] = 1 + rng.random(K)
    return {chapter.key: chapter.arena.numbers for chapter in derive(**given)._all}


def is_true(relation, key, worlds):
    """Whether a statement holds at every other set of numbers: then it is no slip, but a fact."""
    try:
        for numbers in worlds:
            prove_by_numbers(relation, numbers[key])
    except (ProofError, ArithmeticError):
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_no_slip_of_the_pen_survives(case):
    tried, survivors, wrong = 0, 0, []
    worlds = [elsewhere(case, seed) for seed in (1, 2, 3)]
    for chapter in derivation(case)._all:
        for line in chapter.lines:
            if case != "layer" and line.name in derivation("layer"):
                same = derivation("layer")._places[line.name][2].statement
                if same == line.statement:
                    continue
            for what, relation in mutants(line.statement):
                if relation == line.statement:
                    continue
                tried += 1
                if survives(relation, chapter, line):
                    survivors += 1
                    if not is_true(relation, chapter.key, worlds):
                        wrong.append((line.name, what))
    message = f"{case}: {tried} mutants, {survivors} survive, {len(wrong)} of them are not true"
    sys.stderr.write(message + "\n")  # read with pytest -s
    assert tried >= 10
    assert not wrong, wrong
