"""A softmax regression that goes on where it was stopped.

The problem is convex: from any point a fit ends with the same certificate, so parameters are all
that has to be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.training.checkpoints import Checkpoint, State, fingerprint

if TYPE_CHECKING:
    from pminusy.training.coordinates import Coordinates
    from pminusy.training.sources.protocol import Source

__all__ = ["FitCheckpoint", "identity_of"]

Array = NDArray[Any]

_ROWS = 256  # of X that are looked at


def identity_of(source: Source, coordinates: Coordinates, **options: Any) -> dict[str, str]:
    """What a fit is of: the options that decide its optimum, sums of its data, some rows."""
    held = source.held
    count = min(_ROWS, held.rows)
    some, _ = held.take(np.arange(count) * held.rows // count)
    found = {"method": "softmax regression", "rows": str(source.rows)}
    found |= {"features": str(source.features)}
    found |= {name: repr(value) for name, value in options.items()}
    return found | {
        "targets or weights": fingerprint(source.class_mass, np.array([source.total_weight])),
        "values of X": fingerprint(some, coordinates.centre, coordinates.scale),
    }


class FitCheckpoint:
    """The file of a fit; where it cannot be written the fit goes on, and says so at its end.

    Parameters
    ----------
    file
        With the identity of the fit.
    """

    def __init__(self, file: Checkpoint) -> None:
        self._file = file
        self.failure = ""  # why it could not be written, the last time

    def parameters(self) -> tuple[Array, Array] | None:
        """Weights (K, D) and bias (K,) where a fit was stopped; None where there is no file."""
        state = self._file.load()
        return None if state is None else (state.arrays["W"], state.arrays["b"])

    def note(self, W: Array, b: Array | None, *, last: bool = False) -> None:
        """Write parameters, if it is time; what was written before stays if that cannot be done."""
        if not last and not self._file.due():
            return
        bias = np.zeros(W.shape[0]) if b is None else b
        try:
            self._file.save(State({"W": W, "b": bias}, {}))
            self.failure = ""
        except InputError as error:
            self.failure = str(error)
