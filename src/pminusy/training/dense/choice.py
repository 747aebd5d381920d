"""Which model of the Hessian a step is solved with, by what it costs and what has been spent.

The diagonal costs next to nothing and is taken at every step, until the products that it leaves to
do have cost as much as a better model: whether or not a fit needs that one, it then takes no more
than about twice the time of the better choice. A model that cost something is kept for several
steps, and is built anew once it leaves so many products to do that a new one pays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pminusy.training.solvers.newton import PRODUCTS, Spent

__all__ = ["FEWEST", "Build", "DenseModel", "Models"]

Array = NDArray[Any]

FEWEST = 5  # products of a step, however little is left


class DenseModel(Protocol):
    """A symmetric positive definite model of the Hessian in V."""

    def solve(self, G: Array) -> Array:
        """The model's inverse times a gradient (K − 1, E)."""


Build = Callable[[float], DenseModel]


class Models:
    """The model of every step.

    Parameters
    ----------
    build
        Builds a model where the objective stands, with this much added to its diagonal.
    price
        Products with the Hessian that one costs.
    diagonals
        The same for a model that costs next to nothing, to begin with; None for no such stage.
    """

    def __init__(self, build: Build, price: float, diagonals: Build | None = None) -> None:
        self._build, self._diagonals = build, diagonals
        self._built: DenseModel | None = None
        self._spent, self._left = Spent(price), price

    def at(self, damping: float) -> DenseModel:
        """That of the next step."""
        if self._cheap:
            assert self._diagonals is not None
            return self._diagonals(damping)
        if self._built is None or self._spent.too_much:
            self._built = self._build(damping)
            self._spent.begin()
        return self._built

    @property
    def most(self) -> int:
        """How many products the next step may take."""
        return int(np.clip(self._left, FEWEST, PRODUCTS)) if self._cheap else PRODUCTS

    def add(self, products: int) -> None:
        """Note the products of a step."""
        if self._cheap:
            self._left -= products
        else:
            self._spent.add(products)

    def forget(self) -> None:
        """The next step needs a new one."""
        self._built = None

    @property
    def _cheap(self) -> bool:
        return self._diagonals is not None and self._left > 0
