"""Right code in styles that names do not tell is not called wrong; the same with a fault is."""

import pytest

from benchmarks.check.run_source import judge

NUMPY = "import numpy as np\n"
OF_PROBABILITIES = NUMPY + "def {name}({arguments}):\n    {body}\n"
PICKED = "return -np.mean(np.log({p}[np.arange({y}.shape[0]), {y}]))"
ONE_HOT = "return -np.sum({y} * np.log({p})) / {p}.shape[{axis}]"
SIGNATURES = [
    ("loss", "y_true, y_pred", ONE_HOT.format(y="y_true", p="y_pred", axis=0)),
    ("compute_cost", "AL, Y", ONE_HOT.format(y="Y", p="AL", axis=1)),
    ("cross_entropy", "predicted, target", PICKED.format(y="target", p="predicted")),
    ("cross_entropy_error", "y, t", PICKED.format(y="t", p="y")),
    ("nll_loss", "guess, answer", PICKED.format(y="answer", p="guess")),
]


@pytest.mark.parametrize(("name", "arguments", "body"), SIGNATURES)
def test_cross_entropy_of_probabilities_under_any_names(name, arguments, body):
    verdict = judge(OF_PROBABILITIES.format(name=name, arguments=arguments, body=body))
    assert verdict.status == "correct", str(verdict)
    assert verdict.exercise == "cross-entropy of probabilities"


@pytest.mark.parametrize(("name", "arguments", "body"), SIGNATURES)
def test_the_same_with_a_fault_is_wrong(name, arguments, body):
    wrong = body.replace("np.log(", "np.log2(")
    verdict = judge(OF_PROBABILITIES.format(name=name, arguments=arguments, body=wrong))
    assert verdict.status == "wrong"


SOFTMAX = (
    NUMPY
    + """
class SoftmaxActivation:
    def forward(self, scores):
        shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.proba = shifted / shifted.sum(axis=1, keepdims=True)
        return self.proba

    def backward(self, upstream):
        return {}
"""
)


def test_softmax_layer_with_its_backward():
    right = "self.proba * (upstream - (self.proba * upstream).sum(axis=1, keepdims=True))"
    verdict = judge(SOFTMAX.format(right))
    assert (verdict.status, verdict.exercise) == ("correct", "softmax layer: forward and backward")


@pytest.mark.parametrize(
    ("backward", "mistake"),
    [
        ("upstream * self.proba * (1 - self.proba)", "softmax.backward_elementwise"),
        ("upstream * self.proba", "softmax.backward_off_diagonal_missing"),
        ("upstream.copy()", "softmax.backward_passes"),
    ],
)
def test_wrong_backward_of_a_softmax_layer_is_named(backward, mistake):
    assert judge(SOFTMAX.format(backward)).mistakes == (mistake,)


CRITERION = (
    NUMPY
    + """
class SoftmaxCriterion:
    def forward(self, scores, labels):
        top = scores.max(axis=1, keepdims=True)
        e = np.exp(scores - top)
        self.probs = e / e.sum(axis=1, keepdims=True)
        logs = scores - top - np.log(e.sum(axis=1, keepdims=True))
        return -logs[np.arange(len(labels)), labels].mean()

    def backward(self, dvalues, labels):
        self.dinputs = dvalues.copy()
        self.dinputs[np.arange(len(labels)), labels] {} 1
        self.dinputs /= len(labels)
"""
)


@pytest.mark.parametrize(("sign", "status"), [("-=", "correct"), ("+=", "wrong")])
def test_backward_that_takes_the_probabilities_and_sets_an_attribute(sign, status):
    assert judge(CRITERION.format(sign)).status == status


BIASED = (
    NUMPY
    + """
def classifier_loss(W, b, X, y, reg):
    z = X @ W + b
    z = z - z.max(axis=1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    loss = -logs[np.arange(len(y)), y].mean() + reg * ((W * W).sum() + (b * b).sum())
    d = np.exp(logs)
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    return loss, X.T @ d + 2 * reg * W, d.sum(axis=0) + {}
"""
)


def test_bias_in_the_regulariser_of_loss_and_gradient_is_a_convention():
    verdict = judge(BIASED.format("2 * reg * b"))
    assert verdict.status == "correct", str(verdict)
    assert "the biases are regularised too" in verdict.assumed
    assert judge(BIASED.format("2 * reg * b"), "weights-alone").status == "wrong"


