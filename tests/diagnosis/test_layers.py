# ruff: noqa: E501  # programs, one line each
"""Layers before the head: right pairs pass, and each slip is named."""

import pytest

from benchmarks.check.run_source import SourceSession
from pminusy.diagnosis.bind.signatures import candidates
from pminusy.diagnosis.catalogue.conventions import parse_pins
from pminusy.diagnosis.examine import examine

LAYERS = """
import numpy as np
def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T.dot(dout), dout.sum(axis=0)
def relu_forward(x):
    return np.maximum(0, x), x
def relu_backward(dout, cache):
    return dout * (cache > 0)
def sigmoid_forward(x):
    s = 1 / (1 + np.exp(-x))
    return s, s
def sigmoid_backward(dout, s):
    return dout * s * (1 - s)
def tanh_forward(x):
    t = np.tanh(x)
    return t, t
def tanh_backward(dout, t):
    return dout * (1 - t ** 2)
def dropout_forward(x, dropout_param):
    p, mode = dropout_param['p'], dropout_param['mode']
    mask = None; out = x
    if mode == 'train':
        mask = (np.random.rand(*x.shape) < p) / p
        out = x * mask
    return out, (dropout_param, mask)
def dropout_backward(dout, cache):
    return dout * cache[1]
def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param['mode']; eps = bn_param.get('eps', 1e-5); momentum = bn_param.get('momentum', 0.9)
    rm = bn_param.get('running_mean', np.zeros(x.shape[1])); rv = bn_param.get('running_var', np.zeros(x.shape[1]))
    if mode == 'train':
        mu = x.mean(0); var = x.var(0); std = np.sqrt(var + eps)
        xh = (x - mu) / std
        out = gamma * xh + beta
        rm = momentum * rm + (1 - momentum) * mu
        rv = momentum * rv + (1 - momentum) * var
        cache = (xh, gamma, std)
    else:
        out = gamma * (x - rm) / np.sqrt(rv + eps) + beta; cache = None
    bn_param['running_mean'] = rm; bn_param['running_var'] = rv
    return out, cache
def batchnorm_backward(dout, cache):
    xh, gamma, std = cache
    N = len(dout)
    dbeta = dout.sum(0); dgamma = (dout * xh).sum(0)
    dx = gamma / std / N * (N * dout - dbeta - xh * dgamma)
    return dx, dgamma, dbeta
def max_pool_forward_naive(x, pool_param):
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    N, C, H, W = x.shape
    Ho, Wo = 1 + (H - h) // s, 1 + (W - w) // s
    out = np.zeros((N, C, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            out[:, :, i, j] = x[:, :, i*s:i*s+h, j*s:j*s+w].max(axis=(2, 3))
    return out, (x, pool_param)
def max_pool_backward_naive(dout, cache):
    x, pool_param = cache
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    dx = np.zeros_like(x)
    for n in range(dout.shape[0]):
        for c in range(dout.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    win = x[n, c, i*s:i*s+h, j*s:j*s+w]
                    dx[n, c, i*s:i*s+h, j*s:j*s+w] += (win == win.max()) * dout[n, c, i, j]
    return dx
def conv_forward_naive(x, w, b, conv_param):
    s, p = conv_param['stride'], conv_param['pad']
    xp = np.pad(x, ((0,0),(0,0),(p,p),(p,p)))
    N, C, H, W = x.shape; F, _, HH, WW = w.shape
    Ho, Wo = 1 + (H + 2*p - HH)//s, 1 + (W + 2*p - WW)//s
    out = np.zeros((N, F, Ho, Wo))
    for i in range(Ho):
        for j in range(Wo):
            out[:, :, i, j] = np.einsum('nchw,fchw->nf', xp[:, :, i*s:i*s+HH, j*s:j*s+WW], w) + b
    return out, (x, w, b, conv_param)
def conv_backward_naive(dout, cache):
    x, w, b, conv_param = cache
    s, p = conv_param['stride'], conv_param['pad']
    xp = np.pad(x, ((0,0),(0,0),(p,p),(p,p)))
    dxp = np.zeros_like(xp); dw = np.zeros_like(w); db = dout.sum(axis=(0, 2, 3))
    HH, WW = w.shape[2:]
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            win = xp[:, :, i*s:i*s+HH, j*s:j*s+WW]
            dw += np.einsum('nf,nchw->fchw', dout[:, :, i, j], win)
            dxp[:, :, i*s:i*s+HH, j*s:j*s+WW] += np.einsum('nf,fchw->nchw', dout[:, :, i, j], w)
    dx = dxp[:, :, p:dxp.shape[2]-p, p:dxp.shape[3]-p]
    return dx, dw, db
"""
NAMES = ("affine", "relu", "sigmoid", "tanh", "dropout", "batchnorm", "max_pool", "conv")
SLIPS = [
    ("affine", "dout.sum(axis=0)", "dout.mean(axis=0)", "dL_db.averaged"),
    ("affine", ".dot(w) + b", ".dot(w)", "linear.bias_missing"),
    ("affine", "dout.sum(axis=0)", "dout.sum(axis=0, keepdims=True)", "shape.gradient"),
    ("relu", "dout * (cache > 0)", "np.maximum(dout, 0)", "relu.gradient_clipped"),
    ("relu", "dout * (cache > 0)", "dout", "relu.mask_missing"),
    ("sigmoid", "np.exp(-x)", "np.exp(x)", "sigmoid.sign_in_exponent"),
    ("sigmoid", "dout * s * (1 - s)", "dout * (1 - s)", "sigmoid.factor_missing"),
    ("sigmoid", "dout * s * (1 - s)", "dout", "sigmoid.slope_missing"),
    ("tanh", "dout * (1 - t ** 2)", "dout * (1 - t)", "tanh.square_missing"),
    ("tanh", "dout * (1 - t ** 2)", "dout * t * (1 - t)", "tanh.sigmoid_slope"),
    ("tanh", "np.tanh(x)", "np.tanh(x / 2)", "tanh.half"),
    ("dropout", " < p) / p", " < p)", "dropout.not_scaled"),
    ("dropout", " < p) / p", " < p) / (1 - p)", "dropout.scale_disagrees"),
    ("dropout", "np.random.rand(*x.shape)", "np.random.randn(*x.shape)", "dropout.normal_numbers"),
    (
        "dropout",
        "(np.random.rand(*x.shape) < p) / p",
        "np.random.rand(*x.shape) < p / p",
        "dropout.nothing_dropped",
    ),
    (
        "dropout",
        "return dout * cache[1]",
        "return dout * (cache[1] > 0)",
        "dropout.backward_not_scaled",
    ),
    ("dropout", "mask = None; out = x", "mask = None; out = x * p", "dropout.test_mode"),
    (
        "batchnorm",
        "(1 - momentum) * var",
        "(1 - momentum) * np.sqrt(var)",
        "batch_norm.running_deviation",
    ),
    (
        "batchnorm",
        "std = np.sqrt(var + eps)",
        "std = np.sqrt(var) + eps",
        "batch_norm.epsilon_outside",
    ),
    ("batchnorm", "std = np.sqrt(var + eps)", "std = var + eps", "batch_norm.root_missing"),
    ("batchnorm", " - xh * dgamma", "", "batch_norm.variance_ignored"),
    (
        "batchnorm",
        "(x - rm) / np.sqrt(rv + eps)",
        "(x - x.mean(0)) / np.sqrt(x.var(0) + eps)",
        "batch_norm.test_uses_batch",
    ),
    ("max_pool", "+= (win", "= (win", "max_pool.assigned"),
    ("max_pool", ".max(axis=(2, 3))", ".mean(axis=(2, 3))", "max_pool.average"),
    (
        "conv",
        "j*s:j*s+WW] += np.einsum('nf,fchw",
        "j*s:j*s+WW] = np.einsum('nf,fchw",
        "convolution.assigned",
    ),
    (
        "conv",
        "db = dout.sum(axis=(0, 2, 3))",
        "db = dout.mean(axis=(0, 2, 3))",
        "convolution.bias_averaged",
    ),
]


