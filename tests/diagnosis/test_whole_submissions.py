# ruff: noqa: E501  # programs, one line each
"""Several functions, several files, Python 2, and files that hold no exercise."""

import pytest

from benchmarks.check.run_source import judge
from pminusy.api.check import check, check_file
from pminusy.diagnosis.catalogue.conventions import parse_pins
from pminusy.diagnosis.reading import read
from pminusy.diagnosis.report.rubric import read_rubric
from pminusy.diagnosis.run.inside.python2 import in_python_3
from pminusy.diagnosis.submission import Settings, check_submission
from pminusy.errors import InputError

SHIFTED = "    e = np.exp(z - z.max({axis}))\n    return e / e.sum({axis})\n"
SOFTMAX = "def softmax(z):\n" + SHIFTED.format(axis="axis=1, keepdims=True")
LOSS = """
def {name}(z, y):
    s = z - z.max(axis=1, keepdims=True)
    lse = np.log(np.exp(s).sum(axis=1))
    n = np.arange(len(y))
    d = np.exp(s - lse[:, None])
    d[n, y] -= 1
    return (lse - s[n, y]).{how}(), d / len(y)
"""
NUMPY = "import numpy as np\n"


def verdicts_of(folder, files, first, **settings):
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return check_file(folder / first, Settings(**settings))


def test_every_function_has_its_verdict(tmp_path):
    source = NUMPY + SOFTMAX + LOSS.format(name="loss_a", how="mean")
    source += LOSS.format(name="softmax_loss_b", how="sum")
    found = {v.name: v.status for v in verdicts_of(tmp_path, {"a.py": source}, "a.py")}
    assert found == {"loss_a": "correct", "softmax_loss_b": "wrong", "softmax": "correct"}
    assert check(tmp_path / "a.py").status == "wrong"  # the worst of them


def test_what_is_no_exercise_is_left_out_beside_one(tmp_path):
    others = "def plot_loss(history):\n    return history.mean()\n"
    others += "def mse_loss(a, b):\n    return ((a - b) ** 2).mean()\n"
    found = verdicts_of(tmp_path, {"a.py": NUMPY + SOFTMAX + others}, "a.py")
    assert [(v.name, v.status) for v in found] == [("softmax", "correct")]


@pytest.mark.parametrize(
    "source",
    [
        "def mean_squared(a):\n    return a\n",
        "def svm_loss(W, X, y, reg):\n    s = X @ W\n    m = np.maximum(0, s - s[np.arange(len(y)), y][:, None] + 1)\n    return m.sum() / len(y)\n",
        "def loss(guess, truth):\n    return np.sum(guess * guess - truth) ** 3\n",
        "x = 3\n",
    ],
)
def test_no_exercise_that_is_known(source, tmp_path):
    (verdict,) = verdicts_of(tmp_path, {"a.py": NUMPY + source}, "a.py")
    assert verdict.status == "unknown"
    assert "no exercise I know" in str(verdict)


def test_a_name_that_is_not_there_is_misuse(tmp_path):
    with pytest.raises(InputError, match="softmax_two"):
        verdicts_of(tmp_path, {"a.py": NUMPY + SOFTMAX}, "a.py", function="softmax_two")


def test_functions_of_a_rubric(tmp_path):
    (tmp_path / "rubric.toml").write_text(
        'points = 4\n[exercise]\nfunctions = ["softmax", "loss_*", "relu"]\n'
    )
    rubric = read_rubric(tmp_path / "rubric.toml")
    source = NUMPY + SOFTMAX + LOSS.format(name="loss_a", how="mean")
    found = verdicts_of(tmp_path, {"a.py": source}, "a.py", function=",".join(rubric.functions))
    assert {v.name: v.status for v in found} == {
        "softmax": "correct", "loss_a": "correct", "relu": "unfinished",
    }  # fmt: skip
    (tmp_path / "rubric.toml").write_text("[exercise]\nfunctions = 3\n")
    with pytest.raises(InputError, match=r"\[exercise\]"):
        read_rubric(tmp_path / "rubric.toml")


