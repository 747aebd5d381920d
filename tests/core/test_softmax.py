"""Softmax, its logarithm and its Jacobian: identities, and the edges of floating point."""

import numpy as np
import pytest

from pminusy.core import softmax
from pminusy.core.twofold import EXP_BITS, twofold
from tests.generator import FLOATS, batch

INF, NAN = np.inf, np.nan


def rows(dtype=np.float64, K=6, seed=2):
    return batch(np.random.default_rng(seed), dtype, K).z


@pytest.mark.parametrize("dtype", FLOATS)
def test_probabilities_sum_to_one(dtype):
    p = softmax.softmax(rows(dtype))
    assert p.dtype == dtype
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1.0, rtol=8 * np.finfo(dtype).eps)


def test_worked_example():
    z = np.log([[0.2, 0.6, 0.2]])
    np.testing.assert_allclose(softmax.softmax(z), [[0.2, 0.6, 0.2]], rtol=4e-16)
    np.testing.assert_allclose(softmax.log_softmax(z), z, rtol=4e-16)


EDGES: dict[str, tuple[list[float], list[float]]] = {
    "mask": ([0.0, -INF, 0.0], [0.5, 0.0, 0.5]),
    "all but one masked": ([-INF, 3.0, -INF], [0.0, 1.0, 0.0]),
    "only masks": ([-INF, -INF, -INF], [NAN, NAN, NAN]),
    "one certain class": ([1.0, INF, 5.0], [0.0, 1.0, 0.0]),
    "two certain classes": ([INF, 1e300, INF], [0.5, 0.0, 0.5]),
    "certain beside masked": ([INF, -INF, 0.0], [1.0, 0.0, 0.0]),
    "NaN": ([0.0, NAN, 0.0], [NAN, NAN, NAN]),
    "NaN beside infinity": ([INF, NAN, -INF], [NAN, NAN, NAN]),
    "difference overflows": ([1e308, -1e308, 1e308], [0.5, 0.0, 0.5]),
    "largest floats": ([np.finfo(float).max] * 3, [1 / 3] * 3),
}


@pytest.mark.parametrize("case", EDGES)
def test_edges(case):
    z, expected = EDGES[case]
    with np.errstate(all="ignore"):
        p, log_p = softmax.softmax(np.array([z])), softmax.log_softmax(np.array([z]))
        np.testing.assert_array_equal(p, [expected])
        np.testing.assert_allclose(log_p, np.log([expected]), rtol=2e-16, atol=0)


def test_edges_stay_in_their_own_row():
    ordinary = rows()
    for z, _ in EDGES.values():
        with np.errstate(all="ignore"):
            mixed = np.insert(ordinary, 3, [*z, *z], axis=0)
            for function in (softmax.softmax, softmax.log_softmax, softmax.jacobian):
                kept = np.delete(function(mixed), 3, axis=0)
                assert np.array_equal(kept, function(ordinary))


def test_jacobian_is_symmetric_positive_semidefinite_and_sums_to_zero():
    with np.errstate(all="ignore"):
        J = softmax.jacobian(rows())
    assert np.array_equal(J, J.transpose(0, 2, 1))
    np.testing.assert_allclose(J.sum(axis=-1), 0.0, atol=4e-17 * 6)
    assert (np.linalg.eigvalsh(J) >= -1e-16).all()
    assert (J.diagonal(axis1=1, axis2=2) >= 0).all()
    assert (J[:, ~np.eye(6, dtype=bool)] <= 0).all()


def test_jacobian_by_hand():
    p = np.array([0.2, 0.6, 0.2])
    J = softmax.jacobian(np.log(p)[None])
    expected = [[0.16, -0.12, -0.04], [-0.12, 0.24, -0.12], [-0.04, -0.12, 0.16]]
    np.testing.assert_allclose(J[0], expected, rtol=4e-16)


