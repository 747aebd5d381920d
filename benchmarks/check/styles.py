"""Correct implementations in many styles: templates whose lines can be exchanged one by one."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["STYLES", "Style"]


@dataclass(frozen=True)
class Style:
    """A template with named lines, `{name}`, and the lines that make it correct.

    `family` says which slips fit its variables; `expect` is what a check should say of it.
    """

    name: str
    family: str
    template: str
    lines: Mapping[str, str]
    expect: str = "correct"

    def source(self, edits: Mapping[str, str] | None = None) -> str:
        """The program, with some lines exchanged."""
        filled = {**self.lines, **(edits or {})}
        out = []
        for line in textwrap.dedent(self.template).strip("\n").split("\n"):
            slot = line.strip()
            if slot.startswith("<") and slot.endswith(">"):
                indent = line[: len(line) - len(line.lstrip())]
                text = filled[slot[1:-1]]
                out += [indent + part if part else part for part in text.split("\n") if part]
            else:
                out.append(line)
        return "import numpy as np\n\n\n" + "\n".join(out) + "\n"


_VECTORISED = """
def softmax_loss_vectorized(W, X, y, reg):
    N = X.shape[0]
    <Z>
    <M>
    <E>
    <S>
    <P>
    <L>
    <R>
    <D>
    <A>
    <G>
    <Q>
    return loss, dW
"""
_CHOICES: dict[str, list[str]] = {
    "Z": ["Z = X.dot(W)", "Z = X @ W", "Z = np.einsum('nd,dk->nk', X, W)", "Z = np.matmul(X, W)"],
    "M": [
        "M = Z.max(axis=1, keepdims=True)",
        "M = np.max(Z, axis=1)[:, np.newaxis]",
        "M = np.amax(Z, 1).reshape(-1, 1)",
    ],
    "E": [
        "E = np.exp(Z - M)",
        "E = np.exp(Z - M)",
        "E = np.e ** (Z - M)",
        "E = np.exp(np.subtract(Z, M))",
    ],
    "S": [
        "S = E.sum(axis=1, keepdims=True)",
        "S = np.sum(E, axis=1)[:, None]",
        "S = np.add.reduce(E, axis=1).reshape(N, 1)",
        "S = (E @ np.ones(E.shape[1])).reshape(-1, 1)",
    ],
    "P": ["P = E / S", "P = np.divide(E, S)", "P = (E.T / S.ravel()).T", "P = E * (1.0 / S)"],
    "L": [
        "loss = (np.log(S[:, 0]) + M[:, 0] - Z[np.arange(N), y]).mean()",
        "loss = np.sum(np.log(S) + M - Z[np.arange(N), y][:, None]) / N",
        "logp = Z - M - np.log(S)\nloss = -logp[range(N), y].sum() / N",
        "logp = (Z - M) - np.log(S)\nloss = -np.take_along_axis(logp, y[:, None], axis=1).mean()",
        "Y = np.eye(W.shape[1])[y]\nloss = -(Y * (Z - M - np.log(S))).sum() / N",
        "loss = np.mean(np.logaddexp.reduce(Z, axis=1) - Z[np.arange(N), y])",
    ],
    "R": [
        "loss += 0.5 * reg * np.sum(W * W)",
        "loss = loss + reg / 2 * (W ** 2).sum()",
        "loss += 0.5 * reg * np.linalg.norm(W) ** 2",
        "loss += reg * np.vdot(W, W) / 2.0",
        "loss += 0.5 * reg * np.einsum('ij,ij', W, W)",
    ],
    "D": [
        "D = P.copy()\nD[np.arange(N), y] -= 1",
        "Y = np.zeros_like(P)\nY[np.arange(N), y] = 1\nD = P - Y",
        "D = P - np.eye(P.shape[1])[y]",
        "D = P - (y[:, None] == np.arange(P.shape[1]))",
        "D = P.copy()\nnp.subtract.at(D, (np.arange(N), y), 1.0)",
    ],
    "A": ["D = D / N", "D /= N", "D = D * (1.0 / N)"],
    "G": [
        "dW = X.T.dot(D)",
        "dW = X.T @ D",
        "dW = np.einsum('nd,nk->dk', X, D)",
        "dW = np.dot(D.T, X).T",
    ],
    "Q": ["dW += reg * W", "dW = dW + reg * W"],
}


def _vectorised() -> Iterator[Style]:
    for i in range(24):
        lines = {
            slot: options[(i * step + i // len(options)) % len(options)]
            for step, (slot, options) in enumerate(_CHOICES.items(), 1)
        }
        yield Style(f"vectorised {i}", "vectorised", _VECTORISED, lines)
    full = {slot: options[0] for slot, options in _CHOICES.items()}
    yield Style(
        "vectorised, full", "full", _VECTORISED,
        full | {"R": "loss += reg * np.sum(W * W)", "Q": "dW += 2 * reg * W"},
    )  # fmt: skip
    yield Style(
        "vectorised, summed", "summed", _VECTORISED,
        full | {"L": "loss = (np.log(S) + M).sum() - Z[np.arange(N), y].sum()", "A": "pass"},
    )  # fmt: skip
    yield Style(
        "vectorised, renamed",
        "vectorised",
        _VECTORISED.replace("softmax_loss_vectorized", "loss_fn"),
        full,
    )


_LOOP = """
def softmax_loss_naive(W, X, y, reg):
    loss = 0.0
    dW = np.zeros_like(W)
    N, K = X.shape[0], W.shape[1]
    for i in range(N):
        <z>
        <shift>
        <e>
        <p>
        <l>
        for k in range(K):
            <g>
    <average>
    <R>
    <gaverage>
    <Q>
    return loss, dW
