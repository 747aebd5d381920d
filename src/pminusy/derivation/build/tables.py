"""Tables in the reader's names: what made the logits, what pulls on W, where a step goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.core import head, softmax
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.derivation.engine.decimals import decimals
from pminusy.derivation.engine.proof import ProofError
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.statements.line import Table
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.values.digits import as_text, chopped

__all__ = ["gradient", "with_tables"]

_SHOWN_FEATURES = 12


def with_tables(chapter: Chapter, sample: Sample, steps: int) -> Chapter:
    """The chapter with its tables beside the lines they belong to."""
    tables = {}
    if chapter.key == "gradient_step":
        tables["step_loss"] = _trajectory(sample, steps)
    if chapter.key == "forward" and sample.case.layer:
        tables["linear"] = _contributions(sample)
    if chapter.key == "parameters" and sample.case.layer:
        tables["dL_dW"] = _largest_entries(sample)
    if chapter.key == "floating_point":
        tables["shifted_lse"] = _naive(sample)
    if any(line.name == "cap_curvature" for line in chapter.lines):
        tables["cap_curvature"] = _bends_down()
    lines = tuple(replace(line, table=tables.get(line.name, line.table)) for line in chapter.lines)
    return replace(chapter, lines=lines)


def _contributions(sample: Sample) -> Table:
    """Where each logit comes from: W_kd x_d by the names of feature and class, and the bias."""
    W, x, b, z = (
        sample.numbers.array(name) for name in ("W", "x", "b", sample.case.logit_letter.name)
    )
    shown = _shown_classes(sample)
    size = [max(abs(W[k][d] * x[d]) for k in shown) for d in range(sample.D)]
    ranked = sorted(range(sample.D), key=lambda d: -size[d])
    telling = min(_SHOWN_FEATURES, max(1, sum(map(bool, size))))
    first, others = ranked[:telling], ranked[telling:]
    rows = [
        (sample.features[d], as_text(x[d]), *(as_text(W[k][d] * x[d]) for k in shown))
        for d in first
    ]
    if others:
        rest = [sum(W[k][d] * x[d] for d in others) for k in shown]
        rows.append((f"{len(others)} more", "", *map(as_text, rest)))
    rows += [("bias", "", *(as_text(b[k]) for k in shown))]
    rows += [("logit", "", *(as_text(z[k]) for k in shown))]
    head = ("feature", "x", *(sample.classes[k] for k in shown))
    return Table(
        head, tuple(rows), "what each feature adds to the logits, weight times value; largest first"
    )


def _shown_classes(sample: Sample) -> list[int]:
    """The first four classes, and the true one."""
    return sorted({sample.c or 0, *range(min(sample.K, 4))})


def _largest_entries(sample: Sample) -> Table:
    """The entries of ∂L/∂W that pull most, by the names of class and feature."""
    pull = gradient(sample.numbers, sample)
    x = sample.numbers.array("x")
    entries = [(pull[k] * x[d], k, d) for k in range(sample.K) for d in range(sample.D)]
    entries.sort(key=lambda entry: -abs(entry[0]))
    rows = [
        (sample.classes[k], sample.features[d], as_text(chopped(value)))
        for value, k, d in entries[:8]
    ]
    left = len(entries) - len(rows)
    return Table(
        ("class", "feature", "∂L/∂W"),
        tuple(rows),
        f"the {len(rows)} largest; {left} more" if left else "largest first",
    )


def _trajectory(sample: Sample, steps: int) -> Table:
    """Loss and probabilities after each step: z⁺ = z − η (‖x‖² + 1) ∂L/∂z, proved, repeated."""
    first = sample.case.logit_letter.name
    shown = _shown_classes(sample)
    rows = []
    at = sample.numbers
    scale = decimals.mpf(sample.values["eta"]) * (sum(v * v for v in at.array("x")) + 1)
    for count in range(steps + 1):
        p = at.array("p")
        rows.append(
            (str(count), as_text(at.array("L")), *(as_text(p[k], rest=True) for k in shown))
        )
        at = at.with_moved(first, at.array(first) - scale * gradient(at, sample))
    if len(rows) > 12:
        rows = [*rows[:6], ("…",) * len(rows[0]), *rows[-5:]]
    head = ("step", "L", *(f"p of {sample.classes[k]}" for k in shown))
    return Table(head, tuple(rows), "each step against the gradient of this row alone")


def gradient(at: Any, sample: Sample) -> Any:
    """∂L/∂u (or ∂L/∂z) from its proved form."""
    case = sample.case
    q = at.array("q") if case.mass else at.array("y")
    S = at.array("S") if case.mass else 1
    factor = 1 + 2 * at.array("zeta") * at.array("lse") if case.z_loss else 1
    by_z = S * factor * at.array("p") - q
    return at.array("t") * by_z if case.transforms else by_z


def _naive(sample: Sample) -> Table:
    """What e^z / Σ e^z and −ln p give in float32 and float64, beside this package."""
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


def _bends_down() -> Table:
    """The plainest loss that bends down: two classes, a cap of 1, sure of the wrong one."""
    sure = decimals.mpf(3)
    cap, slope = decimals.tanh(sure), decimals.sech(sure) ** 2
    share = 1 / (1 + decimals.exp(-2 * cap))
    second = slope**2 * share * (1 - share) - share * 2 * cap * slope
    if not second < 0:
        raise ProofError("the example of a loss that bends down does not")
    rows = (("1", "(3, −3)", "1", as_text(share), as_text(second)),)
    return Table(("κ", "u", "true class", "p_0", "∂²L/∂u_0²"), rows, "the plainest example")
