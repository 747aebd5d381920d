"""An audit as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pminusy.present.numbers import decimals
from pminusy.present.sanitise import visible
from pminusy.tables.wording import count, shown

if TYPE_CHECKING:
    from pminusy.api.audit.result import Audit

__all__ = ["as_text"]

_SHOWN, _CLASSES_SHOWN = 15, 10


def as_text(found: Audit) -> str:
    """What was found, and the likeliest mistakes."""
    return "\n".join([*_summary(found), "", *_worst(found)])


def _summary(found: Audit) -> list[str]:
    N, suspected = found.quality.size, int(found.suspected.sum())
    lines = [
        f"{count(N, 'row')}, {len(found.labelled.classes)} classes, {found.folds} folds, "
        f"C = {found.judged.C:.3g}: each row judged by a model of the other folds",
        f"against the labels given: accuracy {decimals(found.accuracy)}, "
        f"log loss {decimals(found.log_loss)}",
        f"{count(suspected, 'label')} suspected ({suspected / N:.1%})",
    ]
    shares = {name: s for name, s in found.error_shares.items() if s > 0}
    if shares:
        worst = sorted(shares.items(), key=lambda item: -item[1])[:_CLASSES_SHOWN]
        listed = ", ".join(f"{shown(name)} {share:.1%}" for name, share in worst)
        lines.append(f"estimated share of wrong labels: {listed}")
    groups = found.contradictions
    if groups:
        some = "; ".join(
            "rows " + " and ".join(f"{row + 1:,}" for row in group[:2]) for group in groups[:3]
        )
        number = count(len(groups), "group")
        lines.append(f"{number} of rows with equal features and other labels: {some}")
    if not found.judged.converged:
        lines.append("not every fit reached its optimum: the order is less certain")
    return lines


def _worst(found: Audit) -> list[str]:
    order = found.order[:_SHOWN]
    names = [visible(name)[:24] for name in found.labelled.classes]
    predicted, suspected = found.predicted, found.suspected
    table = [("row", "label", "p", "predicted", "p", "suspected", "what speaks for it")]
    for place in order:
        row, label = f"{found.labelled.rows[place] + 1:,}", names[found.labelled.y[place]]
        cells = [row, label, decimals(float(found.quality[place]))]
        other = predicted[place]
        if other == found.labelled.y[place]:
            cells += ["–", "", "", ""]
        else:
            p = decimals(float(found.p_predicted[place]))
            said = "yes" if suspected[place] else ""
            cells += [names[other], p, said, _reason(found, place)]
        table.append(tuple(cells))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(w) if j in (0, 2, 4) else cell.ljust(w)
            for j, (cell, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    ]


def _reason(found: Audit, place: int) -> str:
    """The two features that add most to the predicted class."""
    parts = found.contributions(place)
    best = [d for d in np.argsort(-parts)[:2] if parts[d] > 0]
    return ", ".join(f"{visible(found.labelled.features[d])[:24]} {parts[d]:+.2g}" for d in best)
