"""The array functions: types, shapes, layouts and the linear layer."""

import itertools
from typing import Any

import numpy as np
import pytest

import pminusy
from tests.generator import FLOATS

pmy: Any = pminusy  # options are put together at run time, beyond what types can follow

RANDOM = np.random.default_rng(15)
Z = RANDOM.normal(size=(6, 4)) * 3
Y = np.array([0, 3, -100, 1, 1, 2])
V = RANDOM.normal(size=Z.shape)
SOFT = RANDOM.dirichlet(np.ones(4), size=6)
X, W, b = RANDOM.normal(size=(6, 3)), RANDOM.normal(size=(4, 3)), RANDOM.normal(size=4)

OPTION_SETS = [
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"weight": [1.0, 2.0, 0.0, 3.0], "label_smoothing": 0.1},
    {"sample_weight": [1, 2, 3, 4, 5, 6], "z_loss": 0.01},
    {"softcap": 5.0, "temperature": 0.5},
    {
        "weight": [1.0, 2.0, 0.5, 3.0],
        "sample_weight": [1, 2, 3, 4, 5, 6],
        "label_smoothing": 0.1,
        "z_loss": 0.01,
        "softcap": 5.0,
        "temperature": 0.5,
    },
]


@pytest.mark.parametrize("dtype", FLOATS)
def test_results_have_the_type_of_the_logits(dtype):
    z, v = Z.astype(dtype), V.astype(dtype)
    loss, dL_dz = pmy.cross_entropy_grad(z, Y)
    results = [
        pmy.softmax(z),
        pmy.log_softmax(z),
        pmy.softmax_jacobian(z),
        pmy.cross_entropy(z, Y),
        loss,
        dL_dz,
        pmy.cross_entropy_hvp(z, Y, v),
    ]
    assert {result.dtype for result in results} == {np.dtype(dtype)}
    assert all(isinstance(result, np.ndarray) for result in results)


def test_lists_and_integers_are_float64():
    integers = np.array([[3, 1], [0, 2]])
    expected = pmy.softmax(integers.astype(float))
    for z in (integers, integers.tolist(), integers.astype(np.uint8), [[3.0, 1], (0, 2)]):
        assert pmy.softmax(z).dtype == np.float64
        assert np.array_equal(pmy.softmax(z), expected)


def test_integers_and_lists_follow_the_arrays_beside_them():
    z = Z.astype(np.float32)
    assert pmy.cross_entropy_hvp(z, Y, V.tolist()).dtype == np.float32
    assert pmy.cross_entropy(z, SOFT.tolist()).dtype == np.float32
    one_hot = (np.arange(4) == 1) * np.ones((6, 1), dtype=int)
    assert pmy.cross_entropy(z, one_hot).dtype == np.float32
    assert pmy.cross_entropy(z, one_hot) == pmy.cross_entropy(z, np.ones(6, dtype=int))
    assert pmy.cross_entropy(z, one_hot.astype(bool)) == pmy.cross_entropy(z, one_hot)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4", "<i8"])
def test_labels_of_every_integer_type(dtype):
    y = np.where(Y < 0, 3, Y)
    assert pmy.cross_entropy(Z, y.astype(dtype)) == pmy.cross_entropy(Z, y)
    if np.dtype(dtype).kind == "i":
        assert pmy.cross_entropy(Z, Y.astype(dtype)) == pmy.cross_entropy(Z, Y)


