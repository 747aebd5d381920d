"""`axis` and `where`: classes on any axis, and only some of them, against shorter rows."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import special

import pminusy
from pminusy.errors import InputError

pmy: Any = pminusy  # options are put together at run time, beyond what types can follow
RANDOM = np.random.default_rng(31)
SHAPES = [(4, 3, 5), (6, 7), (9,), (2, 3, 4, 5)]
CAPS: list[dict[str, Any]] = [{}, {"temperature": 0.5}, {"softcap": 3.0}]
CAPS.append({"softcap": 3.0, "temperature": 2.0})


def near(found: Any, right: Any, rtol: float = 1e-12) -> None:
    np.testing.assert_allclose(found, right, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("options", CAPS, ids=str)
def test_an_axis_is_the_last_one_moved(shape, options):
    z = RANDOM.normal(size=shape) * 3
    v = RANDOM.normal(size=shape)
    for axis in (*range(len(shape)), *range(-len(shape), 0)):
        last = np.moveaxis(z, axis, -1)
        y = RANDOM.integers(0, last.shape[-1], last.shape[:-1])
        soft = np.moveaxis(RANDOM.dirichlet(np.ones(last.shape[-1]), last.shape[:-1]), -1, axis)
        for function in (pmy.softmax, pmy.log_softmax):
            found = function(z, axis=axis, **options)
            assert np.array_equal(np.moveaxis(found, axis, -1), function(last, **options))
        for same in (pmy.softmax_jacobian, pmy.logsumexp):
            assert np.array_equal(same(z, axis=axis, **options), same(last, **options))
        for target, moved in ((y, y), (soft, np.moveaxis(soft, axis, -1))):
            more = {"label_smoothing": 0.1, "z_loss": 0.01, **options, "axis": axis}
            plain = {k: x for k, x in more.items() if k != "axis"}
            for reduction in ("mean", "none"):
                loss, dL_dz = pmy.cross_entropy_grad(z, target, reduction=reduction, **more)
                right = pmy.cross_entropy_grad(last, moved, reduction=reduction, **plain)
                assert np.array_equal(loss, right.loss)
                assert np.array_equal(np.moveaxis(dL_dz, axis, -1), right.dL_dz)
                assert np.array_equal(
                    loss, pmy.cross_entropy(z, target, reduction=reduction, **more)
                )
            Hv = pmy.cross_entropy_hvp(z, target, v, **more)
            right_Hv = pmy.cross_entropy_hvp(last, moved, np.moveaxis(v, axis, -1), **plain)
            assert np.array_equal(np.moveaxis(Hv, axis, -1), right_Hv)


def left(z: Any, mask: Any, *beside: Any) -> Any:
    """Each row's classes that take part."""
    for index in itertools.product(*(range(n) for n in z.shape[:-1])):
        some = mask[index]
        yield (index, some, z[index][some], *(b[index][some] for b in beside))


@pytest.mark.parametrize("seed", range(24))
def test_where_is_the_function_of_what_is_left(seed):
    random = np.random.default_rng(seed)
    shape = [(3, 5), (2, 3, 6), (50, 30)][seed % 3]
    options = CAPS[seed % 4]
    z, v = random.normal(size=shape) * 4, random.normal(size=shape)
    mask = random.random(shape) < 0.6
    mask[..., :2] = True  # two classes at least, as without a mask
    z[~mask] = random.choice([np.nan, np.inf, -np.inf, 7.0], size=(~mask).sum())
    p, log_p, J, lse = (
        f(z, where=mask, **options)
        for f in (pmy.softmax, pmy.log_softmax, pmy.softmax_jacobian, pmy.logsumexp)
    )
    assert (p[~mask] == 0).all()
    assert np.isneginf(log_p[~mask]).all()
    for index, some, part in left(z, mask):
        near(p[index][some], pmy.softmax(part, **options))
        near(log_p[index][some], pmy.log_softmax(part, **options))
        near(lse[index], pmy.logsumexp(part, **options))
        near(J[index][np.ix_(some, some)], pmy.softmax_jacobian(part, **options))
        assert (J[index][~some] == 0).all()
        assert (J[index][:, ~some] == 0).all()
    y = np.argmax(mask * random.random(shape), axis=-1)
    y[random.random(y.shape) < 0.2] = -100
    Y = random.dirichlet(np.ones(shape[-1]), shape[:-1]) * mask
    weight, omega = random.uniform(0.5, 2, shape[-1]), random.uniform(0.5, 2, shape[:-1])
    more = {"z_loss": 0.01, "weight": weight, "reduction": "none", **options}
    for target in (y, Y):
        loss, dL_dz = pmy.cross_entropy_grad(z, target, where=mask, sample_weight=omega, **more)
        Hv = pmy.cross_entropy_hvp(z, target, v, where=mask, sample_weight=omega, **more)
        assert (dL_dz[~mask] == 0).all()
        assert (Hv[~mask] == 0).all()
        for index, some, part, direction in left(z, mask, v):
            one: Any = target[index]
            if target is Y:
                one = one[some]
            elif one >= 0:
                one = int(np.cumsum(some)[one]) - 1
            own = more | {"weight": weight[some], "sample_weight": omega[index]}
            right = pmy.cross_entropy_grad(part, one, **own)
            near(loss[index], right.loss)
            near(dL_dz[index][some], right.dL_dz, 1e-10)
            near(Hv[index][some], pmy.cross_entropy_hvp(part, one, direction, **own), 1e-9)


