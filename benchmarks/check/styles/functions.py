"""Single functions: the softmax, its logarithm, a penalty, a loss of probabilities."""

from __future__ import annotations

from benchmarks.check.styles.style import Style

__all__ = ["FUNCTIONS"]

_SOFTMAX = """
def softmax(z):
    <M>
    <E>
    <P>
    return p
"""
_SOFTMAX_LINES = {
    "M": "s = z - np.max(z, axis=-1, keepdims=True)", "E": "e = np.exp(s)",
    "P": "p = e / e.sum(axis=-1, keepdims=True)",
}  # fmt: skip


FUNCTIONS = (
    Style("softmax", "softmax", _SOFTMAX, _SOFTMAX_LINES),
    Style(
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
    ),
    Style(
        "softmax, apply", "softmax rows",
        """
        def softmax(x):
            one = lambda v: np.exp(v - v.max()) / np.exp(v - v.max()).sum()
            return np.apply_along_axis(one, 1, x)
        """,
        {},
    ),
    Style(
        "log-softmax", "log-softmax",
        """
        def log_softmax(z):
            s = z - z.max(axis=1, keepdims=True)
            return s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        """,
        {},
    ),
    Style(
        "ridge", "ridge",
        """
        def l2_regularization(W, reg_strength):
            return reg_strength * np.sum(W ** 2), 2 * reg_strength * W
        """,
        {},
    ),
    Style(
        "probabilities", "probabilities",
        """
        def cross_entropy_loss(probs, target):
            return -np.mean(np.log(probs[np.arange(len(target)), target]))
        """,
        {},
    ),
)  # fmt: skip
