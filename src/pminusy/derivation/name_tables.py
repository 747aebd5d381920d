"""Tables in the reader's names: what made the logits, what pulls on W, where a step goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pminusy.derivation.digits import settled, written
from pminusy.derivation.domains import decimals
from pminusy.derivation.model import Setup
from pminusy.derivation.step import Table
from pminusy.derivation.steps import Chapter

__all__ = ["gradient", "with_tables"]

_SHOWN_FEATURES = 12


def with_tables(chapter: Chapter, setup: Setup, steps: int) -> Chapter:
    """The chapter with its tables beside the lines they belong to."""
    tables = {}
    if chapter.key == "gradient_step":
        tables["step_loss"] = _trajectory(setup, steps)
    if chapter.key == "forward" and setup.case.layer:
        tables["linear"] = _contributions(setup)
    if chapter.key == "parameters" and setup.case.layer:
        tables["dL_dW"] = _largest_entries(setup)
    lines = tuple(replace(line, table=tables.get(line.name, line.table)) for line in chapter.lines)
    return replace(chapter, lines=lines)


def _contributions(setup: Setup) -> Table:
    """Where each logit comes from: W_kd x_d by the names of feature and class, and the bias."""
    W, x, b, z = (setup.numbers.array(name) for name in ("W", "x", "b", setup.case.inputs.name))
    shown = _shown_classes(setup)
    size = [max(abs(W[k][d] * x[d]) for k in shown) for d in range(setup.D)]
    ranked = sorted(range(setup.D), key=lambda d: -size[d])
    telling = min(_SHOWN_FEATURES, max(1, sum(map(bool, size))))
    first, others = ranked[:telling], ranked[telling:]
    rows = [
        (setup.features[d], written(x[d]), *(written(W[k][d] * x[d]) for k in shown)) for d in first
    ]
    if others:
        rest = [sum(W[k][d] * x[d] for d in others) for k in shown]
        rows.append((f"{len(others)} more", "", *map(written, rest)))
    rows += [("bias", "", *(written(b[k]) for k in shown))]
    rows += [("logit", "", *(written(z[k]) for k in shown))]
    head = ("feature", "x", *(setup.classes[k] for k in shown))
    return Table(
        head, tuple(rows), "what each feature adds to the logits, weight times value; largest first"
    )


def _shown_classes(setup: Setup) -> list[int]:
    """The first four classes, and the true one."""
    return sorted({setup.c or 0, *range(min(setup.K, 4))})


def _largest_entries(setup: Setup) -> Table:
    """The entries of ∂L/∂W that pull most, by the names of class and feature."""
    pull = gradient(setup.numbers, setup)
    x = setup.numbers.array("x")
    entries = [(pull[k] * x[d], k, d) for k in range(setup.K) for d in range(setup.D)]
    entries.sort(key=lambda entry: -abs(entry[0]))
    rows = [
        (setup.classes[k], setup.features[d], written(settled(value)))
        for value, k, d in entries[:8]
    ]
    left = len(entries) - len(rows)
    return Table(
        ("class", "feature", "∂L/∂W"),
        tuple(rows),
        f"the {len(rows)} largest; {left} more" if left else "largest first",
    )


def _trajectory(setup: Setup, steps: int) -> Table:
    """Loss and probabilities after each step: z⁺ = z − η (‖x‖² + 1) ∂L/∂z, proved, repeated."""
    first = setup.case.inputs.name
    shown = _shown_classes(setup)
    rows = []
    at = setup.numbers
    scale = decimals.mpf(setup.values["eta"]) * (sum(v * v for v in at.array("x")) + 1)
    for count in range(steps + 1):
        p = at.array("p")
        rows.append(
            (str(count), written(at.array("L")), *(written(p[k], rest=True) for k in shown))
        )
        at = at.with_moved(first, at.array(first) - scale * gradient(at, setup))
    if len(rows) > 12:
        rows = [*rows[:6], ("…",) * len(rows[0]), *rows[-5:]]
    head = ("step", "L", *(f"p of {setup.classes[k]}" for k in shown))
    return Table(head, tuple(rows), "each step against the gradient of this row alone")


def gradient(at: Any, setup: Setup) -> Any:
    """∂L/∂u (or ∂L/∂z) from its proved form."""
    case = setup.case
    q = at.array("q") if case.mass else at.array("y")
    S = at.array("S") if case.mass else 1
    factor = 1 + 2 * at.array("zeta") * at.array("lse") if case.z_loss else 1
    by_z = S * factor * at.array("p") - q
    return at.array("t") * by_z if case.transforms else by_z
