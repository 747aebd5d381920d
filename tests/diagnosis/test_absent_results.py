"""What the form of a result promises and does not come is a fault; a starter is unfinished."""

import pytest

from benchmarks.check.run_source import judge

LINEAR = """
import numpy as np
def softmax_loss(X, W, y, reg):
    s = X @ W
    s = s - s.max(axis=1, keepdims=True)
    n = np.arange(len(y))
    lse = np.log(np.exp(s).sum(axis=1))
    loss = (lse - s[n, y]).mean() + reg * np.sum(W ** 2)
    d = np.exp(s - lse[:, None])
    d[n, y] -= 1
    dW = X.T @ d / len(y) + 2 * reg * W
    return {}
"""


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("loss, None", "gradient of the weights does not come: None"),
        ("loss, {}", "gradient of the weights does not come: an empty dictionary"),
        ("loss, 'later'", "gradient of the weights does not come: a str"),
        ("(lse[:, None] - s[:, y]), dW", "loss does not come: an array of shape (7, 7)"),
        ("f'{loss:.3f}', dW", "loss does not come: a str"),
        ("loss, len", "gradient of the weights does not come: a builtin_function_or_method"),
        ("None, dW", "loss does not come: None"),
    ],
)
def test_something_else_in_the_place_of_a_result(returned, words):
    verdict = judge(LINEAR.format(returned))
    assert verdict.status == "wrong"
    assert words in verdict.summary


@pytest.mark.parametrize("returned", ["loss, dW", "loss", "{'loss': loss, 'dW': dW}"])
def test_all_that_is_promised_comes(returned):
    assert judge(LINEAR.format(returned)).status == "correct"


def test_a_gradient_may_be_required():
    assert judge(LINEAR.format("loss"), "gradient-required").status == "wrong"
    assert judge(LINEAR.format("loss, dW"), "gradient-required").status == "correct"


NETWORK = """
import numpy as np
class ThreeNet:
    def __init__(self, n_in, n_hidden, n_out, l2=0.0):
        self.l2 = l2
        self.params = dict(W1=np.ones((n_in, n_hidden)), b1=np.zeros(n_hidden),
                           W2=np.ones((n_hidden, n_out)), b2=np.zeros(n_out))
    def loss(self, X, y):
        P = self.params
        a = X @ P['W1'] + P['b1']
        h = a * (a > 0)
        s = h @ P['W2'] + P['b2']
        s = s - s.max(axis=1, keepdims=True)
        n = np.arange(len(y))
        lse = np.log(np.exp(s).sum(axis=1))
        loss = (lse - s[n, y]).mean() + self.l2 * (np.sum(P['W1'] ** 2) + np.sum(P['W2'] ** 2))
        d = np.exp(s - lse[:, None])
        d[n, y] -= 1
        d /= len(y)
        da = d @ P['W2'].T * (a > 0)
        g = dict(W1=X.T @ da + 2 * self.l2 * P['W1'], b1=da.sum(0),
                 W2=h.T @ d + 2 * self.l2 * P['W2'], b2=d.sum(0))
        return loss, g
"""


def test_a_regulariser_of_the_constructor_is_exercised():
    right = judge(NETWORK)
    assert right.status == "correct", str(right)
    assert "the loss, regulariser" in [p.name for p in right.properties]
    wrong = judge(NETWORK.replace(" + 2 * self.l2 * P['W2']", ""))
    assert wrong.status == "wrong"


def test_a_gradient_that_a_dictionary_lacks():
    verdict = judge(NETWORK.replace("b1=da.sum(0),", ""))
    assert verdict.status == "wrong"
    assert "gradient of the first bias does not come" in verdict.summary


STARTERS = {
    "zeros": "    loss, dW = 0.0, np.zeros_like(W)\n    return loss, dW",
    "none": "    loss = None\n    dW = None\n    return loss, dW",
    "pass": "    '''Softmax loss.'''\n    pass",
    "raises": "    raise Exception('Not implemented!')",
    "raises later": "    n = X.shape[0]\n    raise RuntimeError('TODO: your code here')",
    "raises a text": "    raise ValueError",
}


