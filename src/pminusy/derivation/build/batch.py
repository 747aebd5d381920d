"""A batch: one row derived in full, then the batch as matrix products, and the whole in figures."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from pminusy.core import head, transform
from pminusy.core.target_mass import target_mass
from pminusy.derivation.build.assemble import assembled
from pminusy.derivation.engine.decimals import digits_for
from pminusy.derivation.engine.proof import MANY_CLASSES
from pminusy.derivation.head.batch import BatchContext
from pminusy.derivation.head.masks import Mask, mask_of
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.head.setup import option_numbers, sample_of
from pminusy.derivation.input.logit_source import LogitSource
from pminusy.derivation.input.reading import numbers, typed_number
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import Targets, batch_targets
from pminusy.derivation.statements.case import BatchCase
from pminusy.derivation.statements.line import Table
from pminusy.derivation.statements.rows import batch as chapter
from pminusy.derivation.statements.sentence import remark
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.steps.derivation import Derivation
from pminusy.errors import InputError

__all__ = ["batch_context", "derive_batch", "upstream_of"]

_PROVED_ROWS = 4
"""So many rows are derived with numbers; a longer batch is summed up in figures."""


def derive_batch(request: Request, source: LogitSource) -> Derivation:
    """Derivation for a batch, one row of it line by line."""
    N, row, options = len(source.rows), request.row, request.options
    if isinstance(row, bool) or not 0 <= row < N:
        raise InputError("row", f"a row from 0 to {N - 1}", str(row))
    targets = batch_targets(request, N, source.K)
    omega = options.sample_weight
    if omega is not None and omega.shape != (N,):
        raise InputError("sample_weight", f"{N} numbers, one a row", f"shape {omega.shape}")
    own = replace(options, sample_weight=None if omega is None else omega[row : row + 1])
    mask = mask_of(request, source.row(row), *targets.of(row), own)
    sample = (
        sample_of(request, source.row(row), *targets.of(row), own)
        if mask is None
        else mask.sample()
    )
    chosen = _chosen(targets, row, _like(source, targets, row))
    notes = (
        f"Row {row} is derived line by line. The chapter on the batch works with row"
        f"{'s' if N > 1 else ''} {', '.join(map(str, chosen))}"
        + ("." if len(chosen) == N else "; the table is of all."),
    )
    more: tuple[Chapter, ...]
    if mask is not None and mask.infinite:
        more, notes = (), (f"Row {row} is derived; its loss is infinite, so that of the batch is.",)
    else:
        with sample.numbers.working():
            more = (_chapter(*_without(mask, request, source, targets), chosen, sample),)
    table = _figures(request, source, targets)
    heading = f"; row {row} of a batch of {N:,}"
    return assembled(request, sample, mask, more, heading, (table,), notes)


def _like(source: LogitSource, targets: Targets, row: int) -> Any:
    """Which rows have the same classes masked as one of them, and no target there (N,)."""
    if source.kind == "layer":
        return np.ones(len(source.x), dtype=bool)
    masked = source.logits == -np.inf
    return (masked == masked[row]).all(axis=1) & ~(targets.Y[:, masked[row]] > 0).any(axis=1)


def _without(
    mask: Mask | None, request: Request, source: LogitSource, targets: Targets
) -> tuple[Request, LogitSource, Targets]:
    """A batch without the classes that are masked in the row derived, and in those like it."""
    if mask is None:
        return request, source, targets
    kept = list(mask.kept)
    return (
        mask.of_kept(request),
        replace(source, logits=source.logits[:, kept]),
        Targets(targets.Y[:, kept], targets.labels, targets.exact[:, kept]),
    )


def _chosen(targets: Targets, row: int, like: Any) -> list[int]:
    """The row asked for, and of those like it one that counts, one ignored, and the first."""
    kinds = [np.flatnonzero(like & (targets.ignored == kind)) for kind in (False, True)]
    wanted = [row, *(int(first) for found in kinds for first in found[:1])]
    wanted += map(int, np.flatnonzero(like)[:_PROVED_ROWS])
    return sorted(list(dict.fromkeys(wanted))[:_PROVED_ROWS])


def _chapter(
    request: Request, source: LogitSource, targets: Targets, chosen: list[int], sample: Sample
) -> Chapter:
    context = batch_context(request, source, targets, chosen, sample)
    lines = tuple(chapter.lines(context.case, K=source.K))
    if max(source.K, source.D) > MANY_CLASSES:
        lines = tuple(line for line in lines if line.name not in _HEAVY)
    return Chapter("batch", "A mini-batch", remark("All rows at once."), lines, context)


def batch_context(
    request: Request, source: LogitSource, targets: Targets, chosen: list[int], sample: Sample
) -> BatchContext:
    """What the letters of a batch stand for in the rows chosen."""
    options, layer = request.options, source.kind == "layer"
    N, K, D = len(chosen), source.K, source.D
    labels = targets.labels
    ones = np.ones(N)
    omega = ones if options.sample_weight is None else options.sample_weight[chosen]
    weight = np.ones(K) if options.weight is None else options.weight
    ignored = targets.ignored[chosen]
    counts = omega * ~ignored if labels is None else omega * (targets.Y[chosen] @ weight)
    rows = {f.name: getattr(sample.case, f.name) for f in fields(sample.case)}
    rows |= {"one_hot": labels is not None, "ignored": bool(ignored.any())}
    empty = request.options.reduction == "mean" and not counts.any()
    case = BatchCase(**rows, empty=empty, reduction=options.reduction)
    values: dict[str, Any] = {
        "Y": targets.exact[chosen], "r": (~ignored).astype(float), "omega_n": omega, "w": weight,
        "g": upstream_of(request, len(targets.Y))[chosen], "C": 1.0,
        "eta": typed_number(request.rate),
        **option_numbers(options),
        "V": sample.values["V"] if layer else np.zeros((K, D)), "V_b": sample.values["V_b"],
    }  # fmt: skip
    if layer:
        values |= {"X": source.exact("x")[chosen]}
        values |= {name: source.exact(name) for name in ("W", "b")}
    else:
        values[case.logit_letter.name] = source.exact("logits")[chosen]
    sizes = {"N": N, "K": K, "D": D}
    own = replace(options, sample_weight=None if options.sample_weight is None else omega)
    return BatchContext(
        case, values, sizes, tuple(chosen), sample.labels, _digits(values, sample), own
    )


def _digits(values: dict[str, Any], sample: Sample) -> int:
    """Digits for the row of the chapter whose logits lie farthest apart."""
    u = values["X"] @ values["W"].T + values["b"] if "X" in values else values.get("Z")
    if u is None:  # a cap or a temperature: at the numbers of the row that is derived
        return sample.digits
    return max(sample.digits, digits_for(float(np.ptp(np.asarray(u, dtype=float), axis=1).max())))


_HEAVY = ("batch_hvp", "batch_dL_dX", "batch_dL_dW", "gradient_step_batch", "batch_dL_B_dW")


def upstream_of(request: Request, N: int) -> Any:
    """The upstream gradient of each row's loss: ones unless it was given."""
    if request.grad_output is None:
        return np.ones(N)
    upstream = numbers("grad_output", request.grad_output)
    if upstream.shape != (N,) or not np.isfinite(upstream).all():
        raise InputError("grad_output", f"{N} finite numbers, one a row", str(upstream)[:60])
    return upstream


def _figures(request: Request, source: LogitSource, targets: Targets) -> Table:
    """The whole batch, computed by `core` in float64."""
    first = source.x @ source.W.T + source.b if source.kind == "layer" else source.logits
    u = np.asarray(first, dtype=np.float64)
    N, K = u.shape
    options, labels = request.options, targets.labels
    target = targets.Y if labels is None else np.where(labels < 0, options.ignore_index, labels)
    mass = target_mass(target, N, K, options)
    upstream = upstream_of(request, N) if options.reduction == "none" else None
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
    if source.kind == "layer":
        entries.append(("largest entry of ∂L/∂W", f"{np.abs(gradient.T @ source.x).max():.4g}"))
    return Table(("of the whole batch", ""), tuple(entries), "computed in float64")