"""
_LOOP_LINES = {
    "z": "z = X[i].dot(W)",
    "shift": "z = z - np.max(z)",
    "e": "e = np.exp(z)",
    "p": "p = e / np.sum(e)",
    "l": "loss += np.log(np.sum(e)) - z[y[i]]",
    "g": "dW[:, k] += (p[k] - (k == y[i])) * X[i]",
    "average": "loss /= N",
    "R": "loss += 0.5 * reg * np.sum(W * W)",
    "gaverage": "dW /= N",
    "Q": "dW += reg * W",
}


def _loops() -> Iterator[Style]:
    yield Style("loop", "loop", _LOOP, _LOOP_LINES)
    yield Style(
        "loop, branches", "loop branches", _LOOP,
        _LOOP_LINES
        | {"g": "if k == y[i]:\n    dW[:, k] += (p[k] - 1) * X[i]\nelse:\n    dW[:, k] += p[k] * X[i]"},
    )  # fmt: skip
    yield Style(
        "loop, one matrix", "loop", _LOOP,
        _LOOP_LINES | {"g": "dW[:, k] = dW[:, k] + X[i] * (p[k] - float(k == y[i]))"},
    )  # fmt: skip
    yield Style(
        "loop, sums by hand", "loop", _LOOP,
        _LOOP_LINES
        | {"z": "z = np.array([sum(X[i, d] * W[d, k] for d in range(X.shape[1])) for k in range(K)])"},
    )  # fmt: skip
    yield Style(
        "loop, outer", "samples",
        """
        def softmax_loss(W, X, y, reg):
            total, grad = 0.0, np.zeros(W.shape)
            for x, label in zip(X, y):
                <z>
                <e>
                <p>
                <l>
                <g>
            <end>
        """,
        {
            "z": "z = W.T @ x\nz = z - z.max()", "e": "e = np.exp(z)", "p": "p = e / e.sum()",
            "l": "total -= z[label] - np.log(e.sum())",
            "g": "q = p.copy()\nq[label] -= 1\ngrad += np.outer(x, q)",
            "end": "n = len(y)\nreturn total / n + 0.5 * reg * (W ** 2).sum(), grad / n + reg * W",
        },
    )  # fmt: skip


_LOGITS = """
def softmax_cross_entropy(z, y):
    n = z.shape[0]
    <M>
    <E>
    <P>
    <L>
    <D>
    return loss, dz
