"""A batch: one row derived in full, then the batch as matrix products, and the whole in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.core import head, transform
from pminusy.core.options import Options, target_mass
from pminusy.derivation import build
from pminusy.derivation.batch import BatchArena
from pminusy.derivation.chapters import batch as chapter
from pminusy.derivation.derivation import Chapter, Derivation
from pminusy.derivation.step import Table
from pminusy.errors import InputError

__all__ = ["derive_batch"]

_PROVED_ROWS = 4
"""So many rows are derived with numbers; a longer batch is summed up in figures."""


def derive_batch(
    given: build.Given, y: Any, row: int, classes: Sequence[str] | None,
    features: Sequence[str] | None, options: Options, view: build.View, rate: float, steps: int,
    ridge: float,
) -> Derivation:  # fmt: skip
    """Derivation for a batch, `row` of it line by line."""
    rows = given.x if given.source == "layer" else given.first
    N, K = len(rows), len(given.W) if given.source == "layer" else rows.shape[1]
    if isinstance(row, bool) or not 0 <= row < N:
        raise InputError("row", f"a row from 0 to {N - 1}", str(row))
    names = build._class_names(classes, K)
    Y, labels = _targets(y, N, K, names)
    omega = options.sample_weight
    if omega is not None and omega.shape != (N,):
        raise InputError("sample_weight", f"{N} numbers, one a row", f"shape {omega.shape}")
    own = replace(options, sample_weight=None if omega is None else omega[row : row + 1])
    one = replace_row(given, row)
    c = None if labels is None else int(labels[row])
    setup = build._setup(
        one, Y[row], c, names, build._feature_names(features, given), own, rate, ridge
    )
    chosen = [row, *(i for i in range(N) if i != row)][:_PROVED_ROWS]
    chosen.sort()
    chapters = (_chapter(given, Y, labels, chosen, options, setup, rate),)
    heading = f"{build._heading(setup)}; row {row} of a batch of {N:,}"
    notes = (
        f"Row {row} is derived line by line. The chapter on the batch works with row"
        f"{'s' if N > 1 else ''} {', '.join(map(str, chosen))}"
        + ("." if len(chosen) == N else "; the table is of all."),
    )
    table = _figures(given, labels, Y, options, K)
    return build._derivation(setup, view, rate, steps, heading, chapters, (table,), notes)


def replace_row(given: build.Given, row: int) -> build.Given:
    """One row of a batch."""
    if given.source == "layer":
        return replace(given, x=given.x[row])
    return replace(given, first=given.first[row])


def _targets(y: Any, N: int, K: int, names: tuple[str, ...]) -> tuple[Any, Any]:
    """Targets as (N, K), and labels (N,) where they are classes."""
    listed = list(y) if np.ndim(y) == 1 else None
    if listed is not None:
        if len(listed) != N:
            raise InputError("y", f"{N} targets, one a row", f"{len(listed)}")
        labels = np.array(
            [
                build._by_name(v, names) if isinstance(v, str) else build._by_index(v, K)
                for v in listed
            ]
        )
        return np.eye(K)[labels], labels
    soft = build._numbers("y", y) if not isinstance(y, str) else np.empty(0)
    if soft.shape != (N, K):
        raise InputError("y", f"{N} classes or target masses ({N}, {K})", f"shape {soft.shape}")
    if not (np.isfinite(soft) & (soft >= 0)).all():
        raise InputError("y", "finite target masses ≥ 0", "others")
    return soft, None


def _chapter(
    given: build.Given,
    Y: Any,
    labels: Any,
    chosen: list[int],
    options: Options,
    setup: Any,
    rate: float,
) -> Chapter:
    case, layer = setup.case, given.source == "layer"
    plain = not (case.mass or case.transforms or case.z_loss)
    N, K = len(chosen), setup.K
    target = np.asarray(Y[chosen] if labels is None else labels[chosen])
    counted = replace(
        options, reduction="sum", log_base=None,
        sample_weight=None if options.sample_weight is None else options.sample_weight[chosen],
    )  # fmt: skip
    mass = target_mass(target, N, K, counted)
    q, _ = mass.block(slice(0, N))
    weight = np.ones(K) if options.weight is None else options.weight
    omega = np.ones(N) if counted.sample_weight is None else counted.sample_weight
    counts = omega if labels is None else omega * weight[labels[chosen]]
    total = float(counts.sum()) or 1.0
    D = given.W.shape[1] if layer else 1
    values: dict[str, Any] = {
        "Y": Y[chosen], "Q": q.rounded(), "Omega": total, "C": 1.0, "eta": rate,
        "T": options.temperature, "kappa": options.softcap or 1.0, "zeta": options.z_loss,
        "V": setup.values["V"] if layer else np.zeros((K, D)), "V_b": setup.values["V_b"],
    }  # fmt: skip
    if layer:
        values |= {"X": given.x[chosen], "W": given.W, "b": given.b}
    else:
        values["U" if case.transforms else "Z"] = given.first[chosen]
    arena = BatchArena(case, layer, plain, values, {"N": N, "K": K, "D": D})
    lines = tuple(chapter.lines(case, layer=layer, plain=plain, two=K == 2 and not case.transforms))
    if max(K, D) > build._MANY:
        lines = tuple(line for line in lines if line.name not in _HEAVY)
    return Chapter("batch", "A mini-batch", "All rows at once.", lines, arena)


_HEAVY = ("batch_hvp", "batch_dL_dX", "batch_dL_dW", "gradient_step_batch")


def _figures(given: build.Given, labels: Any, Y: Any, options: Options, K: int) -> Table:
    """The whole batch, computed by `core` in float64."""
    first = given.x @ given.W.T + given.b if given.source == "layer" else given.first
    u = np.asarray(first, dtype=np.float64)
    N = len(u)
    target = labels if labels is not None else Y
    plain = replace(options, reduction="mean")
    mass = target_mass(np.asarray(target), N, K, plain)
    loss, gradient = head.cross_entropy_grad(u, mass, plain)
    alone = replace(options, reduction="none")
    rows = head.cross_entropy(u, target_mass(np.asarray(target), N, K, alone), alone)
    z = transform.logits(u, options)
    hit = "" if labels is None else f"{(z.argmax(1) == labels).mean():.4g}"
    entries = [
        ("rows", f"{N:,}"), ("classes", str(K)), ("mean loss", f"{float(loss):.6g}"),
        ("smallest and largest loss of a row", f"{rows.min():.4g} and {rows.max():.4g}"),
        ("row with the largest loss", str(int(rows.argmax()))),
        ("largest entry of ∂L/∂Z", f"{np.abs(gradient).max():.4g}"),
    ]  # fmt: skip
    if hit:
        entries.append(("share of rows whose largest logit is the true class", hit))
    if given.source == "layer":
        entries.append(("largest entry of ∂L/∂W", f"{np.abs(gradient.T @ given.x).max():.4g}"))
    return Table(("of the whole batch", ""), tuple(entries), "in float64, by core")
