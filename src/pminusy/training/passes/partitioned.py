"""Passes over partitions: each is visited where it lies, by `Passes` of its own.

A visit sends a point, and perhaps a direction, and brings back sums. Nothing is kept between
visits, so a partition that is lost may be made and visited again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.training.passes.caller import Passes, Point, Selection, Sums
from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.partitions import PartitionedSource

__all__ = ["PartitionedPasses"]

Array = NDArray[Any]


class PartitionedPasses(Passes):
    """The passes of a source in partitions; what needs kept logits is never asked of them."""

    def point(self, at: Point, selection: Selection | None = None) -> Sums:
        """Loss and gradient at a point."""
        assert selection is None, "classes are not noted row by row where rows are elsewhere"
        self._at = at
        return self._visited("point", at)

    def hvp(self, at: Point, V: Array, v: Array) -> Sums:
        """Hessian at a point times (V, v)."""
        return self._visited("hvp", at, V, v)

    def curvature(self, at: Point, *, diagonal: bool) -> Sums:
        """Diagonal of the Hessian in b, and in W if asked."""
        return self._visited("curvature", at, diagonal=diagonal)

    def _visited(self, name: str, at: Point, *arguments: Any, **options: Any) -> Sums:
        source = self.source
        assert isinstance(source, PartitionedSource)
        self.note_visit(1.0)
        return Sums(*source.sum(_visit, self.dtype, name, self._kept(at), arguments, options))


def _visit(
    part: ArraySource,
    dtype: type[np.floating[Any]],
    name: str,
    at: Point,
    arguments: tuple[Array, ...],
    options: dict[str, bool],
) -> Sums:
    """One pass over one partition."""
    passes = Passes(part, dtype, 0)
    passes.stand(at)
    found: Sums = getattr(passes, name)(at, *arguments, **options)
    return found