PROBABILITIES = NUMPY + SOFTMAX.replace("softmax", "rows_to_one")
USE = LOSS.format(name="softmax_loss", how="mean").replace(
    "d = np.exp(s - lse[:, None])", "d = rows_to_one(z)"
)
FOLDERS = {
    "beside": ("tool.py", "main.py", "from tool import rows_to_one"),
    "above": ("common/tool.py", "ch05/main.py", "from common.tool import rows_to_one"),
    "above, all": ("common/tool.py", "ch05/main.py", "from common.tool import *"),
    "as a module": ("common/tool.py", "main.py", "import common.tool as t\nrows_to_one = t.rows_to_one"),
    "from a folder": ("common/tool.py", "a/main.py", "from common import tool\nrows_to_one = tool.rows_to_one"),
    "relative": ("p/tool.py", "p/main.py", "from .tool import rows_to_one"),
    "relative, up": ("p/tool.py", "p/q/main.py", "from ..tool import *"),
    "relative, across": ("p/r/tool.py", "p/q/main.py", "from ..r.tool import rows_to_one"),
    "relative, a module": ("p/tool.py", "p/main.py", "from . import tool\nrows_to_one = tool.rows_to_one"),
}  # fmt: skip


@pytest.mark.parametrize("form", FOLDERS)
def test_imports_inside_a_folder(form, tmp_path):
    there, main, statement = FOLDERS[form]
    files = {there: PROBABILITIES, main: f"{NUMPY}{statement}\n{USE}"}
    (verdict,) = verdicts_of(tmp_path, files, main)
    assert verdict.status in ("correct", "fragile"), str(verdict)
    whole = check_submission(read(tmp_path), Settings())
    assert [v.status for v in whole if v.name == "softmax_loss"] == [verdict.status]


def test_a_base_class_that_is_not_there(tmp_path):
    source = "from .base import Layer\nclass Softmax(Layer):\n    def forward(self, z):\n        return z\n"
    (verdict,) = verdicts_of(tmp_path, {"a.py": source}, "a.py")
    assert verdict.status == "does not run"
    assert "Softmax: ModuleNotFoundError: No module named 'base'" in verdict.summary


def test_a_name_of_a_module_that_is_not_there(tmp_path):
    source = "from absent import *\n" + SOFTMAX
    (verdict,) = verdicts_of(tmp_path, {"a.py": source}, "a.py")
    assert "No module named 'absent'" in verdict.summary
    assert "notebook" not in verdict.summary


def test_python_2_that_only_prints_is_translated(tmp_path):
    lines = ["def train(z):", "    for i in xrange(3):", "        print 'step %d' % i, z",
             "        print", "    try:", "        pass", "    except ValueError, error:",
             "        raise ValueError, 'no'", ""]  # fmt: skip
    (verdict,) = verdicts_of(tmp_path, {"a.py": NUMPY + SOFTMAX + "\n".join(lines)}, "a.py")
    assert verdict.status == "correct", str(verdict)
    assert any("translated from Python 2" in note for note in verdict.notes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("print 'a', b", "print( 'a', b)"),
        ("print", "print()"),
        ("print(a)", "print(a)"),
        ("print (a), b", "print( (a), b)"),
        ("if a: print b; c = 1", "if a: print( b); c = 1"),
        ("if a <> b: pass", "if a != b: pass"),
        ("n = 10L", "n = 10"),
        ("print >>f, a", "print( a)"),
        ("print a,  # so", "print( a,)  # so"),
    ],
)
def test_python_2_token_by_token(old, new):
    anew = in_python_3(old + "\n")[0].strip()
    assert "".join(anew.split()) == "".join(new.split())
    compile(anew, "", "exec")


def test_a_function_that_ends_its_process_does_not_end_the_others(tmp_path):
    source = NUMPY + "import os\n" + SOFTMAX + "def softmax_two(z):\n    os._exit(3)\n"
    found = {v.name: v.status for v in verdicts_of(tmp_path, {"a.py": source}, "a.py")}
    assert found == {"softmax": "correct", "softmax_two": "does not run"}


WHOLE = "def softmax(z):\n" + SHIFTED.format(axis="")
COLUMNS = "def softmax(z):\n" + SHIFTED.format(axis="axis=0")


@pytest.mark.parametrize("source", [WHOLE, COLUMNS])
def test_another_reading_stands_only_while_nothing_contradicts_it(source, tmp_path):
    (alone,) = verdicts_of(tmp_path, {"a.py": NUMPY + source}, "a.py")
    assert alone.status == "correct"
    assert any("one sample" in said or "in columns" in said for said in alone.assumed)
    both = NUMPY + source + LOSS.format(name="softmax_loss", how="mean")
    found = {v.name: v.status for v in verdicts_of(tmp_path, {"a.py": both}, "a.py")}
    assert found == {"softmax_loss": "correct", "softmax": "wrong"}
    called = both.replace("d = np.exp(s - lse[:, None])", "d = np.array([softmax(r) for r in z])")
    if source is WHOLE:  # one row at a time is how the loss calls it
        (loss,) = verdicts_of(tmp_path, {"a.py": called}, "a.py")
        assert loss.status in ("correct", "fragile")


