"""The loss of logits, its gradient and its Hessian times a vector."""

from __future__ import annotations

from typing import NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike

from pminusy import arguments
from pminusy.arguments import LossOptions, with_loss_options
from pminusy.ops.along import Along
from pminusy.ops.call import Array, delivered, in_reach, output_rows, prepare, quiet

__all__ = ["LossAndGradient", "cross_entropy", "cross_entropy_grad", "cross_entropy_hvp"]


class LossAndGradient(NamedTuple):
    """Loss, and its gradient with respect to the logits."""

    loss: Array
    dL_dz: Array


@with_loss_options()
@quiet
def cross_entropy(
    z: ArrayLike,
    y: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    **options: Unpack[LossOptions],
) -> Array:
    """Softmax cross-entropy loss: L = Σ_k q_k (lse − z_k), with lse = ln Σ_j e^{z_j}.

    Parameters
    ----------
    z
        Logits (..., K).
    y
        Class indices (...) or soft targets (..., K).
    axis
        The axis of classes; the last by default. Class indices, weights of rows and losses have the
        shape of z without it, soft targets and gradients that of z.
    where
        Array of True and False that broadcasts to z: which classes take part. The others have
        probability 0, whatever their logits; no target may be at one.
    **options
        See `pminusy.core.options.Options`; the defaults are those of torch.

    Returns
    -------
    ndarray
        A 0-d array for "mean" and "sum", the losses (...) for "none". In nats.

    Raises
    ------
    InputError
        Shapes that do not fit, a label out of range, negative or NaN weights or targets, options
        outside their range, float32 beside float64.

    Examples
    --------
    >>> float(cross_entropy([[40.0, 0.0]], [0]))
    4.248354255291589e-18

    References
    ----------
    Bridle 1990; options: Szegedy et al. 2016, `torch.nn.functional.cross_entropy`.
    """
    if axis != -1 or where is not None:
        along = Along(z, axis, where, dict(options))
        return cross_entropy(along.z, along.targets(y), **along.options)
    (logits,) = arguments.floats(z=z)
    call = prepare(logits, y, options)
    return call.loss(call.head.cross_entropy(call.z, call.y, call.options))


@with_loss_options()
@quiet
def cross_entropy_grad(
    z: ArrayLike,
    y: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    grad_output: ArrayLike | None = None,
    out: Array | None = None,
    **options: Unpack[LossOptions],
) -> LossAndGradient:
    """Loss, and its gradient with respect to the logits: dL_dz = S p − q, for plain labels p − y.

    Parameters
    ----------
    z, y, axis, where, **options
        As `cross_entropy`.
    grad_output
        With `reduction="none"`: the factor (...) by which each row of the gradient is multiplied.
    out
        Array for the gradient, of the shape and type of z; it may be z itself.

    Returns
    -------
    LossAndGradient
        `loss` as from `cross_entropy`, and `dL_dz` (..., K).

    Raises
    ------
    InputError
        As `cross_entropy`.

    Examples
    --------
    >>> loss, dL_dz = cross_entropy_grad([[40.0, 0.0]], [0])
    >>> dL_dz
    array([[-4.24835426e-18,  4.24835426e-18]])

    References
    ----------
    As `cross_entropy`.
    """
    if axis != -1 or where is not None:
        along = Along(z, axis, where, dict(options))
        along.check_output(out)
        loss, dL_dz = cross_entropy_grad(
            along.z, along.targets(y), grad_output=grad_output, **along.options
        )
        return LossAndGradient(loss, along.delivered(along.backward(dL_dz), out))
    (logits,) = arguments.floats(z=z)
    call = prepare(logits, y, options)
    factors = arguments.row_factors(grad_output, call.rows, call.options)
    result, rows = output_rows(out, logits)
    loss, dL_dz = call.head.cross_entropy_grad(call.z, call.y, call.options, factors, rows)
    return LossAndGradient(call.loss(loss), delivered(dL_dz, result, logits))


@with_loss_options()
@quiet
def cross_entropy_hvp(
    z: ArrayLike,
    y: ArrayLike,
    v: ArrayLike,
    *,
    axis: int = -1,
    where: ArrayLike | None = None,
    grad_output: ArrayLike | None = None,
    out: Array | None = None,
    **options: Unpack[LossOptions],
) -> Array:
    """Hessian of the loss with respect to the logits, times v; for plain labels p ⊙ v − p (p·v).

    Parameters
    ----------
    z, y, axis, where, **options
        As `cross_entropy`.
    v
        Direction (..., K).
    grad_output
        As `cross_entropy_grad`.
    out
        Array for the result, of the shape and type of z; it may be z or v itself.

    Returns
    -------
    ndarray
        H v (..., K).

    Raises
    ------
    InputError
        As `cross_entropy`; a direction of another shape than the logits.

    Examples
    --------
    >>> cross_entropy_hvp([[0.0, 0.0]], [0], [[1.0, 0.0]])
    array([[ 0.25, -0.25]])

    References
    ----------
    Böhning 1992, "Multinomial logistic regression algorithm".
    """
    logits, direction = arguments.floats(z=z, v=v)
    if axis != -1 or where is not None:
        along = Along(logits, axis, where, dict(options))
        along.check_output(out, direction)
        arguments.same_shape("v", direction, "z", logits.shape)
        return along.delivered(_hvp_along(along, y, direction, grad_output), out)
    call = prepare(logits, y, options)
    arguments.same_shape("v", direction, "z", logits.shape)
    factors = arguments.row_factors(grad_output, call.rows, call.options)
    v_rows, exponent = in_reach(direction.reshape(call.z.shape))
    result, rows = output_rows(out, logits, direction)
    Hv = call.head.cross_entropy_hvp(call.z, call.y, call.options, v_rows, factors, rows)
    if exponent is not None:
        np.ldexp(Hv, exponent, out=Hv)
    return delivered(Hv, result, logits)


def _hvp_along(along: Along, y: ArrayLike, v: Array, grad_output: ArrayLike | None) -> Array:
    """H v (..., K) where classes are on another axis, or not all of them take part."""
    target, more = along.targets(y), {"grad_output": grad_output, **along.options}
    Hv = cross_entropy_hvp(along.z, target, along.direction(v), **more)
    if not along.capped:
        return along.filled(Hv, 0.0)
    return along.curvature(Hv, cross_entropy_grad(along.z, target, **more).dL_dz, v)
