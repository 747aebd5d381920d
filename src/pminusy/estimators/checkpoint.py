"""A softmax regression that goes on where it was stopped.

The problem is convex: from any point a fit ends with the same certificate, so parameters are all
that has to be kept. Whether the rows are the same is told by sums over them, which other data
seldom have; what they let pass costs time, and not the answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.training.checkpoints import Checkpoint, State

if TYPE_CHECKING:
    from pminusy.training.objective import Objective
    from pminusy.training.sources.protocol import Source

__all__ = ["FitCheckpoint", "identity_of", "sums_of"]

Array = NDArray[Any]

# of a sum: its order depends on threads, and on the size of blocks
_EXACT = 1e-9
_ROUNDING = {"gradient at 0": 1e-5}  # whose terms may be in float32


def identity_of(source: Source, classes: list[Any], **options: Any) -> dict[str, str]:
    """What a fit is of, but for its rows: classes, and the options that decide its optimum."""
    found = {"method": "softmax regression", "rows": str(source.rows)}
    found |= {"features": str(source.features), "classes": json.dumps(classes, default=str)}
    return found | {name: repr(value) for name, value in options.items()}


def sums_of(objective: Objective) -> dict[str, Array]:
    """Sums over all rows, by what they are of: a visit, for the gradient at 0."""
    source, coordinates = objective.source, objective.coordinates
    gradient = objective.evaluate(np.zeros(objective.size)).gradient
    return {
        "targets or weights": np.append(source.class_mass, source.total_weight),
        "values of X": np.append(coordinates.centre / coordinates.scale, np.log(coordinates.scale)),
        "gradient at 0": gradient,
    }


class FitCheckpoint:
    """The file of a fit; where it cannot be written the fit goes on, and says so at its end.

    Parameters
    ----------
    file
        With the identity of the fit.
    sums
        Of its rows: `sums_of`.
    """

    def __init__(self, file: Checkpoint, sums: dict[str, Array]) -> None:
        self._file, self._sums = file, sums
        self.failure = ""  # why it could not be written, the last time

    def parameters(self) -> tuple[Array, Array] | None:
        """Weights (K, D) and bias (K,) where a fit was stopped; None where there is no file.

        Raises
        ------
        InputError
            A file of other data or options.
        """
        state = self._file.load()
        if state is None:
            return None
        known = state.arrays
        differ = [n for n, sums in self._sums.items() if not _same(sums, known.get(n), n)]
        differ += [] if {"W", "b"} <= set(known) else ["parameters"]
        if differ:
            self._file.refuse(f"other {name}" for name in differ)
        return known["W"], known["b"]

    def note(self, W: Array, b: Array | None, *, last: bool = False) -> None:
        """Write parameters, if it is time; what was written before stays if that cannot be done."""
        if not last and not self._file.due():
            return
        bias = np.zeros(W.shape[0]) if b is None else b
        try:
            self._file.save(State({"W": W, "b": bias, **self._sums}, {}))
            self.failure = ""
        except InputError as error:
            self.failure = str(error)


def _same(sums: Array, known: Array | None, name: str) -> bool:
    if known is None or known.shape != sums.shape:
        return False
    size = np.maximum(np.abs(sums), 1.0)
    return bool((np.abs(known - sums) <= _ROUNDING.get(name, _EXACT) * size).all())
