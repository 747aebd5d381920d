"""Mistakes between the probabilities and the loss."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.head import batch, one_hot
from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Record

__all__ = ["FRAGILE", "LOSS", "VISIBLE_GUARDS", "guards"]


def _own(t: Record) -> Any:
    """p of the true class, (N,)."""
    return t["p"][np.arange(t["y"].size), t["y"]]


def _own_of(name: str) -> Callable[[Record], Any]:
    return lambda t: t[name][np.arange(t["y"].size), t["y"]]


def _binary(t: Record) -> Any:
    Y = one_hot(t)
    return -(Y * np.log(t["p"]) + (1 - Y) * np.log(1 - t["p"])).sum(1)


def _lse(z: Any) -> Any:
    return np.log(np.exp(z).sum(1))


def _times(factor: Callable[[Record], float]) -> Callable[[Record], Any]:
    return lambda t: t["L_i"].sum() / batch(t) * factor(t)


LOSS = (
    Mistake(
        "loss.sign", "L_i", lambda t: np.log(_own(t)), "+ln p_y",
        "The minus sign is missing: the loss is negative and grows as the model gets better.",
        "The sign is turned.",
    ),
    Mistake(
        "loss.log_missing", "L_i", _own, "p_y",
        "The −log is missing: this is the mean probability of the true class, which grows as the "
        "model gets better.",
        "A function is missing.",
    ),
    Mistake(
        "loss.log_missing_negated", "L_i", lambda t: -_own(t), "−p_y",
        "The logarithm is missing.", "A function is missing.",
    ),
    Mistake(
        "loss.one_minus_p", "L_i", lambda t: 1 - _own(t), "1 − p_y",
        "This is 1 − p, not −ln p: it hardly grows when the model is confidently wrong.",
        "It is another function.",
    ),
    Mistake(
        "loss.log_2", "L_i", lambda t: -np.log2(_own(t)), "−log₂ p_y",
        "The logarithm has base 2: the loss is in bits, and the gradient p − y is not its gradient.",
        "The base of the logarithm.",
    ),
    Mistake(
        "loss.log_10", "L_i", lambda t: -np.log10(_own(t)), "−log₁₀ p_y",
        "The logarithm has base 10: the gradient p − y is not its gradient.",
        "The base of the logarithm.",
    ),
    Mistake(
        "loss.log_1p", "L_i", lambda t: -np.log1p(_own(t)), "−ln(1 + p_y)",
        "The logarithm is taken of 1 + p.", "Its argument is off by one.",
    ),
    Mistake(
        "loss.all_classes", "L_i", lambda t: -np.log(t["p"]).sum(1), "−Σ_k ln p_k",
        "The logarithms of all classes are summed; only the true class's counts.",
        "The labels have no effect on the loss.",
    ),
    Mistake(
        "loss.other_classes", "L_i", lambda t: -((1 - one_hot(t)) * np.log(t["p"])).sum(1),
        "−Σ_{k≠y} ln p_k",
        "The logarithms of the wrong classes are summed; only the true class's counts.",
        "The labels select the opposite of what they should.",
    ),
    Mistake(
        "loss.label_as_weight", "L_i", lambda t: -(t["y"][:, None] * np.log(t["p"])).sum(1),
        "−y Σ_k ln p_k",
        "Class indices are multiplied as if they were one-hot: a label is a name, not a weight.",
        "The labels are used as numbers.",
    ),
    Mistake(
        "loss.label_as_factor", "L_i", lambda t: -t["y"] * np.log(_own(t)), "−y ln p_y",
        "The loss is multiplied by the class number: a label is a name, not a weight.",
        "The labels are used as numbers.",
    ),
    Mistake(
        "loss.binary", "L_i", _binary, "−Σ_k [Y ln p + (1 − Y) ln(1 − p)]",
        "This is the binary cross-entropy summed over the classes; the softmax's loss has no "
        "(1 − Y) ln(1 − p) term.",
        "There is a term too many.",
    ),
    Mistake(
        "loss.squared_error", "L_i", lambda t: ((t["p"] - one_hot(t)) ** 2).sum(1), "Σ_k (p − Y)²",
        "This is the squared error, not the cross-entropy.", "It is another loss.",
    ),
    Mistake(
        "loss.half_squared_error", "L_i", lambda t: ((t["p"] - one_hot(t)) ** 2).sum(1) / 2,
        "½ Σ_k (p − Y)²",
        "This is the squared error, not the cross-entropy.", "It is another loss.",
    ),
    Mistake(
        "loss.entropy", "L_i", lambda t: -(t["p"] * np.log(t["p"])).sum(1), "−Σ_k p ln p",
        "This is the entropy of the prediction; one factor must be the label.",
        "The labels have no effect on the loss.",
    ),
    Mistake(
        "loss.weighted_by_p", "L_i", lambda t: -_own(t) * np.log(_own(t)), "−p_y ln p_y",
        "The logarithm is multiplied by the probability; its factor is the label.",
        "There is a factor too many.",
    ),
    Mistake(
        "loss.best_class", "L_i", lambda t: -np.log(t["p"].max(1)), "−ln max_k p_k",
        "The probability of the predicted class is taken, not that of the true class.",
        "The labels have no effect on the loss.",
    ),
    Mistake(
        "loss.score_only", "L_i", lambda t: -_own_of("z")(t), "−z_y",
        "The score of the true class is taken as if it were its log-probability: ln Σ_j e^(z_j) is "
        "missing.",
        "Half of the formula is missing.", right="L_i = ln Σ_j e^(z_ij) − z_i,y", line="cross_entropy_logits",
    ),
    Mistake(
        "loss.normaliser_only", "L_i", lambda t: _lse(t["z"]), "ln Σ_j e^(z_j)",
        "The score of the true class is never subtracted.", "Half of the formula is missing.",
        right="L_i = ln Σ_j e^(z_ij) − z_i,y", line="cross_entropy_logits",
    ),
    Mistake(
        "loss.score_added", "L_i", lambda t: _lse(t["z"]) + _own_of("z")(t), "ln Σ_j e^(z_j) + z_y",
        "The score of the true class is added where it should be subtracted.",
        "The sign of one term is turned.", right="L_i = ln Σ_j e^(z_ij) − z_i,y", line="cross_entropy_logits",
    ),
    Mistake(
        "loss.normaliser_added", "L_i", lambda t: -_own_of("z")(t) - _lse(t["z"]),
        "−(z_y + ln Σ_j e^(z_j))",
        "ln Σ_j e^(z_j) is added to the score where it should be subtracted from it.",
        "The sign of one term is turned.", right="L_i = ln Σ_j e^(z_ij) − z_i,y",
    ),
    Mistake(
        "loss.normaliser_added_shifted", "L_i",
        lambda t: t["m"][:, 0] - _own_of("z")(t) - np.log(t["e"].sum(1)),
        "−(z_y − m + ln Σ_j e^(z_j − m))",
        "ln Σ_j e^(z_j) is added to the score where it should be subtracted from it.",
        "The sign of one term is turned.", right="L_i = ln Σ_j e^(z_ij) − z_i,y",
        called="loss.normaliser_added",
    ),
    Mistake(
        "loss.score_added_shifted", "L_i",
        lambda t: np.log(t["e"].sum(1)) + _own_of("z")(t) - t["m"][:, 0],
        "ln Σ_j e^(z_j − m) + (z_y − m)",
        "The score of the true class is added where it should be subtracted.",
        "The sign of one term is turned.", right="L_i = ln Σ_j e^(z_ij) − z_i,y",
        called="loss.score_added",
    ),
    Mistake(
        "loss.shift_forgotten", "L_i",
        lambda t: np.log(t["e"].sum(1)) - _own_of("z")(t),
        "ln Σ_j e^(z_j − m) − z_y",
        "The maximum was subtracted inside the sum and never added back.",
        "The two terms do not see the same scores.", right="L_i = m + ln Σ_j e^(z_ij − m) − z_i,y", line="shifted_lse",
    ),
    Mistake(
        "loss.shift_twice", "L_i",
        lambda t: _lse(t["z"]) - _own_of("z")(t) + t["m"][:, 0],
        "m + ln Σ_j e^(z_j) − z_y",
        "The maximum is added although it was never subtracted inside the sum.",
        "The two terms do not see the same scores.", right="L_i = m + ln Σ_j e^(z_ij − m) − z_i,y", line="shifted_lse",
    ),
    Mistake(
        "loss.normaliser_not_logged", "L_i",
        lambda t: np.exp(t["z"]).sum(1) - _own_of("z")(t), "Σ_j e^(z_j) − z_y",
        "The logarithm of the sum is missing.", "A function is missing.",
        right="L_i = ln Σ_j e^(z_ij) − z_i,y",
    ),
    Mistake(
        "loss.not_normalised", "L_i", lambda t: -np.log(_own_of("e")(t)), "−ln e^(z_y − m)",
        "The exponential is not divided by the sum before the logarithm.",
        "These are not probabilities yet.",
    ),
    Mistake(
        "loss.squared", "L_i", lambda t: np.log(_own(t)) ** 2, "(ln p_y)²",
        "The logarithm is squared.", "There is an operation too many.",
    ),
    Mistake(
        "loss.rows_selected", "L_i", lambda t: -np.log(t["p"][t["y"] % t["p"].shape[0]]).sum(1),
        "−Σ ln P[y], whole rows",
        "Indexing with the labels alone selects whole rows of P, not one entry of each row.",
        "The labels index the wrong axis.", batch=True,
    ),
    Mistake(
        "loss.columns_selected", "L_i",
        lambda t: -np.log(t["p"][:, t["y"]]).sum(0), "−ΣΣ ln P[:, y], N × N entries",
        "The labels select N × N entries, every label in every row: pair each row with its own "
        "label (and flatten labels of shape (N, 1)).",
        "The labels meet every row.", batch=True,
    ),
    Mistake(
        "loss.columns_averaged", "L_data",
        lambda t: -np.log(t["p"][:, t["y"]]).mean() * (1 if t["mean"] else t["y"].size),
        "−mean ln P[:, y], N × N entries",
        "The labels select N × N entries, every label in every row: pair each row with its own "
        "label (and flatten labels of shape (N, 1)).",
        "The labels meet every row.", right="L_i = −ln p_i,y_i", batch=True,
    ),
    Mistake(
        "loss.rows_averaged", "L_data",
        lambda t: -np.log(t["p"][t["y"] % t["p"].shape[0]]).mean(),
        "−mean ln P[y], whole rows",
        "Indexing with the labels alone selects whole rows of P, not one entry of each row.",
        "The labels index the wrong axis.", right="L_i = −ln p_i,y_i", batch=True,
    ),
    Mistake(
        "loss.label_off_by_one", "L_i",
        lambda t: -np.log(t["p"][np.arange(t["y"].size), t["y"] - 1]), "−ln p_(y−1)",
        "The labels are taken as starting at 1.", "The labels are off by one.",
    ),
    Mistake(
        "loss.log_of_mean", "L_data",
        lambda t: -np.log(_own(t).mean()) * (1 if t["mean"] else t["y"].size), "−ln mean p_y",
        "The mean is taken before the logarithm: average the losses, not the probabilities.",
        "Two operations are in the wrong order.", batch=True,
    ),
    Mistake(
        "loss.log_of_sum", "L_data", lambda t: -np.log(_own(t).sum()), "−ln Σ_i p_y",
        "The sum is taken before the logarithm: add the losses, not the probabilities.",
        "Two operations are in the wrong order.", batch=True,
    ),
    Mistake(
        "loss.last_sample", "L_data", lambda t: t["L_i"][-1] / batch(t), "L = L_N / N",
        "The loss is assigned in the loop, not accumulated: only the last sample is left.",
        "Not every sample counts.", batch=True,
    ),
    Mistake(
        "loss.last_sample_alone", "L_data",
        lambda t: t["L_i"][-1] * (1 if t["mean"] else 1.0), "L = L_N",
        "Only the last sample's loss is returned.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "loss.first_sample_alone", "L_data", lambda t: t["L_i"][0], "L = L_1",
        "Only the first sample's loss is returned.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "loss.last_left_out", "L_data", lambda t: t["L_i"][:-1].sum() / batch(t), "Σ_{i<N} L_i / N",
        "The last sample is left out.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "loss.first_left_out", "L_data", lambda t: t["L_i"][1:].sum() / batch(t), "Σ_{i>1} L_i / N",
        "The first sample is left out.", "Not every sample counts.", batch=True,
    ),
    Mistake(
        "loss.sum", "L_data", lambda t: t["L_i"].sum(), "Σ_i L_i",
        "The losses are summed, not averaged: the loss depends on the size of the batch.",
        "A factor 1/N.", batch=True,
    ),
    Mistake(
        "loss.broadcast", "L_data", lambda t: t["L_i"].sum(), "(1/N) Σ_i Σ_j (… _i − … _j)",
        "An array (N,) meets a column (N, 1): the result is N × N, and its sum N times too large.",
        "Two shapes that do not belong together.", batch=True,
    ),
    Mistake(
        "loss.averaged", "L_data", lambda t: t["L_i"].mean(), "(1/N) Σ_i L_i",
        "The losses are averaged where a sum belongs (the gradient is one of the sum).",
        "A factor N.", right="L = Σ_i L_i", batch=True,
    ),
    Mistake(
        "loss.averaged_twice", "L_data", _times(lambda t: 1 / t["y"].size), "(1/N²) Σ_i L_i",
        "The loss is divided by N twice.", "A factor N.", batch=True,
    ),
    Mistake(
        "loss.divided_by_entries", "L_data", _times(lambda t: 1 / t["p"].shape[1]), "(1/(N K)) Σ_i L_i",
        "The mean runs over all N × K entries; there are N losses.", "A factor K.",
    ),
    Mistake(
        "loss.divided_by_classes", "L_data", lambda t: t["L_i"].sum() / t["p"].shape[1],
        "(1/K) Σ_i L_i",
        "The sum is divided by the number of classes, not of samples: right only when N = K.",
        "It is divided by the wrong size.",
    ),
    Mistake(
        "loss.divided_by_features", "L_data",
        lambda t: t["L_i"].sum() / t["X"].shape[1], "(1/D) Σ_i L_i",
        "The sum is divided by the number of features, not of samples: right only when N = D.",
        "It is divided by the wrong size.",
    ),
    Mistake(
        "loss.divided_by_one_less", "L_data",
        lambda t: t["L_i"].sum() / max(t["y"].size - 1, 1), "Σ_i L_i / (N − 1)",
        "The sum is divided by N − 1.", "It is divided by the wrong number.", batch=True,
    ),
    Mistake(
        "loss.multiplied", "L_data", _times(lambda t: t["y"].size**2), "N Σ_i L_i",
        "The sum is multiplied by N where it should be divided.", "An operation is turned round.", batch=True,
    ),
    Mistake(
        "loss.halved", "L_data", _times(lambda _: 0.5), "½ L", "The loss is halved.",
        "A factor 2.",
    ),
    Mistake("loss.doubled", "L_data", _times(lambda _: 2.0), "2 L", "The loss is doubled.", "A factor 2."),
    Mistake(
        "loss.negated", "L_data", _times(lambda _: -1.0), "−L", "The loss has the wrong sign.",
        "The sign is turned.", group="loss sign",
    ),
    Mistake(
        "loss.accuracy", "L_data", lambda t: float((t["p"].argmax(1) == t["y"]).mean()),
        "share of right predictions",
        "This is the accuracy, not a loss.", "It is another quantity.",
    ),
)  # fmt: skip


_FINITE = (
    "keeps the loss finite and makes it wrong: the loss of a confident error stops growing at "
)


def guards(epsilon: float) -> list[Mistake]:
    """A guard ε added to the probability, and one that clips it."""
    most = f"{-np.log(epsilon):.1f}"
    right = "L_i = m + ln Σ_j e^(z_j − m) − z_y"
    added = Mistake(
        f"log.added_{epsilon:.4g}", "L_i", lambda t: -np.log(_own(t) + epsilon),
        f"−ln(p_y + {epsilon:.4g})",
        f"{epsilon:.4g} is added to the probability before the logarithm. That {_FINITE}{most}. "
        "Use ln Σ_j e^(z_j) − z_y, which needs no guard.",
        "A guard before the logarithm changes the loss.", right=right, group="guard",
    )  # fmt: skip
    clipped = Mistake(
        f"log.clipped_{epsilon:.4g}", "L_i", lambda t: -np.log(np.maximum(_own(t), epsilon)),
        f"−ln max(p_y, {epsilon:.4g})",
        f"The probability is clipped at {epsilon:.4g} before the logarithm. That {_FINITE}{most}, and "
        "p − Y is not the gradient of a clipped loss. Use ln Σ_j e^(z_j) − z_y, which needs no guard.",
        "A guard before the logarithm changes the loss.", right=right, group="guard",
    )  # fmt: skip
    return [added, clipped]


FRAGILE = (
    Mistake(
        "log.of_probability", "L_i", lambda t: -np.log(_own(t)), "−ln p_y",
        "p underflows to 0 when the model is confidently wrong, and the loss becomes inf: compute "
        "it from the scores, as logsumexp(z) − z_y.",
        "The probability is rounded before its logarithm is taken.",
        right="L_i = m + ln Σ_j e^(z_j − m) − z_y",
    ),
    Mistake(
        "log.zero_skipped", "L_i",
        lambda t: np.where(_own(t) > 0, -np.log(np.where(_own(t) > 0, _own(t), 1.0)), 0.0),
        "−ln p_y, and 0 where p_y is 0",
        "Where p underflows to 0 the loss is set to 0: the worst errors cost nothing. Compute it from "
        "the scores, as logsumexp(z) − z_y.",
        "The rows that matter most are left out.", right="L_i = m + ln Σ_j e^(z_j − m) − z_y",
    ),
    Mistake(
        "log.largest_number", "L_i", lambda t: np.nan_to_num(-np.log(_own(t))),
        "−ln p_y, and 1.8e308 where p_y is 0",
        "Where p underflows to 0 the infinite loss becomes the largest number there is: compute it "
        "from the scores, as logsumexp(z) − z_y.",
        "The probability is rounded before its logarithm is taken.",
        right="L_i = m + ln Σ_j e^(z_j − m) − z_y",
    ),
)  # fmt: skip
VISIBLE_GUARDS = tuple(guards(10.0**power)[0] for power in range(-8, -2))
