"""One step of a proximal Newton method: the quadratic model with Σ α |v|, minimised.

Coordinate descent finds which entries are 0 and of which sign the others are; with those held,
Newton's step for the others is a linear system, taken as far as the first sign that would change.

Source: Friedman, Hastie & Tibshirani 2010 (coordinate descent); Lee, Battle, Raina & Ng 2007,
"Efficient sparse coding algorithms" (systems with the signs held).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # `scipy.linalg` is loaded when it is first used
from numpy.typing import NDArray

from pminusy.training.implementation import implementation

__all__ = ["minimise_quadratic", "steepest"]

Array = NDArray[Any]

_ROUNDS = 60
_SWEEPS = 50  # between two looks at all entries
_SYSTEMS = 8  # after each of those
_SINGULAR = 1e-12  # of the diagonal: where nothing bends, signs alone bound a step


def steepest(vector: Array, gradient: Array, alpha: Array, active: Array) -> Array:
    """The subgradient of f + Σ α |v| of least norm, 0 where an entry takes no part."""
    smooth = gradient + alpha * np.sign(vector)
    held = np.sign(gradient) * np.maximum(np.abs(gradient) - alpha, 0.0)
    return np.where(active, np.where(vector != 0, smooth, held), 0.0)


def minimise_quadratic(
    H: Array, gradient: Array, alpha: Array, vector: Array, active: Array, *, share: float
) -> Array:
    """v near the minimum of gᵀd + ½ dᵀH d + Σ α |v|, d = v − vector.

    Parameters
    ----------
    H
        Positive semidefinite (n, n), its diagonal above 0.
    gradient, alpha, vector
        (n,).
    active
        Which entries may move.
    share
        Stop when the largest entry of the subgradient, by √H_jj, has fallen to this share.
    """
    descend = implementation("lasso", H.size).descend
    root = np.sqrt(H.diagonal())
    v, r = vector.copy(), gradient.copy()
    enough = 0.0
    for number in range(_ROUNDS):
        slope = steepest(v, r, alpha, active)
        size = float(np.max(np.abs(slope) / root, initial=0.0))
        enough = enough if number else share * size
        if size <= enough:
            break
        free = np.flatnonzero(active & ((v != 0) | (slope != 0)))
        M = np.ascontiguousarray(H[np.ix_(free, free)])
        part, strength, left = v[free], alpha[free], r[free]
        descend(M, strength, part, left, _SWEEPS, 0.1 * enough)
        _with_signs_held(M, strength, part, left)
        v[free] = part
        r = gradient + H @ (v - vector)
    return v


def _with_signs_held(M: Array, alpha: Array, v: Array, r: Array) -> None:
    """Newton's steps in the entries that are not 0, in place, each to the first change of sign."""
    for _ in range(_SYSTEMS):
        free = np.flatnonzero(v)
        if not free.size:
            return
        system = M[np.ix_(free, free)]
        system[np.diag_indices_from(system)] *= 1 + _SINGULAR
        slope = r[free] + alpha[free] * np.sign(v[free])
        try:
            factor = scipy.linalg.cho_factor(system, lower=True, check_finite=False)
        except scipy.linalg.LinAlgError:
            return
        move = -scipy.linalg.cho_solve(factor, slope, check_finite=False)
        if not float(move @ slope) < 0:
            return
        held = (alpha[free] > 0) & (move * v[free] < 0)
        crossing = np.full(free.size, np.inf)
        crossing[held] = -v[free][held] / move[held]
        step = min(float(crossing.min()), 1.0)
        to = v[free] + step * move
        to[crossing <= step] = 0.0
        r += M[:, free] @ (to - v[free])
        v[free] = to
        if step == 1.0:
            return
