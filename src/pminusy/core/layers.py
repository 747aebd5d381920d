"""The layers before the head: forward, and backward from the gradient g of what comes after.

    layer        forward                           backward
    linear       X Wᵀ + b                          dW = gᵀ X, db = Σ_i g_i, dX = g W
    ReLU         max(a, 0)                         g ⊙ [a > 0]
    dropout      a ⊙ mask / (1 − r)                g ⊙ mask / (1 − r)
    batch norm   γ x̂ + β, x̂ = (x − μ)/√(σ² + ε)    dγ = Σ g x̂, dβ = Σ g,
                                                   dx = γ/√(σ² + ε) (g − mean(g) − x̂ mean(g x̂))
    max pool     maximum of each window            g to the first arg-max, windows add up
    convolution  cross-correlation + bias          dW: input with g; dX: full convolution
    embedding    rows of a table E                 dE: each row the sum of the g of its places

Every forward returns its output and what its backward needs. Arrays are float32 or float64 and
already validated; images are (N, C, height, width). `g` already carries any 1/N of the loss.

Source: Srivastava et al. 2014 (dropout); Ioffe & Szegedy 2015 (batch norm).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = [
    "BatchNormCache",
    "BatchNormGradient",
    "ConvolutionCache",
    "LayerGradient",
    "MaxPoolCache",
    "RunningStatistics",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_test",
    "convolution",
    "convolution_backward",
    "dropout",
    "dropout_backward",
    "embedding",
    "embedding_backward",
    "linear",
    "linear_backward",
    "max_pool",
    "max_pool_backward",
    "relu",
    "relu_backward",
]

Array = NDArray[Any]
Pair = int | tuple[int, int]
"""One number for height and width, or one for each."""


class LayerGradient(NamedTuple):
    """Gradients of a layer with weights: inputs, weights, bias."""

    dL_dX: Array
    dL_dW: Array
    dL_db: Array


def linear(X: Array, W: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
    """X Wᵀ + b (N, K), for X (N, D), W (K, D), b (K,)."""
    return X @ W.T + b, (X, W)


def linear_backward(g: Array, cache: tuple[Array, Array]) -> LayerGradient:
    """dX = g W, dW = gᵀ X, db = Σ_i g_i."""
    X, W = cache
    return LayerGradient(g @ W, g.T @ X, g.sum(axis=0))


def relu(a: Array) -> tuple[Array, Array]:
    """max(a, 0), and the mask [a > 0]; NaN stays NaN."""
    return np.maximum(a, 0), a > 0


def relu_backward(g: Array, positive: Array) -> Array:
    """g ⊙ [a > 0]: 0 at the kink a = 0, by convention."""
    return np.where(positive, g, np.zeros((), dtype=g.dtype))


def dropout(a: Array, rate: float, mask: Array) -> tuple[Array, Array]:
    """a ⊙ mask / (1 − r), which keeps the mean; mask is 1 (kept) with probability 1 − r, else 0."""
    scale = (mask / (1.0 - rate)).astype(a.dtype)
    return a * scale, scale


def dropout_backward(g: Array, scale: Array) -> Array:
    """g ⊙ mask / (1 − r), the same mask."""
    return g * scale


class RunningStatistics(NamedTuple):
    """Mean and variance (D,) to be used once training is over."""

    mean: Array
    variance: Array


class BatchNormCache(NamedTuple):
    """Normalised input x̂ (N, D), γ (D,), and 1 / √(σ² + ε) (D,); whose σ and μ they were."""

    normalised: Array
    gamma: Array
    inverse_std: Array
    training: bool


class BatchNormGradient(NamedTuple):
    """Gradients of batch norm: inputs, γ, β."""

    dL_dX: Array
    dL_dgamma: Array
    dL_dbeta: Array


def batch_norm(
    X: Array, gamma: Array, beta: Array, running: RunningStatistics | None = None, *,
    eps: float = 1e-5, momentum: float = 0.1,
) -> tuple[Array, BatchNormCache, RunningStatistics]:  # fmt: skip
    """γ x̂ + β with the batch's own mean and biased variance, feature by feature.

    Returns the output (N, D), the cache, and the running statistics moved by `momentum` towards
    this batch (its unbiased variance, as torch keeps it; the start is mean 0, variance 1).
    """
    N, D = X.shape
    mean, variance = X.mean(axis=0), X.var(axis=0)
    inverse_std = (1.0 / np.sqrt(variance + eps)).astype(X.dtype)
    normalised = (X - mean) * inverse_std
    if running is None:
        running = RunningStatistics(np.zeros(D, X.dtype), np.ones(D, X.dtype))
    unbiased = variance * (N / (N - 1)) if N > 1 else variance
    moved = RunningStatistics(
        ((1 - momentum) * running.mean + momentum * mean).astype(X.dtype),
        ((1 - momentum) * running.variance + momentum * unbiased).astype(X.dtype),
    )
    cache = BatchNormCache(normalised, gamma, inverse_std, True)
    return gamma * normalised + beta, cache, moved


def batch_norm_test(
    X: Array, gamma: Array, beta: Array, running: RunningStatistics, *, eps: float = 1e-5
) -> tuple[Array, BatchNormCache]:
    """γ x̂ + β with the running statistics: a fixed linear map of each feature."""
    inverse_std = (1.0 / np.sqrt(running.variance + eps)).astype(X.dtype)
    normalised = (X - running.mean) * inverse_std
    return gamma * normalised + beta, BatchNormCache(normalised, gamma, inverse_std, False)


def batch_norm_backward(g: Array, cache: BatchNormCache) -> BatchNormGradient:
    """dγ = Σ g x̂, dβ = Σ g, dx = γ/√(σ² + ε) (g − mean(g) − x̂ mean(g x̂)).

    With running statistics μ and σ do not depend on x, and dx = γ/√(σ² + ε) g.
    """
    x_hat, slope = cache.normalised, cache.gamma * cache.inverse_std
    dgamma, dbeta = (g * x_hat).sum(axis=0), g.sum(axis=0)
    if not cache.training:
        return BatchNormGradient(slope * g, dgamma, dbeta)
    centred = g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)
    return BatchNormGradient(slope * centred, dgamma, dbeta)


class MaxPoolCache(NamedTuple):
    """Shape of the input, the flat place of each window's maximum in it, and the type."""

    shape: tuple[int, ...]
    places: NDArray[np.intp]