"""
_LOGITS_LINES = {
    "M": "s = z - z.max(axis=1, keepdims=True)",
    "E": "e = np.exp(s)",
    "P": "p = e / e.sum(axis=1, keepdims=True)",
    "L": "loss = np.mean(np.log(e.sum(axis=1)) - s[np.arange(n), y])",
    "D": "dz = p.copy()\ndz[np.arange(n), y] -= 1\ndz /= n",
}


def _logits() -> Iterator[Style]:
    yield Style("logits", "logits", _LOGITS, _LOGITS_LINES)
    yield Style(
        "logits, scipy", "logits",
        "from scipy.special import logsumexp, softmax as sp_softmax\n" + _LOGITS.lstrip("\n"),
        _LOGITS_LINES
        | {"L": "loss = (logsumexp(z, axis=1) - z[np.arange(n), y]).mean()", "E": "e = np.exp(s)"},
    )  # fmt: skip
    yield Style(
        "logits, log-softmax", "logits", _LOGITS,
        _LOGITS_LINES
        | {"L": "logp = s - np.log(e.sum(axis=1, keepdims=True))\nloss = -logp[np.arange(n), y].mean()",
           "P": "p = np.exp(s - np.log(e.sum(axis=1, keepdims=True)))"},
    )  # fmt: skip
    yield Style(
        "logits, one-hot by eye", "logits", _LOGITS,
        _LOGITS_LINES
        | {"D": "Y = np.eye(z.shape[1])[y]\ndz = (p - Y) / n"},
    )  # fmt: skip
    yield Style(
        "logits, one-hot given", "one-hot", _LOGITS.replace("(z, y)", "(z, Y)").replace("    n =", "    y = Y.argmax(axis=1)\n    n ="),
        _LOGITS_LINES,
    )  # fmt: skip
    yield Style(
        "logits, one-hot sums", "one-hot sums", _LOGITS.replace("(z, y)", "(logits, one_hot)").replace("    n = z.shape[0]", "    z, Y = logits, one_hot\n    n = len(z)"),
        _LOGITS_LINES
        | {"L": "loss = -(Y * (s - np.log(e.sum(axis=1, keepdims=True)))).sum() / n", "D": "dz = (p - Y) / n"},
    )  # fmt: skip
    yield Style(
        "logits, column labels", "column", _LOGITS.replace("    n =", "    y = y.flatten()\n    n ="),
        _LOGITS_LINES,
    )  # fmt: skip
    yield Style(
        "logits, columns", "columns",
        """
        def softmax_loss(scores, labels):
            m = scores.shape[1]
            s = scores - scores.max(axis=0)
            lse = np.log(np.exp(s).sum(axis=0))
            loss = (lse - s[labels, np.arange(m)]).mean()
            grad = np.exp(s - lse)
            grad[labels, np.arange(m)] -= 1
            return loss, grad / m
        """,
        {},
    )  # fmt: skip
    yield Style(
        "logits, float32 inside", "logits", _LOGITS.replace("    n =", "    z = z.astype(np.float32)\n    n ="),
        _LOGITS_LINES,
    )  # fmt: skip
    yield Style(
        "logits, in place", "in place",
        """
        def softmax_loss(x, y):
            work = np.array(x, dtype=float)
            work -= work.max(axis=1, keepdims=True)
            own = work[np.arange(len(y)), y].copy()
            np.exp(work, out=work)
            total = work.sum(axis=1)
            loss = np.mean(np.log(total) - own)
            work /= total[:, None]
            work[np.arange(len(y)), y] -= 1
            work /= len(y)
            return loss, work
        """,
        {},
    )  # fmt: skip
    yield Style(
        "logits, loss alone", "loss alone",
        """
        def cross_entropy_loss(logits, target):
            top = logits.max(axis=1)
            rest = np.log(np.exp(logits - top[:, None]).sum(axis=1))
            return np.mean(top + rest - logits[np.arange(len(target)), target])
        """,
        {},
    )  # fmt: skip
    yield Style(
        "logits, helper", "helper",
        """
        def _log_softmax(z):
            s = z - z.max(axis=1, keepdims=True)
            return s - np.log(np.exp(s).sum(axis=1, keepdims=True))


        def softmax_with_cross_entropy(predictions, target_index):
            logp = _log_softmax(predictions)
            rows = np.arange(len(predictions))
            labels = target_index.ravel()
            grad = np.exp(logp)
            grad[rows, labels] -= 1
            return -logp[rows, labels].mean(), grad / len(rows)
        """,
        {},
    )  # fmt: skip
    yield Style(
        "logits, one sample", "one sample",
        """
        def softmax_loss(z, y):
            s = z - np.max(z)
            p = np.exp(s) / np.sum(np.exp(s))
            d = p.copy()
            d[y] -= 1
            return np.log(np.sum(np.exp(s))) - s[y], d
        """,
        {},
    )  # fmt: skip
    yield Style(
        "logits, per row", "per row",
        """
        def softmax_loss(z, y):
            s = z - z.max(axis=1, keepdims=True)
            lse = np.log(np.exp(s).sum(axis=1))
            rows = np.arange(len(y))
            p = np.exp(s - lse[:, None])
            p[rows, y] -= 1
            return lse - s[rows, y], p
        """,
        {},
    )  # fmt: skip
    yield Style(
        "logits, class", "class",
        """
        class SoftmaxLoss:
            def forward(self, z, y):
                s = z - z.max(axis=1, keepdims=True)
                self.p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
                self.y = y
                lse = np.log(np.exp(s).sum(axis=1))
                return np.mean(lse - s[np.arange(len(y)), y])

            def backward(self):
                d = self.p.copy()
                d[np.arange(len(self.y)), self.y] -= 1
                return d / len(self.y)
        """,
        {},
    )  # fmt: skip


def _other() -> Iterator[Style]:
    yield Style(
        "transposed", "transposed",
        """
        def softmax_loss(W, X, y, reg):
            Z = W @ X
            Z = Z - Z.max(axis=0, keepdims=True)
            lse = np.log(np.exp(Z).sum(axis=0))
            n = X.shape[1]
            loss = np.mean(lse - Z[y, np.arange(n)]) + 0.5 * reg * np.sum(W ** 2)
            P = np.exp(Z - lse)
            P[y, np.arange(n)] -= 1
            return loss, P @ X.T / n + reg * W
        """,
        {},
    )  # fmt: skip
    yield Style(
        "class rows", "class rows",
        """
        def loss_and_gradient(W, b, X, y):
            Z = X @ W.T + b
            Z = Z - Z.max(1, keepdims=True)
            E = np.exp(Z)
            S = E.sum(1, keepdims=True)
            n = len(X)
            loss = (np.log(S[:, 0]) - Z[np.arange(n), y]).sum() / n
            D = E / S
            D[np.arange(n), y] -= 1
            D = D / n
            return loss, D.T @ X, D.sum(axis=0)
        """,
        {},
    )  # fmt: skip
    yield Style(
        "bias, dictionary", "bias",
        """
        def softmax_loss(X, y, W, b, reg=0.0):
            n = X.shape[0]
            Z = X.dot(W) + b
            Z = Z - Z.max(axis=1, keepdims=True)
            lse = np.log(np.exp(Z).sum(axis=1, keepdims=True))
            P = np.exp(Z - lse)
            loss = -(Z - lse)[np.arange(n), y].mean() + 0.5 * reg * np.sum(W * W)
            P[np.arange(n), y] -= 1
            P = P / n
            return loss, {"W": X.T.dot(P) + reg * W, "b": P.sum(axis=0)}
        """,
        {},
    )  # fmt: skip
    yield Style(
        "flat parameters", "flat",
        """
        def cost(theta, X, y, lam):
            K = theta.size // X.shape[1]
            W = theta.reshape(X.shape[1], K)
            Z = X @ W
            Z = Z - Z.max(axis=1, keepdims=True)
            lse = np.log(np.exp(Z).sum(axis=1, keepdims=True))
            n = len(y)
            value = -(Z - lse)[np.arange(n), y].mean() + lam / 2 * theta @ theta
            P = np.exp(Z - lse)
            P[np.arange(n), y] -= 1
            return value, (X.T @ P / n).ravel() + lam * theta
        """,
        {},
    )  # fmt: skip
    yield Style(
        "inputs first", "inputs first",
        """
        def linear_softmax(X, W, target):
            Z = np.dot(X, W)
            Z = Z - np.max(Z, axis=1, keepdims=True)
            P = np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)
            rows = np.arange(X.shape[0])
            lse = np.log(np.sum(np.exp(Z), axis=1))
            loss = np.mean(lse - Z[rows, target])
            P[rows, target] -= 1
            return loss, np.dot(X.T, P / X.shape[0])
        """,
        {},
    )  # fmt: skip
    yield Style(
        "weights first, no names", "no names",
        """
        def softmax_loss(a, b, c, d):
            f = b @ a
            f = f - f.max(1)[:, None]
            g = np.exp(f)
            h = g / g.sum(1)[:, None]
            i = np.arange(len(c))
            j = np.mean(np.log(g.sum(1)) - f[i, c]) + 0.5 * d * (a * a).sum()
            h[i, c] -= 1
            return j, b.T @ h / len(c) + d * a
        """,
        {},
    )  # fmt: skip
    yield Style(
        "bias column free", "bias column",
        """
        def softmax_loss(W, X, y, reg):
            Z = X @ W
            Z = Z - Z.max(axis=1, keepdims=True)
            lse = np.log(np.exp(Z).sum(axis=1, keepdims=True))
            n = len(y)
            V = W.copy()
            V[-1] = 0
            loss = -(Z - lse)[np.arange(n), y].mean() + 0.5 * reg * (V * V).sum()
            P = np.exp(Z - lse)
            P[np.arange(n), y] -= 1
            return loss, X.T @ P / n + reg * V
        """,
        {},
    )  # fmt: skip
    yield Style(
        "gradient alone", "gradient alone",
        """
        def softmax_gradient(W, X, y):
            Z = X @ W
            E = np.exp(Z - Z.max(axis=1, keepdims=True))
            P = E / E.sum(axis=1, keepdims=True)
            P[np.arange(len(y)), y] -= 1
            return X.T @ P / len(y)
        """,
        {},
    )  # fmt: skip
    yield Style(
        "matrix", "matrix",
        """
        def softmax_loss(W, X, y, reg):
            W = np.asmatrix(W)
            Z = np.asmatrix(X) * W
            Z = Z - Z.max(1)
            E = np.exp(Z)
            n = X.shape[0]
            lse = np.log(E.sum(1))
            loss = float((lse - Z[np.arange(n), y].T).sum()) / n + 0.5 * reg * float(np.multiply(W, W).sum())
            P = E / E.sum(1)
            P[np.arange(n), y] -= 1
            return loss, np.asmatrix(X).T * P / n + reg * W
        """,
        {},
    )  # fmt: skip


_SOFTMAX = """
def softmax(z):
    <M>
    <E>
    <P>
    return p
