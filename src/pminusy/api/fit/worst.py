"""The worst-predicted rows: those with the largest ‖p − y‖, then loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pminusy.api.fit.training_run import TableRows

__all__ = ["ROWS_SHOWN", "WorstRows", "worst_places"]

ROWS_SHOWN = 12


def worst_places(part: TableRows, log_p: NDArray[np.float64]) -> list[tuple[float, float, int]]:
    """The worst rows of a part with log-probabilities (n, K): ‖p − y‖, loss and index."""
    losses = -log_p[np.arange(part.y.size), part.y]
    p_minus_y: NDArray[np.float64] = np.exp(log_p)
    p_minus_y[np.arange(part.y.size), part.y] = np.expm1(-losses)
    distances = np.linalg.norm(p_minus_y, axis=1)
    worst = np.lexsort((losses, distances))[::-1][:ROWS_SHOWN]
    return [(float(distances[i]), float(losses[i]), int(i)) for i in worst]


class WorstRows:
    """The worst rows of parts that come one after the other; no others are kept."""

    def __init__(self) -> None:
        self._found: list[tuple[float, float, TableRows]] = []

    def add(self, part: TableRows, log_p: NDArray[np.float64]) -> None:
        """Look at a part and its log-probabilities (n, K)."""
        for distance, loss, i in worst_places(part, log_p):
            full = len(self._found) == ROWS_SHOWN
            if full and (distance, loss) <= self._found[-1][:2]:
                break
            self._found = [*self._found[: ROWS_SHOWN - full], (distance, loss, _row(part, i))]
            self._found.sort(key=lambda row: row[:2], reverse=True)

    def parts(self) -> tuple[TableRows, ...]:
        """The rows, each as a part of its own, the worst first."""
        return tuple(row for *_, row in self._found)


def _row(part: TableRows, i: int) -> TableRows:
    frame = part.frame[i]
    return TableRows(frame, part.index[[i]], part.X[[i]], part.y[[i]], part.weight[[i]], ())