def verdict_on(source, name, pin=""):
    session = SourceSession(source)
    (candidate,) = candidates(session.inventory.functions, f"{name}_forward*")
    return examine(session, candidate, parse_pins(pin))


@pytest.mark.parametrize("name", NAMES)
def test_right_layer_is_correct(name):
    verdict = verdict_on(LAYERS, name)
    assert verdict.status == "correct", str(verdict)


@pytest.mark.parametrize(("name", "old", "new", "mistake"), SLIPS, ids=[slip[3] for slip in SLIPS])
def test_slip_is_named(name, old, new, mistake):
    assert LAYERS.count(old) == 1
    verdict = verdict_on(LAYERS.replace(old, new), name)
    assert verdict.status == "wrong"
    assert verdict.mistakes == (mistake,), str(verdict)


def test_meaning_of_p_can_be_required():
    assert verdict_on(LAYERS, "dropout", "keep").status == "correct"
    assert verdict_on(LAYERS, "dropout", "drop").mistakes == ("dropout.other_probability",)


@pytest.mark.parametrize(("name", "old", "new", "mistake"), SLIPS, ids=[slip[3] for slip in SLIPS])
def test_slip_is_shown_on_small_numbers(name, old, new, mistake):
    verdict = verdict_on(LAYERS.replace(old, new), name)
    if name == "dropout" or mistake == "shape.gradient":
        return  # averages; the numbers are right
    assert verdict.smallest
    assert verdict.compared
    running = mistake.startswith(("batch_norm.running", "batch_norm.test"))  # no line of their own
    assert running or verdict.broken_line is not None


TIES = {
    "every": ("", ""),
    "first": (
        "dx[n, c, i*s:i*s+h, j*s:j*s+w] += (win == win.max()) * dout[n, c, i, j]",
        "k = np.unravel_index(win.argmax(), win.shape); dx[n, c, i*s+k[0], j*s+k[1]] += dout[n, c, i, j]",
    ),
    "share": ("(win == win.max()) *", "(win == win.max()) / (win == win.max()).sum() *"),
}


@pytest.mark.parametrize("convention", TIES)
def test_ties_of_a_max_pool_are_a_convention_and_said(convention):
    verdict = verdict_on(LAYERS.replace(*TIES[convention]), "max_pool")
    assert verdict.status == "correct", str(verdict)
    assert any("on ties" in said and convention in said for said in verdict.assumed)


def test_variance_that_cancels_is_fragile():
    source = LAYERS.replace("var = x.var(0);", "var = (x ** 2).mean(0) - mu ** 2;")
    verdict = verdict_on(source, "batchnorm")
    assert verdict.status == "fragile", str(verdict)
    assert verdict.mistakes == ("batch_norm.cancellation",)
