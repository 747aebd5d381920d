"""A batch: one row derived in full, then the batch as matrix products, and the whole in figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.core import head, transform
from pminusy.core.options import Options, target_mass
from pminusy.derivation.batch import BatchArena
from pminusy.derivation.build import assembled
from pminusy.derivation.chapters import batch as chapter
from pminusy.derivation.derivation import Chapter, Derivation
from pminusy.derivation.given import Given
from pminusy.derivation.model import Setup
from pminusy.derivation.proof import MANY
from pminusy.derivation.reading import class_at, class_named, masses
from pminusy.derivation.request import Request
from pminusy.derivation.setup import class_names, setup_of
from pminusy.derivation.step import Table
from pminusy.errors import InputError

__all__ = ["derive_batch"]

_PROVED_ROWS = 4
"""So many rows are derived with numbers; a longer batch is summed up in figures."""


def derive_batch(asked: Request, given: Given) -> Derivation:
    """Derivation for a batch, one row of it line by line."""
    N, row, options = len(given.rows), asked.row, asked.options
    if isinstance(row, bool) or not 0 <= row < N:
        raise InputError("row", f"a row from 0 to {N - 1}", str(row))
    Y, labels = _targets(asked.y, N, class_names(asked, given.K))
    omega = options.sample_weight
    if omega is not None and omega.shape != (N,):
        raise InputError("sample_weight", f"{N} numbers, one a row", f"shape {omega.shape}")
    own = replace(options, sample_weight=None if omega is None else omega[row : row + 1])
    c = None if labels is None else int(labels[row])
    setup = setup_of(asked, given.row(row), Y[row], c, own)
    chosen = [row, *(i for i in range(N) if i != row)][:_PROVED_ROWS]
    chosen.sort()
    notes = (
        f"Row {row} is derived line by line. The chapter on the batch works with row"
        f"{'s' if N > 1 else ''} {', '.join(map(str, chosen))}"
        + ("." if len(chosen) == N else "; the table is of all."),
    )
    more = (_chapter(asked, given, Y, labels, chosen, setup),)
    table = _figures(given, labels, Y, options)
    return assembled(asked, setup, more, f"; row {row} of a batch of {N:,}", (table,), notes)


def _targets(y: Any, N: int, names: tuple[str, ...]) -> tuple[Any, Any]:
    """Targets as (N, K), and labels (N,) where they are classes."""
    K = len(names)
    if np.ndim(y) != 1:
        soft = np.empty(()) if isinstance(y, str) or np.ndim(y) == 0 else y
        return masses(soft, (N, K), f"{N} classes or target masses ({N}, {K})"), None
    if len(y) != N:
        raise InputError("y", f"{N} targets, one a row", f"{len(y)}")
    labels = np.array(
        [class_named(v, names) if isinstance(v, str) else class_at(v, K) for v in list(y)]
    )
    return np.eye(K)[labels], labels


def _chapter(
    asked: Request, given: Given, Y: Any, labels: Any, chosen: list[int], setup: Setup
) -> Chapter:
    case, options, layer = setup.case, asked.options, given.source == "layer"
    plain = not (case.mass or case.transforms or case.z_loss)
    N, K, D = len(chosen), given.K, given.D
    target = np.asarray(Y[chosen] if labels is None else labels[chosen])
    counted = replace(
        options, reduction="sum", log_base=None,
        sample_weight=None if options.sample_weight is None else options.sample_weight[chosen],
    )  # fmt: skip
    q, _ = target_mass(target, N, K, counted).block(slice(0, N))
    weight = np.ones(K) if options.weight is None else options.weight
    omega = np.ones(N) if counted.sample_weight is None else counted.sample_weight
    counts = omega if labels is None else omega * weight[labels[chosen]]
    total = float(counts.sum()) or 1.0
    values: dict[str, Any] = {
        "Y": Y[chosen], "Q": q.rounded(), "Omega": total, "C": 1.0, "eta": asked.rate,
        "T": options.temperature, "kappa": options.softcap or 1.0, "zeta": options.z_loss,
        "V": setup.values["V"] if layer else np.zeros((K, D)), "V_b": setup.values["V_b"],
    }  # fmt: skip
    if layer:
        values |= {"X": given.x[chosen], "W": given.W, "b": given.b}
    else:
        values["U" if case.transforms else "Z"] = given.logits[chosen]
    arena = BatchArena(case, layer, plain, values, {"N": N, "K": K, "D": D})
    lines = tuple(chapter.lines(case, layer=layer, plain=plain, two=K == 2 and not case.transforms))
    if max(K, D) > MANY:
        lines = tuple(line for line in lines if line.name not in _HEAVY)
    return Chapter("batch", "A mini-batch", "All rows at once.", lines, arena)


_HEAVY = ("batch_hvp", "batch_dL_dX", "batch_dL_dW", "gradient_step_batch")


def _figures(given: Given, labels: Any, Y: Any, options: Options) -> Table:
    """The whole batch, computed by `core` in float64."""
    first = given.x @ given.W.T + given.b if given.source == "layer" else given.logits
    u = np.asarray(first, dtype=np.float64)
    N, K = u.shape
    target = np.asarray(labels if labels is not None else Y)
    mean, alone = (replace(options, reduction=r) for r in ("mean", "none"))
    loss, gradient = head.cross_entropy_grad(u, target_mass(target, N, K, mean), mean)
    rows = head.cross_entropy(u, target_mass(target, N, K, alone), alone)
    z = transform.logits(u, options)
    entries = [
        ("rows", f"{N:,}"), ("classes", str(K)), ("mean loss", f"{float(loss):.6g}"),
        ("smallest and largest loss of a row", f"{rows.min():.4g} and {rows.max():.4g}"),
        ("row with the largest loss", str(int(rows.argmax()))),
        ("largest entry of ∂L/∂Z", f"{np.abs(gradient).max():.4g}"),
    ]  # fmt: skip
    if labels is not None:
        share = f"{(z.argmax(1) == labels).mean():.4g}"
        entries.append(("share of rows whose largest logit is the true class", share))
    if given.source == "layer":
        entries.append(("largest entry of ∂L/∂W", f"{np.abs(gradient.T @ given.x).max():.4g}"))
    return Table(("of the whole batch", ""), tuple(entries), "in float64, by core")
