# ruff: noqa: E501  # programs, one line each
"""Numbers and formulas of a report are those of the example that is shown, in the learner's terms.

The example is run here, from the report's own text: what is said of it is compared with that.
"""

import ast
import re
from typing import Any

import numpy as np
import pytest

from benchmarks.check.run_source import judge, trial_of
from pminusy.diagnosis.catalogue.conventions import Conventions, formula
from pminusy.diagnosis.catalogue.exercises import EXERCISES
from pminusy.diagnosis.findings.as_written import as_written

LINEAR = """
import numpy as np
def softmax_loss(W, X, y, reg):
    n = len(y)
    scores = X @ W
    shifted = scores - scores.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(n), y].mean() + reg * np.sum(W * W)
    p = np.exp(logp)
    g = p.copy()
    g[np.arange(n), y] -= 1
    dW = X.T @ (g / n) + 2 * reg * W
    return loss, dW
"""
LOGITS = """
import numpy as np
def softmax_loss(x, y):
    n = len(y)
    shifted = x - x.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(n), y].sum() / n
    dx = np.exp(logp)
    dx[np.arange(n), y] -= 1
    return loss, dx / n
"""
UNNAMED = {
    "loss, probability": (LINEAR, "-logp[np.arange(n), y].mean()", "-(np.tanh(logp) + p if False else np.tanh(logp))[np.arange(n), y].mean()"),
    "loss, squared": (LOGITS, "-logp[np.arange(n), y].sum() / n", "(logp[np.arange(n), y] ** 3).sum() / n"),
    "gradient, one class": (LINEAR, "    dW = X.T", "    g[:, 1] = np.tanh(g[:, 1]) * 3\n    dW = X.T"),
    "gradient, true class": (LOGITS, "y] -= 1\n    return", "y] = 0.3\n    return"),
}  # fmt: skip


def _executed(source, verdict):
    """What the program returns on the example of the report."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # a program of this file
    values = {name: ast.literal_eval(text) for name, text in verdict.smallest}
    names = {name: np.array(v) if isinstance(v, list) else v for name, v in values.items()}
    return namespace["softmax_loss"](**names)


@pytest.mark.parametrize("case", UNNAMED)
def test_what_is_not_recognised_is_told_in_numbers_of_the_example(case):
    source, old, new = UNNAMED[case]
    assert source.count(old) == 1
    edited = source.replace(old, new)
    verdict = judge(edited)
    assert verdict.status == "wrong"
    first = verdict.findings[0]
    assert first.id == ""
    loss, gradient = _executed(edited, verdict)
    right_loss, right = _executed(source, verdict)
    told = [
        float(x.replace("−", "-")) for x in re.findall(r"[-−]?\d+\.\d+(?:e-?\d+)?", first.sentence)
    ]
    shown = [loss, right_loss, *np.ravel(gradient), *np.ravel(right)]
    assert all(np.isclose(number, shown, rtol=1e-5).any() for number in told), first.sentence
    if "everywhere" in first.sentence:
        assert not np.isclose(gradient, right).any()
    only = re.search(r"only in (row|column) (\d)", first.sentence)
    if only:
        axis = {"row": 1, "column": 0}[only[1]]
        different = np.flatnonzero((~np.isclose(gradient, right)).any(axis=axis))
        assert different.tolist() == [int(only[2])]


ONE_CAUSE = {
    "logits, less of it": (LOGITS, "- np.log(", "- 0.7 * np.log("),
    "logits, another norm": (LOGITS, "np.exp(shifted).sum", "np.exp(1.3 * shifted).sum"),
    "linear, less of it": (LINEAR, "- np.log(", "- 0.7 * np.log("),
}


@pytest.mark.parametrize("case", ONE_CAUSE)
def test_loss_and_gradient_of_one_wrong_p_are_one_finding(case):
    source, old, new = ONE_CAUSE[case]
    verdict = judge(source.replace(old, new))
    (finding,) = verdict.findings
    assert "its rows do not sum to one" in finding.sentence
    assert finding.where == ("the loss", "the gradient")


def test_two_causes_are_not_said_to_be_one():
    edited = LOGITS.replace("np.log(", "np.log2(").replace("dx / n", "dx * dx / n + 0.1 * dx")
    verdict = judge(edited)
    assert verdict.status == "wrong"
    assert not any("one cause" in finding.sentence for finding in verdict.findings)


BACKWARD = """
import numpy as np
def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    m = Y.size
    one_hot = np.zeros((A2.shape[0], m))
    one_hot[Y, np.arange(m)] = 1
    dZ2 = A2 - one_hot
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    return dZ1 @ X.T / m, dZ1.sum(axis=1, keepdims=True) / m, dZ2 @ A1.T / m, dZ2.sum(axis=1, keepdims=True) / m
"""


@pytest.mark.parametrize(("name", "size"), [("1", "9 hidden units"), ("2", "4 classes")])
def test_a_gradient_of_another_shape_says_both_shapes_and_of_which_parameter(name, size):
    edited = BACKWARD.replace(f"dZ{name}.sum(axis=1", f"dZ{name}.sum(axis=0")
    verdict = judge(edited)
    (finding,) = verdict.findings
    assert (
        f"The gradient of b{name} has the shape (1, 7) where ({size[0]},) or ({size[0]}, 1)"
        in finding.sentence
    )
    assert f"7 samples, not of the {size}" in finding.sentence
    assert f"✗ the shape of the gradient of b{name}" in str(verdict)


def test_the_example_of_a_backward_pass_has_all_that_it_takes():
    edited = BACKWARD.replace("(Z1 > 0)", "A1")
    verdict = judge(edited)
    assert [name for name, _ in verdict.smallest] == ["Z1", "A1", "Z2", "A2", "W1", "W2", "X", "Y"]
    inputs = {name: np.array(ast.literal_eval(text)) for name, text in verdict.smallest}
    namespace: dict[str, Any] = {}
    exec(edited, namespace)  # a program of this file
    dW1 = namespace["backward_prop"](**inputs)[0]
    shown = next(c for c in verdict.compared if c.name == "dL_dW1")
    rows = [
        [float(x) for x in line.strip("()").split(",")]
        for line in shown.yours.replace("−", "-").split("\n")
    ]
    assert np.allclose(rows, dW1, rtol=1e-3)
    assert "X₁" not in str(verdict)


# ------------------------------------------------------------------------- the same quantity


def _quantity(text):
    """What stands before the first sign of equality, if anything does."""
    left, equals, _ = text.partition(" = ")
    return re.sub(r"_(i|k|ik|kd)\b|\W", "", left) if equals else ""


def test_what_is_computed_and_what_should_be_are_the_same_quantity():
    odd = []
    for exercise in EXERCISES.values():
        steps = {step.name: step for step in exercise.recipe.steps}
        for mistake in (m for m in exercise.mistakes if m.step in steps):
            step = steps[mistake.step]
            right = mistake.right or formula(step.name, step.formula, Conventions())
            names = {_quantity(mistake.wrong), _quantity(right)}
            if len(names - {""}) > 1 or (_quantity(right) and step.name == "s" and "" in names):
                odd.append((mistake.id, mistake.wrong, right))
    assert not odd


def test_an_alternative_does_not_use_what_the_source_never_reads():
    source = """
