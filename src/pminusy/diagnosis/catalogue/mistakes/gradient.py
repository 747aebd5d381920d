"""Mistakes in the gradient: at the scores, in its average, in the weights, in the bias."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import batch, one_hot
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Record

__all__ = ["BIAS", "INPUTS", "LOGITS", "PROBABILITIES", "WEIGHTS"]


def _minus(Y: Callable[[Record], Any]) -> Callable[[Record], Any]:
    return lambda t: t["p"] - Y(t)


def _columns(t: Record) -> Any:
    """1 in the columns of all labels of the batch, in every row."""
    return np.isin(np.arange(t["p"].shape[1]), t["y"]).astype(float)[None, :]


def _rows(t: Record) -> Any:
    """1 in the rows whose number is a label of the batch."""
    return np.isin(np.arange(t["p"].shape[0]), t["y"] % t["p"].shape[0]).astype(float)[:, None]


def _shifted(t: Record) -> Any:
    K = t["p"].shape[1]
    return ((t["y"][:, None] - 1) % K == np.arange(K)).astype(float)


def _best(t: Record) -> Any:
    return (t["p"].argmax(1)[:, None] == np.arange(t["p"].shape[1])).astype(float)


def _squared_error(t: Record) -> Any:
    difference = t["p"] - one_hot(t)
    return t["p"] * (difference - (t["p"] * difference).sum(1, keepdims=True))


def _scaled(factor: Callable[[Record], Any]) -> Callable[[Record], Any]:
    return lambda t: t["dL_dz_i"] / batch(t) * factor(t)


LOGITS = (
    Mistake(
        "dL_dz.target_missing", "dL_dz_i", lambda t: t["p"], "p",
        "The label is never subtracted: the gradient lowers every score, the true class's too "
        "(the Jacobian's diagonal term is missing).",
        "The labels have no effect on the gradient.", line="chain_split",
    ),
    Mistake(
        "dL_dz.probability_missing", "dL_dz_i", lambda t: -one_hot(t), "−Y",
        "The probabilities are missing: the gradient only raises the true class's score and never "
        "vanishes.",
        "Half of the formula is missing.",
    ),
    Mistake(
        "dL_dz.sign", "dL_dz_i", lambda t: one_hot(t) - t["p"], "Y − p",
        "The gradient has the wrong sign: a step against it makes the loss grow.",
        "The sign is turned.",
    ),
    Mistake(
        "dL_dz.target_added", "dL_dz_i", lambda t: one_hot(t) + t["p"], "p + Y",
        "The label is added where it should be subtracted.", "The sign of one term is turned.",
    ),
    Mistake(
        "dL_dz.label_as_number", "dL_dz_i", lambda t: t["p"] - t["y"][:, None], "p − y, class numbers",
        "The class number is subtracted from every entry; subtract the one-hot of the label.",
        "The labels are used as numbers.",
    ),
    Mistake(
        "jacobian.off_diagonal_missing", "dL_dz_i", lambda t: one_hot(t) * (t["p"] - 1), "−Y (1 − p)",
        "Only the true class gets a gradient: the other scores move the loss as well, and their "
        "entries are p_k.",
        "Rows of the gradient do not sum to zero.",
    ),
    Mistake(
        "jacobian.diagonal_missing", "dL_dz_i", lambda t: t["p"] * (1 - one_hot(t)), "p (1 − Y)",
        "The true class gets no gradient.", "Rows of the gradient do not sum to zero.", line="jacobian_own",
    ),
    Mistake(
        "jacobian.elementwise", "dL_dz_i",
        lambda t: (t["p"] - one_hot(t)) * t["p"] * (1 - t["p"]), "(p − Y) p (1 − p)",
        "p − Y already contains the softmax's Jacobian; multiplying by p (1 − p) applies the "
        "sigmoid's derivative on top.",
        "The derivative of the softmax is applied where it has already been.", line="jacobian",
    ),
    Mistake(
        "jacobian.diagonal_only", "dL_dz_i", lambda t: t["p"] * (1 - t["p"]), "p (1 − p)",
        "This is the diagonal of the softmax's Jacobian, not the gradient of the loss.",
        "The labels have no effect on the gradient.", line="jacobian",
    ),
    Mistake(
        "jacobian.left_out", "dL_dz_i", lambda t: -one_hot(t) / t["p"], "−Y / p",
        "This is the gradient at the probabilities; the softmax's Jacobian still has to be applied.",
        "The chain rule stops one step early.", line="chain",
    ),
    Mistake(
        "jacobian.weighted", "dL_dz_i", lambda t: (t["p"] - one_hot(t)) * t["p"], "(p − Y) p",
        "The difference is multiplied by p once more.", "There is a factor too many.", line="chain_cancelled",
    ),
    Mistake(
        "dL_dz.squared_error", "dL_dz_i", _squared_error, "J (p − Y)",
        "This is the gradient of ½ ‖p − Y‖², not of the cross-entropy.", "It is another loss's gradient.", line="squared_error",
    ),
    Mistake(
        "dL_dz.squared_error_doubled", "dL_dz_i", lambda t: 2 * _squared_error(t), "2 J (p − Y)",
        "This is the gradient of ‖p − Y‖², not of the cross-entropy.", "It is another loss's gradient.",
    ),
    Mistake(
        "dL_dz.squared", "dL_dz_i", lambda t: (t["p"] - one_hot(t)) ** 2, "(p − Y)²",
        "The difference is squared: every sign is lost.", "There is an operation too many.",
    ),
    Mistake(
        "dL_dz.absolute", "dL_dz_i", lambda t: np.abs(t["p"] - one_hot(t)), "|p − Y|: 1 − p at the true class",
        "The entry of the true class has the wrong sign: it is 1 − p where p − 1 is right.",
        "The sign of some entries is turned.", right="p − Y: p − 1 at the true class",
    ),
    Mistake(
        "dL_dz.zero", "dL_dz_i", lambda t: 0 * t["p"], "0",
        "The gradient is zero: it is never computed, or never added up.", "A step is missing.",
    ),
    Mistake(
        "dL_dz.others_negated", "dL_dz_i", lambda t: -t["p"] + one_hot(t) * (2 * t["p"] - 1),
        "−p in the other columns",
        "The probabilities of the other classes have the wrong sign in the gradient.",
        "The sign of some columns is turned.",
    ),
    Mistake(
        "dL_dz.one_added_elsewhere", "dL_dz_i", lambda t: t["p"] + 1 - 2 * one_hot(t),
        "p + 1 in the other columns",
        "1 is added to the probabilities of the other classes; only the true class has a 1, subtracted.",
        "The columns of the other classes have a term too many.",
    ),
    Mistake(
        "dL_dz.one_taken_elsewhere", "dL_dz_i", lambda t: t["p"] - (1 - one_hot(t)), "p − (1 − Y)",
        "1 is subtracted from the other classes; subtract it from the true class alone.",
        "The labels select the opposite of what they should.",
    ),
    Mistake(
        "dL_dz.one_everywhere", "dL_dz_i", lambda t: t["p"] - 1, "p − 1, in every column",
        "1 is subtracted from every class; subtract it from the true class alone.",
        "The labels have no effect on the gradient.",
    ),
    Mistake(
        "dL_dz.columns", "dL_dz_i", _minus(_columns), "P[:, y] − 1",
        "1 is subtracted from all the batch's label columns in every row: pair each row with its "
        "own label.",
        "The labels meet every row.", batch=True,
    ),
    Mistake(
        "dL_dz.rows", "dL_dz_i", _minus(_rows), "P[y] − 1",
        "1 is subtracted from whole rows: the labels index the rows, not the columns.",
        "The labels index the wrong axis.", batch=True,
    ),
    Mistake(
        "dL_dz.label_off_by_one", "dL_dz_i", _minus(_shifted), "p − one-hot(y − 1)",
        "The labels are taken as starting at 1.", "The labels are off by one.",
    ),
    Mistake(
        "dL_dz.best_class", "dL_dz_i", _minus(_best), "p − one-hot(argmax p)",
        "The predicted class is subtracted, not the true class.",
        "The labels have no effect on the gradient.",
    ),
    Mistake(
        "dL_dz.own_probability", "dL_dz_i",
        lambda t: t["p"][np.arange(t["y"].size), t["y"]][:, None] - one_hot(t), "p_y − Y",
        "The true class's probability is used for every class; each class has its own.",
        "The same number is used in all columns.",
    ),
    Mistake(
        "dL_dz.log_probability", "dL_dz_i", lambda t: np.log(t["p"]) - one_hot(t), "ln p − Y",
        "The logarithm of p is used where p belongs.", "There is a function too many.",
    ),
    Mistake(
        "dL_dz.scores", "dL_dz_i", lambda t: t["z"] - one_hot(t), "z − Y",
        "The label is subtracted from the scores, not from the probabilities.",
        "A function is missing.",
    ),
    Mistake(
        "dL_dz.not_normalised", "dL_dz_i", lambda t: t["e"] - one_hot(t), "e^(z − m) − Y",
        "The exponentials are not divided by their sum before the label is subtracted.",
        "A step is missing before these are probabilities.",
    ),
    Mistake(
        "dL_dz.sum", "dL_dz", lambda t: t["dL_dz_i"], "p − Y",
        "The gradient is summed over the batch while the loss is averaged: divide it by N.",
        "A factor 1/N.", batch=True,
    ),
    Mistake(
        "dL_dz.averaged", "dL_dz", lambda t: t["dL_dz_i"] / t["y"].size, "(1/N) (p − Y)",
        "The gradient is averaged while the loss is summed.", "A factor N.", right="dL_dz = p − Y", batch=True,
    ),
    Mistake(
        "dL_dz.averaged_twice", "dL_dz", _scaled(lambda t: 1 / t["y"].size), "(1/N²) (p − Y)",
        "The gradient is divided by N twice.", "A factor N.", batch=True,
    ),
    Mistake(
        "dL_dz.divided_by_entries", "dL_dz", _scaled(lambda t: 1 / t["p"].shape[1]),
        "(1/(N K)) (p − Y)",
        "The gradient is divided by N · K; the mean runs over N losses.", "A factor K.",
    ),
    Mistake(
        "dL_dz.divided_by_classes", "dL_dz", lambda t: t["dL_dz_i"] / t["p"].shape[1], "(1/K) (p − Y)",
        "The gradient is divided by the number of classes, not of samples: right only when N = K.",
        "It is divided by the wrong size.",
    ),
    Mistake(
        "dL_dz.divided_by_features", "dL_dz",
        lambda t: t["dL_dz_i"] / t["X"].shape[1],
        "(1/D) (p − Y)",
        "The gradient is divided by the number of features, not of samples: right only when N = D.",
        "It is divided by the wrong size.",
    ),
    Mistake(
        "dL_dz.divided_by_one_less", "dL_dz",
        lambda t: t["dL_dz_i"] / max(t["y"].size - 1, 1), "(p − Y) / (N − 1)",
        "The gradient is divided by N − 1.", "It is divided by the wrong number.", batch=True,
    ),
    Mistake(
        "dL_dz.multiplied", "dL_dz", _scaled(lambda t: t["y"].size ** 2), "N (p − Y)",
        "The gradient is multiplied by N where it should be divided.", "An operation is turned round.", batch=True,
    ),
    Mistake(
        "dL_dz.doubled", "dL_dz", _scaled(lambda _: 2.0), "2 (p − Y) / N",
        "The gradient is doubled; the cross-entropy has no square to differentiate.", "A factor 2.",
    ),
    Mistake(
        "dL_dz.halved", "dL_dz", _scaled(lambda _: 0.5), "½ (p − Y) / N",
        "The gradient is halved.", "A factor 2.",
    ),
    Mistake(
        "dL_dz.negated", "dL_dz", _scaled(lambda _: -1.0), "−(p − Y) / N",
        "The gradient has the wrong sign: a step against it makes the loss grow.",
        "The sign is turned.", group="gradient sign",
    ),
    Mistake(
        "dL_dz.target_not_averaged", "dL_dz", lambda t: t["p"] / t["y"].size - one_hot(t), "p / N − Y",
        "The probabilities are divided by N before the label is subtracted: subtract first, then "
        "divide.",
        "Two operations are in the wrong order.", batch=True,
    ),
    Mistake(
        "dL_dz.probability_not_averaged", "dL_dz",
        lambda t: t["p"] - one_hot(t) / t["y"].size, "p − Y / N",
        "Only the label is divided by N: subtract first, then divide all of it.",
        "Only one of two terms is averaged.", batch=True,
    ),
    Mistake(
        "dL_dz.last_left_out", "dL_dz",
        lambda t: t["dL_dz_i"] / batch(t) * (np.arange(t["y"].size) < t["y"].size - 1)[:, None],
        "Σ_{i<N}", "The last sample is left out.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "dL_dz.first_left_out", "dL_dz",
        lambda t: t["dL_dz_i"] / batch(t) * (np.arange(t["y"].size) > 0)[:, None],
        "Σ_{i>1}", "The first sample is left out.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "dL_dz.last_class_left_out", "dL_dz",
        lambda t: t["dL_dz_i"] / batch(t) * (np.arange(t["p"].shape[1]) < t["p"].shape[1] - 1),
        "k < K − 1", "The last class gets no gradient.", "Not every class counts.",
    ),
    Mistake(
        "dL_dz.first_class_left_out", "dL_dz",
        lambda t: t["dL_dz_i"] / batch(t) * (np.arange(t["p"].shape[1]) > 0),
        "k > 0", "The first class gets no gradient.", "Not every class counts.",
    ),
)  # fmt: skip


def _of_samples(rows: Callable[[Record], Any]) -> Callable[[Record], Any]:
    return lambda t: t["dL_dz"][rows(t)].T @ t["X"][rows(t)] if "X" in t else None


def _assigned_at_label(t: Record) -> Any:
    """`dW[:, y] = …` for the true class and `dW[:, k] += …` for the others."""
    gradient = np.zeros((t["p"].shape[1], t["X"].shape[1]))
    for D, x, label in zip(t["dL_dz"], t["X"], t["y"], strict=True):
        others = np.arange(D.size) != label
        gradient[others] += np.outer(D[others], x)
        gradient[label] = D[label] * x
    return gradient


def _assigned_at_others(t: Record) -> Any:
    """`dW[:, y] += …` for the true class and `dW[:, k] = …` for the others."""
    gradient = np.zeros((t["p"].shape[1], t["X"].shape[1]))
    for D, x, label in zip(t["dL_dz"], t["X"], t["y"], strict=True):
        others = np.arange(D.size) != label
        gradient[others] = np.outer(D[others], x)
        gradient[label] += D[label] * x
    return gradient


def _with_x(change: Callable[[Record], Any]) -> Callable[[Record], Any]:
    return lambda t: change(t) if "X" in t else None


_ASSIGNED = "Only the last sample's gradient is left: accumulate with += over the samples."

WEIGHTS = (
    Mistake(
        "dL_dW.assigned", "dD_dW", _of_samples(lambda t: slice(-1, None)), "dL_dW = dL_dz_N ⊗ x_N",
        f"The gradient is assigned in the loop. {_ASSIGNED}", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "dL_dW.assigned_at_label", "dD_dW", _with_x(_assigned_at_label),
        "dL_dW = …, assigned at the label",
        "The true class's gradient is assigned where it should be added.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "dL_dW.assigned_at_others", "dD_dW", _with_x(_assigned_at_others), "dL_dW = …, assigned at the others",
        "The other classes' gradient is assigned where it should be added.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "dL_dW.first_sample", "dD_dW", _of_samples(lambda t: slice(0, 1)), "dL_dW = dL_dz_1 ⊗ x_1",
        "Only the first sample's gradient is returned.", "Not every sample counts.",
    ),
    Mistake(
        "dL_dW.inputs_missing", "dD_dW",
        _with_x(lambda t: np.repeat(t["dL_dz"].sum(0)[:, None], t["X"].shape[1], 1)),
        "dL_dW_kd = Σ_i dL_dz_ik",
        "The inputs are missing: each weight's gradient carries the feature it multiplies.",
        "The inputs have no effect on the gradient.",
    ),
    Mistake(
        "dL_dW.negated", "dD_dW", _with_x(lambda t: -(t["dL_dz"].T @ t["X"])), "−dL_dzᵀ X",
        "The gradient of the weights has the wrong sign: a step against it makes the loss grow.",
        "The sign is turned.", group="gradient sign",
    ),
    Mistake(
        "dL_dW.averaged", "dD_dW", _with_x(lambda t: t["dL_dz"].T @ t["X"] / t["y"].size),
        "(1/N) dL_dzᵀ X", "The gradient is divided by N twice.", "A factor N.",
    ),
    Mistake(
        "dL_dW.last_feature_left_out", "dD_dW",
        _with_x(lambda t: t["dL_dz"].T @ (t["X"] * (np.arange(t["X"].shape[1]) < t["X"].shape[1] - 1))),
        "d < D − 1", "The last feature gets no gradient.", "Not every feature counts.",
    ),
    Mistake(
        "dL_dW.squared_inputs", "dD_dW", _with_x(lambda t: t["dL_dz"].T @ t["X"] ** 2), "dL_dzᵀ X²",
        "The inputs are squared.", "There is an operation too many.",
    ),
)  # fmt: skip

BIAS = (
    Mistake(
        "dL_db.sum", "dL_db", lambda t: t["dL_dz_i"].sum(0) + t["dR_db"], "Σ_i (p_i − Y_i)",
        "The gradient of the bias is summed while the loss is averaged.", "A factor 1/N.",
    ),
    Mistake(
        "dL_db.averaged_twice", "dL_db", lambda t: t["dL_dz"].mean(0) + t["dR_db"], "(1/N²) Σ_i (p_i − Y_i)",
        "The gradient of the bias is divided by N twice.", "A factor N.",
    ),
    Mistake(
        "dL_db.sign", "dL_db", lambda t: t["dR_db"] - t["dL_dz"].sum(0), "−Σ_i dL_dz_i",
        "The gradient of the bias has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "dL_db.missing", "dL_db", lambda t: np.zeros(t["p"].shape[1]), "0",
        "The gradient of the bias is zero: it is never computed.", "A step is missing.",
    ),
    Mistake(
        "dL_db.last_sample", "dL_db", lambda t: t["dL_dz"][-1] + t["dR_db"], "dL_dz_N",
        "Only the last sample's gradient is left in the bias: accumulate over the samples.",
        "Not every sample counts.",
    ),
    Mistake(
        "dL_db.total", "dL_db", lambda t: t["dL_dz"].sum() + np.zeros(t["p"].shape[1]) + t["dR_db"], "ΣΣ dL_dz",
        "The sum has no axis: every class gets the same number.", "The sum runs over too much.",
    ),
    Mistake(
        "dL_db.regularised", "dL_db", lambda t: t["dL_dz"].sum(0) + t["r"] * t.get("b", 0),
        "Σ_i dL_dz_i + r b",
        "The bias is regularised in the gradient; it is not in the loss.", "There is a term too many.",
    ),
    Mistake(
        "dL_db.regularised_doubled", "dL_db",
        lambda t: t["dL_dz"].sum(0) + 2 * t["r"] * t.get("b", 0), "Σ_i dL_dz_i + 2 r b",
        "The bias is regularised in the gradient; it is not in the loss.", "There is a term too many.",
    ),
)  # fmt: skip

PROBABILITIES = (
    Mistake(
        "dL_dp.sign", "dL_dp_i", lambda t: t["Y"] / t["p"], "Y / p",
        "The gradient has the wrong sign: a step against it makes the loss grow.",
        "The sign is turned.",
    ),
    Mistake(
        "dL_dp.inverse_missing", "dL_dp_i", lambda t: -t["Y"] * t["p"], "−Y p",
        "The label is multiplied by the probability; the derivative of ln p is 1 / p.",
        "An operation is turned round.",
    ),
    Mistake(
        "dL_dp.probability_missing", "dL_dp_i", lambda t: -t["Y"], "−Y",
        "The division by the probability is missing: the derivative of ln p is 1 / p.",
        "Half of the formula is missing.",
    ),
    Mistake(
        "dL_dp.difference", "dL_dp_i", lambda t: t["p"] - t["Y"], "p − Y",
        "This is the gradient at the scores; the gradient at the probabilities is −Y / p.",
        "It is the gradient of another step.",
    ),
    Mistake(
        "dL_dp.labels_missing", "dL_dp_i", lambda t: -1 / t["p"], "−1 / p",
        "Every class gets a gradient; only the true class's probability is in the loss.",
        "The labels have no effect on the gradient.",
    ),
    Mistake(
        "dL_dp.turned_over", "dL_dp_i", lambda t: -t["p"] / t["Y"], "−p / Y",
        "The fraction is turned over.", "An operation is turned round.",
    ),
    Mistake(
        "dL_dp.squared", "dL_dp_i", lambda t: -t["Y"] / t["p"] ** 2, "−Y / p²",
        "It is divided by the probability twice.", "There is a factor too many.",
    ),
    Mistake(
        "dL_dp.sum", "dL_dp", lambda t: t["dL_dp_i"], "−Y / p",
        "The gradient is summed over the batch while the loss is averaged: divide it by N.",
        "A factor 1/N.", batch=True,
    ),
    Mistake(
        "dL_dp.averaged", "dL_dp", lambda t: t["dL_dp_i"] / t["y"].size, "−(1/N) Y / p",
        "The gradient is averaged while the loss is summed.", "A factor N.", right="dL_dp = −Y / p", batch=True,
    ),
    Mistake(
        "dL_dp.averaged_twice", "dL_dp", lambda t: t["dL_dp_i"] / batch(t) / t["y"].size, "−(1/N²) Y / p",
        "The gradient is divided by N twice.", "A factor N.", batch=True,
    ),
    Mistake(
        "dL_dp.divided_by_classes", "dL_dp", lambda t: t["dL_dp_i"] / t["p"].shape[1], "−(1/K) Y / p",
        "The gradient is divided by the number of classes, not of samples: right only when N = K.",
        "It is divided by the wrong size.",
    ),
    Mistake(
        "dL_dp.multiplied", "dL_dp", lambda t: t["dL_dp_i"] * t["y"].size, "−N Y / p",
        "The gradient is multiplied by N where it should be divided.", "An operation is turned round.", batch=True,
    ),
)  # fmt: skip

INPUTS = (
    Mistake(
        "dL_dX.own_weights", "dL_dX", lambda t: -t["W"][t["y"]] / batch(t) if "W" in t else None, "−w_y",
        "Only the true class's weights are in it: Σ_k p_k w_k is missing.", "Half of the formula is missing.",
    ),
    Mistake(
        "dL_dX.expected_weights", "dL_dX", lambda t: t["p"] @ t["W"] / batch(t) if "W" in t else None, "Σ_k p_k w_k",
        "The true class's weights are never subtracted.", "Half of the formula is missing.",
    ),
    Mistake(
        "dL_dX.sign", "dL_dX", lambda t: -(t["dL_dz"] @ t["W"]) if "W" in t else None, "−dL_dz W",
        "The gradient of the inputs has the wrong sign.", "The sign is turned.",
    ),
    Mistake(
        "dL_dX.sum", "dL_dX", lambda t: t["dL_dz_i"] @ t["W"] if "W" in t else None, "(p − Y) W",
        "The gradient of the inputs is not averaged while the loss is.", "A factor 1/N.",
    ),
)  # fmt: skip
