"""The softmax, its logarithm and its Jacobian."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pminusy import arguments
from pminusy.core import softmax as core_softmax
from pminusy.core import transform
from pminusy.core.options import DEFAULTS, Options
from pminusy.core.twofold import twofold
from pminusy.kernels.dispatch import of_all_logits, softmax_in_one_step
from pminusy.ops.along import Along
from pminusy.ops.call import Array, delivered, output_rows, quiet

__all__ = ["log_softmax", "log_sums", "logsumexp", "softmax", "softmax_jacobian"]

_EACH = Options(reduction="none")


def softmax(
    z: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
    out: Array | None = None,
) -> Array:
    """Probabilities of logits: p_k = e^{z_k} / Σ_j e^{z_j}.

    Parameters
    ----------
    z
        Logits (..., K). −∞ is a mask: probability 0 (without a cap, which makes it finite).
    axis
        The axis of classes; the last by default.
    where
        Array of True and False that broadcasts to z: which classes take part, as in reductions of
        NumPy. The others have probability 0, whatever their logits; where none takes part, all are.
    temperature, softcap
        As in the losses: the logits become κ tanh(z / κ), then are divided by T.
    out
        Array for the result, of the shape and type of z; it may be z itself.

    Returns
    -------
    ndarray
        Probabilities (..., K), each within a few units in its last place.

    Raises
    ------
    InputError
        Fewer than two classes, a type other than float32, float64 and integers, or an option
        outside its range.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])

    References
    ----------
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """
    plain = axis == -1 and where is None and out is None
    if plain and arguments.are_rows(z) and _options(temperature, softcap) is DEFAULTS:
        p = softmax_in_one_step(z)
        if p is not None:
            return p
    return _softmax(z, axis, where, temperature, softcap, out)


@quiet
def _softmax(
    z: ArrayLike,
    axis: int,
    where: ArrayLike | None,
    temperature: float,
    softcap: float | None,
    out: Array | None,
) -> Array:
    """Probabilities of any logits."""
    if axis != -1 or where is not None:
        along = _along(z, axis, where, temperature, softcap, out)
        return along.delivered(along.filled(softmax(along.z, **along.options), 0.0), out)
    return _rowwise("softmax", z, out, _options(temperature, softcap))


@quiet
def log_softmax(
    z: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
    out: Array | None = None,
) -> Array:
    """Logarithm of the softmax: ln p_k = z_k − ln Σ_j e^{z_j}, accurate where p_k rounds to 1 or 0.

    Parameters
    ----------
    z
        Logits (..., K).
    axis, where, temperature, softcap, out
        As `softmax`; ln 0 is −∞.

    Returns
    -------
    ndarray
        Logarithms of the probabilities (..., K).

    Raises
    ------
    InputError
        As `softmax`.

    Examples
    --------
    >>> log_softmax([40.0, 0.0])
    array([-4.24835426e-18, -4.00000000e+01])

    References
    ----------
    Blanchard, Higham & Higham 2021, "Accurately computing the log-sum-exp and softmax functions".
    """
    if axis != -1 or where is not None:
        along = _along(z, axis, where, temperature, softcap, out)
        return along.delivered(along.filled(log_softmax(along.z, **along.options), -np.inf), out)
    return _rowwise("log_softmax", z, out, _options(temperature, softcap))


@quiet
def logsumexp(
    z: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
) -> Array:
    """Logarithm of the softmax's denominator: lse = ln Σ_j e^{z_j}.

    Parameters
    ----------
    z
        Logits (..., K).
    axis, where, temperature, softcap
        As `softmax`; where no class takes part, lse is −∞.

    Returns
    -------
    ndarray
        lse (...), within a few units in the last place of the largest logit, or of lse if that is
        larger.

    Raises
    ------
    InputError
        As `softmax`.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599

    References
    ----------
    As `log_softmax`; `scipy.special.logsumexp`.
    """
    along = _along(z, axis, where, temperature, softcap, None)
    logits, options = along.z, _options(**along.options)
    arguments.classes_last("z", logits)
    rows = logits.reshape(-1, logits.shape[-1])
    seen = transform.logits(rows, options) if options.transforms_logits else rows
    return log_sums(seen).reshape(logits.shape[:-1])


def log_sums(z: Array) -> Array:
    """Lse (N,) of logits (N, K): the largest and, exactly, what the loss of its class is."""
    if not z.size:
        return np.empty(z.shape[:1], z.dtype)
    top = z.argmax(axis=1)
    largest = np.take_along_axis(z, top[:, None], 1)[:, 0]
    beyond = of_all_logits(z.shape[0], z.shape[1], _EACH).cross_entropy(z, top, _EACH)
    return np.where(np.isneginf(largest), largest, largest + beyond)


@quiet
def softmax_jacobian(
    z: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    temperature: float = 1.0,
    softcap: float | None = None,
) -> Array:
    """Jacobian of the softmax: J_ij = ∂p_i/∂z_j = p_i (δ_ij − p_j).

    Parameters
    ----------
    z
        Logits (..., K).
    axis, where, temperature, softcap
        As `softmax`; both axes of J are last, and the derivative is with respect to the logits that
        were given.

    Returns
    -------
    ndarray
        J (..., K, K): every column sums to 0; without a cap it is symmetric, positive
        semi-definite, and every row sums to 0.

    Raises
    ------
    InputError
        As `softmax`.

    Examples
    --------
    >>> softmax_jacobian([0.0, 0.0])
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])

    References
    ----------
    The quotient rule; see `docs/` for every line.
    """
    if axis != -1 or where is not None:
        along = _along(z, axis, where, temperature, softcap, None)
        return along.jacobian(softmax_jacobian(along.z, **along.options))
    (logits,) = arguments.floats(z=z)
    arguments.classes_last("z", logits)
    rows, options = logits.reshape(-1, logits.shape[-1]), _options(temperature, softcap)
    blocks = [_jacobian(rows[block], options) for block in core_softmax.row_blocks(rows)]
    J = np.concatenate(blocks or [_jacobian(rows, options)])
    return J.reshape(*logits.shape, logits.shape[-1])


def _jacobian(u: Array, options: Options) -> Array:
    """J (N, K, K) with respect to the logits u (N, K) before cap and temperature."""
    if not options.transforms_logits:
        return core_softmax.jacobian(u)
    J = twofold(core_softmax.jacobian(transform.logits(u, options)).astype(np.float64))
    return transform.backward(J, u[:, None, :], options).rounded(u.dtype)


def _along(
    z: ArrayLike,
    axis: int,
    where: ArrayLike | None,
    temperature: float,
    softcap: float | None,
    out: Array | None,
) -> Along:
    along = Along(z, axis, where, {"temperature": temperature, "softcap": softcap})
    along.check_output(out)
    return along


def _options(temperature: float = 1.0, softcap: float | None = None) -> Options:
    if type(temperature) is float and temperature == 1.0 and softcap is None:
        return DEFAULTS
    return Options(temperature=temperature, softcap=softcap)


def _rowwise(name: str, z: ArrayLike, out: Array | None, options: Options) -> Array:
    """Apply a function of (N, K) logits to logits of any shape (..., K)."""
    (logits,) = arguments.floats(z=z)
    arguments.classes_last("z", logits)
    flat = logits.reshape(-1, logits.shape[-1])
    result, rows = output_rows(out, logits)
    seen = transform.logits(flat, options) if options.transforms_logits else flat
    module = of_all_logits(*flat.shape, DEFAULTS)
    return delivered(getattr(module, name)(seen, rows), result, logits)
