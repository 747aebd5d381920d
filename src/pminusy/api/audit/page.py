"""The page of an audit, from what it found."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.api.fit.report import made_by
from pminusy.errors import InputError
from pminusy.files import write_atomically
from pminusy.ops.probabilities import log_softmax
from pminusy.report.audit_page import (
    AuditedRow,
    AuditReport,
    ClassShare,
    Mistaken,
    NearestRow,
    NearPair,
    render_audit,
)
from pminusy.report.data import Contributions, WorstRow
from pminusy.report.worst_rows import row_details
from pminusy.tables.design import cells

if TYPE_CHECKING:
    from pminusy.api.audit.result import Audit
    from pminusy.mislabelled.duplicates import Neighbour

__all__ = ["MOST_ROWS", "check_rows", "write_report"]

Array = NDArray[Any]

MOST_ROWS = 5000
_GROUPS, _GROUP_ROWS, _PAIRS, _MISTAKEN = 50, 10, 50, 20


def write_report(found: Audit, path: str | PathLike[str], rows: int, command: str) -> None:
    """Write the page; nothing is left half written."""
    check_rows(rows)
    page = render_audit(audit_report(found, rows, made_by(command))).encode()
    write_atomically(path, lambda file: file.write(page))


def check_rows(rows: object) -> None:
    """Refuse a number of rows that no page has."""
    whole = isinstance(rows, int | np.integer) and not isinstance(rows, bool)
    if not whole or not 1 <= rows <= MOST_ROWS:  # type: ignore[operator]
        raise InputError("rows", f"a whole number from 1 to {MOST_ROWS:,}", repr(rows))


def audit_report(found: Audit, rows: int, made: tuple[str, ...] = ()) -> AuditReport:
    """Gather what the page shows."""
    labelled, shown = found.labelled, found.order[:rows]
    groups, pairs = found.contradictions, found.near_duplicates()
    return AuditReport(
        title=f"{labelled.name} → {labelled.target}" if labelled.target else labelled.name,
        target=labelled.target,
        classes=labelled.classes,
        feature_names=labelled.features,
        from_columns=labelled.from_columns,
        notes=labelled.notes,
        total=labelled.y.size,
        judged=int((~np.isnan(found.quality)).sum()),
        suspected=int(found.suspected.sum()),
        suspected_shown=int(found.suspected[shown].sum()),
        folds=found.folds,
        C=found.judged.C,
        accuracy=found.accuracy,
        log_loss=found.log_loss,
        converged=found.judged.converged,
        rows=_explained(found, shown),
        shares=_shares(found),
        mistaken=_mistaken(found),
        groups=tuple(_group(found, group) for group in groups[:_GROUPS]),
        groups_in_all=len(groups),
        pairs=tuple(_pair(found, *pair) for pair in pairs[:_PAIRS]),
        pairs_in_all=len(pairs),
        made=made,
    )


def _explained(found: Audit, places: Array) -> tuple[AuditedRow, ...]:
    judged = places[~np.isnan(found.quality[places])]
    neighbours = dict(zip(judged.tolist(), found.neighbours(judged), strict=False))
    frame = found.labelled.shown(judged)
    explained = []
    for i, place in enumerate(judged.tolist()):
        row = _row(found, place, () if frame is None else tuple(cells(frame, i).items()))
        fold, likely = int(found.judged.fold[place]), int(found.suggested[place])
        explained.append(
            AuditedRow(
                row_details(row, found.judged.models[fold].b, found.labelled.features),
                likely if found.suspected[place] else None,
                float(row.p[likely]),
                fold + 1,
                _nearest(found, neighbours.get(place)),
            )
        )
    return tuple(explained)


def _row(found: Audit, place: int, shown: tuple[tuple[str, str], ...]) -> WorstRow:
    labelled = found.labelled
    model = found.judged.models[found.judged.fold[place]]
    x = labelled.row(place)
    log_p = _log_probabilities(model.W, model.b, x)
    return WorstRow(
        row=int(labelled.rows[place]) + 1,
        cells=shown,
        x=x,
        p=np.exp(log_p),
        log_p=log_p,
        y=int(labelled.y[place]),
        contributions=Contributions(model.W, x),
    )


def _log_probabilities(W: Array, b: Array, x: Array) -> Array:
    """ln p (K,) of a row x (D,); −∞ for classes that the model does not know."""
    known = np.isfinite(b)
    found = np.full(b.size, -np.inf)
    found[known] = log_softmax(W[known] @ x.astype(np.float64) + b[known])
    return found


def _nearest(found: Audit, nearest: Neighbour | None) -> NearestRow | None:
    if nearest is None:
        return None
    labelled = found.labelled
    row, y = int(labelled.rows[nearest.row]) + 1, int(labelled.y[nearest.row])
    return NearestRow(row, y, nearest.distance, nearest.near)


def _shares(found: Audit) -> tuple[ClassShare, ...]:
    y, K = found.labelled.y, len(found.labelled.classes)
    rows, suspected = np.bincount(y, minlength=K), np.bincount(y[found.suspected], minlength=K)
    shares = [ClassShare(k, int(rows[k]), int(suspected[k]), suspected[k] / rows[k])
              for k in range(K) if rows[k]]  # fmt: skip
    return tuple(sorted(shares, key=lambda each: (-each.share, each.k)))


def _mistaken(found: Audit) -> tuple[Mistaken, ...]:
    wrong = found.suspected
    both = np.stack([found.labelled.y[wrong], found.suggested[wrong]], axis=1)
    pairs, number = np.unique(both, axis=0, return_counts=True)
    order = np.argsort(-number, kind="stable")[:_MISTAKEN]
    return tuple(Mistaken(int(pairs[i, 0]), int(pairs[i, 1]), int(number[i])) for i in order)


def _group(found: Audit, places: Array) -> tuple[tuple[int, int], ...]:
    return tuple((int(row) + 1, found.labelled.label_of(int(row))) for row in places[:_GROUP_ROWS])


def _pair(found: Audit, first: int, second: int, distance: float) -> NearPair:
    label_of = found.labelled.label_of
    return NearPair(first + 1, label_of(first), second + 1, label_of(second), distance)
