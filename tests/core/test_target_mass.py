"""The formulas of the target mass in every kind of number they are used with.

The oracle writes the mass of each entry out in fractions.
"""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest

from pminusy.core.options import Options
from pminusy.core.target_mass import class_factors, counted, row_mass, target_mass
from pminusy.core.twofold import Twofold, twofold

torch: Any = pytest.importorskip("torch")

K = 3
WEIGHT, OMEGA = [0.5, 2.0, 0.0], [1.0, 0.25, 3.0, 0.0]
LABELS = [2, 0, 1, 1]
SOFT = [[0.25, 0.5, 0.25], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0]]


def in_fractions(targets: Any, weight: list[float] | None, smoothing: float) -> list[list[Any]]:
    """Target mass, entry by entry."""
    rows = []
    for omega, target in zip(OMEGA, targets, strict=True):
        Y = target if isinstance(target, list) else [float(k == target) for k in range(K)]
        w = weight or [1.0] * K
        e = Fraction(smoothing)
        rows.append([
            Fraction(omega) * Fraction(w[k]) * ((1 - e) * Fraction(Y[k]) + e / K) for k in range(K)
        ])  # fmt: skip
    return rows


def exact(value: Any) -> Any:
    return np.vectorize(lambda v: mpmath.mpf(float(v)), otypes=[object])(np.asarray(value))


def pair(value: Any) -> Twofold:
    return twofold(np.asarray(value, dtype=np.float64))


KINDS = {
    "numpy": (np.asarray, None),
    "twofold": (pair, twofold),
    "torch": (torch.tensor, None),
    "decimals": (exact, mpmath.mpf),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [True, False], ids=["weights", "no weights"])
@pytest.mark.parametrize("soft", [True, False], ids=["soft", "labels"])
def test_row_mass_is_the_same_in_every_kind_of_number(kind, smoothing, weighted, soft):
    array, number = KINDS[kind]
    targets: Any = SOFT if soft else LABELS
    options = SimpleNamespace(label_smoothing=smoothing)
    weight = array(WEIGHT) if weighted else 1.0
    if kind in ("twofold", "decimals") and not weighted:
        weight = array([1.0] * K)
    Y = array(SOFT if soft else np.eye(K)[LABELS].tolist())
    with mpmath.workdps(40):
        q = row_mass(Y, array(OMEGA)[:, None], *class_factors(options, weight, K, number))
        expected = in_fractions(targets, WEIGHT if weighted else None, smoothing)
        found = q.hi.astype(object) + q.lo.astype(object) if isinstance(q, Twofold) else q
        tolerance = {"torch": 2e-7, "numpy": 1e-15, "twofold": 1e-15, "decimals": 1e-38}[kind]
        for i in range(len(OMEGA)):
            for k in range(K):
                error = mpmath.mpf(float(found[i][k]) if kind != "decimals" else found[i, k])
                error -= mpmath.mpf(expected[i][k].numerator) / expected[i][k].denominator
                assert abs(error) <= tolerance * 6


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_target_mass_leaves_no_mass_in_ignored_rows(smoothing):
    options = Options(
        weight=np.array(WEIGHT), sample_weight=np.array(OMEGA), ignore_index=0, reduction="sum",
        label_smoothing=smoothing,
    )  # fmt: skip
    q, S = target_mass(np.array(LABELS), len(LABELS), K, options).q_and_S(slice(0, 4))
    expected = np.array(in_fractions(LABELS, WEIGHT, smoothing), dtype=float)
    expected[1] = 0.0
    np.testing.assert_allclose(q.hi, expected, rtol=1e-15)
    assert np.all(q.hi[1] == 0.0)
    np.testing.assert_allclose(S.hi[:, 0], expected.sum(axis=1), rtol=1e-15)


def test_counted_is_the_weight_at_labels_and_the_row_s_alone_for_soft_targets():
    row, weight = np.array(OMEGA), np.array(WEIGHT)
    np.testing.assert_array_equal(counted(row, weight, None), OMEGA)
    np.testing.assert_array_equal(counted(row, weight, np.array(LABELS)), [0.0, 0.125, 6.0, 0.0])
    np.testing.assert_array_equal(
        counted(torch.tensor(OMEGA), torch.tensor(WEIGHT), torch.tensor(LABELS)),
        [0.0, 0.125, 6.0, 0.0],
    )


def test_target_mass_is_over_the_denominator_of_the_mean_and_over_the_logarithm_of_the_base():
    options = Options(weight=np.array(WEIGHT), sample_weight=np.array(OMEGA), log_base=2.0)
    q, _ = target_mass(np.array(LABELS), len(LABELS), K, options).q_and_S(slice(0, 4))
    expected = np.array(in_fractions(LABELS, WEIGHT, 0.0), dtype=float)
    np.testing.assert_allclose(q.hi, expected / expected.sum() / np.log(2.0), rtol=1e-15)
    q, _ = target_mass(np.array(SOFT), len(SOFT), K, options).q_and_S(slice(0, 4))
    expected = np.array(in_fractions(SOFT, WEIGHT, 0.0), dtype=float)
    np.testing.assert_allclose(q.hi, expected / sum(OMEGA) / np.log(2.0), rtol=1e-15)
