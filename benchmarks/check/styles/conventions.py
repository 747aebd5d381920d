"""Loss and gradient of the weights under other conventions: transposed, flat, with a bias."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from benchmarks.check.styles.style import Style

__all__ = ["CONVENTIONS"]

CONVENTIONS = (
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
)  # fmt: skip