def test_bias_in_the_regulariser_of_the_loss_alone_is_a_mistake():
    assert judge(BIASED.format("0 * b")).mistakes == ("ridge.bias_in_loss",)


def test_strength_under_a_name_that_says_nothing():
    verdict = judge(
        NUMPY
        + """
def objective(features, labels, theta, gamma):
    z = features @ theta.T
    z = z - z.max(axis=1, keepdims=True)
    logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(labels)), labels].mean() + gamma / 2 * (theta ** 2).sum()
"""
    )
    assert verdict.status == "correct", str(verdict)
    assert "gamma is the regulariser's strength" in verdict.assumed


def test_epoch_without_a_batch_size_is_one_step():
    verdict = judge(
        NUMPY
        + """
def epoch(X, y, W, lr):
    z = X @ W
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    W -= lr * (X.T @ p) / len(y)
"""
    )
    assert verdict.status == "correct", str(verdict)


HELPED = """
{imports}
{helper}
def softmax_loss(z, y):
    p = {call}
    return -np.log(p[np.arange(len(y)), y]).mean()
"""
OWN = """
def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)
"""
LIBRARY = "from scipy.special import softmax"


@pytest.mark.parametrize(
    ("imports", "helper", "call", "leans"),
    [
        ("", OWN, "softmax(z)", False),
        (LIBRARY, "", "softmax(z, axis=1)", True),
        ("import scipy.special", OWN, "scipy.special.softmax(z, axis=1)", True),
    ],
)
def test_only_a_library_is_leaned_on(imports, helper, call, leans):
    source = NUMPY + HELPED.format(imports=imports, helper=helper, call=call)
    verdict = judge(source)
    assert bool(verdict.leans_on) == leans, verdict.leans_on


LABELLED = (
    NUMPY
    + """
class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(1, keepdims=True))
        p = e / e.sum(1, keepdims=True)
        return {returned}

    def backward(self, {arguments}):
        {body}
"""
)
WITH_LABELS = "d = dvalues.copy()\n        d[np.arange(len(y_true)), y_true] {} 1\n        return d / len(y_true)"  # noqa: E501  # a program
WITH_CACHE = "return {}cache * (dout - (cache * dout).sum(1, keepdims=True))"


@pytest.mark.parametrize(("sign", "status"), [("-=", "correct"), ("+=", "wrong")])
def test_softmax_whose_backward_takes_probabilities_and_labels(sign, status):
    source = LABELLED.format(
        returned="p", arguments="dvalues, y_true", body=WITH_LABELS.format(sign)
    )
    assert judge(source).status == status


@pytest.mark.parametrize(("sign", "status"), [("", "correct"), ("-", "wrong")])
def test_softmax_whose_backward_takes_a_cache(sign, status):
    source = LABELLED.format(returned="p, p", arguments="dout, cache", body=WITH_CACHE.format(sign))
    assert judge(source).status == status


def test_a_constant_is_said_first():
    for gradient in ("np.ones_like(W)", "X.T @ np.ones((len(y), W.shape[1]))"):
        verdict = judge(NUMPY + f"def softmax_loss(W, X, y, reg):\n    return 0.5, {gradient}\n")
        assert verdict.summary == "Wrong, not recognised: the loss is 0.5 on every input."


ROW_BY_ROW = """
def softmax_loss(z, y):
    loss, grads = 0.0, []
    for row, label in zip(z, y):
        s = row - row.max()
        lse = np.log(np.exp(s).sum())
        p = np.exp(s - lse)
        loss += lse - s[label]
        p[label] {step} 1
        grads.append({row})
    return loss / len(y), grads
"""


@pytest.mark.parametrize(
    "row", ["p / len(y)", "[float(v) / len(y) for v in p]", "list(p / len(y))"]
)
@pytest.mark.parametrize(("step", "status"), [("-=", "correct"), ("+=", "wrong")])
def test_a_list_of_rows_is_a_matrix(row, step, status):
    verdict = judge(NUMPY + ROW_BY_ROW.format(row=row, step=step))
    assert verdict.status == status, str(verdict)
    assert status == "correct" or verdict.findings[0].id
