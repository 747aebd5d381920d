"""What holds whatever the numbers: properties that Hypothesis tries to break.

Some hold to the last bit in the specification alone; `tests/kernels` holds all else to it.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import pminusy

pmy: Any = pminusy  # options are put together at run time, beyond what types can follow

SIZES = st.tuples(st.integers(1, 5), st.integers(2, 7))
LOGITS = st.floats(-1e4, 1e4, width=32)
WEIGHTS = st.floats(2.0**-10, 2.0**10, width=32)


@pytest.fixture(scope="class")
def by_the_specification():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PMINUSY_IMPLEMENTATION", "core")
        yield


@st.composite
def problems(draw):
    """Logits, labels (−100 among them), and options that touch the mass."""
    N, K = draw(SIZES)
    z = draw(arrays(np.float64, (N, K), elements=LOGITS))
    y = draw(arrays(np.int64, N, elements=st.sampled_from([-100, *range(K)])))
    options = {
        "weight": draw(st.none() | arrays(np.float64, K, elements=WEIGHTS)),
        "sample_weight": draw(st.none() | arrays(np.float64, N, elements=WEIGHTS)),
        "label_smoothing": draw(st.sampled_from([0.0, 0.125, 0.5, 1.0])),
        "reduction": draw(st.sampled_from(["mean", "sum", "none"])),
    }
    return z, y, options


def assert_close(a, b, rtol=1e-13):
    scale = max(np.abs(b).max(initial=0.0), 1e-300)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


@given(problems(), st.integers(-(2**20), 2**20))
def test_a_common_shift_changes_nothing(problem, shift):
    z, y, options = problem
    z = np.round(z * 64) / 64  # so that the shift is exact
    a = pmy.cross_entropy_grad(z, y, **options)
    b = pmy.cross_entropy_grad(z + shift, y, **options)
    assert np.array_equal(a.loss, b.loss)
    assert np.array_equal(a.dL_dz, b.dL_dz)


@pytest.mark.usefixtures("by_the_specification")
@given(problems(), st.randoms(use_true_random=False))
def test_permuted_classes_give_permuted_gradients(problem, random):
    z, y, options = problem
    order = list(range(z.shape[1]))
    random.shuffle(order)
    place = np.argsort(order)
    permuted = {
        **options,
        "weight": None if options["weight"] is None else options["weight"][order],
    }
    a = pmy.cross_entropy_grad(z, y, **options)
    b = pmy.cross_entropy_grad(z[:, order], np.where(y < 0, y, place[np.maximum(y, 0)]), **permuted)
    assert_close(b.loss, a.loss)
    assert_close(b.dL_dz, a.dL_dz[:, order])


@given(problems())
def test_rows_do_not_see_each_other(problem):
    z, y, options = problem
    options["reduction"] = "none"
    whole = pmy.cross_entropy_grad(z, y, **options)
    omega = options.pop("sample_weight")
    for i in range(len(y)):
        weight = None if omega is None else omega[i]
        loss, dL_dz = pmy.cross_entropy_grad(z[i], y[i], sample_weight=weight, **options)
        assert loss == whole.loss[i]
        assert np.array_equal(dL_dz, whole.dL_dz[i])


@given(problems())
def test_reductions_agree_with_the_losses_of_the_rows(problem):
    z, y, options = problem
    losses, total, mean = (
        pmy.cross_entropy(z, y, **{**options, "reduction": r}) for r in ("none", "sum", "mean")
    )
    assert_close(total, losses.sum())
    w = np.ones(z.shape[1]) if options["weight"] is None else options["weight"]
    omega = np.ones(len(y)) if options["sample_weight"] is None else options["sample_weight"]
    denominator = ((y >= 0) * w[np.maximum(y, 0)] * omega).sum()
    assert_close(mean, losses.sum() / denominator if denominator else 0.0)


@given(problems(), st.integers(-30, 30))
def test_weights_scale_the_sum_and_cancel_in_the_mean(problem, power):
    z, y, options = problem
    factor = 2.0**power
    for name in ("weight", "sample_weight"):
        if options[name] is None:
            options[name] = np.ones(z.shape[1] if name == "weight" else len(y))
        scaled = {**options, name: options[name] * factor}
        a, b = pmy.cross_entropy_grad(z, y, **options), pmy.cross_entropy_grad(z, y, **scaled)
        expected = 1.0 if options["reduction"] == "mean" else factor
        assert_close(b.loss, a.loss * expected)
        assert_close(b.dL_dz, a.dL_dz * expected)


@given(problems())
def test_options_are_soft_targets(problem):
    z, y, options = problem
    N, K = z.shape
    w = np.ones(K) if options["weight"] is None else options["weight"]
    omega = np.ones(N) if options["sample_weight"] is None else options["sample_weight"]
    epsilon = options["label_smoothing"]
    own = (y[:, None] == np.arange(K)) * w * (1 - epsilon)
    q = np.where(y[:, None] < 0, 0, own + w * epsilon / K) * omega[:, None]
    if options["reduction"] == "mean":
        denominator = ((y >= 0) * w[np.maximum(y, 0)] * omega).sum()
        q = q / denominator if denominator else q * 0
    reduction = "none" if options["reduction"] == "none" else "sum"
    a, b = (
        pmy.cross_entropy_grad(z, y, **options),
        pmy.cross_entropy_grad(z, q, reduction=reduction),
    )
    assert_close(a.loss, b.loss, 1e-12)
    np.testing.assert_allclose(a.dL_dz, b.dL_dz, rtol=1e-12, atol=1e-14 * q.max(initial=0.0))


@given(problems())
def test_sample_weights_are_repeated_rows(problem):
    z, y, options = problem
    counts = np.arange(len(y)) % 3
    options["sample_weight"] = counts
    repeated = {**options, "sample_weight": None, "reduction": "sum"}
    a = pmy.cross_entropy(z, y, **{**options, "reduction": "sum"})
    assert_close(
        a, pmy.cross_entropy(np.repeat(z, counts, axis=0), np.repeat(y, counts), **repeated)
    )


@given(problems(), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_temperature_divides_logits_and_gradient(problem, T):
    z, y, options = problem
    cold = pmy.cross_entropy_grad(z, y, temperature=T, **options)
    plain = pmy.cross_entropy_grad(z / T, y, **options)
    # Rows without options go another way: each is within 2 units in the last place.
    np.testing.assert_array_max_ulp(np.asarray(cold.loss), np.asarray(plain.loss), 4)
    assert_close(cold.dL_dz * T, plain.dL_dz)


@given(problems())
def test_a_wide_cap_is_no_cap(problem):
    z, y, options = problem
    a, b = (
        pmy.cross_entropy_grad(z, y, softcap=1e30, **options),
        pmy.cross_entropy_grad(z, y, **options),
    )
    assert_close(a.loss, b.loss, 1e-10)
    np.testing.assert_allclose(a.dL_dz, b.dL_dz, atol=1e-10 * max(1.0, np.abs(b.dL_dz).max()))


@given(problems())
def test_loss_is_not_negative_and_rows_of_the_gradient_sum_to_zero(problem):
    z, y, options = problem
    loss, dL_dz = pmy.cross_entropy_grad(z, y, **options)
    assert (np.asarray(loss) >= 0).all()
    rounding = 1e-14 * np.abs(dL_dz).max() * z.shape[1] + 1e-28  # the remainder of S p − q = 0
    assert np.abs(dL_dz.sum(axis=1)).max() <= rounding


@given(problems(), st.integers(0, 2**32 - 1))
def test_hessian_products_are_linear_in_the_direction(problem, seed):
    z, y, options = problem
    a, b = np.random.default_rng(seed).normal(size=(2, *z.shape))
    H = lambda v: pmy.cross_entropy_hvp(z, y, v, **options)  # noqa: E731
    np.testing.assert_allclose(
        H(2 * a - b), 2 * H(a) - H(b), rtol=1e-9, atol=1e-9 * np.abs(H(a)).max()
    )


@pytest.mark.usefixtures("by_the_specification")
@given(problems())
def test_probabilities_are_the_gradient_and_the_one_hot(problem):
    z, y, _ = problem
    y = np.where(y < 0, 0, y)
    dL_dz = pmy.cross_entropy_grad(z, y, reduction="sum").dL_dz
    np.testing.assert_allclose(dL_dz, pmy.softmax(z) - np.eye(z.shape[1])[y], atol=3e-16)
    losses = pmy.cross_entropy(z, y, reduction="none")
    assert np.array_equal(losses, -pmy.log_softmax(z)[np.arange(len(y)), y])
