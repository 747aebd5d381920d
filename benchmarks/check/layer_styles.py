"""Layers as pairs of forward and backward, each in more than one style, and their slips."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.check.slips import Slip, slip
from benchmarks.check.styles.style import Style

__all__ = ["LAYER_SLIPS", "LAYER_STYLES"]

_AFFINE = """
def affine_forward(x, w, b):
    <out>
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    <dx>
    <dw>
    <db>
    return dx, dw, db
"""
_AFFINE_LINES = {
    "out": "out = x.reshape(len(x), -1).dot(w) + b", "dx": "dx = dout.dot(w.T).reshape(x.shape)",
    "dw": "dw = x.reshape(len(x), -1).T.dot(dout)", "db": "db = dout.sum(axis=0)",
}  # fmt: skip
_RELU = """
def relu_forward(x):
    <out>
    return out, x


def relu_backward(dout, cache):
    <dx>
    return dx
"""
_DROPOUT = """
def dropout_forward(x, dropout_param):
    p, mode = dropout_param["p"], dropout_param["mode"]
    mask, out = None, x
    if mode == "train":
        <mask>
        out = x * mask
    return out, (dropout_param, mask)


def dropout_backward(dout, cache):
    param, mask = cache
    <dx>
    return dx
"""
_BATCHNORM = """
def batchnorm_forward(x, gamma, beta, bn_param):
    mode, eps, momentum = bn_param["mode"], bn_param["eps"], bn_param["momentum"]
    mean, var = bn_param["running_mean"], bn_param["running_var"]
    if mode == "train":
        <mu>
        <s2>
        <std>
        xhat = (x - mu) / std
        <out>
        <rm>
        <rv>
        cache = (xhat, gamma, std)
    else:
        <test>
        cache = None
    bn_param["running_mean"], bn_param["running_var"] = mean, var
    return out, cache


def batchnorm_backward(dout, cache):
    xhat, gamma, std = cache
    N = dout.shape[0]
    <dbeta>
    <dgamma>
    <dx>
    return dx, dgamma, dbeta
