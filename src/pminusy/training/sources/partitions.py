"""Rows in partitions that stay where they are: the work is sent to them, and sums come back."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

from pminusy.training.sources.arrays import ArraySource
from pminusy.training.sources.blocks import BlockSource

__all__ = ["PartitionWork", "PartitionedSource"]


class PartitionWork(Protocol):
    """A function of a module, without side effects: it may run twice, and anywhere."""

    def __call__(self, part: ArraySource, *arguments: Any) -> tuple[Any, ...]:
        """Numbers and arrays that are added up over the partitions."""


class PartitionedSource(BlockSource):
    """A source whose blocks are elsewhere; `blocks` brings them here, one after the other."""

    @abstractmethod
    def sum(self, work: PartitionWork, *arguments: Any) -> tuple[Any, ...]:
        """`work` on every partition, added up in an order that depends on their number alone."""
