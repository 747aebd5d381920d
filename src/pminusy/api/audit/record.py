"""An audit as a plain record, for JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pminusy.api.audit.result import Audit

__all__ = ["audit_record"]


def audit_record(found: Audit, keep_columns: str | Sequence[str] = ()) -> dict[str, Any]:
    """What `pminusy audit` says, with all rows in the order of the ranking.

    Rows are numbered from 1; what JSON does not have (NaN, dates) is null or text.
    """
    labelled = found.labelled
    return {
        "rows": labelled.y.size,
        "classes": list(labelled.classes),
        "folds": found.folds,
        "C": found.judged.C,
        "converged": found.judged.converged,
        "accuracy": found.accuracy,
        "log_loss": found.log_loss,
        "suspected": int(found.suspected.sum()),
        "not_judged": int(np.isnan(found.quality).sum()),
        "error_shares": found.error_shares,
        "contradictions": [(group + 1).tolist() for group in found.contradictions],
        "near_duplicates": [
            {"rows": [i + 1, j + 1], "distance": distance}
            for i, j, distance in found.near_duplicates()
        ],
        "notes": list(labelled.notes),
        "ranking": json.loads(found.to_frame(keep_columns=keep_columns).write_json()),
    }
