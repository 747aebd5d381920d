"""Mistakes as edits of a style's lines, and what a check should call them.

An edit is written in the style's own variables. `named` lists every catalogue name under which it
is right to report it: two slips of the pen may be one mistake.
"""

# ruff: noqa: E501  # programs, one line each
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SLIPS", "Slip", "slip"]


@dataclass(frozen=True)
class Slip:
    """One edit; `part` is where it shows, so that pairs can be chosen from different lines."""

    named: frozenset[str]
    lines: Mapping[str, str]


def slip(names: str, **lines: str) -> Slip:
    """An edit, by the catalogue's names for it (spaces between) and the new text of each line."""
    return Slip(frozenset(names.split()), lines)


_VECTORISED = (
    slip("softmax.axis", S="S = E.sum(axis=0)", L="loss = -np.log((E / S)[np.arange(N), y]).mean()", P="P = E / S"),
    slip("softmax.whole_batch", S="S = E.sum()", L="loss = -np.log((E / S)[np.arange(N), y]).mean()", P="P = E / S"),
    slip("softmax.sign", E="E = np.exp(-(Z - M))", L="loss = -np.log((E / S)[np.arange(N), y]).mean()"),
    slip("softmax.norm_2", S="S = np.linalg.norm(E, axis=1, keepdims=True)", P="P = E / S", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.norm_max softmax.not_normalised", S="S = E.max(axis=1, keepdims=True)", P="P = E / S", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.mean", S="S = E.mean(axis=1, keepdims=True)", P="P = E / S", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.shift_axis", M="M = Z.max(axis=0, keepdims=True)", P="P = E / S", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.twice", P="P = E / S\nE = np.exp(P)\nP = E / E.sum(axis=1, keepdims=True)", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.sigmoid", P="P = 1 / (1 + np.exp(-Z))", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.shift_one_side", S="S = np.exp(Z).sum(axis=1, keepdims=True)", P="P = E / S", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("softmax.base_2", E="E = 2.0 ** (Z - M)", P="P = E / S", L="loss = -np.log(P[np.arange(N), y]).mean()"),
    slip("loss.log_missing", L="loss = P[np.arange(N), y].mean()"),
    slip("loss.sign loss.negated", L="loss = np.log(P[np.arange(N), y]).mean()"),
    slip("loss.log_2", L="loss = -np.log2(P[np.arange(N), y]).mean()"),
    slip("loss.log_10", L="loss = -np.log10(P[np.arange(N), y]).mean()"),
    slip("loss.all_classes", L="loss = -np.log(P).sum() / N"),
    slip("loss.label_as_weight", L="loss = -(y[:, None] * np.log(P)).sum() / N"),
    slip("loss.label_as_factor", L="loss = -(y * np.log(P[np.arange(N), y])).mean()"),
    slip("loss.binary", L="Y = np.eye(P.shape[1])[y]\nloss = -(Y * np.log(P) + (1 - Y) * np.log(1 - P)).sum() / N"),
    slip("loss.squared_error", L="loss = ((P - np.eye(P.shape[1])[y]) ** 2).sum() / N"),
    slip("loss.half_squared_error", L="loss = 0.5 * ((P - np.eye(P.shape[1])[y]) ** 2).sum() / N"),
    slip("loss.divided_by_entries", L="loss = -np.mean(np.eye(P.shape[1])[y] * np.log(P))"),
    slip("loss.divided_by_classes", L="loss = -np.log(P[np.arange(N), y]).sum() / W.shape[1]"),
    slip("loss.divided_by_features", L="loss = -np.log(P[np.arange(N), y]).sum() / W.shape[0]"),
    slip("loss.sum", L="loss = -np.log(P[np.arange(N), y]).sum()"),
    slip("loss.averaged_twice", L="loss = -np.log(P[np.arange(N), y]).mean() / N"),
    slip("loss.columns_selected", L="loss = -np.log(P[:, y]).sum() / N"),
    slip("loss.columns_averaged", L="loss = -np.log(P[:, y]).mean()"),
    slip("loss.shift_forgotten", L="loss = (np.log(S[:, 0]) - Z[np.arange(N), y]).mean()"),
    slip("loss.score_only", L="loss = -Z[np.arange(N), y].mean()"),
    slip("loss.normaliser_only", L="loss = (np.log(S[:, 0]) + M[:, 0]).mean()"),
    slip("loss.best_class", L="loss = -np.log(P.max(axis=1)).mean()"),
    slip("loss.entropy", L="loss = -(P * np.log(P)).sum() / N"),
    slip("loss.label_off_by_one", L="loss = -np.log(P[np.arange(N), y - 1]).mean()"),
    slip("loss.log_of_mean", L="loss = -np.log(P[np.arange(N), y].mean())"),
    slip("loss.one_minus_p", L="loss = (1 - P[np.arange(N), y]).mean()"),
    slip("dL_dz.target_missing", D="D = P.copy()"),
    slip("dL_dz.sign dL_dz.negated dL_dW.negated", D="D = np.eye(P.shape[1])[y] - P"),
    slip("dL_dz.target_added", D="D = P.copy()\nD[np.arange(N), y] += 1"),
    slip("dL_dz.label_as_number", D="D = P - y[:, None]"),
    slip("jacobian.off_diagonal_missing", D="D = np.zeros_like(P)\nD[np.arange(N), y] = P[np.arange(N), y] - 1"),
    slip("jacobian.elementwise", D="D = (P - np.eye(P.shape[1])[y]) * P * (1 - P)"),
    slip("jacobian.left_out", D="D = -np.eye(P.shape[1])[y] / P"),
    slip("jacobian.diagonal_missing", D="D = P.copy()\nD[np.arange(N), y] = 0"),
    slip("dL_dz.one_everywhere", D="D = P - 1"),
    slip("dL_dz.columns", D="D = P.copy()\nD[:, np.unique(y)] -= 1"),
    slip("dL_dz.scores", D="D = Z - np.eye(P.shape[1])[y]"),
    slip("dL_dz.not_normalised softmax.norm_max softmax.not_normalised", D="D = E - np.eye(P.shape[1])[y]"),
    slip("dL_dz.squared", D="D = (P - np.eye(P.shape[1])[y]) ** 2"),
    slip("dL_dz.label_off_by_one", D="D = P.copy()\nD[np.arange(N), y - 1] -= 1"),
    slip("dL_dz.sum", A="pass"),
    slip("dL_dz.averaged_twice dL_dW.averaged", A="D = D / N / N"),
    slip("dL_dz.divided_by_classes", A="D = D / W.shape[1]"),
    slip("dL_dz.divided_by_entries", A="D = D / D.size"),
    slip("dL_dz.doubled", A="D = 2 * D / N"),
    slip("dL_dz.target_not_averaged", D="D = P / N\nD[np.arange(N), y] -= 1", A="pass"),
    slip("dL_dW.assigned", G="dW = np.zeros_like(W)\nfor i in range(N):\n    dW = np.outer(X[i], D[i])"),
    slip("ridge.loss_doubled ridge.gradient_halved", R="loss += reg * np.sum(W * W)"),
    slip("ridge.gradient_doubled ridge.loss_halved", Q="dW += 2 * reg * W"),
    slip("ridge.missing_in_loss", R="pass"),
    slip("ridge.missing_in_gradient", Q="pass"),
    slip("ridge.missing", R="pass", Q="pass"),
    slip("ridge.strength_missing_in_loss", R="loss += np.sum(W * W)"),
    slip("ridge.strength_missing_in_loss_halved", R="loss += 0.5 * np.sum(W * W)"),
    slip("ridge.strength_missing_in_gradient", Q="dW += W"),
    slip("ridge.gradient_averaged", Q="dW += reg * W / N"),
    slip("ridge.loss_averaged", R="loss += 0.5 * reg * np.sum(W * W) / N"),
    slip("ridge.divided_by_sum", A="pass", Q="dW /= N + reg * W"),
    slip("ridge.not_squared", R="loss += 0.5 * reg * np.sum(W)"),
    slip("ridge.norm_not_squared_halved", R="loss += 0.5 * reg * np.linalg.norm(W)"),
    slip("ridge.absolute_values", R="loss += reg * np.abs(W).sum()"),
    slip("ridge.loss_sign", R="loss -= 0.5 * reg * np.sum(W * W)"),
    slip("ridge.gradient_sign", Q="dW -= reg * W"),
    slip("ridge.loss_as_gradient", Q="dW += 0.5 * reg * np.sum(W * W)"),
    slip("ridge.last_column_left_out_in_gradient", Q="V = W.copy()\nV[-1] = 0\ndW += reg * V"),
    slip("ridge.last_column_left_out_in_loss", R="loss += 0.5 * reg * np.sum(W[:-1] ** 2)"),
    slip("ridge.mean_of_squares", R="loss += 0.5 * reg * np.mean(W * W)"),
    slip("ridge.square_of_sum", R="loss += 0.5 * reg * np.sum(W) ** 2"),
)  # fmt: skip

_LOOP = (
    slip("loss.log_missing", l="loss += p[y[i]]"),
    slip("loss.sign loss.negated", l="loss += np.log(p[y[i]])"),
    slip("loss.last_sample", l="loss = -np.log(p[y[i]])"),
    slip("loss.all_classes", l="loss += -np.sum(np.log(p))"),
    slip("loss.sum", average="pass"),
    slip("loss.divided_by_classes", average="loss /= K"),
    slip("softmax.sign", e="e = np.exp(-z)", l="loss -= np.log(p[y[i]])"),
    slip("softmax.norm_2", p="p = e / np.linalg.norm(e)", l="loss -= np.log(p[y[i]])"),
    slip("softmax.twice", p="p = e / np.sum(e)\np = np.exp(p) / np.exp(p).sum()", l="loss -= np.log(p[y[i]])"),
    slip("dL_dz.target_missing", g="dW[:, k] += p[k] * X[i]"),
    slip("dL_dz.sign dL_dz.negated dL_dW.negated", g="dW[:, k] -= (p[k] - (k == y[i])) * X[i]"),
    slip("jacobian.off_diagonal_missing", g="if k == y[i]:\n    dW[:, k] += (p[k] - 1) * X[i]"),
    slip("jacobian.diagonal_missing", g="if k != y[i]:\n    dW[:, k] += p[k] * X[i]"),
    slip("dL_dW.assigned", g="dW[:, k] = (p[k] - (k == y[i])) * X[i]"),
    slip("dL_dW.assigned_at_label", g="if k == y[i]:\n    dW[:, k] = (p[k] - 1) * X[i]\nelse:\n    dW[:, k] += p[k] * X[i]"),
    slip("dL_dz.own_probability", g="dW[:, k] += (p[y[i]] - (k == y[i])) * X[i]"),
    slip("dL_dz.one_everywhere", g="dW[:, k] += (p[k] - 1) * X[i]"),
    slip("dL_dz.sum", gaverage="pass"),
    slip("dL_dz.divided_by_classes", gaverage="dW /= K"),
    slip("dL_dz.averaged_twice dL_dW.averaged", gaverage="dW /= N\ndW /= N"),
    slip("ridge.missing_in_gradient", Q="pass"),
    slip("ridge.missing_in_loss", R="pass"),
    slip("ridge.loss_doubled ridge.gradient_halved", R="loss += reg * np.sum(W * W)"),
    slip("ridge.gradient_averaged", gaverage="pass", Q="dW = (dW + reg * W) / N"),
    slip("ridge.strength_missing_in_loss", R="loss += np.sum(W * W)"),
)  # fmt: skip

_LOGITS = (
    slip("softmax.axis", P="p = e / e.sum(axis=0)", L="loss = -np.log(p[np.arange(n), y]).mean()"),
    slip("softmax.whole_batch", P="p = e / e.sum()", L="loss = -np.log(p[np.arange(n), y]).mean()"),
    slip("softmax.sign", E="e = np.exp(-s)", P="p = e / e.sum(axis=1, keepdims=True)", L="loss = -np.log(p[np.arange(n), y]).mean()"),
    slip("loss.sign loss.negated", L="loss = np.log(p[np.arange(n), y]).mean()"),
    slip("loss.log_missing", L="loss = p[np.arange(n), y].mean()"),
    slip("loss.sum", L="loss = -np.log(p[np.arange(n), y]).sum()"),
    slip("loss.divided_by_entries", L="loss = -np.log(p[np.arange(n), y]).sum() / p.size"),
    slip("loss.columns_selected", L="loss = -np.log(p[:, y]).sum() / n"),
    slip("loss.shift_twice", L="loss = np.mean(np.log(np.exp(z).sum(axis=1)) + z.max(axis=1) - z[np.arange(n), y])"),
    slip("dL_dz.target_missing", D="dz = p / n"),
    slip("dL_dz.sign dL_dz.negated", D="dz = p.copy()\ndz[np.arange(n), y] -= 1\ndz /= -n"),
    slip("dL_dz.sum", D="dz = p.copy()\ndz[np.arange(n), y] -= 1"),
    slip("jacobian.off_diagonal_missing", D="dz = np.zeros_like(p)\ndz[np.arange(n), y] = (p[np.arange(n), y] - 1) / n"),
    slip("jacobian.elementwise", D="dz = (p - np.eye(z.shape[1])[y]) * p * (1 - p) / n"),
    slip("jacobian.left_out", D="dz = -np.eye(z.shape[1])[y] / p / n"),
    slip("dL_dz.label_as_number", D="dz = (p - y[:, None]) / n"),
    slip("dL_dz.divided_by_classes", D="dz = (p - np.eye(z.shape[1])[y]) / z.shape[1]"),
    slip("dL_dz.target_not_averaged", D="dz = p / n\ndz[np.arange(n), y] -= 1"),
    slip("dL_dz.columns", D="dz = p.copy()\ndz[:, np.unique(y)] -= 1\ndz /= n"),
)  # fmt: skip

_SOFTMAX = (
    slip("softmax.axis", P="p = e / e.sum(axis=0)"),
    slip("softmax.norm_2", P="p = e / np.linalg.norm(e, axis=-1, keepdims=True)"),
    slip("softmax.sign", E="e = np.exp(-s)"),
    slip("softmax.shift_axis", M="s = z - z.max(axis=0)"),
    slip("softmax.shift_one_side", P="p = np.exp(z) / e.sum(axis=-1, keepdims=True)"),
    slip("softmax.log", P="p = s - np.log(e.sum(axis=-1, keepdims=True))"),
    slip("softmax.not_normalised softmax.norm_max", P="p = e"),
    slip("softmax.divided_by_max", M="s = z / np.max(z, axis=-1, keepdims=True)"),
)  # fmt: skip

_EPOCH = (
    slip("epoch.sign", u="theta += lr * grad"),
    slip("epoch.no_update", u="theta = theta - lr * grad"),
    slip("epoch.rate_missing", u="theta -= grad"),
    slip("epoch.full_batch_size", g="grad = xb.T @ P / batch"),
    slip("epoch.data_size", g="grad = xb.T @ P / len(y)"),
    slip("dL_dz.sum", g="grad = xb.T @ P"),
    slip("epoch.repeated_first_batch", rows="xb, yb = X[:batch], y[:batch]"),
    slip("epoch.last_batch_dropped", rows="if start + batch > len(y):\n    break\nxb, yb = X[start:start + batch], y[start:start + batch]"),
)  # fmt: skip

_NETWORK_EPOCH = (
    slip("epoch.stale_gradient", b="G2 = H.T @ P\nW2 -= lr * G2\nG1 = xb.T @ ((P @ W2.T) * (H > 0))", u="W1 -= lr * G1"),
    slip("relu.mask_missing", b="G1 = xb.T @ (P @ W2.T)\nG2 = H.T @ P"),
    slip("relu.missing", h="H = xb @ W1"),
    slip("epoch.first_weights_not_trained", u="W2 -= lr * G2"),
    slip("epoch.last_weights_not_trained", u="W1 -= lr * G1"),
    slip("epoch.sign", u="W1 += lr * G1\nW2 += lr * G2"),
)  # fmt: skip

_NETWORK = (
    slip("relu.mask_missing", b="dH = D.dot(W2.T)"),
    slip("relu.gradient_clipped", b="dH = np.maximum(D.dot(W2.T), 0)"),
    slip("relu.missing", h="H = X.dot(W1) + b1"),
    slip("network.first_bias_missing", h="H = np.maximum(X.dot(W1), 0)"),
    slip("ridge.first_weights_left_out_in_loss", R="loss += 0.5 * reg * np.sum(W2 * W2)"),
    slip("ridge.loss_doubled ridge.gradient_halved", R="loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))"),
    slip("dL_dz.sum", A="pass"),
)  # fmt: skip

SLIPS: Mapping[str, tuple[Slip, ...]] = {
    "vectorised": _VECTORISED,
    "full": tuple(s for s in _VECTORISED if not any("ridge" in name for name in s.named)), "loop": _LOOP, "loop branches": _LOOP, "logits": _LOGITS,
    "softmax": _SOFTMAX, "epoch": _EPOCH, "network epoch": _NETWORK_EPOCH, "network": _NETWORK,
}  # fmt: skip
