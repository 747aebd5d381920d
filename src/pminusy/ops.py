"""The array functions: check the arguments, resolve the options, run an implementation.

Conventions: logits `z` (..., K) with classes on the last axis; `y` class indices of shape (...) or
soft targets (..., K); inputs `X` (N, D), weights `W` (K, D), bias `b` (K,) or None. float32 and
float64 arrays give results of their own type; lists and integers are taken as float64. The options
of every loss are those of `pminusy.core.options.Options`: `weight`, `sample_weight`,
`ignore_index`, `label_smoothing`, `reduction`, `temperature`, `z_loss`, `softcap`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy import arguments
from pminusy.arguments import LossOptions
from pminusy.core import softmax as core_softmax
from pminusy.core.options import Options
from pminusy.errors import InputError
from pminusy.kernels import linear
from pminusy.kernels.dispatch import implementation

__all__ = [
    "LinearGradient",
    "LinearHVP",
    "LossAndGradient",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hvp",
    "linear_cross_entropy",
    "linear_cross_entropy_grad",
    "linear_cross_entropy_hvp",
    "log_softmax",
    "softmax",
    "softmax_jacobian",
]

Array = NDArray[Any]


class LossAndGradient(NamedTuple):
    """Loss, and its gradient with respect to the logits."""

    loss: Array
    dL_dz: Array


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


class _Call(NamedTuple):
    """A checked call: logits (N, K) and targets (N,) or (N, K), options resolved."""

    z: Array
    y: Array
    options: Options
    rows: tuple[int, ...]

    @property
    def implementation(self) -> Any:
        """Module that computes it."""
        return implementation(self.z.shape[0], self.z.shape[1], self.options)

    def loss(self, value: Array) -> Array:
        """Give a loss the shape the caller expects."""
        return value.reshape(self.rows) if self.options.reduction == "none" else value


def softmax(z: ArrayLike, *, out: Array | None = None) -> Array:
    """Probabilities of logits: p_k = e^{z_k} / Σ_j e^{z_j}.

    Parameters
    ----------
    z
        Logits (..., K). −∞ is a mask: probability 0.
    out
        Array for the result, of the shape and type of z; it may be z itself.

    Returns
    -------
    ndarray
        Probabilities (..., K), each within a few units in its last place.

    Raises
    ------
    InputError
        Fewer than two classes, or a type other than float32, float64 and integers.

    Examples
    --------
    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])

    References
    ----------
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    """
    return _rowwise("softmax", z, out)


def log_softmax(z: ArrayLike, *, out: Array | None = None) -> Array:
    """Logarithm of the softmax: ln p_k = z_k − ln Σ_j e^{z_j}, accurate where p_k rounds to 1 or 0.

    Parameters
    ----------
    z
        Logits (..., K).
    out
        As `softmax`.

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
    return _rowwise("log_softmax", z, out)


def softmax_jacobian(z: ArrayLike) -> Array:
    """Jacobian of the softmax: J_ij = ∂p_i/∂z_j = p_i (δ_ij − p_j).

    Parameters
    ----------
    z
        Logits (..., K).

    Returns
    -------
    ndarray
        J (..., K, K): symmetric, positive semi-definite, every row sums to 0.

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
    (logits,) = arguments.floats(z=z)
    arguments.classes_last("z", logits)
    rows = logits.reshape(-1, logits.shape[-1])
    with np.errstate(all="ignore"):  # ∞ and NaN are values here: they stay in their row
        blocks = [core_softmax.jacobian(rows[block]) for block in core_softmax.row_blocks(rows)]
        J = np.concatenate(blocks or [core_softmax.jacobian(rows)])
    return J.reshape(*logits.shape, logits.shape[-1])


def cross_entropy(z: ArrayLike, y: ArrayLike, **options: Unpack[LossOptions]) -> Array:
    """Softmax cross-entropy loss: L = Σ_k q_k (lse − z_k), with lse = ln Σ_j e^{z_j}.

    Parameters
    ----------
    z
        Logits (..., K).
    y
        Class indices (...) or soft targets (..., K).
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
    (logits,) = arguments.floats(z=z)
    call = _prepare(logits, y, options)
    return call.loss(call.implementation.cross_entropy(call.z, call.y, call.options))


def cross_entropy_grad(
    z: ArrayLike,
    y: ArrayLike,
    *,
    grad_output: ArrayLike | None = None,
    out: Array | None = None,
    **options: Unpack[LossOptions],
) -> LossAndGradient:
    """Loss, and its gradient with respect to the logits: dL_dz = S p − q, for plain labels p − y.

    Parameters
    ----------
    z, y, **options
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
    (logits,) = arguments.floats(z=z)
    call = _prepare(logits, y, options)
    factors = arguments.row_factors(grad_output, call.rows, call.options)
    result, rows = _output(out, logits)
    loss, dL_dz = call.implementation.cross_entropy_grad(
        call.z, call.y, call.options, factors, rows
    )
    return LossAndGradient(call.loss(loss), _delivered(dL_dz, result, logits))


def cross_entropy_hvp(
    z: ArrayLike,
    y: ArrayLike,
    v: ArrayLike,
    *,
    grad_output: ArrayLike | None = None,
    out: Array | None = None,
    **options: Unpack[LossOptions],
) -> Array:
    """Hessian of the loss with respect to the logits, times v; for plain labels p ⊙ v − p (p·v).

    Parameters
    ----------
    z, y, **options
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
    call = _prepare(logits, y, options)
    arguments.same_shape("v", direction, "z", logits.shape)
    factors = arguments.row_factors(grad_output, call.rows, call.options)
    v_rows = direction.reshape(call.z.shape)
    result, rows = _output(out, logits, direction)
    Hv = call.implementation.cross_entropy_hvp(call.z, call.y, call.options, v_rows, factors, rows)
    return _delivered(Hv, result, logits)