import numpy as np
def compute_cost_function(X, Y, theta, lambda_factor, temp_parameter):
    s = theta @ X.T
    s = s - s.max(axis=0)
    return np.mean(np.log(np.exp(s).sum(axis=0)) - s[Y, np.arange(len(Y))]) + lambda_factor / 2 * np.sum(theta ** 2)
"""
    verdict = judge(source)
    assert verdict.mistakes == ("temperature.ignored",)
    assert verdict.findings[0].alternatives == ()
    assert verdict.exercise == "linear softmax classifier: loss"  # it returns no gradient
    assert verdict.broken_line is None  # the derivation's line of z has no temperature


# ----------------------------------------------------------------- the derivation's line, formulas

BESIDE = {  # what is wrong is not what the line of the derivation is about
    "a factor of the batch": (LOGITS, "dx / n", "dx / dx.size", "dL_dz.divided_by_entries"),
    "the regulariser": (LINEAR, "2 * reg * W", "reg * W", "ridge.gradient_half"),
}


@pytest.mark.parametrize("case", BESIDE)
def test_a_line_of_the_derivation_is_shown_only_where_it_is_about_the_fault(case):
    source, old, new, _ = BESIDE[case]
    verdict = judge(source.replace(old, new))
    assert verdict.findings[0].id
    assert verdict.broken_line is None
    about = judge(source.replace("y] -= 1", "y] += 1"))
    assert about.broken_line is not None
    assert about.broken_line.name == "dL_dz"


COLUMNS = """
import numpy as np
def softmax_loss(W, X, y, r):
    z = W @ X
    z = z - z.max(axis=0)
    logp = z - np.log(np.exp(z).sum(axis=0))
    n = y.size
    d = np.exp(logp)
    d[y, np.arange(n)] -= 1
    return -logp[y, np.arange(n)].mean() + r * np.sum(W ** 2), d @ X.T / n + 2 * r * W
