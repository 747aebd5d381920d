"""The head: the cases the specification names, every edge, and what holds whatever the input."""

from typing import Any

import numpy as np
import pytest
from mpmath import mp

from pminusy.core import head, transform
from pminusy.core.options import Options
from pminusy.core.softmax import row_blocks
from pminusy.core.target_mass import target_mass
from tests.generator import FLOATS, batch

INF, NAN = np.inf, np.nan


def run(z, y, dtype=np.float64, **options):
    """Loss and gradient of rows."""
    z, y, resolved = np.array(z, dtype=dtype), np.array(y), Options(**options)
    if y.ndim == 2:
        y = y.astype(dtype)
    return head.cross_entropy_grad(z, target_mass(y, len(z), z.shape[1], resolved), resolved)


def curvature(z, y, v, **options):
    """H v of rows."""
    z, y, v, resolved = np.array(z), np.array(y), np.array(v), Options(**options)
    return head.cross_entropy_hvp(z, target_mass(y, len(z), z.shape[1], resolved), resolved, v)


def test_named_case_40_0_in_float64():
    loss, dL_dz = run([[40.0, 0.0]], [0])
    assert float(loss) == 4.248354255291589e-18
    assert dL_dz[0, 0] == -dL_dz[0, 1]
    assert dL_dz[0, 1] == pytest.approx(4.248354255291589e-18, rel=2e-16)


def test_named_case_a_million_and_one_in_float32():
    loss, dL_dz = run([[1e6 + 1, 1e6]], [0], dtype=np.float32)
    assert loss == np.float32(0.313261687518222834)
    assert loss.dtype == dL_dz.dtype == np.float32


def test_worked_example():
    loss, dL_dz = run(np.log([[0.2, 0.6, 0.2]]), [0])
    assert round(float(loss), 4) == 1.6094
    np.testing.assert_allclose(dL_dz, [[-0.8, 0.6, 0.2]], rtol=4e-16)


E = float(np.exp(-1.0))
P = (1 / (1 + E), E / (1 + E))  # softmax of (1, 0)
LOSS = (np.log1p(E), 1 + np.log1p(E))
LSE = 1 + np.log1p(E)

