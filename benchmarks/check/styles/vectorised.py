"""Loss and gradient of the weights, a batch at once: each line in several forms, combined."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.check.styles.style import Style

__all__ = ["VECTORISED"]

_TEMPLATE = """
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


def _styles() -> Iterator[Style]:
    for i in range(24):
        lines = {
            slot: options[(i * step + i // len(options)) % len(options)]
            for step, (slot, options) in enumerate(_CHOICES.items(), 1)
        }
        yield Style(f"vectorised {i}", "vectorised", _TEMPLATE, lines)
    full = {slot: options[0] for slot, options in _CHOICES.items()}
    yield Style(
        "vectorised, full", "full", _TEMPLATE,
        full | {"R": "loss += reg * np.sum(W * W)", "Q": "dW += 2 * reg * W"},
    )  # fmt: skip
    yield Style(
        "vectorised, summed", "summed", _TEMPLATE,
        full | {"L": "loss = (np.log(S) + M).sum() - Z[np.arange(N), y].sum()", "A": "pass"},
    )  # fmt: skip
    yield Style(
        "vectorised, renamed",
        "vectorised",
        _TEMPLATE.replace("softmax_loss_vectorized", "loss_fn"),
        full,
    )


VECTORISED = tuple(_styles())
