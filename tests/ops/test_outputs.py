"""lse, token accuracy and entropy beside the losses of arrays, against mpmath and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import mp

import pminusy
from pminusy.errors import InputError
from tests import oracle

pmy: Any = pminusy  # options are put together at run time, beyond what types can follow
NAMES = ("lse", "token_accuracy", "entropy")


def case(seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """Logits, targets and options made at random."""
    random = np.random.default_rng(seed)
    N, K = (6, 4) if seed % 2 else (90, 12)
    z = random.normal(size=(N, K)) * random.choice([0.1, 3.0, 40.0])
    y: Any = random.integers(0, K, N)
    options: dict[str, Any] = {"reduction": ["mean", "sum", "none"][seed % 3]}
    if random.integers(2):
        y = random.dirichlet(np.ones(K), N)
    elif random.integers(2):
        y[random.random(N) < 0.4] = 1
        options["ignore_index"] = 1
    for name, value in {
        "weight": random.uniform(0, 2, K),
        "sample_weight": random.uniform(0, 2, N) * (random.random(N) < 0.7),
        "label_smoothing": 0.1,
        "z_loss": 0.01,
        "softcap": 7.0,
        "temperature": 0.5,
    }.items():
        if random.random() < 0.4:
            options[name] = value
    if options["reduction"] == "mean" and seed % 4 == 0:
        options["num_items"] = 7
    return z, y, options


def expected(z: Any, y: Any, options: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Lse and entropy of every row in 50 digits, hits, and what each row weighs."""
    from pminusy.core import transform
    from pminusy.core.options import Options

    cap = {name: options[name] for name in ("softcap", "temperature") if name in options}
    seen = transform.logits(z, Options(**cap))
    lse, entropy = [], []
    for row in seen:
        exact = oracle.exact(row)
        p, log_p = oracle.log_probabilities(exact)
        with mp.workdps(60):
            lse.append(float(oracle.log_sum_exp(exact)))
            entropy.append(float(-mp.fsum(a * b for a, b in zip(p, log_p, strict=True) if a)))
    labels = y if y.ndim == 1 else y.argmax(axis=1)
    weights = np.asarray(options.get("sample_weight", np.ones(len(y)))).copy()
    if y.ndim == 1:
        weights[labels == options.get("ignore_index", -100)] = 0
    return np.array(lse), np.array(entropy), seen.argmax(axis=1) == labels, weights


@pytest.mark.parametrize("seed", range(24))
def test_outputs_are_exact(seed):
    z, y, options = case(seed)
    lse, entropy, hits, weights = expected(z, y, options)
    counts = weights > 0
    found = pmy.cross_entropy_outputs(z, y, **options)
    assert np.array_equal(found.loss, pmy.cross_entropy(z, y, **options))
    np.testing.assert_allclose(
        found.lse, np.where(counts, lse, 0), rtol=1e-14, atol=1e-14 * np.abs(z).max()
    )
    if options["reduction"] == "none":
        assert np.array_equal(found.token_accuracy, hits & counts)
        np.testing.assert_allclose(found.entropy, np.where(counts, entropy, 0), rtol=1e-13)
    else:
        total = weights.sum()
        right = (hits * weights).sum() / total, (entropy * weights).sum() / total
        assert float(found.token_accuracy) == pytest.approx(right[0], rel=1e-14)
        assert float(found.entropy) == pytest.approx(right[1], rel=1e-13)


@pytest.mark.parametrize("seed", range(100, 112))
def test_a_layer_gives_what_its_logits_give(seed):
    _, y, options = case(seed)
    random = np.random.default_rng(seed)
    N, K = len(y), 4 if seed % 2 else 12
    X, W, b = random.normal(size=(N, 3)), random.normal(size=(K, 3)), random.normal(size=K)
    whole = pmy.cross_entropy_outputs(X @ W.T + b, y, **options)
    for workspace in (2000, 1 << 26):
        found = pmy.linear_cross_entropy_outputs(X, W, b, y, workspace=workspace, **options)
        for ours, right in zip(found, whole, strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-10, atol=1e-13)


def test_sparse_inputs():
    from scipy import sparse

    X = np.array([[1.0, 0.0], [0.0, 2.0]])
    dense = pmy.linear_cross_entropy_outputs(X, np.eye(3, 2), None, [0, 1])
    found = pmy.linear_cross_entropy_outputs(sparse.csr_array(X), np.eye(3, 2), None, [0, 1])
    for ours, right in zip(found, dense, strict=True):
        np.testing.assert_allclose(ours, right, rtol=1e-14)


def test_by_demand_and_in_every_shape():
    z = np.random.default_rng(2).normal(size=(2, 4, 3)).astype(np.float32)
    y = np.array([[0, 1, 2], [3, -100, 0]])
    whole = pmy.cross_entropy_outputs(z, y, axis=1, reduction="none")
    assert {part.dtype for part in whole} == {np.dtype(np.float32)}
    assert {part.shape for part in whole} == {(2, 3)}
    for part in whole:
        assert part[1, 1] == 0
    for name in NAMES:
        found = pmy.cross_entropy_outputs(z, y, axis=1, reduction="none", outputs=[name])
        for each in NAMES:
            ours = getattr(found, each)
            assert ours is None if each != name else np.array_equal(ours, getattr(whole, each))
    mask = np.ones((4, 1), bool)
    mask[3] = False
    y[1, 0] = 2
    found = pmy.cross_entropy_outputs(z, y, axis=1, where=mask)
    right = pmy.cross_entropy_outputs(z[:, :3], y, axis=1)
    for ours, expected_part in zip(found, right, strict=True):
        np.testing.assert_allclose(ours, expected_part, rtol=1e-6)


def test_rows_that_say_nothing():
    nothing = pmy.cross_entropy_outputs(np.ones((2, 3)), [-100, -100])
    assert [float(np.sum(part)) for part in nothing] == [0.0] * 4
    empty = pmy.cross_entropy_outputs(np.ones((0, 3)), np.empty(0, int))
    assert empty.lse.shape == (0,)
    assert float(empty.token_accuracy) == 0.0
    z = np.array([[np.nan, 0.0], [0.0, 1.0]])
    hit = pmy.cross_entropy_outputs(z, [0, 1], reduction="none").token_accuracy
    assert hit.tolist() == [0.0, 1.0]  # NaN is no class
    left_out = pmy.cross_entropy_outputs(z, [-100, 1])
    assert np.isfinite([float(np.sum(part)) for part in left_out]).all()
    sure = pmy.cross_entropy_outputs([[1000.0, 0.0], [-np.inf, 0.0]], [0, 1], reduction="none")
    assert sure.entropy.tolist() == [0.0, 0.0]


def test_what_is_no_output():
    for outputs in ("lse", None, 3, ["lse", "accuracy"], [1], [["lse"]]):
        with pytest.raises(InputError, match=r'^outputs: expected names among "lse"'):
            pmy.cross_entropy_outputs([[1.0, 2.0]], [0], outputs=outputs)
        with pytest.raises(InputError, match=r'^outputs: expected names among "lse"'):
            pmy.linear_cross_entropy_outputs([[1.0]], [[1.0], [2.0]], None, [0], outputs=outputs)