"""


def _softmaxes() -> Iterator[Style]:
    lines = {
        "M": "s = z - np.max(z, axis=-1, keepdims=True)", "E": "e = np.exp(s)",
        "P": "p = e / e.sum(axis=-1, keepdims=True)",
    }  # fmt: skip
    yield Style("softmax", "softmax", _SOFTMAX, lines)
    yield Style(
        "softmax, rows", "softmax rows",
        """
        def softmax(x):
            out = np.zeros_like(x)
            for i in range(x.shape[0]):
                row = np.exp(x[i] - max(x[i]))
                out[i] = row / sum(row)
            return out
        """,
        {},
    )  # fmt: skip
    yield Style(
        "softmax, apply", "softmax rows",
        """
        def softmax(x):
            one = lambda v: np.exp(v - v.max()) / np.exp(v - v.max()).sum()
            return np.apply_along_axis(one, 1, x)
        """,
        {},
    )  # fmt: skip
    yield Style(
        "log-softmax", "log-softmax",
        """
        def log_softmax(z):
            s = z - z.max(axis=1, keepdims=True)
            return s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        """,
        {},
    )  # fmt: skip
    yield Style(
        "ridge", "ridge",
        """
        def l2_regularization(W, reg_strength):
            return reg_strength * np.sum(W ** 2), 2 * reg_strength * W
        """,
        {},
    )  # fmt: skip
    yield Style(
        "probabilities", "probabilities",
        """
        def cross_entropy_loss(probs, target):
            return -np.mean(np.log(probs[np.arange(len(target)), target]))
        """,
        {},
    )  # fmt: skip
    yield Style(
        "epoch", "epoch",
        """
        def softmax_regression_epoch(X, y, theta, lr=0.1, batch=100):
            for start in range(0, X.shape[0], batch):
                <rows>
                Z = xb @ theta
                E = np.exp(Z - Z.max(axis=1, keepdims=True))
                P = E / E.sum(axis=1, keepdims=True)
                P[np.arange(len(yb)), yb] -= 1
                <g>
                <u>
        """,
        {
            "rows": "xb, yb = X[start:start + batch], y[start:start + batch]",
            "g": "grad = xb.T @ P / len(yb)", "u": "theta -= lr * grad",
        },
    )  # fmt: skip
    yield Style(
        "network epoch", "network epoch",
        """
        def nn_epoch(X, y, W1, W2, lr=0.1, batch=100):
            for start in range(0, len(y), batch):
                xb, yb = X[start:start + batch], y[start:start + batch]
                <h>
                Z = H @ W2
                E = np.exp(Z - Z.max(axis=1, keepdims=True))
                P = E / E.sum(axis=1, keepdims=True)
                P[np.arange(len(yb)), yb] -= 1
                P /= len(yb)
                <b>
                <u>
        """,
        {
            "h": "H = np.maximum(xb @ W1, 0)",
            "b": "G1 = xb.T @ ((P @ W2.T) * (H > 0))\nG2 = H.T @ P",
            "u": "W1 -= lr * G1\nW2 -= lr * G2",
        },
    )  # fmt: skip
    yield Style(
        "network", "network",
        """
        class TwoLayerNet:
            def __init__(self, input_size, hidden_size, output_size, std=1e-4):
                self.params = {}
                self.params["W1"] = std * np.random.randn(input_size, hidden_size)
                self.params["b1"] = np.zeros(hidden_size)
                self.params["W2"] = std * np.random.randn(hidden_size, output_size)
                self.params["b2"] = np.zeros(output_size)

            def loss(self, X, y=None, reg=0.0):
                W1, b1 = self.params["W1"], self.params["b1"]
                W2, b2 = self.params["W2"], self.params["b2"]
                N = X.shape[0]
                <h>
                Z = H.dot(W2) + b2
                if y is None:
                    return Z
                Z = Z - Z.max(axis=1, keepdims=True)
                lse = np.log(np.exp(Z).sum(axis=1, keepdims=True))
                loss = -(Z - lse)[np.arange(N), y].mean()
                <R>
                D = np.exp(Z - lse)
                D[np.arange(N), y] -= 1
                <A>
                grads = {"W2": H.T.dot(D) + reg * W2, "b2": D.sum(axis=0)}
                <b>
                grads["W1"] = X.T.dot(dH) + reg * W1
                grads["b1"] = dH.sum(axis=0)
                return loss, grads
        """,
        {
            "h": "H = np.maximum(X.dot(W1) + b1, 0)",
            "R": "loss += 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))",
            "A": "D = D / N", "b": "dH = D.dot(W2.T) * (H > 0)",
        },
    )  # fmt: skip


STYLES = (*_vectorised(), *_loops(), *_logits(), *_other(), *_softmaxes())
