"""`num_items`: a mean over a number that is given, in every loss of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pminusy
from pminusy.errors import InputError
from tests import oracle

pmy: Any = pminusy  # options are put together at run time, beyond what types can follow


def case(seed: int, N: int, K: int) -> tuple[Any, Any, dict[str, Any]]:
    """Logits, targets and options made at random, `num_items` among them."""
    random = np.random.default_rng(seed)
    z = random.normal(size=(N, K)) * random.choice([1.0, 5.0, 30.0])
    soft = bool(random.integers(2))
    y: Any = random.integers(0, K, N)
    options: dict[str, Any] = {"num_items": float(random.choice([0.37, 1.0, 4.0, 17.0, 1e6]))}
    if soft:
        y = random.dirichlet(np.ones(K), N)
    elif random.integers(2):
        y[random.random(N) < 0.4] = -100
    for name, value in {
        "weight": random.uniform(0, 2, K),
        "sample_weight": random.uniform(0, 2, N),
        "label_smoothing": 0.1,
        "z_loss": 0.01,
        "softcap": 7.0,
        "temperature": 0.5,
    }.items():
        if random.random() < 0.35:
            options[name] = value
    return z, y, options


def close(found: Any, right: Any, units: float) -> None:
    np.testing.assert_allclose(found, right, rtol=units * 2.0**-52, atol=1e-290)


@pytest.mark.parametrize("implementation", ["core", "cpu"])
@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_exact_mean(seed, implementation, monkeypatch):
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", implementation)
    z, y, options = case(seed, 5, 4)
    from pminusy.core import transform
    from pminusy.core.options import Options

    cap = {name: options[name] for name in ("softcap", "temperature") if name in options}
    rounded = transform.logits(z, Options(**cap)) if cap else None
    right = oracle.batch(z, y, z=rounded, **options)
    loss, dL_dz = pmy.cross_entropy_grad(z, y, **options)
    close(float(loss), float(np.asarray(right.loss, dtype=float)), 16)
    close(pmy.cross_entropy(z, y, **options), loss, 2)
    largest = np.array([[float(x) for x in row.largest_term] for row in right.rows])
    exact = np.array([[float(x) for x in row.dL_du] for row in right.rows])
    assert np.all(np.abs(dL_dz - exact) <= 16 * 2.0**-52 * largest + 1e-290)


@pytest.mark.parametrize("seed", range(100, 116))
def test_every_form_divides_the_sum(seed):
    N, K, D = (5, 4, 3) if seed % 2 else (400, 30, 7)
    z, y, options = case(seed, N, K)
    n = options["num_items"]
    total = {name: value for name, value in options.items() if name != "num_items"}
    total["reduction"] = "sum"
    random = np.random.default_rng(seed)
    X, W, b = random.normal(size=(N, D)), random.normal(size=(K, D)), random.normal(size=K)
    v, V = random.normal(size=(N, K)), random.normal(size=(K, D))
    pairs = [
        (pmy.cross_entropy(z, y, **options), pmy.cross_entropy(z, y, **total)),
        *zip(
            pmy.cross_entropy_grad(z, y, **options),
            pmy.cross_entropy_grad(z, y, **total),
            strict=True,
        ),
        (pmy.cross_entropy_hvp(z, y, v, **options), pmy.cross_entropy_hvp(z, y, v, **total)),
        *zip(
            pmy.linear_cross_entropy_grad(X, W, b, y, **options),
            pmy.linear_cross_entropy_grad(X, W, b, y, **total),
            strict=True,
        ),
        (
            pmy.linear_cross_entropy_hvp(X, W, None, y, V, **options).HV_W,
            pmy.linear_cross_entropy_hvp(X, W, None, y, V, **total).HV_W,
        ),
    ]
    for found, whole in pairs:
        np.testing.assert_allclose(
            found, whole / n, rtol=1e-11, atol=1e-13 * np.abs(whole / n).max()
        )


def test_parts_of_a_step_add_up():
    random = np.random.default_rng(3)
    z, y = random.normal(size=(60, 5)), random.integers(0, 5, 60)
    options = {"num_items": 60, "label_smoothing": 0.1}
    whole = pmy.cross_entropy_grad(z, y, label_smoothing=0.1)
    parts = [pmy.cross_entropy_grad(z[p], y[p], **options) for p in (slice(0, 7), slice(7, 60))]
    close(sum(float(part.loss) for part in parts), float(whole.loss), 8)
    np.testing.assert_allclose(
        np.concatenate([p.dL_dz for p in parts]), whole.dL_dz, rtol=1e-13, atol=1e-18
    )


def test_all_kinds_of_numbers():
    z, y = np.ones((3, 4)), [0, 1, 2]
    expected = pmy.cross_entropy(z, y, reduction="sum") / 8
    numbers: list[Any] = [8, 8.0, np.float32(8), np.int8(8), np.array(8), np.array(8.0)]
    for n in numbers:
        close(pmy.cross_entropy(z, y, num_items=n), expected, 2)
    assert pmy.cross_entropy(z, [-100] * 3, num_items=8) == 0.0
    for n in (1e-30, 1e30):
        close(pmy.cross_entropy(z, y, num_items=n), expected * 8 / n, 4)


REFUSED: list[Any] = [0, -1, 0.0, np.nan, np.inf, 1e31, True, "8", [8], None, 8j]


@pytest.mark.parametrize("value", REFUSED, ids=str)
def test_what_is_no_number_of_items(value):
    z, y = np.ones((3, 4)), [0, 1, 2]
    if value is None:
        assert pmy.cross_entropy(z, y, num_items=None) == pmy.cross_entropy(z, y)
        return
    with pytest.raises(InputError, match=r"^num_items: expected a number from 1e-30 to 1e30, got "):
        pmy.cross_entropy(z, y, num_items=value)
    with pytest.raises(InputError, match=r"^num_items: expected a number from 1e-30 to 1e30, got "):
        pmy.linear_cross_entropy(z, np.eye(4), None, y, num_items=value)


def test_shapes_and_reductions_that_it_has_no_meaning_for():
    z, y = np.ones((3, 4)), [0, 1, 2]
    with pytest.raises(InputError, match=r"got an array of shape \(1,\).*num_items\.item\(\)"):
        pmy.cross_entropy(z, y, num_items=np.array([8]))
    for reduction in ("sum", "none"):
        expected = r'^num_items: expected None unless reduction="mean".*divide the sum yourself'
        with pytest.raises(InputError, match=expected):
            pmy.cross_entropy(z, y, num_items=8, reduction=reduction)
    with pytest.raises(TypeError, match="unexpected keyword argument 'num_items'"):
        pmy.explain(z=[1.0, 2.0], y=0, num_items=8)
    with pytest.raises(InputError, match=r"^num_items: expected none on the page"):
        pmy.play(z=[1.0, 2.0], num_items=8)


def test_why_knows_it():
    assert pmy.why(1000, 100, num_items=1000).startswith("cpu")
    assert "num_items is beyond" in pmy.why(1000, 100, num_items=1e20)