def max_pool(X: Array, size: Pair, stride: Pair | None = None) -> tuple[Array, MaxPoolCache]:
    """Maximum of each window of X (N, C, H, W); windows overlap where stride < size.

    The first maximum in reading order counts on ties. Rows and columns that fill no whole window
    are left out.
    """
    height, width = _pair(size)
    down, across = _pair(size if stride is None else stride)
    windows = _windows(X, (height, width), (down, across))  # (N, C, H', W', height, width)
    flat = windows.reshape(*windows.shape[:4], -1)
    winner = flat.argmax(axis=-1)
    out = np.take_along_axis(flat, winner[..., None], axis=-1)[..., 0]
    n, c, h, w = np.indices(winner.shape)
    rows, columns = h * down + winner // width, w * across + winner % width
    places = np.ravel_multi_index((n, c, rows, columns), X.shape)
    return out, MaxPoolCache(X.shape, places)


def max_pool_backward(g: Array, cache: MaxPoolCache) -> Array:
    """g goes to the arg-max of its window and 0 elsewhere; overlapping windows add up."""
    dX = np.zeros(int(np.prod(cache.shape)), dtype=g.dtype)
    np.add.at(dX, cache.places.ravel(), g.ravel())
    return dX.reshape(cache.shape)


class ConvolutionCache(NamedTuple):
    """Padded input, weights, and stride and padding by axis."""

    padded: Array
    W: Array
    stride: tuple[int, int]
    padding: tuple[int, int]


def convolution(
    X: Array, W: Array, b: Array, *, stride: Pair = 1, padding: Pair = 0
) -> tuple[Array, ConvolutionCache]:
    """Cross-correlation of X (N, C, H, W) with kernels W (O, C, h, w), plus a bias (O,).

    out[n, o, r, s] = Σ_{c, i, j} X[n, c, stride·r + i, stride·s + j] W[o, c, i, j] + b[o], on X
    with `padding` zeros on each side.
    """
    step, (above, beside) = _pair(stride), _pair(padding)
    padded = np.pad(X, ((0, 0), (0, 0), (above, above), (beside, beside)))
    windows = _windows(padded, (W.shape[2], W.shape[3]), step)
    out = np.einsum("ncrsij,ocij->nors", windows, W, optimize=True)
    return out + b[:, None, None], ConvolutionCache(padded, W, step, (above, beside))


def convolution_backward(g: Array, cache: ConvolutionCache) -> LayerGradient:
    """dW correlates the input with g; dX is the full convolution of g with the kernel.

    Each output entry gives g · W back to the window that it saw: the full correlation of g (with
    stride − 1 zeros between its entries) with the flipped kernel, in- and out-channels exchanged.
    """
    padded, W, (down, across), (above, beside) = cache
    height, width = W.shape[2:]
    windows = _windows(padded, (height, width), (down, across))
    dW = np.einsum("ncrsij,nors->ocij", windows, g, optimize=True)
    spread = np.zeros(
        (*g.shape[:2], (g.shape[2] - 1) * down + 1, (g.shape[3] - 1) * across + 1), dtype=g.dtype
    )
    spread[:, :, ::down, ::across] = g
    around = ((0, 0), (0, 0), (height - 1, height - 1), (width - 1, width - 1))
    seen = np.einsum(
        "norsij,ocij->ncrs",
        _windows(np.pad(spread, around), (height, width), (1, 1)),
        W[:, :, ::-1, ::-1],
        optimize=True,
    )
    dX: Array = np.zeros(padded.shape, dtype=g.dtype)  # rows that no window reached stay 0
    dX[:, :, : seen.shape[2], : seen.shape[3]] = seen
    inner = dX[:, :, above : dX.shape[2] - above, beside : dX.shape[3] - beside]
    return LayerGradient(inner, dW.astype(g.dtype), g.sum(axis=(0, 2, 3)))


def embedding(codes: Array, E: Array) -> tuple[Array, tuple[Array, int]]:
    """E[codes] (N, …, D): a row of the table E (V, D) for each whole number in codes (N, …)."""
    return E[codes], (codes, len(E))


def embedding_backward(g: Array, cache: tuple[Array, int]) -> Array:
    """dE (V, D): each row is the sum of the g of every place where it was taken."""
    codes, rows = cache
    dE = np.zeros((rows, g.shape[-1]), dtype=g.dtype)
    np.add.at(dE, codes.ravel(), g.reshape(-1, g.shape[-1]))
    return dE


def _pair(value: Pair) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _windows(X: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    """Every window of the last two axes, without a copy: (N, C, H', W', h, w)."""
    down, across = stride
    return sliding_window_view(X, size, axis=(2, 3))[:, :, ::down, ::across]
