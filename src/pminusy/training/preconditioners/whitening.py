"""Coordinates in which the ridge is about 1: XᵀX has its eigenvectors taken there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pminusy.training.objective import Objective

__all__ = ["Whitened"]


class Whitened:
    """Features scaled so that the ridge is about 1, or their own curvature where that is larger."""

    def __init__(self, objective: Objective, curvature: float, share: float) -> None:
        self.d = 1.0 / np.sqrt(objective.penalty + share * curvature)  # (D,)
        self.ridge = objective.penalty * self.d**2  # (D,), at most 1
