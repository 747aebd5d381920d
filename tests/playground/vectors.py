"""Rows of the head that Python computes and the page's JavaScript must agree with, to 8 ulp.

One kind is ordinary; the others are those on which a head loses its digits: a model that is sure
(right or wrong), ties, logits of 1,000, differences in the last place. In each there are soft
targets that nearly are the probabilities, and options at the ends of their ranges.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pminusy.core import head, softmax, transform
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass

__all__ = ["KINDS", "Row", "distance", "rows"]

Floats = Any  # arrays of float64


class Row(NamedTuple):
    """One row: what JavaScript is given, and what `core` makes of it."""

    kind: str
    u: list[float]
    y: list[float]
    options: dict[str, float | None]
    z: list[float]
    p: list[float]
    L: float
    dL_dz: list[float]
    dL_du: list[float]
    J: list[float]


def _ordinary(rng: np.random.Generator, K: int) -> Floats:
    return rng.normal(0.0, 3.0, K)


def _sure(rng: np.random.Generator, K: int) -> Floats:
    u = rng.normal(0.0, 1.0, K)
    u[rng.integers(K)] += rng.choice([10.0, 37.0, 40.0, 300.0, 700.0, 740.0, 745.1])
    return u


def _ties(rng: np.random.Generator, K: int) -> Floats:
    return np.full(K, rng.choice([0.0, -1000.0, 1000.0, 0.1]))


def _large(rng: np.random.Generator, K: int) -> Floats:
    return np.round(rng.uniform(-1000.0, 1000.0, K), 1)


def _last_places(rng: np.random.Generator, K: int) -> Floats:
    base = rng.normal(0.0, 5.0)
    return base + rng.integers(-3, 4, K) * np.spacing(base)


def _far_and_near(rng: np.random.Generator, K: int) -> Floats:
    return rng.choice([0.0, 1e-300, -1e-16, 1e-8, 30.0, -745.0, 36.7], K) + rng.normal(0, 1e-3, K)


KINDS = {
    "ordinary": _ordinary, "sure": _sure, "ties": _ties, "large": _large,
    "last places": _last_places, "far and near": _far_and_near,
}  # fmt: skip


def _target(rng: np.random.Generator, u: Floats, kind: int) -> Floats:
    K = u.size
    if kind < 2:
        return np.eye(K)[rng.integers(K) if kind else int(u.argmax())]
    if kind == 2:
        return rng.dirichlet(np.ones(K))
    near = softmax.softmax(u[None])[0]  # p − y cancels
    return near * (1 + rng.normal(0, 1e-12, K))


def _options(rng: np.random.Generator) -> dict[str, float | None]:
    return {
        "temperature": float(rng.choice([1.0, 1.0, 0.5, 2.0, 10.0, 0.1])),
        "smoothing": float(rng.choice([0.0, 0.0, 0.1, 0.5, 1.0, 1e-9])),
        "zLoss": float(rng.choice([0.0, 0.0, 1e-4, 0.1, 2.0])),
        "softcap": [None, None, 30.0, 5.0, 1.0][rng.integers(5)],
    }


def rows(groups: int, seed: int = 0) -> list[Row]:
    """So many groups of 30 rows of each kind; a group shares its number of classes and options."""
    rng = np.random.default_rng(seed)
    made: list[Row] = []
    for kind, draw in KINDS.items():
        for n in range(groups):
            K = int(rng.integers(2, 11))
            u = np.stack([draw(rng, K) for _ in range(30)])
            y = np.stack([_target(rng, row, i % 4) for i, row in enumerate(u)])
            made += _group(kind, u, y, _options(rng) if n % 3 else {})
    return made


def _group(kind: str, u: Floats, y: Floats, options: dict[str, float | None]) -> list[Row]:
    of_transform: dict[str, Any] = {
        "temperature": options.get("temperature", 1.0), "softcap": options.get("softcap")
    }  # fmt: skip
    of_loss: dict[str, Any] = {
        "reduction": "none",
        "label_smoothing": options.get("smoothing", 0.0),
        "z_loss": options.get("zLoss", 0.0),
    }
    chosen = Options(**of_loss, **of_transform)
    mass = target_mass(y, u.shape[0], u.shape[1], chosen)
    # tanh is NumPy's here and the browser's there: from the z of Python both go on alike
    z = transform.logits(u, chosen)
    L, dL_dz = head.cross_entropy_grad(z, mass, Options(**of_loss))
    _, dL_du = head.cross_entropy_grad(u, mass, chosen)
    p, J = softmax.softmax(z), softmax.jacobian(z)
    return [
        Row(
            kind, u[i].tolist(), y[i].tolist(), options, z[i].tolist(), p[i].tolist(), float(L[i]),
            dL_dz[i].tolist(), dL_du[i].tolist(), J[i].ravel().tolist(),
        )
        for i in range(u.shape[0])
    ]  # fmt: skip


def distance(got: list[float], expected: list[float]) -> float:
    """The largest distance in units in the last place of what was expected; NaN counts as ∞."""
    a, b = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if a.shape != b.shape or not np.isfinite(b).all():
        return float("inf")
    far = np.abs(a - b) / np.spacing(np.maximum(np.abs(b), 2.0**-1022))
    return float(np.where(np.isnan(far), np.inf, far).max())
