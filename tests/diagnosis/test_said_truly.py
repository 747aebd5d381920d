# ruff: noqa: E501  # programs, one line each
"""What a report says is true, and no more than is known: found by reading reports by hand."""

import pytest

from benchmarks.check.layer_styles import LAYER_STYLES
from benchmarks.check.run_source import judge

EPOCH = """
import numpy as np
def train_epoch(X, y, W, lr, batch_size):
    for i in range(0, len(X), batch_size):
        x, t = X[i:i + batch_size], y[i:i + batch_size]
        Z = x @ W
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        P = E / E.sum(axis=1, keepdims=True)
        P[np.arange(len(t)), t] -= 1
        W -= lr / len(t) * (x.T @ P)
"""
NETWORK = """
import numpy as np
class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {"W1": np.ones((input_size, hidden_size)), "b1": np.zeros(hidden_size),
                       "W2": np.ones((hidden_size, output_size)), "b2": np.zeros(output_size)}
    def loss(self, X, y, reg):
        W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
        h = np.maximum(X @ W1 + b1, 0)
        z = h @ W2 + b2
        m = z.max(axis=1, keepdims=True)
        n, e = len(y), np.exp(z - m)
        loss = np.mean(np.log(e.sum(axis=1)) + m[:, 0] - z[np.arange(n), y])
        loss += reg * ((W1 ** 2).sum() + (W2 ** 2).sum())
        d = e / e.sum(axis=1, keepdims=True)
        d[np.arange(n), y] -= 1
        d /= n
        g = d @ W2.T * (h > 0)
        return loss, {"W1": X.T @ g + 2 * reg * W1, "b1": g.sum(0), "W2": h.T @ d + 2 * reg * W2, "b2": d.sum(0)}
"""
NETWORK_EPOCH = """
import numpy as np
def nn_epoch(X, y, W1, W2, lr, batch):
    for s in range(0, len(X), batch):
        x, t = X[s:s + batch], y[s:s + batch]
        h = np.maximum(x @ W1, 0)
        z = h @ W2
        e = np.exp(z - z.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        p[np.arange(len(t)), t] -= 1
        p /= len(t)
        g = x.T @ (p @ W2.T * (h > 0))
        W2 -= lr * (h.T @ p)
        W1 -= lr * g
"""
STABLE = {
    "epoch": (EPOCH, " - Z.max(axis=1, keepdims=True)", ""),
    "network": (
        NETWORK,
        "m = z.max(axis=1, keepdims=True)",
        "m = 0 * z.max(axis=1, keepdims=True)",
    ),
    "network epoch": (NETWORK_EPOCH, " - z.max(1, keepdims=True)", ""),
}


@pytest.mark.parametrize("case", STABLE)
def test_extreme_scores_reach_networks_and_epochs(case):
    source, stable, naive = STABLE[case]
    assert judge(source).summary == "Correct, and stable on every input that was tried."
    assert "shift.missing" in judge(source.replace(stable, naive)).mistakes


def test_weights_of_a_network_go_from_d_to_h_and_on_to_k():
    assumed = " ".join(judge(NETWORK_EPOCH).assumed)
    assert "W1 is the first weights, of shape (D, H)" in assumed
    assert "W2 is the weights, of shape (H, K)" in assumed


def test_minimum_behind_its_own_mask_is_one_mistake():
    assert judge(NETWORK.replace("np.maximum", "np.minimum")).mistakes == ("relu.minimum",)


LOSS = """
import numpy as np
def softmax_loss(z, y):
    rows = np.arange(len(y))
    lse = np.logaddexp.reduce(z, axis=1, keepdims=True)
    loss = -(z - lse)[rows, y].sum() / len(y)
    grad = np.exp(z - lse)
    grad[rows, y] -= 1
    return loss, grad / len(y)
"""


def test_a_variable_called_grad_is_no_library():
    assert judge(LOSS).leans_on == ()
    library = LOSS.replace("np.exp(z - lse)", "softmax(z, axis=1)")
    library = library.replace(
        "import numpy as np", "import numpy as np\nfrom scipy.special import softmax"
    )
    assert judge(library).leans_on == ("softmax (a library's softmax)",)


def test_a_loss_broadcast_to_a_square_is_one_of_two_readings():
    verdict = judge(LOSS.replace("(z - lse)[rows, y]", "(z[rows, y] - lse)"))
    assert verdict.mistakes == ("loss.sum",)
    assert any("N × N" in other for other in verdict.findings[0].alternatives)


DROPOUT = """
import numpy as np
def dropout_forward(x, dropout_param):
    p, mask, out = dropout_param["p"], None, x
    if dropout_param["mode"] == "train":
        mask = MASK
        out = x * mask
    return out, (dropout_param, mask)
def dropout_backward(dout, cache):
    return dout * cache[1]
"""
MASKS = {
    "p keeps": ("np.random.rand(*x.shape) < p", "mask / p,"),
    "p drops": ("np.random.rand(*x.shape) >= p", "mask / (1 − p),"),
    "nobody knows": ("np.ones(x.shape)", "mask / q,"),
}


@pytest.mark.parametrize("case", MASKS)
def test_dropout_is_told_in_the_learners_p(case):
    mask, right = MASKS[case]
    verdict = judge(DROPOUT.replace("MASK", mask))
    assert right in verdict.findings[0].right
    assert bool(verdict.assumed) == (case != "nobody knows")


def test_dropout_of_infinities_is_not_named():
    source = DROPOUT.replace("MASK", "(np.random.rand(*x.shape) < p) / p").replace(
        "x * mask", "x / mask"
    )
    assert "dropout.nothing_dropped" not in judge(f"{source}\n").mistakes


@pytest.mark.parametrize("factor", ["", "0.5 * "])
def test_a_strength_added_is_one_mistake(factor):
    source = f"""
import numpy as np
def l2_regularization(W, r):
    return r + {factor}np.sum(W ** 2), 2 * {factor}r * W
"""
    assert len(judge(source).mistakes) == 1


def test_running_statistics_that_are_never_stored():
    source = next(style for style in LAYER_STYLES if style.name == "batchnorm").source()
    stored = 'bn_param["running_mean"], bn_param["running_var"] = mean, var'
    assert stored in source
    verdict = judge(source.replace(stored, "pass"))
    assert verdict.mistakes == ("batch_norm.running_not_updated",)
