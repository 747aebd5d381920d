"""What the page of a fit shows of a network, from the record of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pminusy.report.data import LayerLine, NetworkPart

if TYPE_CHECKING:
    from pminusy.api.fit.training_run import TrainingRun

__all__ = ["network_part"]


def network_part(run: TrainingRun) -> NetworkPart | None:
    """None for a softmax regression."""
    about, beside = run.network, run.beside
    if about is None:
        return None
    lines, last = [], len(about.units) - 2
    known = np.flatnonzero(np.isfinite(about.gradient_norms).all(axis=1))
    seen = int(known[0]) if known.size else 0
    for layer, (inputs, units) in enumerate(zip(about.units, about.units[1:], strict=False)):
        head = layer == last
        lines.append(
            LayerLine(
                name="head" if head else f"layer {layer + 1}",
                inputs=inputs,
                units=units,
                parameters=about.sizes[layer],
                first=float(about.gradient_norms[seen, layer]),
                last=float(about.gradient_norms[-1, layer]),
                dead=None if head else about.dead[layer],
            )
        )
    return NetworkPart(
        sentence=about.sentence(),
        verdict="" if beside is None else beside.sentence,
        worth=None if beside is None else beside.verdict == "beats",
        layers=tuple(lines),
        losses=about.losses,
        validation_losses=about.validation_losses,
        gradient_norms=about.gradient_norms,
        best=about.best,
        since=seen + 1,
        watched=about.watched,
    )