"""
CLASSES_FIRST = """
import numpy as np
def softmax_loss(theta, X, y, lam):
    z = X @ theta.T
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    n = y.size
    d = np.exp(logp)
    d[np.arange(n), y] -= 1
    return -logp[np.arange(n), y].mean() + lam * np.sum(theta ** 2), d.T @ X / n + 2 * lam * theta
"""
LYING = {"rows": LINEAR, "columns": COLUMNS, "classes first": CLASSES_FIRST}


@pytest.mark.parametrize("case", LYING)
def test_products_are_written_as_the_learners_arrays_lie(case):
    trial = trial_of(LYING[case], "softmax_loss")
    assert trial is not None
    subject = trial.subject
    inputs = trial.probes[0].inputs
    record = subject.exercise.truth({**inputs, **Conventions(half=1.0).letters, "r": 0.5})
    names = {
        subject.parameter("W"): subject.laid_out("W", inputs["W"], inputs),
        "X": subject.laid_out("X", inputs["X"], inputs), subject.parameter("r"): 0.5,
        "dL_dz": subject.laid_out("dL_dz", record["dL_dz"], inputs),
    }  # fmt: skip
    for text, letter in (
        ("dL_dW = dL_dzᵀ X + 2 r W", "dL_dW"), ("z = X Wᵀ", "z"), ("dL_dX = dL_dz W", "dL_dX"),
    ):  # fmt: skip
        written = as_written(subject, text).partition(" = ")[2].replace("ᵀ", ".T")
        written = re.sub(r"\b2 (\w+) (\w+)$", r"2 * \1 * \2", written)
        written = re.sub(r"(?<=[\w]) (?=[A-Za-z])", " @ ", written)
        expected = subject.laid_out(letter, record[letter], inputs)
        found = eval(written, {}, names)  # a formula of the catalogue
        assert found.shape == expected.shape, written
        assert np.allclose(found, expected), written


@pytest.mark.parametrize("case", ["W1", "b2"])
def test_no_formula_stands_more_than_twice_and_faults_come_first(case):
    edit = {
        "W1": ("dZ1 @ X.T / m", "dZ1 @ X.T"),
        "b2": (" dZ2.sum(axis=1, keepdims=True) / m", " dZ2.sum(axis=1, keepdims=True)"),
    }
    report = str(judge(BACKWARD.replace(*edit[case])))
    formulas = re.findall(r"\S+ = [^\[\n]+", report)
    assert all(report.count(text) <= 2 for text in formulas if "θ" not in text)
    assert report.rindex("✗") < report.index("✓")


TURNED = LOGITS.replace("y] -= 1", "y] += 1")
EPOCH = """
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
        W2 -= lr * (h.T @ p)
        W1 -= lr * (x.T @ (p @ W2.T * (h > 0)))
"""


def test_one_formula_in_another_order_is_no_alternative():
    assert judge(TURNED).findings[0].alternatives == ()


def test_a_result_that_is_right_in_the_example_is_said_to_fail_elsewhere():
    verdict = judge(EPOCH)
    shown = {comparison.name for comparison in verdict.compared}
    assert shown == {"after_W1"}
    failed = {item.name: item.detail for item in verdict.properties if not item.holds}
    assert failed == {
        "the trained W1, data": "", "the trained W2, data": "on larger inputs than the example"
    }  # fmt: skip


RELU = """
import numpy as np
def relu_forward(x):
    return np.maximum(x, 0), x
def relu_backward(dout, cache):
    return dout * cache
"""


def test_letters_of_the_derivation_are_explained_only_where_they_stand_and_by_name():
    line = judge(RELU).broken_line
    assert line is not None
    assert (
        "Here a is x, what goes in, and g is dout, the gradient that comes from above." in line.why
    )
    assert {"a_", "g_"} <= {word[:2] for word in line.statement.replace("[", "").split()}
    line = judge(
        RELU.replace("np.maximum(x, 0)", "np.abs(x)").replace("dout * cache", "dout * (cache > 0)")
    ).broken_line
    assert line is not None
    assert "g is" not in line.why


@pytest.mark.parametrize("column", [False, True])
def test_labels_of_shape_n_1_are_spoken_of_only_where_they_have_it(column):
    if column:
        source = LOGITS.replace("-logp[np.arange(n), y]", "-logp[np.arange(n), y.ravel()]")
    else:
        source = LOGITS.replace("dx[np.arange(n), y]", "dx[:, y]")
    verdict = judge(source, "column" if column else "index")
    assert verdict.mistakes == ("dL_dz.columns",)
    assert ("(N, 1)" in verdict.findings[0].sentence) == column
