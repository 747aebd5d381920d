"""A source whose partitions are on Dask's workers, and the tree that adds up what they find."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

from pminusy.errors import InputError
from pminusy.estimators.distributed.partition import Message, arrived, sums_added, visit
from pminusy.extras import needing_extra
from pminusy.training.sources.blocks import StreamSummary
from pminusy.training.sources.partitions import PartitionedSource, PartitionWork
from pminusy.training.sources.row_blocks import RowBlock

__all__ = ["DaskSource", "combined", "computed", "task"]

_FAN_IN = 8  # sums that one task adds up
_GIVEN_UP = {
    "scheduler-connection-lost": "a lost connection to it",
    "scheduler-restart": "a restart of it",
}


class DaskSource(PartitionedSource):
    """Rows in partitions that workers keep; Dask makes those anew that are lost with a worker.

    Parameters
    ----------
    parts
        Delayed `RowBlock`s, persisted; none is empty.
    summary, held
        As of `BlockSource`.
    """

    def __init__(self, parts: list[Any], summary: StreamSummary, held: Any) -> None:
        super().__init__(self._brought_here, summary, held)
        self._parts = parts

    def sum(self, work: PartitionWork, *arguments: Any) -> tuple[Any, ...]:
        """`work` on every partition, added up in an order that depends on their number alone."""
        message = Message(work, arguments, self.features, self._own, self._spread)
        sent = task(arrived, pickle.dumps(message))  # to the scheduler once, then between workers
        sums = combined([task(visit, part, sent) for part in self._parts], sums_added)
        return tuple(computed(sums)[0])

    def _brought_here(self) -> Iterator[RowBlock]:
        for part in self._parts:
            yield computed(part)[0]


def task(function: Callable[..., Any], *arguments: Any) -> Any:
    """A call that Dask makes, somewhere."""
    with needing_extra():
        from dask import delayed
    return delayed(function, pure=False, traverse=False)(*arguments)


def combined(parts: list[Any], function: Callable[..., Any]) -> Any:
    """Delayed parts combined by an ordered tree: neighbours first, `_FAN_IN` at a time."""
    while len(parts) > 1:
        groups = [parts[i : i + _FAN_IN] for i in range(0, len(parts), _FAN_IN)]
        parts = [task(function, *group) for group in groups]
    return parts[0]


def computed(*parts: Any) -> tuple[Any, ...]:
    """The values of delayed parts, by the active client or by what Dask is configured for.

    Raises
    ------
    InputError
        The scheduler is gone or was restarted, the work was cancelled, or workers are lost again
        and again with the same partition.
    """
    with needing_extra():
        import dask
    with warnings.catch_warnings():
        # of many parameters; they are sent once, as they must be
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        try:
            return tuple(dask.compute(*parts))
        except KeyboardInterrupt:
            _leave_out_of_the_log("asyncio")
            raise
        except CancelledError as error:
            _leave_out_of_the_log("distributed.client")
            got = ", ".join(
                sorted({_GIVEN_UP.get(why, "cancelled work") for why in _reasons(error)})
            )
            remedy = "begin again when it runs; with checkpoint= a fit goes on from where it was"
            raise InputError(
                "scheduler", "one that keeps its work until the end", got, remedy
            ) from None
        except Exception as error:
            if type(error).__name__ != "KilledWorker":  # of a library that need not be there
                raise
            got = "several workers lost with one of them"
            remedy = "make partitions smaller, or give the workers more memory; their logs say why"
            raise InputError("X", "partitions that workers can hold", got, remedy) from None


def _reasons(error: CancelledError) -> list[str]:
    """Dask's words for why work was given up; of several pieces of work at once, all of them."""
    return [getattr(part, "reason", "unknown") for part in getattr(error, "error_groups", [error])]


def _leave_out_of_the_log(logger: str) -> None:
    """No tracebacks of waits that were given up, beside the error that says why."""
    logging.getLogger(logger).addFilter(_no_wait_given_up)


def _no_wait_given_up(record: logging.LogRecord) -> bool:
    error = record.exc_info[0] if record.exc_info else None
    return error is None or error.__name__ not in ("AllExit", "CancelledError")
