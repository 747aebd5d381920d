"""Dense rows as one matrix, against the objective of passes, long double, and the definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from pminusy.training.dense.classes import classes_of
from pminusy.training.dense.fit import fits_dense
from pminusy.training.dense.models import ClassBlocks, SharedBlock, WholeHessian
from pminusy.training.dense.objective import DenseLine, DenseObjective, DenseRows
from pminusy.training.fitting import minimise
from pminusy.training.solvers.lbfgs_history import LbfgsHistory
from pminusy.training.solvers.solution import StoppingCriterion, TrainingLog
from tests.training.problems import make_objective, random_problem

TARGETS = ("labels", "weights", "smoothing", "class weights", "soft")
CASES = [
    pytest.param(K, bias, kind, id=f"{K} classes-{'bias' if bias else 'no bias'}-{kind}")
    for K in (2, 3, 6)
    for bias in (True, False)
    for kind in TARGETS
]


def _objective(K, bias, kind, *, C=1.0, N=200, D=5):
    X, y = random_problem(N, D, K)
    X = X * np.geomspace(1, 100, D) + 3
    random = np.random.default_rng(5)
    mass = {
        "labels": {},
        "weights": {"sample_weight": random.integers(0, 3, N).astype(float)},
        "smoothing": {"label_smoothing": 0.2},
        "class weights": {"class_weight": random.random(K) + 0.5},
        "soft": {"sample_weight": random.random(N)},
    }[kind]
    if kind == "soft":
        y = random.dirichlet(np.ones(K), N)
    return make_objective(X, y, C=C, fit_intercept=bias, **mass)


def _dense(objective):
    rows = DenseRows(objective.source, objective.coordinates)
    return DenseObjective(rows, objective.ridge, objective.coordinates)


def _vector(objective, seed=0):
    return objective.project(0.3 * np.random.default_rng(seed).normal(size=objective.size))


@pytest.mark.parametrize(("K", "bias", "kind"), CASES)
def test_value_gradient_product_and_certificate_are_those_of_passes(K, bias, kind):
    passes = _objective(K, bias, kind)
    dense, vector, v = _dense(passes), _vector(passes), _vector(passes, 1)
    at, there = dense.evaluate(vector), passes.evaluate(vector)
    assert at.value == pytest.approx(there.value, rel=1e-13)
    np.testing.assert_allclose(at.gradient, there.gradient, rtol=0, atol=1e-13)
    product = dense.gradient_of(dense.times(dense.differences(v)))
    np.testing.assert_allclose(product, passes.hessian_times(v), atol=3e-6)
    np.testing.assert_allclose(dense.class_curvature(), passes.class_curvature(), rtol=1e-12)
    assert dense.gap(at.gradient) == pytest.approx(passes.gap(there.gradient), rel=1e-10)


@pytest.mark.parametrize("K", [2, 4])
def test_value_and_gradient_are_the_definition_in_long_double(K):
    passes = _objective(K, True, "soft")
    dense, vector = _dense(passes), _vector(passes)
    W, b = (a.astype(np.longdouble) for a in passes.parameters(vector))
    rows = np.arange(passes.source.rows)
    X, q = passes.source.take(rows)[0].astype(np.longdouble), passes.source.mass(rows)
    z = X @ W.T + b
    loss = np.sum(q * (logsumexp(z, axis=1, keepdims=True) - z)) / q.sum()
    value = loss + passes.ridge / 2 * np.vdot(W, W)
    assert dense.evaluate(vector).value == pytest.approx(float(value), rel=1e-14)


@pytest.mark.parametrize(("K", "bias", "kind"), CASES)
def test_a_line_says_what_evaluation_says(K, bias, kind):
    passes = _objective(K, bias, kind)
    dense, vector, direction = _dense(passes), _vector(passes), _vector(passes, 1)
    line = DenseLine(dense, dense.at(dense.differences(vector)), dense.differences(direction))
    for step in (1.0, 0.3, 2.5):
        point, there = line.at(step), passes.evaluate(vector + step * direction)
        assert point.value == pytest.approx(there.value, rel=1e-12)
        assert point.slope == pytest.approx(there.gradient @ direction, rel=1e-9, abs=1e-13)
    h = 1e-5
    bent = (line.at(0.3 + h).slope - line.at(0.3 - h).slope) / (2 * h)
    assert line.at(0.3).curvature == pytest.approx(bent, rel=1e-6)
    found = line.reach(0.3)
    moved = dense.vector_of(found.V)
    np.testing.assert_allclose(moved, vector + 0.3 * direction, atol=1e-14)
    there = passes.evaluate(moved).gradient
    np.testing.assert_allclose(dense.gradient_of(found.G), there, atol=1e-13)


@pytest.mark.parametrize(("K", "bias", "kind"), CASES)
@pytest.mark.parametrize(
    ("damping", "paired"),
    [
        pytest.param(0.0, True, id="plain"),
        pytest.param(0.1, True, id="damped"),
        pytest.param(0.0, False, id="without products of features"),
    ],
)
def test_the_whole_hessian_solves_what_its_products_say(K, bias, kind, damping, paired):
    passes = _objective(K, bias, kind)
    dense, vector = _dense(passes), _vector(passes)
    right = dense.evaluate(vector).gradient
    passes.evaluate(vector)
    if not paired:
        dense.rows.__dict__["pairs"] = None
    V = WholeHessian(dense, damping, dense.rows.x).solve(dense.stands.G)
    solved = dense.vector_of(V)
    damped = dense.gradient_of(V * damping)
    np.testing.assert_allclose(passes.hessian_times(solved) + damped, right, atol=1e-10)
    np.testing.assert_allclose(dense.project(solved.copy()), solved, atol=1e-12)


@pytest.mark.parametrize("K", [3, 6])
def test_the_shared_block_is_the_hessian_at_the_start(K):
    passes = _objective(K, True, "labels")
    dense = _dense(passes)
    dense.evaluate(np.zeros(passes.size))
    shared = SharedBlock(dense, 0.0, dense.rows.x).solve(dense.stands.G)
    whole = WholeHessian(dense, 0.0, dense.rows.x).solve(dense.stands.G)
    np.testing.assert_allclose(shared, whole, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(("E", "bound"), [(5, 1e-10), (140, 1e-8)], ids=["inverted", "solved"])
def test_class_blocks_are_the_diagonal_of_the_hessian(E, bound):
    passes = _objective(3, True, "labels", D=E)
    dense = _dense(passes)
    dense.evaluate(_vector(passes))
    point = dense.stands
    solved = ClassBlocks(dense, 0.1, dense.rows.x).solve(point.G)
    S, x = dense.rows.classes.S, dense.rows.x
    found = []
    for p, g in zip(point.outcome.p, [-point.G.sum(axis=0), *point.G], strict=True):
        H = (x * (S * p * (1 - p))) @ x.T
        found.append(np.linalg.solve(H + np.diag(dense.weight_penalty + 0.1), g))
    expected = np.array(found[1:]) - found[0]
    np.testing.assert_allclose(solved, expected, rtol=1e-6, atol=bound)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("far", [30.0, 700.0])
def test_confident_rows_keep_their_digits(K, far):
    """A residual of e^-far: not 0, which is what 1 − p would give."""
    X = np.array([[1.0], [-1.0]] if K == 2 else [[1.0], [-1.0], [0.0]])
    passes = make_objective(X, np.arange(K), fit_intercept=False)
    dense = _dense(passes)
    W = np.array([[far / 2], [-far / 2]] if K == 2 else [[far], [-far], [0.0]])
    vector = passes.coordinates.from_parameters(W, None)
    z = dense.differences(vector) @ dense.rows.x
    with np.errstate(all="ignore"):
        residual = dense.rows.classes.outcome(z).residual
    expected = np.exp(-np.longdouble(far))
    assert -residual[0, 1] * len(X) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("K", [2, 3])
def test_logits_beyond_what_exponentials_hold_have_a_finite_loss(K):
    random = np.random.default_rng(0)
    labels = random.integers(0, K, 50)
    z = 900 * random.normal(size=(K - 1, 50))
    classes = classes_of(K, np.full(50, 0.02), labels, lambda: np.empty(0))
    with np.errstate(all="ignore"):
        found = classes.outcome(z)
    whole = np.concatenate([np.zeros((1, 50)), z])
    expected = np.mean(logsumexp(whole, axis=0) - whole[labels, np.arange(50)])
    assert found.loss == pytest.approx(expected, rel=1e-13)
    p = softmax(whole, axis=0)
    np.testing.assert_allclose(found.residual, 0.02 * (p - np.eye(K)[:, labels])[1:], atol=1e-15)


def _fit(objective, vector=None, *, tol=1e-8):
    vector = np.zeros(objective.size) if vector is None else vector
    log = TrainingLog(200)
    fit = minimise(
        objective,
        vector,
        "newton",
        criterion=StoppingCriterion(tol),
        log=log,
        lbfgs_history=LbfgsHistory(objective.size),
    )
    return fit


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize(("K", "bias", "kind"), CASES)
def test_a_fit_ends_where_passes_say_it_should(K, bias, kind, C):
    passes = _objective(K, bias, kind, C=C)
    assert fits_dense(passes.source, passes.workspace)
    fit = _fit(passes)
    assert fit.end == "reached"
    assert passes.optimality(passes.evaluate(fit.vector).gradient) <= 1e-8
    start = _vector(passes) + 1.0  # with a mean over classes, which is given up
    again = _fit(passes, start)
    np.testing.assert_allclose(again.vector, fit.vector, atol=1e-4 * C)


def test_a_fit_with_expensive_hessians_goes_by_conjugate_gradients():
    X, y = random_problem(1500, 60, 8)
    passes = make_objective(X, y, C=10.0)
    fit = _fit(passes)
    assert fit.end == "reached"
    assert fit.log.passes > 2 * fit.log.iterations  # products beside the steps
    assert passes.optimality(passes.evaluate(fit.vector).gradient) <= 1e-8


def test_rows_are_kept_for_the_next_value_of_C():
    passes = _objective(3, True, "labels")
    first = DenseRows.of(passes.source, passes.coordinates)
    assert DenseRows.of(passes.source, passes.coordinates) is first
    other = _objective(3, True, "labels")
    assert DenseRows.of(passes.source, other.coordinates) is not first


def test_what_does_not_fit_the_workspace_is_left_to_passes():
    passes = _objective(3, True, "labels")
    assert not fits_dense(passes.source, 1000)
    assert not fits_dense(make_objective(*random_problem(sparse=True)).source, 1 << 30)
