"""A batch: one row derived in full, then the batch as matrix products, and the whole in figures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.core import head, transform
from pminusy.core.options import target_mass
from pminusy.derivation.assemble import assembled
from pminusy.derivation.batch import BatchArena
from pminusy.derivation.batch_case import BatchCase
from pminusy.derivation.chapters import batch as chapter
from pminusy.derivation.derivation import Derivation
from pminusy.derivation.domains import digits_for
from pminusy.derivation.given import Given
from pminusy.derivation.masks import Mask, mask_of
from pminusy.derivation.model import Setup
from pminusy.derivation.proof import MANY
from pminusy.derivation.reading import label_of, masses, numbers
from pminusy.derivation.request import Request
from pminusy.derivation.setup import class_names, setup_of
from pminusy.derivation.step import Table
from pminusy.derivation.steps import Chapter
from pminusy.errors import InputError

__all__ = ["derive_batch", "upstream_of"]

_PROVED_ROWS = 4
"""So many rows are derived with numbers; a longer batch is summed up in figures."""


def derive_batch(asked: Request, given: Given) -> Derivation:
    """Derivation for a batch, one row of it line by line."""
    N, row, options = len(given.rows), asked.row, asked.options
    if isinstance(row, bool) or not 0 <= row < N:
        raise InputError("row", f"a row from 0 to {N - 1}", str(row))
    targets = _targets(asked, N, class_names(asked, given.K))
    omega = options.sample_weight
    if omega is not None and omega.shape != (N,):
        raise InputError("sample_weight", f"{N} numbers, one a row", f"shape {omega.shape}")
    own = replace(options, sample_weight=None if omega is None else omega[row : row + 1])
    mask = mask_of(asked, given.row(row), *targets.of(row), own)
    setup = setup_of(asked, given.row(row), *targets.of(row), own) if mask is None else mask.setup()
    chosen = _chosen(targets, row, _like(given, row))
    notes = (
        f"Row {row} is derived line by line. The chapter on the batch works with row"
        f"{'s' if N > 1 else ''} {', '.join(map(str, chosen))}"
        + ("." if len(chosen) == N else "; the table is of all."),
    )
    more: tuple[Chapter, ...]
    if mask is not None and mask.infinite:
        more, notes = (), (f"Row {row} is derived; its loss is infinite, so that of the batch is.",)
    else:
        with setup.numbers.working():
            more = (_chapter(*_without(mask, asked, given, targets), chosen, setup),)
    table = _figures(asked, given, targets)
    heading = f"; row {row} of a batch of {N:,}"
    return assembled(asked, setup, mask, more, heading, (table,), notes)


def _like(given: Given, row: int) -> Any:
    """Which rows have the same classes masked as one of them (N,)."""
    if given.source == "layer":
        return np.ones(len(given.x), dtype=bool)
    masked = given.logits == -np.inf
    return (masked == masked[row]).all(axis=1)


def _without(
    mask: Mask | None, asked: Request, given: Given, targets: Targets
) -> tuple[Request, Given, Targets]:
    """A batch without the classes that are masked in the row derived, and in those like it."""
    if mask is None:
        return asked, given, targets
    kept = list(mask.kept)
    return (
        mask.of_kept(asked),
        replace(given, logits=given.logits[:, kept]),
        replace(targets, Y=targets.Y[:, kept]),
    )


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets as masses Y (N, K), and labels (N,) where they are classes, −1 where ignored."""

    Y: Any
    labels: Any = None

    @property
    def ignored(self) -> Any:
        """Which rows are ignored (N,)."""
        return np.zeros(len(self.Y), dtype=bool) if self.labels is None else self.labels < 0

    def of(self, row: int) -> tuple[Any, int | None]:
        """Target of one row, and its class."""
        c = None if self.labels is None else int(self.labels[row])
        return self.Y[row], c


def _targets(asked: Request, N: int, names: tuple[str, ...]) -> Targets:
    y, K = asked.y, len(names)
    if np.ndim(y) != 1:
        soft = np.empty(()) if isinstance(y, str) or np.ndim(y) == 0 else y
        return Targets(masses(soft, (N, K), f"{N} classes or target masses ({N}, {K})"))
    if len(y) != N:
        raise InputError("y", f"{N} targets, one a row", f"{len(y)}")
    labels = np.array([label_of(v, names, asked.ignore_index) for v in list(y)])
    return Targets((labels[:, None] == np.arange(K)).astype(float), labels)


def _chosen(targets: Targets, row: int, like: Any) -> list[int]:
    """The row asked for, and of those like it one that counts, one ignored, and the first."""
    kinds = [np.flatnonzero(like & (targets.ignored == kind)) for kind in (False, True)]
    wanted = [row, *(int(first) for found in kinds for first in found[:1])]
    wanted += map(int, np.flatnonzero(like)[:_PROVED_ROWS])
    return sorted(list(dict.fromkeys(wanted))[:_PROVED_ROWS])


