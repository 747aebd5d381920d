# ruff: noqa: E501  # programs, one line each
"""One program for each kind of submission that was once judged wrongly, and what is right of it."""

import pytest

from benchmarks.check.run_source import judge, judge_all
from pminusy.api.check import check_file
from pminusy.diagnosis.run.limits import Limits
from pminusy.diagnosis.submission import Settings

NUMPY = "import numpy as np\n"
LOG_P = "z - z.max(1, keepdims=True) - np.log(np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True))"
NET = (
    NUMPY
    + """
class ReluNet:
    def __init__(self, n_in, n_hidden, n_out, {argument}):
        self.decay = {decay}
        self.params = dict(W1=np.ones((n_in, n_hidden)), b1=np.zeros(n_hidden), W2=np.ones((n_hidden, n_out)), b2=np.zeros(n_out))

    def loss(self, X, y=None{more}):
        P, k = self.params, np.arange(len(X))
        a = X @ P["W1"] + P["b1"]
        z = np.where(a > 0, a, 0.0) @ P["W2"] + P["b2"]
        logp = """
    + LOG_P
    + """
        squares = {{name: np.square(value).sum() for name, value in P.items() if name in {decayed}}}
        total = -logp[k, y].sum() / len(X) + {strength} * sum(squares.values())
        d = np.exp(logp)
        d[k, y] -= 1
        d = d / len(X)
        da = np.where(a > 0, d @ P["W2"].T, 0.0)
        G = dict(W1=X.T @ da, b1=da.sum(0), W2=np.where(a > 0, a, 0.0).T @ d, b2=d.sum(0))
        for name in {in_gradient}:
            G[name] = G[name] + 2 * {strength} * P[name]
        return total, {{name: G[name] for name in {returned}}}
"""
)
ALL, WEIGHTS = "('W1', 'b1', 'W2', 'b2')", "('W1', 'W2')"


def network(**parts):
    usual = {"argument": "hint=0", "decay": "hint", "more": ", reg=0.0", "strength": "reg",
             "decayed": WEIGHTS, "in_gradient": WEIGHTS, "returned": ALL}  # fmt: skip
    return NET.format(**{**usual, **parts})


ROWS = f"""
def softmax_loss(W, X, y, reg):
    z, k = X @ W, np.arange(len(X))
    logp = {LOG_P}
    G = np.exp(logp)
    G[k, y] -= 1
    dW = X.T @ G / len(X) + reg * W
    loss = -logp[k, y].sum() / len(X) + reg * np.square(W).sum() / 2
    {{}}
    return loss, dW
"""
RIGHT = {
    "a helper whose name holds a word of the exercise": (
        NUMPY + "def crossing_lines(a, b=3):\n    return np.cross(a, a)\n" + ROWS.format("pass"), "softmax_loss"),
    "a loss whose backward takes the probabilities": (
        NUMPY + "class SoftmaxCriterion:\n    def forward(self, z, target):\n"
        f"        logp = {LOG_P}\n        self.p = np.exp(logp)\n        return -logp[range(len(z)), target].mean()\n"
        "    def backward(self, probs, target):\n        one = np.zeros_like(probs)\n        one[range(len(probs)), target] = 1.0\n"
        "        self.dinputs = (probs - one) / len(probs)\n", "SoftmaxCriterion.forward"),
    "a network whose biases are regularised in loss and gradient": (
        network(decayed=ALL, in_gradient=ALL), "ReluNet.loss"),
    "probabilities under a name of the learner's own, in a method": (
        NUMPY + "class Model:\n    def entropy_loss(self, guessed, y):\n        return np.mean(-np.log(np.take_along_axis(guessed, y[:, None], 1)))\n",
        "Model.entropy_loss"),
    "a softmax layer that multiplies by each row's Jacobian": (
        NUMPY + "class Activation_Softmax:\n    def forward(self, scores):\n        t = np.exp(scores - scores.max(1, keepdims=True))\n"
        "        self.out = t / t.sum(1, keepdims=True)\n        return self.out\n"
        "    def backward(self, upstream):\n        made = []\n        for p, g in zip(self.out, upstream):\n"
        "            p = p.reshape(-1, 1)\n            made.append((np.diagflat(p) - p @ p.T) @ g)\n        return np.array(made)\n",
        "Activation_Softmax.forward"),
    "scores as classes by samples, divided by a temperature": (
        NUMPY + "def cost(X, Y, theta, lambda_factor, temp_parameter):\n    s = np.dot(theta, X.T) / temp_parameter\n"
        "    s = s - np.max(s, axis=0)\n    lse = np.log(np.sum(np.exp(s), axis=0))\n"
        "    own = s[Y, np.arange(X.shape[0])]\n    return np.mean(lse - own) + lambda_factor * np.sum(theta * theta) / 2\n", "cost"),
    "an epoch that has no batch size": (
        NUMPY + f"def softmax_regression_epoch(X, y, theta, lr):\n    z = X @ theta\n    G = np.exp({LOG_P})\n"
        "    G[range(len(y)), y] -= 1\n    theta -= (lr / len(y)) * (X.T @ G)\n", "softmax_regression_epoch"),
    "a regulariser that the constructor takes": (network(argument="decay=0.0", decay="decay", more="", strength="self.decay"), "ReluNet.loss"),
}  # fmt: skip


