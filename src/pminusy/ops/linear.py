"""The loss of a linear layer with a softmax: its gradients and its Hessian times a vector.

The logits are never held all at once; `kernels.linear.tiles` walks over them in tiles.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike

from pminusy import arguments
from pminusy.arguments import LossOptions, with_loss_options
from pminusy.errors import InputError, short_repr
from pminusy.kernels.linear import tiles
from pminusy.ops.call import Array, Call, in_reach, prepare, quiet

__all__ = [
    "LinearGradient",
    "LinearHVP",
    "linear_cross_entropy",
    "linear_cross_entropy_grad",
    "linear_cross_entropy_hvp",
]


class LinearGradient(NamedTuple):
    """Loss, and its gradients with respect to inputs, weights and bias (None where not wanted)."""

    loss: Array
    dL_dX: Array | None
    dL_dW: Array | None
    dL_db: Array | None


class LinearHVP(NamedTuple):
    """Second derivative with respect to (W, b), times a direction."""

    HV_W: Array
    HV_b: Array | None


@with_loss_options()
@quiet
def linear_cross_entropy(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    *,
    workspace: int = tiles.WORKSPACE,
    **options: Unpack[LossOptions],
) -> Array:
    """Cross-entropy of a linear layer, `cross_entropy(X Wᵀ + b, y)`, never holding all logits.

    Parameters
    ----------
    X, W, b
        Inputs (N, D), an array or a SciPy sparse matrix; weights (K, D); bias (K,) or None.
    y, **options
        As `cross_entropy`, with N rows.
    workspace
        Bytes of memory that may be used beside the results: 64 MiB. More makes it a little faster.

    Returns
    -------
    ndarray
        A 0-d array for "mean" and "sum", (N,) for "none".

    Raises
    ------
    InputError
        As `cross_entropy`, and shapes of X, W and b that do not fit each other.

    Examples
    --------
    >>> float(linear_cross_entropy([[1.0]], [[40.0], [0.0]], None, [0]))
    4.248354255291589e-18

    References
    ----------
    As `cross_entropy`.
    """
    call, layer, _ = _linear_call(X, W, b, y, None, workspace, options)
    return tiles.loss(call.implementation, layer, workspace)


@with_loss_options()
@quiet
def linear_cross_entropy_grad(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    *,
    wrt: tuple[str, ...] = ("X", "W", "b"),
    grad_output: ArrayLike | None = None,
    workspace: int = tiles.WORKSPACE,
    **options: Unpack[LossOptions],
) -> LinearGradient:
    """Loss of a linear layer, and dL_dX = dL_dz W, dL_dW = dL_dzᵀ X, dL_db = Σ_i dL_dz_i.

    Parameters
    ----------
    X, W, b, y, workspace, **options
        As `linear_cross_entropy`.
    wrt
        Which gradients to compute.
    grad_output
        As `cross_entropy_grad`.

    Returns
    -------
    LinearGradient
        `loss`, `dL_dX` (N, D), `dL_dW` (K, D), `dL_db` (K,); None where not in `wrt`, and for a
        bias that is None.

    Raises
    ------
    InputError
        As `linear_cross_entropy`; a name in `wrt` that is not "X", "W" or "b".

    Examples
    --------
    >>> W = [[0.0, 0.0], [0.0, 0.0]]
    >>> linear_cross_entropy_grad([[1.0, 2.0]], W, None, [0]).dL_dW
    array([[-0.5, -1. ],
           [ 0.5,  1. ]])

    References
    ----------
    As `cross_entropy`.
    """
    arguments.wanted(wrt)
    call, layer, factors = _linear_call(X, W, b, y, grad_output, workspace, options)
    return LinearGradient(
        *tiles.loss_and_gradients(call.implementation, layer, tuple(wrt), factors, workspace)
    )


@with_loss_options()
@quiet
def linear_cross_entropy_hvp(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    V_W: ArrayLike,
    V_b: ArrayLike | None = None,
    *,
    grad_output: ArrayLike | None = None,
    workspace: int = tiles.WORKSPACE,
    **options: Unpack[LossOptions],
) -> LinearHVP:
    """Hessian of the loss with respect to (W, b), times (V_W, V_b), never forming a (K D)² matrix.

    A = X V_Wᵀ + V_b, R_i = H_i A_i, then HV_W = Rᵀ X and HV_b = Σ_i R_i.

    Parameters
    ----------
    X, W, b, y, workspace, **options
        As `linear_cross_entropy`.
    V_W, V_b
        Direction (K, D) and (K,); V_b is None where b is, and 0 where it is left out.
    grad_output
        As `cross_entropy_grad`.

    Returns
    -------
    LinearHVP
        `HV_W` (K, D) and `HV_b` (K,), the latter None where b is.

    Raises
    ------
    InputError
        As `linear_cross_entropy`; a direction of another shape than its parameter.

    Examples
    --------
    >>> linear_cross_entropy_hvp([[1.0]], [[0.0], [0.0]], None, [0], [[1.0], [0.0]]).HV_W
    array([[ 0.25],
           [-0.25]])

    References
    ----------
    Pearlmutter 1994, "Fast exact multiplication by the Hessian".
    """
    call, layer, factors = _linear_call(X, W, b, y, grad_output, workspace, options)
    _, V_W = arguments.floats(W=layer.W, V_W=V_W)
    arguments.same_shape("V_W", V_W, "W", layer.W.shape)
    if V_b is not None:
        if layer.b is None:
            raise InputError("V_b", "None, as b is None", "an array")
        _, V_b = arguments.floats(b=layer.b, V_b=V_b)
        arguments.same_shape("V_b", V_b, "b", layer.b.shape)
    (V_W, V_b), n = _in_reach(V_W, V_b)
    HV_W, HV_b = tiles.products_with_hessian(
        call.implementation, layer, V_W, V_b, factors, workspace
    )
    if n:
        HV_W, HV_b = np.ldexp(HV_W, n), None if HV_b is None else np.ldexp(HV_b, n)
    return LinearHVP(HV_W, HV_b)


def _in_reach(V_W: Array, V_b: Array | None) -> tuple[tuple[Array, Array | None], int]:
    """The direction over 2^n, and n: 0 unless an entry is so large that products overflow."""
    parts = [V_W] if V_b is None else [V_W, V_b]
    exponents = [in_reach(part.reshape(1, -1))[1] for part in parts]
    n = max((int(e.max()) for e in exponents if e is not None), default=0)
    if not n:
        return (V_W, V_b), 0
    return (np.ldexp(V_W, -n), None if V_b is None else np.ldexp(V_b, -n)), n


def _linear_call(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    grad_output: ArrayLike | None,
    workspace: int,
    options: LossOptions,
) -> tuple[Call, tiles.LayerArrays, Array | None]:
    """A checked call of a linear layer's loss."""
    if isinstance(workspace, bool) or not isinstance(workspace, int) or workspace < 1:
        raise InputError("workspace", "a whole number of bytes above 0", short_repr(workspace))
    X, W, b = arguments.linear_layer(X, W, b)
    N, K = X.shape[0], W.shape[0]
    like_logits = np.broadcast_to(np.zeros((), W.dtype), (N, K))  # their shape and type, no memory
    call = prepare(like_logits, y, options)
    factors = arguments.row_factors(grad_output, (N,), call.options)
    return call, tiles.LayerArrays(X, W, b, call.y, call.options), factors
