# ruff: noqa: E501  # programs, one line each
"""Whatever a function returns, there is a verdict, never a crash."""

import itertools

import pytest

from benchmarks.check.run_source import judge
from pminusy.diagnosis.match.outputs import outputs_of

SIGNATURES = (
    "softmax(z)", "softmax_loss(z, y)", "cross_entropy_loss(probs, target)",
    "softmax_loss_vectorized(W, X, y, reg)", "loss_and_grad(W, b, X, y)", "l2_regularization(W, r)",
    "softmax_regression_epoch(X, y, theta, lr, batch)", "softmax_loss(a, b, c)", "relu_forward(x)",
    "batchnorm_forward(x, gamma, beta, bn_param)", "dropout_forward(x, p)", "conv_forward(x, w, b, conv_param)",
    "softmax_loss(predictions, target_index, *, smoothing=0.1)",
)  # fmt: skip
RESULTS = (
    "0", "None", "'text'", "True", "()", "[]", "{}", "1j", "np.nan", "np.inf", "[[1, 2], [3]]", "object()",
    "np.zeros(0)", "np.zeros((3, 0))", "np.zeros((2, 2, 2, 2))", "np.array(['a'])", "np.ones((7, 4))",
    "(1.0, None)", "(None, 1.0)", "(1.0, 'x')", "({}, {})", "{'loss': 1.0, 'W': 3}", "(1.0, {'W1': np.ones(3)})",
    "(np.ones(7), np.ones((7, 4)))", "(1.0, np.ones((5, 4)), np.ones((1, 4)))", "np.float16(3)", "2**70",
    "(1.0, np.full((5, 4), np.nan))", "np.longdouble(1)", "lambda: 0", "iter([])", "(1, 2, 3, 4, 5, 6)",
    "np.ma.masked_array([1.0], mask=[True])", "np.datetime64('2020-01-01')", "Exception('x')",
)  # fmt: skip


NOT_RIGHT = ("wrong", "unfinished", "does not run")
SAYS_NOTHING = "loss_and_grad(W, b, X, y)"  # of which loss: it may be one that nobody knows


@pytest.mark.parametrize("signature", SIGNATURES)
def test_there_is_a_verdict(signature):
    for result in itertools.islice(RESULTS, SIGNATURES.index(signature) % 3, None, 3):
        verdict = judge(f"import numpy as np\ndef {signature}:\n    return {result}\n")
        unknown = ("unknown",) if signature == SAYS_NOTHING else ()
        assert verdict.status in (*NOT_RIGHT, *unknown), (signature, result)
        assert str(verdict)


def test_orders_of_the_arguments_share_what_is_right():
    outputs_of.cache_clear()
    judge(
        "import numpy as np\ndef softmax_regression_epoch(X, y, theta, lr, batch):\n    return 0\n"
    )
    assert (
        outputs_of.cache_info().misses < 60
    )  # one for each set of conventions, not for each order
