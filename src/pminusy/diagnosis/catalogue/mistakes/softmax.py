"""Mistakes between the scores and the probabilities."""

# ruff: noqa: E501  # a table of sentences: one to a line
from __future__ import annotations

from typing import Any

import numpy as np

from pminusy.diagnosis.catalogue.mistake import Mistake
from pminusy.diagnosis.catalogue.recipe import Record

__all__ = ["BACKWARD", "FRAGILE", "LINEAR", "SOFTMAX"]


def _exp(t: Record) -> Any:
    return np.exp(t["z"])


def _softmax(z: Any) -> Any:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _laid_along_columns(t: Record, rows: Any) -> Any:
    """One number a row where one a column belongs: that runs only where N = K, or N = 1."""
    if t["z"].shape[0] == 1:
        return rows[:, None]
    if t["z"].shape[0] != t["z"].shape[1]:
        raise ValueError("cannot be made: the shapes do not fit")
    return rows


def _without(columns: slice) -> Any:
    return lambda t: t["e"][:, columns].sum(1, keepdims=True)


def _with_bias(sign: float) -> Any:
    """The scores with the bias times a sign, where there is a bias."""
    return lambda t: (t["X"] @ t["W"].T + sign * t["b"]) / t.get("T", 1.0)


LINEAR = (
    Mistake(
        "linear.bias_missing", "z", _with_bias(0.0), "z = X Wᵀ",
        "The bias is never added to the scores.",
        "One of the parameters has no effect on the scores.",
    ),
    Mistake(
        "linear.bias_subtracted", "z", _with_bias(-1.0), "z = X Wᵀ − b",
        "The bias is subtracted from the scores where it should be added.",
        "The sign of one term is turned.",
    ),
)  # fmt: skip