def test_where_broadcasts_and_goes_with_an_axis():
    z = RANDOM.normal(size=(3, 4, 5))
    classes = np.array([True, True, False, True])
    found = pmy.softmax(z, axis=1, where=classes[:, None])
    near(found[:, classes], special.softmax(z[:, classes], axis=1))
    assert (found[:, 2] == 0).all()
    y = RANDOM.choice([0, 1, 3], size=(3, 5))
    dL_dz = pmy.cross_entropy_grad(z, y, axis=1, where=classes[:, None]).dL_dz
    near(dL_dz[:, classes], pmy.cross_entropy_grad(z[:, classes], y - (y == 3), axis=1).dL_dz)
    assert np.array_equal(pmy.softmax(z, where=np.True_), pmy.softmax(z))


def test_no_class_takes_part():
    z, none = np.ones((2, 3)), np.zeros((2, 3), bool)
    none[1] = True
    assert np.array_equal(pmy.softmax(z, where=none)[0], np.zeros(3))
    assert np.isneginf(pmy.log_softmax(z, where=none)[0]).all()
    assert np.isneginf(pmy.logsumexp(z, where=none)[0])
    assert (pmy.softmax_jacobian(z, where=none)[0] == 0).all()
    loss, dL_dz = pmy.cross_entropy_grad(z, [-100, 1], where=none)
    assert float(loss) == pytest.approx(np.log(3))
    assert (dL_dz[0] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 4), (200, 60), (5, 2, 3), (0, 3)])
def test_logsumexp_is_scipys(shape, dtype):
    z = (RANDOM.normal(size=shape) * 20).astype(dtype)
    if z.size:
        z.flat[::7] = -np.inf
        z.flat[3] = np.inf
    found = pmy.logsumexp(z)
    assert found.dtype == dtype
    right = special.logsumexp(z.astype(np.float64), axis=-1)
    np.testing.assert_allclose(found, right, rtol=8 * np.finfo(dtype).eps, atol=1e-6)
    assert np.isneginf(pmy.logsumexp(np.full(3, -np.inf)))
    assert np.isnan(pmy.logsumexp([0.0, np.nan]))


@pytest.mark.parametrize(
    "name", ["softmax", "log_softmax", "cross_entropy_grad", "cross_entropy_hvp"]
)
def test_out_along_an_axis(name):
    z, y = RANDOM.normal(size=(3, 4, 2)), RANDOM.integers(0, 4, (3, 2))
    more = {"softmax": (), "log_softmax": (), "cross_entropy_grad": (y,)}.get(name, (y, z))
    call = getattr(pmy, name)
    out = np.empty_like(z)
    right = call(z, *more, axis=1)
    found = call(z, *more, axis=1, out=out)
    for each, expected in ((found, right), (out, right)):
        last = each[-1] if isinstance(each, tuple) else each
        assert np.array_equal(last, expected[-1] if isinstance(expected, tuple) else expected)
    with pytest.raises(InputError, match=r"^out: expected the shape of z"):
        call(z, *more, axis=1, out=np.empty((3, 2, 4)))


AXES: list[Any] = [2, -3, 1.0, True, "1", None, (0, 1), 10**30]


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_what_is_no_axis(axis):
    z, y = np.ones((2, 3)), [0, 1]
    for call in (
        lambda: pmy.softmax(z, axis=axis),
        lambda: pmy.logsumexp(z, axis=axis),
        lambda: pmy.cross_entropy(z, y, axis=axis),
        lambda: pmy.cross_entropy_hvp(z, y, z, axis=axis),
    ):
        with pytest.raises(
            InputError, match=r"^axis: expected a whole number from -2 to 1, an axis of z"
        ):
            call()


def test_what_is_no_mask():
    z, y = np.ones((2, 3)), [0, 1]
    with pytest.raises(InputError, match=r"^where: expected an array of True and False, got type"):
        pmy.softmax(z, where=[1, 0, 1])
    with pytest.raises(InputError, match=r"^where: expected a shape that broadcasts to that of z"):
        pmy.softmax(z, where=[True, False])
    mask = np.array([[True, True, False], [True, False, True]])
    with pytest.raises(InputError, match=r"^y\[1\]: expected a class that takes part \(where\)"):
        pmy.cross_entropy(z, y, where=mask)
    soft = [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]
    with pytest.raises(InputError, match=r"^y\[0, 2\]: expected a class that takes part"):
        pmy.cross_entropy(z, soft, where=mask)
    with pytest.raises(InputError, match=r"^label_smoothing: expected 0 beside where, got 0\.1"):
        pmy.cross_entropy(z, [0, 0], where=mask, label_smoothing=0.1)
    with pytest.raises(InputError, match=r"^y\[0\]: expected a class index from 0 to 2"):
        pmy.cross_entropy(z, [3, 0], where=mask)
    with pytest.raises(InputError, match=r"^z: expected logits with an axis of classes"):
        pmy.softmax(1.0, axis=0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'where'"):
        pmy.linear_cross_entropy(z, np.ones((4, 3)), None, [0, 1], where=True)