"""
_BATCHNORM_LINES = {
    "mu": "mu = x.mean(axis=0)", "s2": "s2 = x.var(axis=0)", "std": "std = np.sqrt(s2 + eps)",
    "out": "out = gamma * xhat + beta", "rm": "mean = momentum * mean + (1 - momentum) * mu",
    "rv": "var = momentum * var + (1 - momentum) * s2",
    "test": "out = gamma * (x - mean) / np.sqrt(var + eps) + beta",
    "dbeta": "dbeta = dout.sum(axis=0)", "dgamma": "dgamma = (dout * xhat).sum(axis=0)",
    "dx": "dx = gamma / std / N * (N * dout - dbeta - xhat * dgamma)",
}  # fmt: skip
_POOL = """
def max_pool_forward(x, pool_param):
    h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    N, C, H, W = x.shape
    out = np.zeros((N, C, 1 + (H - h) // s, 1 + (W - w) // s))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            <out>
    return out, (x, pool_param)


def max_pool_backward(dout, cache):
    x, pool_param = cache
    h, w, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        win = x[n, c, i*s:i*s+h, j*s:j*s+w]
        <dx>
    return dx
"""
_POOL_LINES = {
    "out": "out[:, :, i, j] = x[:, :, i*s:i*s+h, j*s:j*s+w].max(axis=(2, 3))",
    "dx": "dx[n, c, i*s:i*s+h, j*s:j*s+w] += (win == win.max()) * dout[n, c, i, j]",
}  # fmt: skip
_CONV = """
def conv_forward(x, w, b, conv_param):
    s, p = conv_param["stride"], conv_param["pad"]
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    out = np.zeros((N, F, 1 + (H + 2*p - HH) // s, 1 + (W + 2*p - WW) // s))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            win = xp[:, :, i*s:i*s+HH, j*s:j*s+WW]
            <out>
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, b, conv_param = cache
    s, p = conv_param["stride"], conv_param["pad"]
    xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    HH, WW = w.shape[2:]
    <db>
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            win = xp[:, :, i*s:i*s+HH, j*s:j*s+WW]
            <dw>
            <dx>
    dx = dxp[:, :, p:dxp.shape[2]-p, p:dxp.shape[3]-p]
    return dx, dw, db
"""
_CONV_LINES = {
    "out": "out[:, :, i, j] = np.einsum('nchw,fchw->nf', win, w) + b",
    "db": "db = dout.sum(axis=(0, 2, 3))",
    "dw": "dw += np.einsum('nf,nchw->fchw', dout[:, :, i, j], win)",
    "dx": "dxp[:, :, i*s:i*s+HH, j*s:j*s+WW] += np.einsum('nf,fchw->nchw', dout[:, :, i, j], w)",
}  # fmt: skip


def _styles() -> Iterator[Style]:
    yield Style("affine", "affine", _AFFINE, _AFFINE_LINES)
    yield Style(
        "affine, einsum", "affine", _AFFINE,
        {"out": "out = np.einsum('nd,dk->nk', x, w) + b", "dx": "dx = np.einsum('nk,dk->nd', dout, w)",
         "dw": "dw = np.einsum('nd,nk->dk', x, dout)", "db": "db = np.ones(len(dout)) @ dout"},
    )  # fmt: skip
    yield Style("affine, K×D", "affine", _AFFINE, {
        "out": "out = x @ w.T + b", "dx": "dx = dout @ w", "dw": "dw = dout.T @ x", "db": "db = dout.sum(0)",
    })  # fmt: skip
    yield Style(
        "relu", "relu", _RELU, {"out": "out = np.maximum(0, x)", "dx": "dx = dout * (cache > 0)"}
    )
    yield Style("relu, where", "relu", _RELU, {
        "out": "out = np.where(x > 0, x, 0)", "dx": "dx = np.array(dout)\ndx[cache <= 0] = 0",
    })  # fmt: skip
    yield Style("relu, alone", "alone", "def relu_forward(x):\n    return x * (x > 0), x\n", {})
    yield Style("dropout, keep", "dropout", _DROPOUT, {
        "mask": "mask = (np.random.rand(*x.shape) < p) / p", "dx": "dx = dout * mask",
    })  # fmt: skip
    yield Style("dropout, drop", "dropout drop", _DROPOUT, {
        "mask": "mask = (np.random.rand(*x.shape) >= p) / (1 - p)", "dx": "dx = dout * mask",
    })  # fmt: skip
    yield Style("batchnorm", "batchnorm", _BATCHNORM, _BATCHNORM_LINES)
    yield Style(
        "batchnorm, by hand", "batchnorm", _BATCHNORM,
        _BATCHNORM_LINES
        | {"mu": "mu = x.sum(axis=0) / x.shape[0]", "s2": "s2 = ((x - mu) ** 2).mean(axis=0)",
           "std": "std = (s2 + eps) ** 0.5",
           "dx": "g = dout * gamma\ndx = (g - g.mean(axis=0) - xhat * (g * xhat).mean(axis=0)) / std"},
    )  # fmt: skip
    yield Style(
        "batchnorm, cancelling", "fragile", _BATCHNORM,
        _BATCHNORM_LINES | {"s2": "s2 = (x ** 2).mean(axis=0) - mu ** 2"}, "fragile",
    )  # fmt: skip
    yield Style("max pool", "pool", _POOL, _POOL_LINES)
    yield Style(
        "max pool, arg-max", "pool", _POOL,
        _POOL_LINES
        | {"dx": "k = np.unravel_index(win.argmax(), win.shape)\ndx[n, c, i*s + k[0], j*s + k[1]] += dout[n, c, i, j]"},
    )  # fmt: skip
    yield Style("conv", "conv", _CONV, _CONV_LINES)
    yield Style(
        "conv, tensordot", "conv", _CONV,
        _CONV_LINES
        | {"out": "out[:, :, i, j] = np.tensordot(win, w, ([1, 2, 3], [1, 2, 3])) + b",
           "dx": "dxp[:, :, i*s:i*s+HH, j*s:j*s+WW] += np.tensordot(dout[:, :, i, j], w, (1, 0))"},
    )  # fmt: skip


LAYER_STYLES = tuple(_styles())


LAYER_SLIPS: Mapping[str, tuple[Slip, ...]] = {
    "affine": (
        slip("dL_db.averaged", db="db = dout.mean(axis=0)"),
        slip("dL_db.total", db="db = np.sum(dout) * np.ones_like(b)"),
        slip("dL_db.last_sample", db="db = dout[-1]"),
        slip("shape.gradient", db="db = dout.sum(axis=0, keepdims=True)"),
    ),
    "relu": (
        slip("relu.gradient_clipped", dx="dx = np.maximum(dout, 0)"),
        slip("relu.mask_missing", dx="dx = dout"),
        slip("relu.mask_turned", dx="dx = dout * (cache < 0)"),
        slip("relu.gradient_missing", dx="dx = (cache > 0) * 1.0"),
        slip("relu.absolute", out="out = np.abs(x)"),
        slip("relu.missing", out="out = x"),
        slip("relu.leaky_0.01", out="out = np.where(x > 0, x, 0.01 * x)"),
    ),
    "dropout": (
        slip("dropout.not_scaled", mask="mask = np.random.rand(*x.shape) < p"),
        slip("dropout.scale_disagrees", mask="mask = (np.random.rand(*x.shape) < p) / (1 - p)"),
        slip("dropout.normal_numbers", mask="mask = (np.random.randn(*x.shape) < p) / p"),
        slip("dropout.nothing_dropped", mask="mask = np.random.rand(*x.shape) < p / p"),
        slip("dropout.backward_not_scaled", dx="dx = dout * (mask > 0)"),
        slip("dropout.backward_mask", dx="dx = dout * (np.random.rand(*dout.shape) < 0.3) / 0.3"),
    ),
    "batchnorm": (
        slip("batch_norm.running_deviation", rv="var = momentum * var + (1 - momentum) * np.sqrt(s2)"),
        slip("batch_norm.running_root", rv="var = momentum * var + (1 - momentum) * std"),
        slip("batch_norm.running_with_epsilon", rv="var = momentum * var + (1 - momentum) * (s2 + eps)"),
        slip("batch_norm.running_mean_turned", rm="mean = (1 - momentum) * mean + momentum * mu"),
        slip("batch_norm.epsilon_outside", std="std = np.sqrt(s2) + eps"),
        slip("batch_norm.epsilon_missing", std="std = np.sqrt(s2)"),
        slip("batch_norm.root_missing", std="std = s2 + eps"),
        slip("batch_norm.unbiased", s2="s2 = x.var(axis=0, ddof=1)"),
        slip("batch_norm.variance_ignored", dx="dx = gamma / std / N * (N * dout - dbeta)"),
        slip("batch_norm.mean_ignored", dx="dx = gamma / std / N * (N * dout - xhat * dgamma)"),
        slip("batch_norm.statistics_ignored", dx="dx = gamma / std * dout"),
        slip("batch_norm.gradient_not_scaled", dx="dx = (N * dout - dbeta - xhat * dgamma) / std / N"),
        slip("batch_norm.dgamma_averaged", dgamma="dgamma = (dout * xhat).mean(axis=0)", dx="dx = gamma / std * (dout - dout.mean(axis=0) - xhat * dgamma)"),
        slip("batch_norm.test_uses_batch", test="out = gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta"),
        slip("batch_norm.test_not_scaled", test="out = (x - mean) / np.sqrt(var + eps)"),
        slip("batch_norm.shift_missing", out="out = gamma * xhat"),
    ),
    "pool": (
        slip("max_pool.assigned", dx="dx[n, c, i*s:i*s+h, j*s:j*s+w] = (win == win.max()) * dout[n, c, i, j]"),
        slip("max_pool.spread", dx="dx[n, c, i*s:i*s+h, j*s:j*s+w] += dout[n, c, i, j] / (h * w)"),
        slip("max_pool.gradient_missing", dx="dx[n, c, i*s:i*s+h, j*s:j*s+w] += win == win.max()"),
        slip("max_pool.average", out="out[:, :, i, j] = x[:, :, i*s:i*s+h, j*s:j*s+w].mean(axis=(2, 3))"),
        slip("max_pool.starts_at_zero", out="out[:, :, i, j] = np.maximum(0, x[:, :, i*s:i*s+h, j*s:j*s+w].max(axis=(2, 3)))"),
    ),
    "conv": (
        slip("convolution.assigned", dx="dxp[:, :, i*s:i*s+HH, j*s:j*s+WW] = np.einsum('nf,fchw->nchw', dout[:, :, i, j], w)"),
        slip("convolution.bias_averaged", db="db = dout.mean(axis=(0, 2, 3))"),
        slip("convolution.bias_of_samples", db="db = dout.sum(axis=(2, 3)).mean(axis=0)"),
        slip("convolution.bias_missing", out="out[:, :, i, j] = np.einsum('nchw,fchw->nf', win, w)"),
        slip("convolution.flipped", out="out[:, :, i, j] = np.einsum('nchw,fchw->nf', win, w[:, :, ::-1, ::-1]) + b"),
        slip("convolution.gradient_flipped", dx="dxp[:, :, i*s:i*s+HH, j*s:j*s+WW] += np.einsum('nf,fchw->nchw', dout[:, :, i, j], w[:, :, ::-1, ::-1])"),
        slip("convolution.weights_averaged", dw="dw += np.einsum('nf,nchw->fchw', dout[:, :, i, j], win) / len(x)"),
    ),
}  # fmt: skip