SOFTMAX = (
    Mistake(
        "softmax.sign", "e", lambda t: np.exp(-t["z"]), "e^(−z)",
        "exp is taken of −z, so the smallest score gets the largest probability.",
        "The sign of the exponent is turned.",
    ),
    Mistake(
        "softmax.axis", "p", lambda t: _exp(t) / _exp(t).sum(0), "e_ik / Σ_i e_ik",
        "The exponentials are summed over the samples: each column sums to 1, not each row.",
        "The sum runs along the wrong axis.", batch=True,
    ),
    Mistake(
        "softmax.whole_batch", "s", lambda t: (t["e"] * np.exp(t["m"])).sum() / np.exp(t["m"]),
        "s = Σ_i Σ_j e_ij, of the batch",
        "The exponentials of the whole batch are summed: all probabilities together sum to 1, not "
        "those of each row.",
        "The sum has no axis, so it runs over everything.", batch=True,
    ),
    Mistake(
        "softmax.whole_batch_shifted", "s", lambda t: t["e"].sum(), "s = Σ_i Σ_j e_ij, of the batch",
        "The shifted exponentials of the whole batch are summed: all probabilities together sum to "
        "1, not those of each row.",
        "The sum has no axis, so it runs over everything.", called="softmax.whole_batch",
        batch=True,
    ),
    Mistake(
        "softmax.axis_shifted", "s", lambda t: t["e"].sum(0), "s_k = Σ_i e_ik, of each column",
        "The shifted exponentials are summed over the samples: each column sums to 1, not each row.",
        "The sum runs along the wrong axis.", called="softmax.axis", batch=True,
    ),
    Mistake(
        "softmax.shift_axis", "m", lambda t: t["z"].max(0, keepdims=True),
        "m_k = max_i z_ik, of each column",
        "The maximum is taken over the samples: subtracting a different number from each class "
        "changes the probabilities.",
        "The maximum runs along the wrong axis.", batch=True, line="shift",
    ),
    Mistake(
        "softmax.shift_one_side", "p", lambda t: t["e"] / _exp(t).sum(1, keepdims=True),
        "e^(z_k − m) / Σ_j e^(z_j)",
        "The shift is in the numerator and not in the denominator, so it does not cancel.",
        "Numerator and denominator do not see the same scores.", line="shift",
    ),
    Mistake(
        "softmax.shift_denominator", "p", lambda t: _exp(t) / t["s"], "e^(z_k) / Σ_j e^(z_j − m)",
        "The shift is in the denominator and not in the numerator, so it does not cancel.",
        "Numerator and denominator do not see the same scores.", called="softmax.shift_one_side",
        line="shift",
    ),
    Mistake(
        "softmax.divided_by_max", "e", lambda t: np.exp(t["z"] / t["m"]), "e^(z_k / m)",
        "The scores are divided by their maximum; only subtracting it leaves the softmax unchanged.",
        "The shift is not a shift.",
    ),
    Mistake(
        "softmax.max_after_exp", "e", lambda t: _exp(t) - t["m"], "e^(z_k) − m",
        "The maximum is subtracted after exp; it belongs inside the exponent.",
        "A bracket closes too early.",
    ),
    Mistake(
        "softmax.no_exp", "e", lambda t: t["z"], "z_k / Σ_j z_j",
        "The scores are normalised without exp.", "A function is missing.",
    ),
    Mistake(
        "softmax.base_2", "e", lambda t: np.exp2(t["z"]), "2^(z_k)",
        "The power of 2 is taken in place of the power of e.", "It is another function.",
    ),
    Mistake(
        "softmax.not_normalised", "p", lambda t: t["e"], "e^(z_k − m)",
        "The exponentials are never divided by their sum.",
        "A step is missing before these are probabilities.",
    ),
    Mistake(
        "softmax.not_normalised_unshifted", "p", _exp, "e^(z_k)",
        "The exponentials are never divided by their sum.",
        "A step is missing before these are probabilities.", called="softmax.not_normalised",
    ),
    Mistake(
        "softmax.norm_2", "s", lambda t: np.sqrt((t["e"] ** 2).sum(1, keepdims=True)), "s_i = ‖e_i‖₂",
        "The exponentials are divided by their Euclidean length, not by their sum.",
        "Rows have length 1 but do not sum to 1.",
    ),
    Mistake(
        "softmax.norm_max", "s", lambda t: t["e"].max(1, keepdims=True), "s_i = max_j e_ij",
        "The exponentials are divided by the largest one, not by their sum.",
        "Rows have maximum 1 but do not sum to 1.",
    ),
    Mistake(
        "softmax.mean", "s", lambda t: t["e"].mean(1, keepdims=True), "s_i = mean_j e_ij",
        "The exponentials are divided by their mean, so rows sum to K.", "Rows do not sum to 1.",
    ),
    Mistake(
        "softmax.twice", "p", lambda t: _softmax(_softmax(t["z"])), "softmax(softmax(z))",
        "The softmax is applied twice; pass scores, not probabilities.",
        "One step is done once too often.",
    ),
    Mistake(
        "softmax.log", "p", lambda t: np.log(t["e"] / t["s"]), "ln p",
        "This is the logarithm of the probabilities.", "One step too many.",
    ),
    Mistake(
        "softmax.sigmoid", "p", lambda t: 1 / (1 + np.exp(-t["z"])), "1 / (1 + e^(−z_k))",
        "Each score goes through its own sigmoid: the classes do not compete and rows do not sum to 1.",
        "It is another function.",
    ),
    Mistake(
        "softmax.without_own", "s", lambda t: t["e"].sum(1, keepdims=True) - t["e"],
        "s_ik = Σ_{j≠k} e_ij", "The denominator leaves out the class itself.",
        "The sum runs over too few classes.",
    ),
    Mistake(
        "softmax.first_class_left_out", "s", _without(slice(1, None)), "s_i = Σ_{j≥1} e_ij",
        "The denominator starts at the second class.", "The sum runs over too few classes.",
    ),
    Mistake(
        "softmax.last_class_left_out", "s", _without(slice(None, -1)), "s_i = Σ_{j<K−1} e_ij",
        "The denominator stops before the last class.", "The sum runs over too few classes.",
    ),
    Mistake(
        "softmax.squared", "p", lambda t: (t["e"] / t["s"]) ** 2, "p²",
        "The probabilities are squared.", "Rows do not sum to 1.",
    ),
    Mistake(
        "softmax.averaged", "p", lambda t: t["e"] / t["s"] / t["z"].shape[0], "p / N",
        "The probabilities are divided by the number of samples.", "Rows do not sum to 1.",
        batch=True,
    ),
    Mistake(
        "softmax.not_kept", "s", lambda t: _laid_along_columns(t, t["e"].sum(1)), "s_k = Σ_j e_kj, laid along the columns",
        "Without keepdims the sums of the rows are laid along the columns: silent when N = K.",
        "A sum lost its axis.", batch=True,
    ),
    Mistake(
        "softmax.shift_not_kept", "e",
        lambda t: np.exp(t["z"] - _laid_along_columns(t, t["z"].max(1))), "e^(z_ik − m_k)",
        "Without keepdims the maxima of the rows are laid along the columns: silent when N = K.",
        "A maximum lost its axis.",
    ),
)  # fmt: skip