def test_jacobian_of_a_confident_row_is_not_zero():
    J = softmax.jacobian(np.array([[40.0, 0.0]]))
    tiny = 4.248354255291589e-18
    np.testing.assert_allclose(J, [[[tiny, -tiny], [-tiny, tiny]]], rtol=4e-16)


def test_jacobian_vector_product_is_the_jacobian_times_the_vector():
    z = rows()
    v = np.random.default_rng(3).normal(size=z.shape)
    with np.errstate(all="ignore"):
        Jv, mean = softmax.jacobian_vector_product(softmax.parts(z), twofold(v))
        p, J = softmax.softmax(z), softmax.jacobian(z)
    np.testing.assert_allclose(
        Jv.rounded(exponent=-EXP_BITS), np.einsum("nij,nj->ni", J, v), atol=1e-15
    )
    np.testing.assert_allclose(mean.rounded()[:, 0], (p * v).sum(axis=-1), atol=1e-15)


def test_curvature_along_a_vector_is_a_sum_over_pairs():
    z, v = np.array([[0.3, -1.0, 2.0]]), np.array([[1.0, 2.0, -0.5]])
    p = softmax.softmax(z)[0]
    pairs = sum(p[i] * p[j] * (v[0, i] - v[0, j]) ** 2 for i in range(3) for j in range(i))
    Jv, _ = softmax.jacobian_vector_product(softmax.parts(z), twofold(v))
    assert (v * Jv.rounded(exponent=-EXP_BITS)).sum() == pytest.approx(pairs, rel=1e-14)


def test_parts_name_what_they_hold():
    row = softmax.parts(np.array([[1.0, 3.0, 3.0, -INF]]))
    assert row.top.tolist() == [1]  # the first of the largest
    assert row.m.tolist() == [[3.0]]
    assert row.below.hi.tolist() == [[2.0, 0.0, 0.0, INF]]
    e2 = np.exp(-2)
    np.testing.assert_allclose(row.s.rounded(), [[2 + e2]], rtol=4e-16)
    np.testing.assert_allclose(row.e.rounded(exponent=-EXP_BITS), [[e2, 1, 1, 0]], rtol=4e-16)
    others = [[2, 1 + e2, 1 + e2, 2 + e2]]
    np.testing.assert_allclose(row.others.rounded(exponent=-EXP_BITS), others, rtol=4e-16)
    np.testing.assert_allclose(row.lse.rounded(), [[3 + np.log(2 + e2)]], rtol=4e-16)


@pytest.mark.parametrize(("N", "K"), [(0, 3), (1, 3), (10, 1 << 16), (40_000, 2)])
def test_blocks_cover_the_rows_in_order(N, K):
    blocks = list(softmax.row_blocks(np.broadcast_to(0.0, (N, K))))
    assert [i for block in blocks for i in range(block.start, block.stop)] == list(range(N))
    assert all((block.stop - block.start) * K <= max(1 << 15, K) for block in blocks)


@pytest.mark.parametrize("axis", [-1, 1, 0])
def test_plain_softmax_is_the_softmax_in_the_type_of_its_logits(axis):
    z = np.random.default_rng(0).normal(scale=9, size=(5, 5)).astype(np.float32)
    lse, p = softmax.plain_softmax(z, axis)
    ours = z.T if axis == 0 else z
    expected = softmax.softmax(ours.astype(np.float64))
    np.testing.assert_allclose(p.T if axis == 0 else p, expected, rtol=1e-5)
    np.testing.assert_allclose(
        lse.T if axis == 0 else lse, (ours - np.log(expected))[:, :1], rtol=1e-5
    )
    assert p.dtype == lse.dtype == np.float32
    assert lse.shape == ((1, 5) if axis == 0 else (5, 1))


def test_plain_softmax_of_large_logits_does_not_overflow():
    lse, p = softmax.plain_softmax(np.array([[1e4, 0.0], [-1e4, -1e4]]))
    np.testing.assert_array_equal(p, [[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(lse, [[1e4], [np.log(2) - 1e4]])
