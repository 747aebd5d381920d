"""Change one symbol of a statement, and its proof fails."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.engine.proof import ProofError, prove_by_algebra, prove_by_numbers
from pminusy.derivation.head import exact, limits
from tests.derivation.cases import CASES as CASES_BY_NAME
from tests.derivation.cases import derivation
from tests.derivation.mutants import mutants

CASES = ["layer", "z_loss", "log_base", "softcap", "temperature", "weight", "label_smoothing",
         "soft", "batch", "batch of two classes", "batch, all options",
         "batch of soft targets", "ignored rows", "nothing counts", "sum", "none",
         "ignored, all options", "masked", "masked, options", "infinite",
         "article 000", "article 001", "article 002", "article 003", "article 004"]  # fmt: skip


RECORD = Path(__file__).with_name("tampering.json")
"""What was tried and survived in each case, as docs/equations.md says it."""


@pytest.fixture(autouse=True)
def _own_algebra():
    """Mutants use up spare generators of the rings that proofs share; later proofs get new ones."""
    yield
    made = (exact._row, exact.batch_environment, exact.masked_environments, limits._algebra)
    for environments in made:
        environments.cache_clear()


def survives(relation, chapter, line):
    """Whether a statement passes the very proof that a step has to pass: small sizes first."""
    try:
        for sizes in dict.fromkeys((line.sizes[:1], line.sizes)):
            prove_by_algebra(relation, chapter.context.exact_environments(relation, sizes))
        with chapter.context.numbers.working():
            prove_by_numbers(relation, chapter.context.numbers)
    except (ProofError, ArithmeticError, KeyError, ValueError, IndexError, TypeError):
        return False
    return True


def elsewhere(case, seed):
    """The same lines at numbers drawn at random, and with five classes where that is possible."""
    rng = np.random.default_rng(seed)
    given = dict(CASES_BY_NAME[case])
    two = case == "batch of two classes"
    K, D = (2, 2) if two else (5, 3)
    if np.ndim(given["y"]) == 2 or np.ndim(given["x"] if "x" in given else given["z"]) == 2:
        given |= _elsewhere_batch(given, rng, K, D)
    elif "x" in given:
        given |= {"x": rng.standard_normal(D), "W": rng.standard_normal((K, D))}
        given |= {"b": rng.standard_normal(K)}
        given |= {} if given["y"] == -100 else {"y": int(rng.integers(K))}
    elif not np.isfinite(given["z"]).all():
        z = rng.standard_normal(len(given["z"])) * 2
        z[np.isinf(given["z"])] = -np.inf
        return {c.key: c.context.numbers for c in derive(**given | {"z": z})._all}
    else:
        soft = np.ndim(given["y"]) == 1
        given |= {"z": rng.standard_normal(K)}
        given |= {"y": rng.random(K) if soft else int(rng.integers(K))}
    if "weight" in given:
        given["weight"] = 1 + rng.random(K)
    return {chapter.key: chapter.context.numbers for chapter in derive(**given)._all}


def _elsewhere_batch(given, rng, K, D):
    """Inputs and targets for as many rows as before, the same ones ignored."""
    N = len(given["y"])
    soft = np.ndim(given["y"]) == 2
    y = [int(c) if given["y"][i] != -100 else -100 for i, c in enumerate(rng.integers(0, K, N))] \
        if not soft else rng.random((N, K))  # fmt: skip
    if "z" in given:
        return {"z": rng.standard_normal((N, K)), "y": y}
    x, W = rng.standard_normal((N, D)), rng.standard_normal((K, D))
    return {"x": x, "W": W, "b": rng.standard_normal(K), "y": y}


def is_true(relation, key, environments):
    """Whether a statement holds at every other set of numbers: then it is no slip, but a fact."""
    try:
        for numbers in environments:
            prove_by_numbers(relation, numbers[key])
    except (ProofError, ArithmeticError):
        return False
    return True


def _seen_before(case, chapter, line):
    """Whether the same statement, about the same letters, was tampered with in an earlier case."""
    mine = (type(chapter.context), line.statement)
    return any(
        line.name in derivation(other)
        and mine == (type(derivation(other)._places[line.name][1].context),
                     derivation(other)._places[line.name][2].statement)
        for other in CASES[: CASES.index(case)]
    )  # fmt: skip


def tampered(case):
    """How many mutants there were, how many survived, and the survivors that are not true."""
    tried, survivors, wrong = 0, 0, []  # a survivor is proved in exact algebra like a step
    environments = [elsewhere(case, seed) for seed in (1, 2, 3)]
    for chapter in derivation(case)._all:
        for line in chapter.lines:
            if _seen_before(case, chapter, line):
                continue
            for what, relation in mutants(line.statement):
                if relation == line.statement:
                    continue
                tried += 1
                if survives(relation, chapter, line):
                    survivors += 1
                    if not is_true(relation, chapter.key, environments):
                        wrong.append((line.name, what))
    return tried, survivors, wrong


@pytest.mark.parametrize("case", CASES)
def test_no_slip_of_the_pen_survives(case):
    tried, survived, wrong = tampered(case)
    assert not wrong, wrong
    record = json.loads(RECORD.read_text())
    assert [case, tried, survived] in record, "python -m tests.derivation.test_tampering"


def main():
    """Write the record."""
    rows = [[case, *tampered(case)[:2]] for case in CASES]
    RECORD.write_text("[\n" + ",\n".join(f" {json.dumps(row)}" for row in rows) + "\n]\n")
    sys.stdout.write(RECORD.read_text())


if __name__ == "__main__":
    main()