@pytest.mark.parametrize("starter", STARTERS)
def test_an_untouched_starter_is_unfinished(starter):
    verdict = judge(f"import numpy as np\ndef softmax_loss(W, X, y, reg):\n{STARTERS[starter]}\n")
    assert verdict.status == "unfinished", str(verdict)


def test_zeros_with_a_regulariser_are_not_a_starter():
    body = "    return reg * np.sum(W * W), np.zeros_like(W)"
    verdict = judge(f"import numpy as np\ndef softmax_loss(W, X, y, reg):\n{body}\n")
    assert verdict.status == "wrong"


LAYER = "def batchnorm_forward(x, gamma, beta, bn_param):\n    return {}, {}\n\n\n"
BACK = "def batchnorm_backward(dout, cache):\n    return {}\n"


def test_a_layer_that_returns_none_is_unfinished():
    stub = LAYER.format("None", "None") + BACK.format("None, None, None")
    assert judge(stub).status == "unfinished"
    one = LAYER.format("x * 0 + 0", "x") + BACK.format("None")
    assert judge("import numpy as np\n" + one).status in ("unfinished", "wrong")


BACKWARD = """
import numpy as np
def backward_pass(X, Y, W1, W2, Z1, A1, Z2, A2):
    n = X.shape[1]
    one_hot = (np.arange(A2.shape[0])[:, None] == Y).astype(float)
    D2 = (A2 - one_hot) / n
    D1 = (W2.T @ D2) * (Z1 > 0)
    return {}
"""


@pytest.mark.parametrize(
    ("returned", "status"),
    [
        ("D1 @ X.T, D1.sum(1), D2 @ A1.T, D2.sum(1)", "correct"),
        ("D1 @ X.T, D1.sum(1, keepdims=True), D2 @ A1.T, D2.sum(1, keepdims=True)", "correct"),
        ("D1 @ X.T, D2 @ A1.T", "correct"),
        ("D1 @ X.T, np.sum(D1), D2 @ A1.T, np.sum(D2)", "wrong"),
        ("D1 @ X.T / n, D1.sum(1), D2 @ A1.T, D2.sum(1)", "wrong"),
    ],
)
def test_backward_pass_that_is_given_what_forward_computed(returned, status):
    verdict = judge(BACKWARD.format(returned))
    assert verdict.exercise == "two-layer network: backward pass"
    assert verdict.status == status, str(verdict)


def test_a_function_that_the_file_deletes_is_not_there():
    kept = (
        "import numpy as np\ndef softmax(z):\n    e = np.exp(z - z.max(1, keepdims=True))\n"
        "    return e / e.sum(1, keepdims=True)\n"
    )
    assert judge(kept).ok
    assert not judge(kept + "del softmax\n").ok
    assert judge("x = open('nothing')\ndel x\n" + kept).ok


CRITERION = """
import numpy as np
class SoftmaxCrossEntropy:
    def forward(self, z, y):
        s = z - z.max(axis=1, keepdims=True)
        self.y, self.k = y, np.arange(len(y))
        self.logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        return -self.logp[self.k, y].mean()
    def backward(self):
        d = np.exp(self.logp)
        d[self.k, self.y] -= 1
        return {}
"""


@pytest.mark.parametrize(
    ("returned", "status"),
    [("d / len(d)", "correct"), ("len(d)", "wrong"), ("d.sum(axis=1)", "wrong"), ("d[0]", "wrong")],
)
def test_a_backward_pass_that_returns_something_else(returned, status):
    verdict = judge(CRITERION.format(returned))
    assert verdict.status == status
    assert (verdict.mistakes == ("absent.output",)) == (status == "wrong")


@pytest.mark.parametrize(
    ("returned", "status"),
    [
        ("loss, loss", "wrong"), ("loss, (s.argmax(1) == y).mean()", "correct"),
        ("loss, (lse - s[n, y]).mean()", "correct"), ("loss, float(loss)", "wrong"),
    ],
)  # fmt: skip
def test_a_loss_that_comes_twice_is_no_gradient(returned, status):
    assert judge(LINEAR.format(returned)).status == status
