"""The long way round: loss and gradient at p, then the chain rule over every path."""

import numpy as np
import pytest

from pminusy.core import cross_entropy, head, softmax
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass

RANDOM = np.random.default_rng(11)
Z = RANDOM.normal(size=(7, 4)) * 3
Y = np.array([0, 3, 1, 1, 2, 0, 3])
SUM = Options(reduction="sum")


def short_way(y):
    return head.cross_entropy_grad(Z, target_mass(y, 7, 4, SUM), SUM)[1]


def test_worked_example():
    p, y = np.array([[0.2, 0.6, 0.2]]), np.array([[1.0, 0.0, 0.0]])
    assert cross_entropy.loss(p, y)[0] == pytest.approx(1.6094379124341003, rel=1e-15)
    assert cross_entropy.loss_gradient(p, y).tolist() == [[-5.0, 0.0, 0.0]]
    long = cross_entropy.gradient_from_jacobian(
        cross_entropy.loss_gradient(p, y), softmax.jacobian(np.log(p))
    )
    np.testing.assert_allclose(long, [[-0.8, 0.6, 0.2]], rtol=1e-15)
    sparse = cross_entropy.gradient_from_true_class(p, np.array([0]))
    np.testing.assert_allclose(sparse, [[-0.8, 0.6, 0.2]], rtol=1e-15)


def test_long_way_sparse_route_and_short_way_agree_for_labels():
    p, q = softmax.softmax(Z), np.eye(4)[Y]
    dL_dp = cross_entropy.loss_gradient(p, q)
    long = cross_entropy.gradient_from_jacobian(dL_dp, softmax.jacobian(Z))
    np.testing.assert_allclose(long, short_way(Y), rtol=1e-13)
    np.testing.assert_allclose(
        cross_entropy.gradient_from_true_class(p, Y), short_way(Y), rtol=1e-12
    )


def test_long_way_and_short_way_agree_for_soft_targets():
    q = RANDOM.exponential(size=Z.shape)  # rows of any mass
    dL_dp = cross_entropy.loss_gradient(softmax.softmax(Z), q)
    long = cross_entropy.gradient_from_jacobian(dL_dp, softmax.jacobian(Z))
    np.testing.assert_allclose(long, short_way(q), rtol=1e-12, atol=1e-14)


def test_loss_agrees_with_the_head():
    q = RANDOM.exponential(size=Z.shape)
    short = head.cross_entropy(Z, target_mass(q, 7, 4, SUM), SUM)
    assert cross_entropy.loss(softmax.softmax(Z), q).sum() == pytest.approx(float(short), rel=1e-14)


def test_gradient_at_p_is_the_difference_quotient_of_the_loss():
    p, q, h = softmax.softmax(Z), RANDOM.exponential(size=Z.shape), 1e-6
    gradient = cross_entropy.loss_gradient(p, q)
    for k in range(4):
        step = h * p * (np.arange(4) == k)
        rise = cross_entropy.loss(p + step, q) - cross_entropy.loss(p - step, q)
        np.testing.assert_allclose(rise / (2 * h * p[:, k]), gradient[:, k], rtol=1e-6)


def test_zero_mass_times_the_logarithm_of_zero_is_zero():
    p, q = np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])
    assert cross_entropy.loss(p, q).tolist() == [0.0]
    assert not np.signbit(cross_entropy.loss(p, q)[0])
    assert cross_entropy.loss_gradient(p, q).tolist() == [[-1.0, 0.0]]


def test_mass_on_an_impossible_class_is_an_infinite_loss():
    p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert cross_entropy.loss(p, q).tolist() == [np.inf]
    assert cross_entropy.loss_gradient(p, q).tolist() == [[-0.5, -np.inf]]
