"""Targets and options as target mass: literal tables, and what is refused."""

from typing import Any

import numpy as np
import pytest

from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.errors import InputError

# options -> q of three rows with labels 1, 0 and −100 (ignored) over three classes
Q_OF_LABELS: dict[str, Any] = {
    "plain sum": ({"reduction": "sum"}, [[0, 1, 0], [1, 0, 0], [0, 0, 0]]),
    "plain none": ({"reduction": "none"}, [[0, 1, 0], [1, 0, 0], [0, 0, 0]]),
    "mean over rows not ignored": ({}, [[0, 1 / 2, 0], [1 / 2, 0, 0], [0, 0, 0]]),
    "class weights": (
        {"weight": [5, 3, 7], "reduction": "sum"},
        [[0, 3, 0], [5, 0, 0], [0, 0, 0]],
    ),
    "mean over the weights of the labels": (
        {"weight": [5, 3, 7]},
        [[0, 3 / 8, 0], [5 / 8, 0, 0], [0, 0, 0]],
    ),
    "sample weights": (
        {"sample_weight": [2, 4, 9], "reduction": "sum"},
        [[0, 2, 0], [4, 0, 0], [0, 0, 0]],
    ),
    "mean over class times sample weights": (
        {"weight": [5, 3, 7], "sample_weight": [2, 4, 9]},
        [[0, 6 / 26, 0], [20 / 26, 0, 0], [0, 0, 0]],
    ),
    "smoothing": (
        {"label_smoothing": 0.3, "reduction": "sum"},
        [[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0, 0, 0]],
    ),
    "smoothing, class weights: each class is smoothed by its own": (
        {"label_smoothing": 0.3, "weight": [5, 3, 7], "reduction": "sum"},
        [[0.5, 0.7 * 3 + 0.3, 0.7], [0.7 * 5 + 0.5, 0.3, 0.7], [0, 0, 0]],
    ),
    "smoothing does not change the denominator": (
        {"label_smoothing": 0.3, "weight": [5, 3, 7]},
        [[0.5 / 8, 2.4 / 8, 0.7 / 8], [4 / 8, 0.3 / 8, 0.7 / 8], [0, 0, 0]],
    ),
    "all smoothed away": (
        {"label_smoothing": 1.0, "reduction": "sum"},
        [[1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 1 / 3], [0, 0, 0]],
    ),
    "base 10": (
        {"reduction": "sum", "log_base": 10.0},
        [[0, 1 / np.log(10), 0], [1 / np.log(10), 0, 0], [0, 0, 0]],
    ),
    "all weights 0": ({"weight": [0, 0, 7]}, [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
    "all sample weights 0": ({"sample_weight": [0, 0, 1]}, [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
}

# options -> q of two rows of soft targets
SOFT = [[0.5, 0.5, 0.0], [0.0, 1.0, 3.0]]
Q_OF_SOFT: dict[str, Any] = {
    "plain sum": ({"reduction": "sum"}, SOFT),
    "mean over rows": ({}, [[0.25, 0.25, 0], [0, 0.5, 1.5]]),
    "class weights are no part of the denominator": (
        {"weight": [5, 3, 7]},
        [[1.25, 0.75, 0], [0, 1.5, 10.5]],
    ),
    "mean over sample weights": (
        {"sample_weight": [1, 4]},
        [[0.1, 0.1, 0], [0, 0.8, 2.4]],
    ),
    "smoothing": (
        {"label_smoothing": 0.3, "reduction": "none"},
        [[0.45, 0.45, 0.1], [0.1, 0.8, 2.2]],
    ),
    "all smoothed away": (
        {"label_smoothing": 1.0, "reduction": "sum"},
        [[1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 1 / 3]],
    ),
    "everything": (
        {"label_smoothing": 0.3, "weight": [5, 3, 7], "sample_weight": [1, 4]},
        [[0.45, 0.27, 0.14], [0.4, 1.92, 12.32]],
    ),
}


def arrays(options):
    return {
        name: np.array(value, dtype=np.float64) if isinstance(value, list) else value
        for name, value in options.items()
    }


def mass_of(y, options):
    y = np.array(y)
    mass = target_mass(y, len(y), 3, Options(**arrays(options)))
    q, S = mass.q_and_S(slice(0, len(y)))
    return q.ldexp(mass.exponent).rounded(), S.ldexp(mass.exponent).rounded()


@pytest.mark.parametrize("case", Q_OF_LABELS)
def test_mass_of_labels(case):
    options, expected = Q_OF_LABELS[case]
    q, S = mass_of([1, 0, -100], options)
    np.testing.assert_allclose(q, expected, rtol=4e-16, atol=0)
    np.testing.assert_allclose(S[:, 0], np.sum(expected, axis=1), rtol=4e-16, atol=0)


@pytest.mark.parametrize("case", Q_OF_SOFT)
def test_mass_of_soft_targets(case):
    options, expected = Q_OF_SOFT[case]
    q, S = mass_of(SOFT, options)
    np.testing.assert_allclose(q, expected, rtol=4e-16, atol=0)
    np.testing.assert_allclose(S[:, 0], np.sum(expected, axis=1), rtol=4e-16, atol=0)


def test_a_block_is_a_part_of_the_whole():
    mass = target_mass(np.array([0, 1, 2, 1]), 4, 3, Options(sample_weight=np.arange(1.0, 5.0)))
    whole, part = mass.q_and_S(slice(0, 4)), mass.q_and_S(slice(1, 3))
    for a, b in zip(whole, part, strict=True):
        assert np.array_equal(a.hi[1:3], b.hi)
        assert np.array_equal(a.lo[1:3], b.lo)


@pytest.mark.parametrize("ignore_index", [-100, 1, 7])
def test_any_index_can_mark_ignored_rows(ignore_index):
    y = np.array([0, ignore_index, 2])
    mass = target_mass(y, 3, 3, Options(ignore_index=ignore_index, label_smoothing=0.5))
    _, S = mass.q_and_S(slice(0, 3))
    assert S.hi[:, 0].tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("label_smoothing", [0.0, 0.5])
def test_a_denominator_of_zero_is_no_mass_at_all(label_smoothing):
    options = {"weight": [0.0, 0.0, 7.0], "label_smoothing": label_smoothing}
    q, S = mass_of([1, 0, -100], options)  # smoothing alone would put some on the third class
    assert not q.any()
    assert not S.any()


@pytest.mark.parametrize(("reduction", "rows"), [("sum", 1), ("none", 1), ("mean", 2)])
def test_soft_targets_of_any_size(reduction, rows):
    for size in (1e-290, 1e300):
        q, _ = mass_of([[size, 0.0, 3 * size], [1.0, 0.0, 0.0]], {"reduction": reduction})
        np.testing.assert_allclose(q[0], np.array([size, 0.0, 3 * size]) / rows, rtol=4e-16)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e-10, 1e10, 1e200, 1e307])
@pytest.mark.parametrize("name", ["weight", "sample_weight"])
def test_mean_is_blind_to_the_scale_of_the_weights(name, scale):
    weights = np.array([2.0**-1, 2.0**-3, 2.0**-2])
    plain, _ = mass_of([0, 1, 2], {name: weights})
    scaled, _ = mass_of([0, 1, 2], {name: weights * np.ldexp(1.0, int(np.log2(scale)))})
    assert np.array_equal(plain, scaled)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_sum_keeps_the_scale_of_the_weights(reduction):
    options = {"weight": [1e300, 1.0, 1e-5], "sample_weight": [1e-100, 1e5, 1e100]}
    q, _ = mass_of([0, 0, 2], dict(reduction=reduction, **options))
    np.testing.assert_allclose(q, [[1e200, 0, 0], [1e305, 0, 0], [0, 0, 1e95]], rtol=1e-15)


REFUSED: list[Any] = [
    ({"label_smoothing": 1.5}, "label_smoothing: expected a number in [0, 1], got 1.5"),
    ({"label_smoothing": -0.1}, "label_smoothing: expected a number in [0, 1], got -0.1"),
    ({"label_smoothing": float("nan")}, "label_smoothing: expected a number in [0, 1], got nan"),
    ({"label_smoothing": "0.1"}, "label_smoothing: expected a number in [0, 1], got '0.1'"),
    ({"label_smoothing": True}, "label_smoothing: expected a number in [0, 1], got True"),
    ({"temperature": 0.0}, "temperature: expected a number from 1e-30 to 1e30, got 0.0"),
    ({"temperature": -1}, "temperature: expected a number from 1e-30 to 1e30, got -1"),
    ({"temperature": 1e-310}, "temperature: expected a number from 1e-30 to 1e30, got 1e-310"),
    ({"temperature": 1e31}, "temperature: expected a number from 1e-30 to 1e30, got 1e+31"),
    (
        {"temperature": np.nextafter(1e-30, 0)},
        f"temperature: expected a number from 1e-30 to 1e30, got {np.nextafter(1e-30, 0)}",
    ),
    (
        {"softcap": np.nextafter(1e30, np.inf)},
        f"softcap: expected a number from 1e-30 to 1e30, got {np.nextafter(1e30, np.inf)}",
    ),
    (
        {"temperature": np.nextafter(1e30, np.inf)},
        f"temperature: expected a number from 1e-30 to 1e30, got {np.nextafter(1e30, np.inf)}",
    ),
    (
        {"softcap": np.nextafter(1e-30, 0)},
        f"softcap: expected a number from 1e-30 to 1e30, got {np.nextafter(1e-30, 0)}",
    ),
    (
        {"z_loss": np.nextafter(1e30, np.inf)},
        f"z_loss: expected a number from 0 to 1e30, got {np.nextafter(1e30, np.inf)}",
    ),
    ({"temperature": None}, "temperature: expected a number from 1e-30 to 1e30, got None"),
    ({"z_loss": -1e-4}, "z_loss: expected a number from 0 to 1e30, got -0.0001"),
    ({"z_loss": 1e31}, "z_loss: expected a number from 0 to 1e30, got 1e+31"),
    ({"softcap": 0}, "softcap: expected a number from 1e-30 to 1e30, got 0"),
    ({"softcap": float("inf")}, "softcap: expected a number from 1e-30 to 1e30, got inf"),
    ({"softcap": 1e-31}, "softcap: expected a number from 1e-30 to 1e30, got 1e-31"),
    ({"log_base": 1.0}, "log_base: expected a finite number above 1, got 1.0"),
    ({"log_base": 0.5}, "log_base: expected a finite number above 1, got 0.5"),
    ({"reduction": "avg"}, 'reduction: expected "mean", "sum" or "none", got \'avg\''),
    ({"reduction": None}, 'reduction: expected "mean", "sum" or "none", got None'),
    ({"ignore_index": 0.0}, "ignore_index: expected an integer of 64 bits, got 0.0"),
    ({"ignore_index": False}, "ignore_index: expected an integer of 64 bits, got False"),
    (
        {"ignore_index": -(2**63) - 1},
        f"ignore_index: expected an integer of 64 bits, got {-(2**63) - 1}",
    ),
    ({"ignore_index": 2**63}, f"ignore_index: expected an integer of 64 bits, got {2**63}"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=str)
def test_options_without_meaning_are_refused(options, message):
    with pytest.raises(InputError) as error:
        Options(**options)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0},
        {"label_smoothing": 1},
        {"label_smoothing": np.float32(0.5)},
        {"temperature": 1e-30},
        {"temperature": 1e30, "softcap": 1e-30},
        {"softcap": 1e30},
        {"z_loss": 0, "ignore_index": np.int8(-1)},
        {"z_loss": 1e30},
        {"log_base": 2},
        {"temperature": np.int64(2)},
        {"ignore_index": -(2**63)},
        {"ignore_index": 2**63 - 1},
    ],
    ids=str,
)
def test_the_ends_of_every_range_are_allowed(options):
    assert Options(**options)


def test_only_a_cap_or_a_temperature_transforms_logits():
    assert not Options(z_loss=1.0, label_smoothing=0.1).transforms_logits
    assert Options(temperature=2.0).transforms_logits
    assert Options(softcap=30.0).transforms_logits