@pytest.mark.parametrize("kind", RIGHT)
def test_right(kind):
    source, name = RIGHT[kind]
    found = {verdict.name: verdict for verdict in judge_all(source)}
    assert found[name].status in ("correct", "fragile"), str(found[name])
    assert all(verdict.status != "wrong" for verdict in found.values())
    assert found[name].leans_on == ()


BACKWARD = """
def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    n = X.shape[1]
    D2 = A2.copy()
    D2[Y, np.arange(n)] -= 1
    D1 = np.where(Z1 > 0, W2.T @ D2, 0)
    return D1 @ X.T / n, D1.{0}, D2 @ A1.T / n, D2.{0}
"""
LAYER = """
class SoftmaxLayer:
    def forward(self, z):
        t = np.exp(z - z.max(1, keepdims=True))
        self.p = t / t.sum(1, keepdims=True)
        return self.p
    def backward(self, g):
        return g * (self.p - self.p ** 2)
"""
CRITERION = """
class CrossEntropyLoss:
    def forward(self, A, Y):
        self.target, self.count = Y, len(A)
        t = np.exp(A)
        self.soft = t / t.sum(axis=0)
        return np.sum(-Y * np.log(self.soft)) / self.count
    def backward(self):
        return (self.soft - self.target) / self.count
"""
WRONG = {
    "one number for the gradient of a bias": (BACKWARD.format("sum() / n"), "absent.output", "bias"),
    "a gradient that is None": (ROWS.format("dW = None"), "absent.output", "gradient of the weights"),
    "a loss that is a matrix": (ROWS.format("loss = -logp[:, y]"), "absent.output", "The loss does not come"),
    "a dictionary without the gradients of the biases": (network(returned=WEIGHTS), "absent.output", "bias"),
    "a regulariser of the constructor, in the loss alone": (
        network(argument="decay=0.0", decay="decay", more="", strength="self.decay", in_gradient="()"),
        "ridge.missing_in_gradient", "not in the gradient"),
    "a softmax layer that leaves the off-diagonal terms out": (LAYER, "softmax.backward_elementwise", "diagonal"),
    "a softmax over the samples is no softmax of columns": (CRITERION, "softmax.axis", "over the samples"),
    "one class of the weights is a column of theirs": (ROWS.format("dW[:, 2] = 5 * dW[:, 2]"), "", "only in column 2, by the factor 5"),
    "a last batch that is shorter": (
        "def epoch(X, y, W, lr=0.1, batch=64):\n    for i in range(0, len(y), batch):\n        x, z = X[i:i + batch], X[i:i + batch] @ W\n"
        f"        G = np.exp({LOG_P})\n        one = np.eye(W.shape[1])[y[i:i + batch]] * np.ones((batch, 1))\n        W -= lr * x.T @ (G - one) / batch\n",
        "runs.short_batch", "last batch"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_and_named(kind):
    source, mistake, words = WRONG[kind]
    verdict = judge(source if source.startswith(NUMPY) else NUMPY + source)
    assert verdict.status == "wrong", str(verdict)
    assert mistake == "" or mistake in verdict.mistakes
    assert mistake != "" or verdict.mistakes == ()
    assert words in " ".join(finding.sentence for finding in verdict.findings)


SAMPLES_IN_COLUMNS = (
    "def softmax(z):\n    t = np.exp(z - np.max(z, axis=0))\n    return t / np.sum(t, axis=0)\n"
)
WHOLE = "def softmax(z):\n    t = np.exp(z - np.max(z))\n    return t / t.sum()\n"
WHOLE_ROWS = "def cross_entropy_loss(probs, y):\n    return np.sum(-np.log(probs[y])) / y.size\n"
PINS = {
    "a softmax over axis 0, and nothing else": (SAMPLES_IN_COLUMNS, "", "softmax", "correct"),
    "a softmax over axis 0 where rows are asked for": (SAMPLES_IN_COLUMNS, "rows", "softmax", "wrong"),
    "a softmax over axis 0 beside a loss of rows": (SAMPLES_IN_COLUMNS + ROWS.format("pass"), "", "softmax", "wrong"),
    "a softmax of one sample, and nothing else": (WHOLE, "", "softmax", "correct"),
    "a softmax of one sample where batches are asked for": (WHOLE, "batch", "softmax", "wrong"),
    "a softmax of one sample beside a loss of batches": (WHOLE + WHOLE_ROWS, "", "softmax", "wrong"),
    "whole rows of the probabilities": (WHOLE_ROWS, "", "cross_entropy_loss", "wrong"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PINS)
def test_a_reading_that_is_open(kind):
    source, pin, name, status = PINS[kind]
    found = [judge(NUMPY + source, pin)] if pin else judge_all(NUMPY + source)
    verdict = next(verdict for verdict in found if verdict.name == name)
    assert verdict.status == status, str(verdict)
    if status == "correct":
        assert any("in columns" in said or "one sample" in said for said in verdict.assumed)


def checked(tmp_path, source, **settings):
    (tmp_path / "a.py").write_text(NUMPY + source)
    return check_file(tmp_path / "a.py", Settings(**settings))


def test_starters_that_a_pattern_names(tmp_path):
    starter = "def softmax_loss_{}(W, X, y, reg):\n    loss, dW = 0.0, np.zeros(W.shape)\n    return loss, dW\n"
    source = starter.format("naive") + starter.format("fast")
    found = checked(tmp_path, source, function="softmax_*")
    assert [verdict.status for verdict in found] == ["unfinished", "unfinished"]


def test_a_function_past_its_time_leaves_some_to_the_next(tmp_path):
    slow = "import time\ndef softmax_slow(z):\n    time.sleep(1.2)\n    return z\n"
    right = "def softmax(z):\n    t = np.exp(z - z.max(1, keepdims=True))\n    return t / t.sum(1, keepdims=True)\n"
    found = checked(tmp_path, slow + right, limits=Limits(seconds=8, call_seconds=2))
    assert {v.name: v.status for v in found} == {
        "softmax_slow": "does not run",
        "softmax": "correct",
    }


def test_a_layer_of_nothing_but_none_is_unfinished():
    stub = "def batchnorm_forward(x, gamma, beta, params):\n    y = cache = None\n    return y, cache\ndef batchnorm_backward(dy, cache):\n    return None, None, None\n"
    assert judge(stub).status == "unfinished"


def test_a_base_class_that_is_missing_is_what_is_said(tmp_path):
    source = "from .core import Model\nclass SoftmaxClassifier(Model):\n    def forward(self, X, y):\n        return 1.0\n"
    (verdict,) = checked(tmp_path, source)
    assert verdict.status == "does not run"
    assert "KeyError" not in verdict.summary
    assert "core" in verdict.summary


def test_a_class_with_nothing_in_it_can_be_raised(tmp_path):
    source = "class WrongShape(Exception):\n    pass\ndef softmax(z):\n    if z.ndim > 2:\n        raise WrongShape\n"
    source += (
        "    t = np.exp(z - z.max(1, keepdims=True))\n    return t / t.sum(1, keepdims=True)\n"
    )
    (verdict,) = checked(tmp_path, source)
    assert verdict.status == "correct"
    assert not any("defined" in note for note in verdict.notes)


def test_what_could_not_be_defined_is_said(tmp_path):
    source = "class Base(Missing):\n    x = 1\n" + WHOLE
    (verdict,) = checked(tmp_path, source)
    assert any("line 2, Base: NameError" in note for note in verdict.notes)


def test_a_name_that_is_taken_back_offers_nothing():
    taken = WHOLE + "class softmax:\n    pass\n"
    assert all(verdict.name != "softmax" for verdict in judge_all(NUMPY + taken))
    layer = (
        NUMPY + LAYER.replace("self.p - self.p ** 2", "self.p") + "class SoftmaxLayer:\n    pass\n"
    )
    assert judge_all(layer) == []


def test_a_decorator_that_raises_is_a_fault_and_one_that_is_missing_is_not(tmp_path):
    raising = "def stop(f):\n    raise ValueError('no')\n@stop\n" + WHOLE
    (verdict,) = checked(tmp_path, raising)
    assert verdict.status == "does not run"
    missing = "from absent_module import jit\n@jit\n" + WHOLE
    (verdict,) = checked(tmp_path, missing)
    assert verdict.status == "correct"
    assert any("absent_module" in note for note in verdict.notes)


def test_a_tuple_of_the_loss_alone_promises_its_gradient():
    source = (
        f"def softmax_loss(z, y):\n    logp = {LOG_P}\n    return -logp[range(len(y)), y].mean()"
    )
    assert judge(f"{NUMPY}{source}\n").status == "correct"
    assert judge(f"{NUMPY}{source},\n").mistakes == ("absent.output",)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("loss = ", "loss = 3 * ", "3 times the right value"),
        ("loss = ", "loss = len(W) * ", "D times the right value"),
        ("loss = ", "loss = W[0, 0] + ", "differs: "),
    ],
)
def test_a_factor_is_told_if_it_is_one_everywhere(old, new, words):
    plain = (
        ROWS.format("pass").replace("y, reg):", "y):").replace("+ reg * np.square(W).sum() / 2", "")
    )
    verdict = judge(NUMPY + plain.replace("+ reg * W", "").replace(old, new))
    assert any(words in finding.sentence for finding in verdict.findings), str(verdict)


def test_where_to_look_is_told_by_what_is_right():
    verdict = judge(NUMPY + ROWS.format("loss = loss * 3 + np.tanh(loss)"))
    first = verdict.findings[0]
    assert first.id == ""
    assert "the gradient of the weights is right" in first.hints[0]
    verdict = judge(NUMPY + ROWS.format("dW = dW + np.tanh(X).T @ G ** 2"))
    assert "the loss is right" in verdict.findings[0].hints[0]


AXES = {
    "a guard": ("assert z.ndim == 2", "correct"),
    "a guard that raises": ("if z.ndim != 2:\n        raise ValueError('a batch, please')", "correct"),
    "a sample made a row": ("if z.ndim == 1:\n        z = z[None, :]", "correct"),
    "a branch that is right": ("if z.ndim == 1:\n        t = np.exp(z - z.max())\n        return t / t.sum()", "correct"),
    "a branch that is wrong": ("if z.ndim == 1:\n        return np.exp(z) / 2", "wrong"),
}  # fmt: skip


@pytest.mark.parametrize("kind", AXES)
def test_a_function_that_asks_how_many_axes_there_are(kind):
    asks, status = AXES[kind]
    usual = "    t = np.exp(z - z.max(1, keepdims=True))\n    return t / t.sum(1, keepdims=True)\n"
    assert judge(f"{NUMPY}def softmax(z):\n    {asks}\n{usual}").status == status