BACKWARD = (
    Mistake(
        "softmax.backward_elementwise", "dL_dz", lambda t: t["g"] * t["p"] * (1 - t["p"]),
        "g p (1 − p)",
        "Only the diagonal of the Jacobian is applied: each score moves every probability, so the "
        "terms −p_i p_j belong in as well.",
        "It is the sigmoid's derivative, entry by entry.",
    ),
    Mistake(
        "softmax.backward_off_diagonal_missing", "dL_dz", lambda t: t["g"] * t["p"], "g p",
        "The sum Σ_j p_j g_j is never subtracted.", "A term is missing.",
    ),
    Mistake(
        "softmax.backward_passes", "dL_dz", lambda t: t["g"] + 0 * t["p"], "g",
        "The gradient passes unchanged: the Jacobian of the softmax is missing.",
        "A factor is missing.",
    ),
    Mistake(
        "softmax.backward_upstream_missing", "dL_dz", lambda t: t["p"] * (1 - t["p"]), "p (1 − p)",
        "The upstream gradient is missing.", "A factor is missing.",
    ),
    Mistake(
        "softmax.backward_sum_not_weighted", "dL_dz",
        lambda t: t["p"] * (t["g"] - t["g"].sum(1, keepdims=True)), "p (g − Σ_j g_j)",
        "The sum that is subtracted lacks the probabilities: it is Σ_j p_j g_j.",
        "A factor is missing.",
    ),
    Mistake(
        "softmax.backward_sign", "dL_dz",
        lambda t: t["p"] * ((t["p"] * t["g"]).sum(1, keepdims=True) - t["g"]),
        "p (Σ_j p_j g_j − g)", "The gradient has the wrong sign.", "The sign is turned.",
    ),
)  # fmt: skip

FRAGILE = (
    Mistake(
        "shift.missing", "m", lambda t: np.zeros_like(t["z"][:, :1]), "e^(z_k) / Σ_j e^(z_j)",
        "exp overflows near 710 (near 89 in float32), and underflows to 0/0 below −745: subtract "
        "each row's own maximum first, which changes nothing else.",
        "A large score leaves the range of floating point.",
    ),
    Mistake(
        "shift.whole_batch", "m", lambda t: np.full_like(t["z"][:, :1], t["z"].max()),
        "m = max_ij z_ij, of the whole batch",
        "One maximum is subtracted from the whole batch: a row far below it becomes 0/0. Subtract "
        "from each row its own.",
        "The shift is legal, but one row's scores decide about another row.",
    ),
    Mistake(
        "shift.axis", "m", lambda t: t["z"].mean(1, keepdims=True), "m = mean_j z_j",
        "The mean is subtracted, not the maximum: the largest score can still overflow.",
        "The shift is legal, but does not bound the exponent.",
    ),
    Mistake(
        "shift.minimum", "m", lambda t: t["z"].min(1, keepdims=True), "m = min_j z_j",
        "The minimum is subtracted, not the maximum: the largest score can still overflow.",
        "The shift is legal, but does not bound the exponent.",
    ),
    Mistake(
        "shift.absolute", "m", lambda t: np.abs(t["z"]).max(1, keepdims=True), "m = max_j |z_j|",
        "The largest absolute score is subtracted: a row of large negative scores becomes 0/0.",
        "The shift is legal, but not by the maximum.",
    ),
)  # fmt: skip
