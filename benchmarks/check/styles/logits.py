"""The loss from logits: labels or one-hot, columns, in place, with helpers, as a class."""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from benchmarks.check.styles.style import Style

__all__ = ["LOGITS"]

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


LOGITS = (
    Style("logits", "logits", _LOGITS, _LOGITS_LINES),
    Style(
        "logits, scipy", "logits",
        "from scipy.special import logsumexp, softmax as sp_softmax\n" + _LOGITS.lstrip("\n"),
        _LOGITS_LINES
        | {"L": "loss = (logsumexp(z, axis=1) - z[np.arange(n), y]).mean()", "E": "e = np.exp(s)"},
    ),
    Style(
        "logits, log-softmax", "logits", _LOGITS,
        _LOGITS_LINES
        | {"L": "logp = s - np.log(e.sum(axis=1, keepdims=True))\nloss = -logp[np.arange(n), y].mean()",
           "P": "p = np.exp(s - np.log(e.sum(axis=1, keepdims=True)))"},
    ),
    Style(
        "logits, one-hot by eye", "logits", _LOGITS,
        _LOGITS_LINES
        | {"D": "Y = np.eye(z.shape[1])[y]\ndz = (p - Y) / n"},
    ),
    Style(
        "logits, one-hot given", "one-hot", _LOGITS.replace("(z, y)", "(z, Y)").replace("    n =", "    y = Y.argmax(axis=1)\n    n ="),
        _LOGITS_LINES,
    ),
    Style(
        "logits, one-hot sums", "one-hot sums", _LOGITS.replace("(z, y)", "(logits, one_hot)").replace("    n = z.shape[0]", "    z, Y = logits, one_hot\n    n = len(z)"),
        _LOGITS_LINES
        | {"L": "loss = -(Y * (s - np.log(e.sum(axis=1, keepdims=True)))).sum() / n", "D": "dz = (p - Y) / n"},
    ),
    Style(
        "logits, column labels", "column", _LOGITS.replace("    n =", "    y = y.flatten()\n    n ="),
        _LOGITS_LINES,
    ),
    Style(
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
    ),
    Style(
        "logits, float32 inside", "logits", _LOGITS.replace("    n =", "    z = z.astype(np.float32)\n    n ="),
        _LOGITS_LINES,
    ),
    Style(
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
    ),
    Style(
        "logits, loss alone", "loss alone",
        """
        def cross_entropy_loss(logits, target):
            top = logits.max(axis=1)
            rest = np.log(np.exp(logits - top[:, None]).sum(axis=1))
            return np.mean(top + rest - logits[np.arange(len(target)), target])
        """,
        {},
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
)  # fmt: skip
