"""Training: an epoch of a linear model, one of a network, and a network as a class."""

from __future__ import annotations

from benchmarks.check.styles.style import Style

__all__ = ["TRAINING"]

TRAINING = (
    Style(
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
    ),
    Style(
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
    ),
    Style(
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
    ),
)  # fmt: skip