def _chapter(
    asked: Request, given: Given, targets: Targets, chosen: list[int], setup: Setup
) -> Chapter:
    options, layer = asked.options, given.source == "layer"
    N, K, D = len(chosen), given.K, given.D
    labels = targets.labels
    ones = np.ones(N)
    omega = ones if options.sample_weight is None else options.sample_weight[chosen]
    weight = np.ones(K) if options.weight is None else options.weight
    ignored = targets.ignored[chosen]
    counts = omega * ~ignored if labels is None else omega * (targets.Y[chosen] @ weight)
    case = BatchCase(
        replace(setup.case, one_hot=labels is not None, ignored=False),
        layer,
        ignored=bool(ignored.any()),
        empty=asked.reduction == "mean" and not counts.any(),
        reduction=options.reduction,
    )
    values: dict[str, Any] = {
        "Y": targets.Y[chosen], "r": (~ignored).astype(float), "omega_n": omega, "w": weight,
        "g": upstream_of(asked, len(targets.Y))[chosen], "C": 1.0, "eta": asked.rate,
        "T": options.temperature, "kappa": options.softcap or 1.0, "zeta": options.z_loss,
        "epsilon": options.label_smoothing, "B": options.log_base or 2.0,
        "V": setup.values["V"] if layer else np.zeros((K, D)), "V_b": setup.values["V_b"],
    }  # fmt: skip
    if layer:
        values |= {"X": given.x[chosen], "W": given.W, "b": given.b}
    else:
        values[case.signal.name] = given.logits[chosen]
    sizes = {"N": N, "K": K, "D": D}
    arena = BatchArena(case, values, sizes, tuple(chosen), setup.labels, _digits(values, setup))
    lines = tuple(chapter.lines(case, K=K))
    if max(K, D) > MANY:
        lines = tuple(line for line in lines if line.name not in _HEAVY)
    return Chapter("batch", "A mini-batch", "All rows at once.", lines, arena)


def _digits(values: dict[str, Any], setup: Setup) -> int:
    """Digits for the row of the chapter whose logits lie farthest apart."""
    u = values["X"] @ values["W"].T + values["b"] if "X" in values else values.get("Z")
    if u is None:  # a cap or a temperature: at the numbers of the row that is derived
        return setup.digits
    return max(setup.digits, digits_for(float(np.ptp(np.asarray(u, dtype=float), axis=1).max())))


_HEAVY = ("batch_hvp", "batch_dL_dX", "batch_dL_dW", "gradient_step_batch", "batch_dL_B_dW")


def upstream_of(asked: Request, N: int) -> Any:
    """What each row's loss is told from above: ones unless it was given."""
    if asked.grad_output is None:
        return np.ones(N)
    upstream = numbers("grad_output", asked.grad_output)
    if upstream.shape != (N,) or not np.isfinite(upstream).all():
        raise InputError("grad_output", f"{N} finite numbers, one a row", str(upstream)[:60])
    return upstream


def _figures(asked: Request, given: Given, targets: Targets) -> Table:
    """The whole batch, computed by `core` in float64."""
    first = given.x @ given.W.T + given.b if given.source == "layer" else given.logits
    u = np.asarray(first, dtype=np.float64)
    N, K = u.shape
    options, labels = asked.options, targets.labels
    target = targets.Y if labels is None else np.where(labels < 0, options.ignore_index, labels)
    mass = target_mass(target, N, K, options)
    upstream = upstream_of(asked, N) if options.reduction == "none" else None
    loss, gradient = head.cross_entropy_grad(u, mass, options, upstream)
    alone = replace(options, reduction="none")
    rows = head.cross_entropy(u, target_mass(target, N, K, alone), alone)
    counting = np.flatnonzero(~targets.ignored)
    entries = [("rows", f"{N:,}"), ("classes", str(K))]
    if targets.ignored.any():
        entries.append(("rows ignored", f"{int(targets.ignored.sum()):,}"))
    if options.reduction != "none":
        name = {"mean": "mean loss", "sum": "sum of the losses"}[options.reduction]
        entries.append((name, f"{float(loss):.6g}"))
    if counting.size:
        worst = counting[rows[counting].argmax()]
        least, most = rows[counting].min(), rows[worst]
        entries += [
            ("smallest and largest loss of a row", f"{least:.4g} and {most:.4g}"),
            ("row with the largest loss", str(worst)),
        ]
    entries.append(("largest entry of ∂L/∂Z", f"{np.abs(gradient).max():.4g}"))
    if labels is not None and counting.size:
        hits = transform.logits(u, options).argmax(1) == labels
        share = f"{hits[counting].mean():.4g}"
        entries.append(("share of rows whose largest logit is the true class", share))
    if given.source == "layer":
        entries.append(("largest entry of ∂L/∂W", f"{np.abs(gradient.T @ given.x).max():.4g}"))
    return Table(("of the whole batch", ""), tuple(entries), "in float64, by core")
