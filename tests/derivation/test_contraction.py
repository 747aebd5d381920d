"""Sums along random directions against the same sums entry by entry."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pminusy.derivation import tree as t
from pminusy.derivation.engine.contraction import contract, direction
from pminusy.derivation.engine.decimals import Decimals, as_array, decimals
from pminusy.derivation.engine.environment import Environment, variables
from pminusy.derivation.engine.evaluate import Evaluator

SIZE = 4
J, K, M = t.Index("j", "K"), t.Index("k", "K"), t.Index("m", "K")
P, Y = t.Ref("p"), t.Ref("y")
OTHERS = t.Sum(J, Y[J], without=K)

PRODUCTS = {
    "p_k · Σ_(j≠k) y_j": P[K] * OTHERS,
    "y_k · p_k · Σ_(j≠k) y_j": Y[K] * P[K] * OTHERS,
    "p_m · p_k · Σ_(j≠k) y_j": P[M] * P[K] * OTHERS,
    "δ_mk · p_k · Σ_(j≠k) y_j": t.Delta(M, K) * P[K] * OTHERS,
    "Σ_(j≠k) y_j · Σ_(j≠k) y_j": t.Mul((OTHERS, OTHERS)),
    "p_k · Σ_(j≠k) y_j p_m": P[K] * t.Sum(J, Y[J] * P[M], without=K),
    "y_k · p_k": Y[K] * P[K],
}


def evaluator() -> Evaluator:
    rng = np.random.default_rng(5)
    values = {
        name: as_array([decimals.mpf(v) for v in rng.uniform(0.1, 1, SIZE)]) for name in ("p", "y")
    }
    symbols = {symbol.name: symbol for symbol in variables({"p": "K", "y": "K"})}
    return Evaluator(Environment(symbols, {"K": SIZE}, values), Decimals())


@pytest.mark.parametrize("tree", PRODUCTS.values(), ids=PRODUCTS)
def test_products_contract_to_the_sum_of_their_entries(tree: t.Node) -> None:
    at = evaluator()
    directions = {index: direction(index, SIZE) for index in t.free_indices(tree)}
    expected = decimals.mpf(0)
    for places in product(range(SIZE), repeat=len(directions)):
        where = {index.name: i for index, i in zip(directions, places, strict=True)}
        weights = [v[i] for v, i in zip(directions.values(), places, strict=True)]
        expected += decimals.fprod(weights) * at.value(tree, where)
    with at.working():
        assert abs(contract(tree, directions, at, {}) - expected) < decimals.mpf(10) ** -90
