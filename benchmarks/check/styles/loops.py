"""Loss and gradient sample by sample."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from benchmarks.check.styles.style import Style

__all__ = ["LOOPS"]

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


LOOPS = (
    Style("loop", "loop", _LOOP, _LOOP_LINES),
    Style(
        "loop, branches", "loop branches", _LOOP,
        _LOOP_LINES
        | {"g": "if k == y[i]:\n    dW[:, k] += (p[k] - 1) * X[i]\nelse:\n    dW[:, k] += p[k] * X[i]"},
    ),
    Style(
        "loop, one matrix", "loop", _LOOP,
        _LOOP_LINES | {"g": "dW[:, k] = dW[:, k] + X[i] * (p[k] - float(k == y[i]))"},
    ),
    Style(
        "loop, sums by hand", "loop", _LOOP,
        _LOOP_LINES
        | {"z": "z = np.array([sum(X[i, d] * W[d, k] for d in range(X.shape[1])) for k in range(K)])"},
    ),
    Style(
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
    ),
)  # fmt: skip