# two rows of logits (1, 0), labels 0 and 1: options -> loss and gradient, by hand
BY_HAND: dict[str, Any] = {
    "mean": ({}, (LOSS[0] + LOSS[1]) / 2, [[-P[1] / 2, P[1] / 2], [P[0] / 2, -P[0] / 2]]),
    "sum": (
        {"reduction": "sum"},
        LOSS[0] + LOSS[1],
        [[-P[1], P[1]], [P[0], -P[0]]],
    ),
    "none": ({"reduction": "none"}, LOSS, [[-P[1], P[1]], [P[0], -P[0]]]),
    "class weights, mean": (
        {"weight": np.array([1.0, 3.0])},
        (LOSS[0] + 3 * LOSS[1]) / 4,
        [[-P[1] / 4, P[1] / 4], [3 * P[0] / 4, -3 * P[0] / 4]],
    ),
    "class weights, none": (
        {"weight": np.array([1.0, 3.0]), "reduction": "none"},
        (LOSS[0], 3 * LOSS[1]),
        [[-P[1], P[1]], [3 * P[0], -3 * P[0]]],
    ),
    "sample weights": (
        {"sample_weight": np.array([1.0, 3.0])},
        (LOSS[0] + 3 * LOSS[1]) / 4,
        [[-P[1] / 4, P[1] / 4], [3 * P[0] / 4, -3 * P[0] / 4]],
    ),
    "ignored class": (
        {"ignore_index": 0},
        LOSS[1],
        [[0.0, 0.0], [P[0], -P[0]]],
    ),
    "smoothing": (
        {"label_smoothing": 0.2, "reduction": "none"},
        (0.9 * LOSS[0] + 0.1 * LOSS[1], 0.1 * LOSS[0] + 0.9 * LOSS[1]),
        [[P[0] - 0.9, P[1] - 0.1], [P[0] - 0.1, P[1] - 0.9]],
    ),
    "smoothing and class weights, none": (
        {"label_smoothing": 0.2, "weight": np.array([1.0, 3.0]), "reduction": "none"},
        (0.9 * LOSS[0] + 0.3 * LOSS[1], 0.1 * LOSS[0] + 2.7 * LOSS[1]),
        [
            [1.2 * P[0] - 0.9, 1.2 * P[1] - 0.3],
            [2.8 * P[0] - 0.1, 2.8 * P[1] - 2.7],
        ],
    ),
    "base 2": (
        {"log_base": 2.0, "reduction": "none"},
        (LOSS[0] / np.log(2), LOSS[1] / np.log(2)),
        np.array([[-P[1], P[1]], [P[0], -P[0]]]) / np.log(2),
    ),
    "z-loss": (
        {"z_loss": 0.5, "reduction": "none"},
        (LOSS[0] + 0.5 * LSE**2, LOSS[1] + 0.5 * LSE**2),
        [
            [P[0] * (1 + LSE) - 1, P[1] * (1 + LSE)],
            [P[0] * (1 + LSE), P[1] * (1 + LSE) - 1],
        ],
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_numbers_by_hand(case):
    options, loss, gradient = BY_HAND[case]
    got, dL_dz = run([[1.0, 0.0], [1.0, 0.0]], [0, 1], **options)
    np.testing.assert_allclose(got, loss, rtol=2e-15)
    np.testing.assert_allclose(dL_dz, gradient, rtol=1e-14)


def test_temperature_by_hand():
    loss, dL_dz = run([[3.0, 0.0]], [1], temperature=3.0)
    assert float(loss) == pytest.approx(LOSS[1], rel=2e-15)
    np.testing.assert_allclose(dL_dz, [[P[0] / 3, -P[0] / 3]], rtol=2e-15)


def test_softcap_by_hand():
    u, t = np.arctanh(0.5) * 2, 1 - 0.25  # κ = 2: z = 2 tanh(u / 2) = 1, sech² = ¾
    loss, dL_dz = run([[u, 0.0]], [1], softcap=2.0)
    assert float(loss) == pytest.approx(LOSS[1], rel=2e-15)
    np.testing.assert_allclose(dL_dz, [[P[0] * t, -P[0]]], rtol=2e-15)


def test_hessian_products_by_hand():
    H = P[0] * P[1]
    got = curvature([[1.0, 0.0]], [0], [[1.0, 0.0]])
    np.testing.assert_allclose(got, [[H, -H]], rtol=2e-15)
    cooled = curvature([[3.0, 0.0]], [0], [[1.0, 0.0]], temperature=3.0)
    np.testing.assert_allclose(cooled, [[H / 9, -H / 9]], rtol=2e-15)


def test_soft_targets_of_any_mass():
    loss, dL_dz = run([[1.0, 0.0]], [[2.0, 3.0]], reduction="sum")
    assert float(loss) == pytest.approx(2 * LOSS[0] + 3 * LOSS[1], rel=2e-15)
    np.testing.assert_allclose(dL_dz, [[5 * P[0] - 2, 5 * P[1] - 3]], rtol=2e-15)


# --- edges ------------------------------------------------------------------------------------

EDGES = {
    # logits, label: loss, gradient
    "mask elsewhere": ([0.0, -INF, 0.0], 0, np.log(2), [-0.5, 0.0, 0.5]),
    "mask on the label": ([0.0, -INF, 0.0], 1, INF, [0.5, -1.0, 0.5]),
    "all but the label masked": ([-INF, 7.0, -INF], 1, 0.0, [0.0, 0.0, 0.0]),
    "only masks": ([-INF, -INF, -INF], 1, NAN, [NAN, NAN, NAN]),
    "certain and right": ([INF, 0.0, 1.0], 0, 0.0, [0.0, 0.0, 0.0]),
    "certain and wrong": ([INF, 0.0, 1.0], 1, INF, [1.0, -1.0, 0.0]),
    "two certain classes": ([INF, INF, 1.0], 0, np.log(2), [-0.5, 0.5, 0.0]),
    "NaN": ([NAN, 0.0, 0.0], 1, NAN, [NAN, NAN, NAN]),
    "underflow is 0": ([0.0, -800.0, -2000.0], 0, 0.0, [0.0, 0.0, 0.0]),
    "overflowing difference": ([1e308, -1e308, -1e308], 1, INF, [1.0, -1.0, 0.0]),
}


@pytest.mark.parametrize("case", EDGES)
def test_edges(case):
    z, y, expected, gradient = EDGES[case]
    loss, dL_dz = run([z], [y], reduction="none")
    np.testing.assert_allclose(loss, [expected], rtol=2e-16)
    np.testing.assert_array_equal(dL_dz, [gradient])


def test_edges_stay_in_their_own_row():
    z, y = [[1.0, 0.0, 2.0]], [2]
    alone = run(z, y, reduction="none")
    for row, label, _, _ in EDGES.values():
        loss, dL_dz = run([row, *z], [label, *y], reduction="none")
        assert loss[1] == alone[0][0]
        assert np.array_equal(dL_dz[1], alone[1][0])


@pytest.mark.parametrize("case", EDGES)
@pytest.mark.parametrize(
    "options",
    [{}, {"label_smoothing": 0.1, "z_loss": 0.1}, {"softcap": 3.0, "temperature": 0.5}],
    ids=str,
)
def test_an_ignored_row_is_exactly_zero(case, options):
    z, v = [EDGES[case][0], [1.0, 0.0, 2.0]], [[NAN, 1.0, INF], [1.0, 0.0, 0.0]]
    loss, dL_dz = run(z, [-100, 2], reduction="none", **options)
    alone, gradient = run(z[1:], [2], reduction="none", **options)
    assert loss.tolist() == [0.0, alone[0]]
    assert np.array_equal(dL_dz, [[0, 0, 0], gradient[0]])
    assert not np.signbit(dL_dz[0]).any()
    Hv = curvature(z, [-100, 2], v, **options)
    assert Hv[0].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(Hv[1]).all()
    assert float(run(z, [-100, 2], **options)[0]) == alone[0]


@pytest.mark.parametrize("sample_weight", [None, np.array([0.0])])
def test_a_row_of_weight_zero_is_exactly_zero(sample_weight):
    weight = None if sample_weight is not None else np.array([0.0, 1.0])
    for reduction in ("none", "sum", "mean"):
        options = {"weight": weight, "sample_weight": sample_weight, "reduction": reduction}
        loss, dL_dz = run([[NAN, NAN]], [0], **options)
        assert np.ravel(loss).tolist() == [0.0]
        assert dL_dz.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_no_rows_are_no_loss(reduction, dtype):
    for y in (np.empty(0, dtype=int), np.empty((0, 3))):
        loss, dL_dz = run(np.zeros((0, 3)), y, dtype=dtype, reduction=reduction)
        assert float(loss) == 0.0
        assert loss.dtype == dtype
        assert dL_dz.shape == (0, 3)
    assert run(np.zeros((0, 3)), np.empty(0, dtype=int), reduction="none")[0].shape == (0,)


def test_a_masked_class_with_smoothing_is_an_infinite_loss():
    loss, dL_dz = run([[0.0, -INF]], [0], label_smoothing=0.5)
    assert float(loss) == INF
    np.testing.assert_allclose(dL_dz, [[0.25, -0.25]])


def test_a_mask_under_a_cap_is_the_lowest_logit():
    loss, dL_du = run([[0.0, -INF]], [0], softcap=1.0, temperature=0.5)
    assert float(loss) == pytest.approx(np.log1p(np.exp(-2)), rel=4e-16)
    assert dL_du[0, 1] == 0.0  # the cap is flat there
    assert dL_du[0, 0] == pytest.approx(-2 * np.exp(-2) / (1 + np.exp(-2)), rel=4e-16)


def test_z_loss_of_a_masked_class_is_no_nan():
    loss, dL_dz = run([[2.0, -INF]], [0], z_loss=0.5)
    assert float(loss) == 2.0
    assert dL_dz.tolist() == [[2.0, 0.0]]


def test_z_loss_of_a_certain_class_is_infinite_and_no_nan():
    loss, dL_dz = run([[INF, 1.0]], [0], z_loss=0.5)
    assert float(loss) == INF
    assert dL_dz.tolist() == [[INF, 0.0]]


# --- what always holds ------------------------------------------------------------------------


@pytest.mark.parametrize("z_loss", [0.0, 0.01, 2.0])
def test_rows_of_the_gradient_sum_to_twice_the_z_loss_times_lse(z_loss):
    rows = batch(np.random.default_rng(4), np.float64, 5)
    z = np.where(np.abs(rows.z) < 1e6, rows.z, -INF)
    z[:, 0] = 0.0
    q = np.random.default_rng(5).exponential(size=z.shape)
    _, dL_dz = run(z, q, z_loss=z_loss, reduction="sum")
    m = z.max(axis=1)
    lse = m + np.log(np.exp(z - m[:, None]).sum(axis=1))
    expected = 2 * z_loss * q.sum(axis=1) * lse
    np.testing.assert_allclose(dL_dz.sum(axis=1), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("K", [2, 5, 100])
@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_a_row_has_the_same_bits_alone_and_among_many(K, reduction):
    """Blocks begin and end somewhere; no row may notice."""
    random = np.random.default_rng(6)
    N = 2 * (1 << 15) // K + 3
    z = random.normal(size=(N, K)) * 10
    y, v = random.integers(0, K, size=N), random.normal(size=(N, K))
    assert len(list(row_blocks(z))) == 3
    options = {"reduction": reduction, "label_smoothing": 0.1, "z_loss": 0.01}
    _, dL_dz = run(z, y, **options)
    Hv = curvature(z, y, v, **options)
    edges = [0, 1, N // 2, N - 4, N - 3, N - 1, (1 << 15) // K - 1, (1 << 15) // K]
    for i in edges:
        one = slice(i, i + 1)
        assert np.array_equal(run(z[one], y[one], **options)[1], dL_dz[one])
        assert np.array_equal(curvature(z[one], y[one], v[one], **options), Hv[one])


def test_grad_output_multiplies_rows():
    rows = batch(np.random.default_rng(7), np.float64, 4)
    options = Options(reduction="none")
    mass = target_mass(rows.y, *rows.shape, options)
    factors = np.linspace(-2, 3, len(rows.y))
    plain = head.cross_entropy_grad(rows.z, mass, options)[1]
    scaled = head.cross_entropy_grad(rows.z, mass, options, factors)[1]
    np.testing.assert_allclose(scaled, plain * factors[:, None], rtol=4e-16, atol=5e-324)
    plain = head.cross_entropy_hvp(rows.z, mass, options, rows.v)
    scaled = head.cross_entropy_hvp(rows.z, mass, options, rows.v, factors)
    np.testing.assert_allclose(scaled, plain * factors[:, None], rtol=4e-16, atol=5e-324)


def test_large_factors_find_the_digits_below_the_smallest_float():
    options = Options(reduction="none")
    z, y = np.array([[0.0, -800.0]]), np.array([0])
    mass = target_mass(y, 1, 2, options)
    _, dL_dz = head.cross_entropy_grad(z, mass, options, np.array([1e300]))
    expected = float(mp.exp(-800) * mp.mpf(1e300))  # e⁻⁸⁰⁰ alone is 0
    np.testing.assert_allclose(dL_dz, [[-expected, expected]], rtol=1e-15)
    Hv = head.cross_entropy_hvp(z, mass, options, np.array([[0.0, 1e300]]))
    np.testing.assert_allclose(Hv, [[-expected, expected]], rtol=1e-15)


@pytest.mark.parametrize("v", [[[1e305, 0.0]], [[-1e305, 0.0]], [[0.0, 1e305]]])
def test_directions_of_any_length(v):
    Hv = curvature([[1.0, 0.0]], [0], v)
    expected = P[0] * P[1] * (v[0][0] - v[0][1])
    np.testing.assert_allclose(Hv, [[expected, -expected]], rtol=2e-15)


def test_huge_weights_reach_the_result_and_not_beyond():
    z, y = [[1.0, 0.0], [1.0, 0.0]], [0, 1]
    weight = np.array([1e300, 1.0])
    loss, dL_dz = run(z, y, weight=weight, reduction="none")
    np.testing.assert_allclose(loss, [LOSS[0] * 1e300, LOSS[1]], rtol=2e-15)
    np.testing.assert_allclose(dL_dz[1], [P[0], -P[0]], rtol=2e-15)
    np.testing.assert_allclose(dL_dz[0], [-P[1] * 1e300, P[1] * 1e300], rtol=2e-15)
    Hv = curvature(z, y, [[1.0, 0.0], [1.0, 0.0]], weight=weight, reduction="none")
    H = P[0] * P[1]
    np.testing.assert_allclose(Hv, [[H * 1e300, -H * 1e300], [H, -H]], rtol=2e-15)
    loss, dL_dz = run(z, y, weight=weight, sample_weight=np.array([1e300, 1.0]), reduction="none")
    assert loss[0] == INF
    assert dL_dz[0].tolist() == [-INF, INF]


def test_the_optimum_of_soft_targets_has_no_gradient():
    p = np.random.default_rng(9).dirichlet(np.ones(6), size=4)
    _, dL_dz = run(np.log(p), p, reduction="sum")
    assert np.abs(dL_dz).max() < 1e-15


def test_second_derivative_is_symmetric():
    random = np.random.default_rng(10)
    z, y = random.normal(size=(5, 4)) * 3, random.integers(0, 4, size=5)
    a, b = random.normal(size=(2, 5, 4))
    options = {"softcap": 3.0, "temperature": 0.7, "z_loss": 0.1, "label_smoothing": 0.1}
    aHb = (a * curvature(z, y, b, **options)).sum(axis=1)
    bHa = (b * curvature(z, y, a, **options)).sum(axis=1)
    np.testing.assert_allclose(aHb, bHa, rtol=1e-12)


def test_curvature_is_never_negative_without_a_cap_and_can_be_with_one():
    random = np.random.default_rng(12)
    z, y, v = (
        random.normal(size=(50, 4)) * 5,
        random.integers(0, 4, size=50),
        random.normal(size=(50, 4)),
    )
    assert ((v * curvature(z, y, v)).sum(axis=1) >= 0).all()
    assert ((v * curvature(z, y, v, softcap=3.0)).sum(axis=1) < 0).any()


def test_loss_and_gradient_are_those_of_the_rounded_logits():
    rows = batch(np.random.default_rng(13), np.float32, 4)
    capped = Options(softcap=20.0, temperature=0.5, reduction="none")
    z = transform.logits(rows.z, capped)
    expected = run(z, rows.y, dtype=np.float32, reduction="none")[0]
    got = run(rows.z, rows.y, dtype=np.float32, softcap=20.0, temperature=0.5, reduction="none")[0]
    assert np.array_equal(got, expected)