@pytest.mark.parametrize(
    ("pin", "source", "status"),
    [
        ("rows", COLUMNS, "wrong"), ("columns", COLUMNS, "correct"), ("rows", WHOLE, "wrong"),
        ("batch", WHOLE, "wrong"), ("batch", COLUMNS, "correct"), ("rows", SOFTMAX, "correct"),
    ],
)  # fmt: skip
def test_pins_of_how_samples_lie(pin, source, status, tmp_path):
    (verdict,) = verdicts_of(tmp_path, {"a.py": NUMPY + source}, "a.py", pins=parse_pins(pin))
    assert verdict.status == status


def test_a_batch_in_the_code_is_not_one_sample():
    verdict = judge(NUMPY + "def nll(p, y):\n    return -np.log(p[y]).sum() / len(y)\n")
    assert verdict.status == "wrong"


def test_rows_are_the_rows_of_the_learner():
    source = """
def softmax_loss(W, X, y):
    s = X @ W
    s = s - s.max(axis=1, keepdims=True)
    n = np.arange(len(y))
    lse = np.log(np.exp(s).sum(axis=1))
    d = np.exp(s - lse[:, None])
    d[n, y] -= 1
    dW = X.T @ d / len(y)
    dW[:, 1] *= 3
    return (lse - s[n, y]).mean(), dW
"""
    verdict = judge(NUMPY + source)
    assert "only in column 1, by the factor 3" in verdict.summary
    turned = source.replace("X @ W", "X @ W.T").replace("X.T @ d", "d.T @ X")
    turned = turned.replace("dW[:, 1]", "dW[1]")
    assert "only in row 1, by the factor 3" in judge(NUMPY + turned).summary


def test_a_last_batch_that_is_shorter():
    source = """
def softmax_epoch(X, y, W, lr, batch):
    for start in range(0, len(X), batch):
        a, t = X[start:start + batch], y[start:start + batch]
        e = np.exp(a @ W - (a @ W).max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        one = np.zeros((batch, W.shape[1]))
        one[np.arange(batch), t] = 1
        W -= lr * a.T @ (p - one) / batch
"""
    verdict = judge(NUMPY + source)
    assert verdict.mistakes == ("runs.short_batch",)


def test_different_numbers_are_shown_apart():
    from pminusy.diagnosis.report.wording import told_apart

    assert told_apart(1.23456, 1.23457) == ("1.23456", "1.23457")
    assert told_apart(0.5, 0.75) == ("0.5", "0.75")


def test_a_function_whose_name_holds_letters_of_another_word():
    source = NUMPY + SOFTMAX + "def twice_backward(a, b):\n    return a + b\n"
    assert judge(source).name == "softmax"


OF_TODAY = {
    "a dictionary's iterator": ("", "sum(v for k, v in {'a': z}.iteritems())"),
    "from six": (
        "from six.moves import range, zip\n",
        "np.array([a for a, _ in zip(z, range(99))])",
    ),
    "from past": ("from past.builtins import xrange\n", "z[list(xrange(len(z)))]"),
    "from itertools": ("from itertools import izip\n", "np.array([a for a, _ in izip(z, z)])"),
    "a number's name": ("", "z * long(1)"),
    "reduce": ("", "reduce(lambda a, b: a, [z, z])"),
}


@pytest.mark.parametrize("form", OF_TODAY)
def test_names_that_python_3_took_away(form, tmp_path):
    first, value = OF_TODAY[form]
    source = (
        first + NUMPY + SOFTMAX.replace("def softmax(z):\n", f"def softmax(z):\n    z = {value}\n")
    )
    (verdict,) = verdicts_of(tmp_path, {"a.py": source}, "a.py")
    assert verdict.status == "correct", str(verdict)
    renamed = any("translated" in note for note in verdict.notes)
    assert renamed == ("iterator" in form)


def test_a_method_of_ones_own_keeps_its_name(tmp_path):
    own = "class Parts:\n    def iteritems(self):\n        return [(0, 1.0)]\n"
    source = NUMPY + own + SOFTMAX.replace("z.max(", "Parts().iteritems()[0][1] * z.max(")
    assert [v.status for v in verdicts_of(tmp_path, {"a.py": source}, "a.py")] == ["correct"]


@pytest.mark.parametrize(("first", "there"), [("%%writefile tool.py", True), ("%%bash", False)])
def test_a_cell_that_writes_a_file_defines_what_is_in_it(first, there, tmp_path):
    import json

    cells = [NUMPY, f"{first}\n{SOFTMAX}"]
    text = json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})
    (verdict,) = verdicts_of(tmp_path, {"a.ipynb": text}, "a.ipynb")
    assert (verdict.status == "correct") == there
