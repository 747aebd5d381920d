"""What a solver asks of a preconditioner."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["Preconditioner"]

Array = NDArray[Any]


class Preconditioner(Protocol):
    """A symmetric positive definite model of the Hessian."""

    def solve(self, vector: Array) -> Array:
        """The model's inverse times a vector."""