def linear_cross_entropy(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    *,
    workspace: int = linear.WORKSPACE,
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
    return linear.loss(call.implementation, layer, workspace)


def linear_cross_entropy_grad(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    *,
    wrt: tuple[str, ...] = ("X", "W", "b"),
    grad_output: ArrayLike | None = None,
    workspace: int = linear.WORKSPACE,
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
    wanted(wrt)
    call, layer, factors = _linear_call(X, W, b, y, grad_output, workspace, options)
    return LinearGradient(
        *linear.loss_and_gradients(call.implementation, layer, tuple(wrt), factors, workspace)
    )


def linear_cross_entropy_hvp(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    V_W: ArrayLike,
    V_b: ArrayLike | None = None,
    *,
    grad_output: ArrayLike | None = None,
    workspace: int = linear.WORKSPACE,
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
    return LinearHVP(
        *linear.products_with_hessian(call.implementation, layer, V_W, V_b, factors, workspace)
    )


def wanted(wrt: tuple[str, ...]) -> None:
    """Refuse names of gradients that there are not."""
    unknown = [name for name in wrt if name not in ("X", "W", "b")]
    if unknown:
        raise InputError("wrt", 'names among "X", "W" and "b"', repr(unknown[0]))


def _linear_call(
    X: Any,
    W: ArrayLike,
    b: ArrayLike | None,
    y: ArrayLike,
    grad_output: ArrayLike | None,
    workspace: int,
    options: LossOptions,
) -> tuple[_Call, linear.Layer, Array | None]:
    """A checked call of a linear layer's loss."""
    if isinstance(workspace, bool) or not isinstance(workspace, int) or workspace < 1:
        raise InputError("workspace", "a whole number of bytes above 0", repr(workspace))
    X, W, b = _layer(X, W, b)
    N, K = X.shape[0], W.shape[0]
    like_logits = np.broadcast_to(np.zeros((), W.dtype), (N, K))  # their shape and type, no memory
    call = _prepare(like_logits, y, options)
    factors = arguments.row_factors(grad_output, (N,), call.options)
    return call, linear.Layer(X, W, b, call.y, call.options), factors


def _rowwise(name: str, z: ArrayLike, out: Array | None) -> Array:
    """Apply a function of (N, K) logits to logits of any shape (..., K)."""
    (logits,) = arguments.floats(z=z)
    arguments.classes_last("z", logits)
    flat = logits.reshape(-1, logits.shape[-1])
    result, rows = _output(out, logits)
    return _delivered(getattr(implementation(*flat.shape), name)(flat, rows), result, logits)


def _output(out: Array | None, z: Array, *inputs: Array) -> tuple[Array | None, Array | None]:
    """Where a result goes, checked, and the same as rows (N, K); None where that is a new array."""
    if out is None:
        return None, None
    arguments.output(out, z, *inputs)
    rows = out.reshape(-1, z.shape[-1])
    return out, rows if np.may_share_memory(rows, out) else None  # a copy would go nowhere


def _delivered(rows: Array, out: Array | None, z: Array) -> Array:
    """Result rows (N, K) in the shape of z, and in `out` if there is one."""
    if out is None:
        return rows.reshape(z.shape)
    if not np.may_share_memory(rows, out):
        out[...] = rows.reshape(z.shape)
    return out


def _prepare(logits: Array, y: ArrayLike, options: LossOptions) -> _Call:
    arguments.classes_last("z", logits)
    rows, K = logits.shape[:-1], logits.shape[-1]
    resolved = arguments.loss_options(options, rows, K)
    target = arguments.targets(y, logits, resolved.ignore_index)
    z = logits.reshape(-1, K)
    return _Call(z, target, resolved, rows)


def _layer(X: Any, W: ArrayLike, b: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """Inputs, weights and bias of one type and of shapes that fit."""
    sparse = arguments.compressed_rows(X)
    entries = X if sparse is None else sparse.data
    named = {"X": entries, "W": W} if b is None else {"X": entries, "W": W, "b": b}
    X, W, *bias = arguments.floats(**named)
    if sparse is not None:
        X = type(sparse)((X, sparse.indices, sparse.indptr), shape=sparse.shape)
    for name, array, shape in (("X", X, "(N, D)"), ("W", W, "(K, D)")):
        if array.ndim != 2:
            raise InputError(name, f"shape {shape}", f"shape {array.shape}")
    if X.shape[1] != W.shape[1]:
        expected = f"as many features as X, shape (K, {X.shape[1]})"
        remedy = "W has one row a class: transpose it" if X.shape[1] == W.shape[0] else ""
        raise InputError("W", expected, f"shape {W.shape}", remedy)
    if W.shape[0] < 2:
        remedy = "for two classes give both rows, (0, w) in place of w"
        raise InputError("W", "at least 2 rows, one a class", f"shape {W.shape}", remedy)
    if bias and bias[0].shape != (W.shape[0],):
        raise InputError("b", f"one entry a class, shape ({W.shape[0]},)", f"shape {bias[0].shape}")
    return X, W, bias[0] if bias else None
