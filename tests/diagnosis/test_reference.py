# programs, one line each
"""A teacher's own function as the standard, where it is not the plain exercise."""

import json

import pytest

from pminusy.cli.app import run

SMOOTH = """
import numpy as np
def softmax_loss(z, y):
    s = z - z.max(axis=1, keepdims=True)
    lp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    n, K = z.shape
    q = np.full_like(lp, 0.1 / K); q[np.arange(n), y] += 0.9
    return -(q * lp).sum() / n, (np.exp(lp) - q) / n
"""
SMOOTH_OTHERWISE = """
import numpy as np
def cross_entropy(logits, target):
    loss, grad, n, K = 0.0, np.zeros_like(logits), *logits.shape
    for i in range(n):
        t = logits[i] - logits[i].max()
        lse = np.log(np.exp(t).sum())
        loss += 0.9 * (lse - t[target[i]]) + 0.1 * (lse - t).mean()
        grad[i] = np.exp(t - lse) - 0.1 / K
        grad[i, target[i]] -= 0.9
    return loss / n, grad / n
"""
PLAIN = """
import numpy as np
def softmax_loss(z, y):
    s = z - z.max(axis=1, keepdims=True)
    lp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    d = np.exp(lp); d[np.arange(len(y)), y] -= 1
    return -lp[np.arange(len(y)), y].mean(), d / len(y)
"""
HINGE = """
import numpy as np
def svm_loss(W, X, y, reg):
    n = len(y); s = X @ W
    m = np.maximum(0, s - s[np.arange(n), y][:, None] + 1); m[np.arange(n), y] = 0
    loss = m.sum() / n + reg * np.sum(W * W)
    g = (m > 0).astype(float); g[np.arange(n), y] -= g.sum(axis=1)
    return loss, X.T @ g / n + 2 * reg * W
"""
HINGE_LOOP = """
import numpy as np
def svm_loss(W, X, y, reg):
    loss = 0.0; dW = np.zeros_like(W); n = len(y)
    for i in range(n):
        s = X[i] @ W
        for k in range(W.shape[1]):
            v = s[k] - s[y[i]] + 1
            if k != y[i] and v > 0:
                loss += v; dW[:, k] += X[i]; dW[:, y[i]] -= X[i]
    return loss / n + reg * np.sum(W * W), dW / n + 2 * reg * W
"""
CASES = {
    "itself": (SMOOTH, SMOOTH, "correct", []),
    "the same in another style": (SMOOTH_OTHERWISE, SMOOTH, "correct", []),
    "a mistake on top": (
        SMOOTH.replace("(np.exp(lp) - q) / n", "np.exp(lp) - q"),
        SMOOTH,
        "wrong",
        ["dL_dz.sum"],
    ),
    "without its peculiarity": (PLAIN, SMOOTH, "wrong", ["reference.left_out"]),
    "another loss, the same": (HINGE_LOOP, HINGE, "correct", []),
    "another loss, half a gradient": (HINGE_LOOP.replace("2 * reg", "reg"), HINGE, "wrong", [""]),
    "another loss, for every label": (
        HINGE_LOOP.replace("k != y[i] and ", ""),
        HINGE,
        "wrong",
        [""],
    ),
    "other arguments": (PLAIN, HINGE, "wrong", [""]),
    "fragile": (SMOOTH.replace("z.max(axis=1, keepdims=True)", "0"), SMOOTH, "fragile", []),
}


def checked(tmp_path, capsys, source, reference, *flags):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "a.py").write_text(source)
    (tmp_path / "ours.py").write_text(reference)
    code = run([
        "check", str(tmp_path / "theirs" / "a.py"), "--reference", str(tmp_path / "ours.py"),
        "--format", "json", *flags,
    ])  # fmt: skip
    out = capsys.readouterr()
    return code, json.loads(out.out)["verdicts"][0] if code < 2 else out.err


@pytest.mark.parametrize("case", CASES)
def test_numbers_of_the_reference_are_what_counts(case, tmp_path, capsys):
    source, reference, status, named = CASES[case]
    code, verdict = checked(tmp_path, capsys, source, reference)
    assert (code, verdict["status"]) == (0 if status == "correct" else 1, status)
    assert sorted({f["id"] for f in verdict["findings"]}) == named


def test_what_cannot_be_named_is_said(tmp_path, capsys):
    wrong = HINGE_LOOP.replace("2 * reg", "reg")
    _, verdict = checked(tmp_path, capsys, wrong, HINGE)
    assert "0.5 times the reference's" in verdict["summary"]
    assert verdict["smallest"]


BROKEN = {
    "does not run": ("def softmax_loss(z, y): return nowhere\n", "nowhere"),
    "unfinished": ("def softmax_loss(z, y): pass\n", "unfinished"),
    "no Python": ("x = (\n", "line 1"),
    "no function": ("x = 1\n", "what fits"),
    "several": (PLAIN + PLAIN.replace("softmax_loss", "softmax_loss_2"), "several"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_reference_that_does_not_run_is_one_line(case, tmp_path, capsys):
    source, words = BROKEN[case]
    code, error = checked(tmp_path, capsys, PLAIN, source)
    assert code == 2
    assert error.count("\n") == 1
    assert "reference 'ours.py'" in error or "what fits" in error
    assert words in error


@pytest.mark.sandbox
def test_a_folder_is_compared_too(tmp_path, capsys):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "a.py").write_text(SMOOTH_OTHERWISE)
    (folder / "b.py").write_text(PLAIN)
    (tmp_path / "ours.py").write_text(SMOOTH)
    memory = tmp_path / "memory.json"
    words = ["check", str(folder), "--format", "json", "--resume", str(memory)]
    assert run([*words, "--reference", str(tmp_path / "ours.py")]) == 1
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert counts == {"correct": 1, "wrong": 1}
    run(words)  # another standard: nothing that was remembered counts
    assert json.loads(capsys.readouterr().out)["verdicts"][1]["status"] == "correct"
