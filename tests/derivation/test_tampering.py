"""Change one symbol of a statement, and its proof fails."""

import pytest

from pminusy.derivation.proof import ProofError, prove_by_algebra, prove_by_numbers
from tests.derivation.cases import derivation
from tests.derivation.mutants import mutants

CASES = ["layer", "z_loss", "log_base", "softcap", "weight", "label_smoothing", "batch", "rows",
         "sequence", "batch of two classes"]  # fmt: skip

# Mutants that are true, each for the reason beside it: a proof that failed them would be wrong.
EQUAL = {
    "jacobian_symmetric": "∂p_i/∂z_j is symmetric",
    "jacobian_own": "with i = j every index is the same",
    "gershgorin_radius": "|−x| = |x|",
    "p_range": "0 < p_k and p_k ≤ 1 still hold of what replaced 0 or 1",
    "flat_when_certain": "an inequality with room to spare",
    "gershgorin": "an inequality with room to spare",
    "bound": "an inequality with room to spare",
    "bound_layer": "an inequality with room to spare",
    "loss_sign": "an inequality with room to spare",
    "ln_p": "an inequality with room to spare",
    "convex": "an even power hides a sign",
    "jacobian_psd": "an even power hides a sign",
    "sign_own": "the same inequality from the other side",
    "sign_other": "the same inequality from the other side",
}


def survives(relation, chapter, line):
    """Whether a statement passes the very proof that a step has to pass."""
    try:
        prove_by_algebra(relation, chapter.arena.algebra(relation, line.sizes[:2]))
        prove_by_numbers(relation, chapter.arena.numbers)
    except (ProofError, ArithmeticError, KeyError, ValueError, IndexError, TypeError):
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_no_slip_of_the_pen_survives(case):
    tried, survivors = 0, []
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
                    survivors.append((line.name, what))
    print(f"{case}: {tried} mutants, {len(survivors)} survive")
    unexplained = [entry for entry in survivors if entry[0] not in EQUAL]
    assert tried >= 10
    assert not unexplained, unexplained