def test_layouts_do_not_matter():
    expected = pmy.cross_entropy_grad(Z, Y).dL_dz
    wide = np.zeros((6, 8))
    wide[:, ::2] = Z
    backwards = np.ascontiguousarray(Z[::-1])[::-1]
    for z in (np.asfortranarray(Z), wide[:, ::2], backwards, Z.astype(">f8")):
        assert np.array_equal(pmy.cross_entropy_grad(z, Y).dL_dz, expected)
    assert np.array_equal(pmy.softmax(Z.astype(">f4")), pmy.softmax(Z.astype(np.float32)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("N", [1, 6, 16, 40])
def test_layouts_do_not_matter_where_every_row_counts(N, dtype):
    z = RANDOM.normal(size=(N, 4)).astype(dtype)
    y = RANDOM.integers(0, 4, N)
    expected = pmy.cross_entropy_grad(z, y)
    for other in (np.asfortranarray(z), np.repeat(z, 2, axis=1)[:, ::2], z[::-1].copy()[::-1]):
        loss, dL_dz = pmy.cross_entropy_grad(other, y)
        assert np.array_equal(loss, expected.loss)
        assert np.array_equal(dL_dz, expected.dL_dz)
        assert np.array_equal(pmy.cross_entropy(other, y), expected.loss)
        assert np.array_equal(pmy.softmax(other), pmy.softmax(z))


@pytest.mark.parametrize("shape", [(), (6,), (2, 3), (1, 6, 1)])
def test_any_number_of_leading_axes(shape):
    count = int(np.prod(shape))
    z, y, v = Z[:count].reshape(*shape, 4), Y[:count].reshape(shape), V[:count].reshape(*shape, 4)
    rows = (z.reshape(-1, 4), y.reshape(-1))
    omega = np.arange(1.0, count + 1)
    for reduction in ("mean", "sum", "none"):
        options = {"reduction": reduction, "label_smoothing": 0.1}
        flat = pmy.cross_entropy_grad(*rows, sample_weight=omega, **options)
        loss, dL_dz = pmy.cross_entropy_grad(z, y, sample_weight=omega.reshape(shape), **options)
        assert loss.shape == (shape if reduction == "none" else ())
        assert np.array_equal(np.ravel(loss), np.ravel(flat.loss))
        assert np.array_equal(dL_dz, flat.dL_dz.reshape(z.shape))
        Hv = pmy.cross_entropy_hvp(z, y, v, **options)
        assert np.array_equal(
            Hv.reshape(-1, 4), pmy.cross_entropy_hvp(*rows, v.reshape(-1, 4), **options)
        )
    factors = omega.reshape(shape)
    one = pmy.cross_entropy_grad(z, y, reduction="none", grad_output=factors).dL_dz
    two = pmy.cross_entropy_grad(*rows, reduction="none", grad_output=omega).dL_dz
    assert np.array_equal(one.reshape(-1, 4), two)
    assert pmy.softmax(z).shape == pmy.log_softmax(z).shape == z.shape
    assert pmy.softmax_jacobian(z).shape == (*z.shape, 4)
    assert np.array_equal(pmy.softmax_jacobian(z).reshape(-1, 4, 4), pmy.softmax_jacobian(rows[0]))
    soft = SOFT[:count].reshape(z.shape)
    assert pmy.cross_entropy(z, soft) == pmy.cross_entropy(rows[0], SOFT[:count])


@pytest.mark.parametrize("shape", [(0, 4), (0, 5, 4), (5, 0, 4)])
def test_no_rows(shape):
    z, y = np.zeros(shape), np.zeros(shape[:-1], dtype=int)
    assert pmy.softmax(z).shape == pmy.log_softmax(z).shape == shape
    assert pmy.softmax_jacobian(z).shape == (*shape, 4)
    for targets in (y, z):
        loss, dL_dz = pmy.cross_entropy_grad(z, targets)
        assert float(loss) == 0.0
        assert dL_dz.shape == shape
        assert pmy.cross_entropy(z, targets, reduction="none").shape == shape[:-1]
        assert pmy.cross_entropy_hvp(z, targets, z).shape == shape
    assert float(pmy.cross_entropy(np.zeros((0, 4)), [])) == 0.0


def test_softmax_in_blocks_has_the_same_bits_as_row_by_row(monkeypatch):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "core")
    z = np.random.default_rng(16).normal(size=(40_000, 2)) * 5
    for function in (pmy.softmax, pmy.log_softmax, pmy.softmax_jacobian):
        whole = function(z)
        for i in (0, 16383, 16384, 32768, 39_999):
            assert np.array_equal(whole[i], function(z[i]))


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_loss_alone_is_the_loss_beside_the_gradient(options):
    for y in (Y, SOFT):
        loss = pmy.cross_entropy(Z, y, **options)
        assert np.array_equal(loss, pmy.cross_entropy_grad(Z, y, **options).loss)


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
@pytest.mark.parametrize("y", [Y, SOFT], ids=["labels", "soft"])
@pytest.mark.parametrize("bias", [None, b], ids=["no bias", "bias"])
def test_linear_is_the_linear_layer_and_then_the_head(options, y, bias):
    z = X @ W.T if bias is None else X @ W.T + bias
    loss, dL_dz = pmy.cross_entropy_grad(z, y, **options)
    got = pmy.linear_cross_entropy_grad(X, W, bias, y, **options)
    assert np.array_equal(pmy.linear_cross_entropy(X, W, bias, y, **options), loss)
    assert np.array_equal(got.loss, loss)
    np.testing.assert_allclose(got.dL_dW, np.einsum("nk,nd->kd", dL_dz, X), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(got.dL_dX, np.einsum("nk,kd->nd", dL_dz, W), rtol=1e-12, atol=1e-15)
    if bias is None:
        assert got.dL_db is None
    else:
        np.testing.assert_allclose(got.dL_db, dL_dz.sum(axis=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
def test_linear_gradients_are_difference_quotients(options):
    if options.get("reduction") == "none":
        options = {**options, "reduction": "sum"}
    got = pmy.linear_cross_entropy_grad(X, W, b, Y, **options)
    random, h = np.random.default_rng(17), 1e-6
    for name, gradient in (("X", got.dL_dX), ("W", got.dL_dW), ("b", got.dL_db)):
        point = {"X": X, "W": W, "b": b}
        step = random.normal(size=gradient.shape)
        up, down = (
            pmy.linear_cross_entropy(
                **{**point, name: point[name] + sign * h * step}, y=Y, **options
            )
            for sign in (1, -1)
        )
        assert (up - down) / (2 * h) == pytest.approx((gradient * step).sum(), rel=1e-7)


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
@pytest.mark.parametrize("bias", [None, b], ids=["no bias", "bias"])
def test_linear_hessian_products_are_difference_quotients_of_the_gradient(options, bias):
    random, h = np.random.default_rng(18), 1e-6
    V_W, V_b = random.normal(size=W.shape), random.normal(size=4)
    HV_W, HV_b = pmy.linear_cross_entropy_hvp(
        X, W, bias, Y, V_W, None if bias is None else V_b, **options
    )
    up, down = (
        pmy.linear_cross_entropy_grad(
            X, W + s * h * V_W, None if bias is None else bias + s * h * V_b, Y, **options
        )
        for s in (1, -1)
    )
    np.testing.assert_allclose(HV_W, (up.dL_dW - down.dL_dW) / (2 * h), rtol=1e-6, atol=1e-8)
    if bias is None:
        assert HV_b is None
    else:
        np.testing.assert_allclose(HV_b, (up.dL_db - down.dL_db) / (2 * h), rtol=1e-6, atol=1e-8)


def test_a_direction_without_bias_is_one_with_bias_zero():
    one = pmy.linear_cross_entropy_hvp(X, W, b, Y, W)
    two = pmy.linear_cross_entropy_hvp(X, W, b, Y, W, np.zeros(4))
    assert np.array_equal(one.HV_W, two.HV_W)
    assert np.array_equal(one.HV_b, two.HV_b)


def test_grad_output_of_the_linear_layer():
    factors = np.arange(1.0, 7.0)
    weighted = pmy.linear_cross_entropy_grad(X, W, b, Y, reduction="sum", sample_weight=factors)
    got = pmy.linear_cross_entropy_grad(X, W, b, Y, reduction="none", grad_output=factors)
    np.testing.assert_allclose(got.dL_dW, weighted.dL_dW, rtol=1e-12)
    one = pmy.linear_cross_entropy_hvp(X, W, b, Y, W, reduction="none", grad_output=factors)
    two = pmy.linear_cross_entropy_hvp(X, W, b, Y, W, reduction="sum", sample_weight=factors)
    np.testing.assert_allclose(one.HV_W, two.HV_W, rtol=1e-12)


@pytest.mark.parametrize(
    "wrt", [names for n in range(4) for names in itertools.combinations("XWb", n)], ids=str
)
def test_only_the_gradients_asked_for(wrt):
    whole = pmy.linear_cross_entropy_grad(X, W, b, Y)
    got = pmy.linear_cross_entropy_grad(X, W, b, Y, wrt=wrt)
    assert got.loss == whole.loss
    for name in ("X", "W", "b"):
        part = getattr(got, f"dL_d{name}")
        assert (part is None) == (name not in wrt)
        assert part is None or np.array_equal(part, getattr(whole, f"dL_d{name}"))


def test_an_ignored_row_is_silent_in_the_linear_layer_even_with_nan_inputs():
    broken = X.copy()
    broken[2] = np.nan  # Y[2] is ignored
    got = pmy.linear_cross_entropy_grad(broken, W, b, Y)
    rest = pmy.linear_cross_entropy_grad(np.delete(X, 2, 0), W, b, np.delete(Y, 2))
    assert got.loss == rest.loss
    np.testing.assert_allclose(got.dL_dW, rest.dL_dW, rtol=1e-13)
    np.testing.assert_array_equal(got.dL_dX[2], 0.0)
    Hv = pmy.linear_cross_entropy_hvp(broken, W, b, Y, W, b)
    np.testing.assert_allclose(
        Hv.HV_W,
        pmy.linear_cross_entropy_hvp(np.delete(X, 2, 0), W, b, np.delete(Y, 2), W, b).HV_W,
        rtol=1e-12,
    )


def test_infinities_are_values_and_raise_no_warning():
    z = np.array([[np.inf, -np.inf, 0.0], [np.nan, 0.0, 0.0], [-np.inf] * 3])
    y = np.array([1, 1, 1])
    pmy.softmax(z)
    pmy.log_softmax(z)
    pmy.softmax_jacobian(z)
    pmy.cross_entropy_grad(z, y, softcap=2.0, z_loss=0.1)
    pmy.cross_entropy_hvp(z, y, z)


def test_the_public_names():
    assert set(pmy.__all__) <= set(dir(pmy))
    for name in pmy.__all__:
        assert getattr(pmy, name).__doc__
    with pytest.raises(AttributeError, match="module 'pminusy' has no attribute 'sofmax'"):
        _ = pmy.sofmax
