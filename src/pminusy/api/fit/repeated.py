"""Scores over several splits into rows of training and held-out rows: their mean and spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pminusy.api.fit.calibrated import Calibration
    from pminusy.api.fit.training_run import TableRows
    from pminusy.api.fitted import Fitted
    from pminusy.estimators.scores import Assessment, Scores

__all__ = ["Judged", "RepeatedScores", "repeated_scores"]


class Judged(NamedTuple):
    """A model of one split, and what its held-out rows say of it."""

    fitted: Fitted
    clf: Any
    training: TableRows
    held_out: TableRows
    calibration: Calibration | None
    found: Assessment
    baseline: Scores
    said: dict[str, type[Warning]]


@dataclass(frozen=True, slots=True)
class RepeatedScores:
    """Scores (splits, ) by name, of models that were each trained and judged on a split."""

    splits: int
    by_name: dict[str, tuple[float, ...]]

    def spread(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation over the splits, by name.

        The rows of the splits overlap: this is how much a score depends on the split, and no
        standard error of its mean.
        """
        return {
            name: (float(np.mean(values)), float(np.std(values, ddof=1)))
            for name, values in self.by_name.items()
        }

    @property
    def sentence(self) -> str:
        """The same in words."""
        parts = [f"{name} {mean:.4f} ± {sd:.4f}" for name, (mean, sd) in self.spread().items()]
        return f"over {self.splits:,} splits (mean ± standard deviation): {', '.join(parts)}"


def repeated_scores(first: Judged, others: Iterable[Judged]) -> RepeatedScores | None:
    """Gather the scores of a split and others; an interrupt of one ends them.

    What those fits had to say is said with the first.
    """
    scores = [first.found]
    if first.clf.end_ != "interrupt":
        for one in others:
            if one.clf.end_ == "interrupt":
                break
            scores.append(one.found)
            first.said.update(one.said)
    if len(scores) < 2:
        return None
    named = [dict((*each.scores.named(), *each.ranking)) for each in scores]
    shared = [name for name in named[0] if all(name in each for each in named)]
    return RepeatedScores(
        len(named), {name: tuple(each[name] for each in named) for name in shared}
    )
