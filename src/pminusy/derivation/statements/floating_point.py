"""Floating point: why the shift is legal, and where naive code breaks at the reader's numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pminusy.derivation.head.sample import Sample
from pminusy.derivation.statements.line import OUTLINE, Line, Table
from pminusy.derivation.tree import Relation, Sum, exp, ln
from pminusy.derivation.tree.letters import c, j, lse, m, p, s, s_o, z

__all__ = ["lines"]


def lines(sample: Sample) -> Iterator[Line]:
    """The forms that keep every digit, and what the naive ones give."""
    one_hot = sample.case.one_hot and not sample.case.mass
    yield Line(
        "shifted_lse",
        "Log-sum-exp with the largest logit taken out",
        Relation.equal(lse, m + ln(Sum(j, exp(z[j] - m)))),
        "No exponential is above 1, so nothing overflows; true for any m, best for max_j z_j.",
        ("exponent of a sum",),
        OUTLINE,
        _naive(sample),
    )
    if not one_hot:
        return
    yield Line(
        "stable_loss",
        "The loss as a sum of terms that do not cancel",
        Relation.equal(sample.case.cross_entropy, ln(s) + (m - z[c])),
        "ln s ≥ 0 and m − z_c ≥ 0: nothing is lost in the sum.",
        ("logarithm of a quotient",),
        OUTLINE,
    )
    yield Line(
        "stable_log1p",
        "When the true class leads",
        Relation.equal(sample.case.cross_entropy, ln(exp(z[c] - m) + s_o) + (m - z[c])),
        "With z_c = m the first term is exactly 1, and log1p(s_o) keeps digits that ln(1 + s_o) "
        "would round away; s_o sums the others without class c, never by subtraction.",
        ("split a sum",),
    )
    yield Line(
        "stable_gradient",
        "The entry of the true class without a subtraction",
        Relation.equal(p[c] - 1, -(s_o / s)),
        "1 − p_c is what the others have: a quotient keeps its digits where p_c rounds to 1.",
        ("Σ p = 1",),
        OUTLINE,
    )


def _naive(sample: Sample) -> Table:
    """What e^z / Σ e^z and −ln p give in float32 and float64, beside this package."""
    from pminusy.core import head, softmax
    from pminusy.core.options import Options, target_mass

    z = np.array([float(value) for value in sample.numbers.array("z")])
    rows = []
    for dtype in (np.float32, np.float64):
        own = z.astype(dtype)
        with np.errstate(all="ignore"):
            powers = np.exp(own)
            p = powers / powers.sum()
            c = sample.c if sample.c is not None else int(np.argmax(sample.numbers.array("y")))
            loss = -np.log(p[c])
        mass = target_mass(np.array([c]), 1, sample.K, Options())
        true_loss, gradient = head.cross_entropy_grad(own[None], mass, Options())
        name = np.dtype(dtype).name
        rows += [
            (name, "Σ_j e^(z_j)", _plain(powers.sum()), "not needed: the shift keeps it in range"),
            (name, "p_c", _plain(p[c]), _plain(softmax.softmax(own[None])[0, c])),
            (name, "−ln p_c", _plain(loss), _plain(true_loss)),
            (name, "p_c − 1", _plain(p[c] - dtype(1)), _plain(gradient[0, c])),
        ]
    return Table(
        ("type", "quantity", "naive code", "this package"),
        tuple(rows),
        f"class c = {sample.classes[c]}; for logits (40, 0), c = 0, naive float64 code gives 0 in "
        "place of 4.248354255291589e-18",
    )


def _plain(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]  # a NumPy number
    return "NaN" if np.isnan(number) else f"{number:.9g}"
