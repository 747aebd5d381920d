"""A table's fit on Dask's workers: they read the rows that this process has stored.

Columns are learned and rows are stored here, as in any fit of a table that is read block by block.
The workers then read the stored rows, each its partitions, and keep them as features.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.errors import InputError
from pminusy.estimators.distributed.workers import asked
from pminusy.extras import needing_extra
from pminusy.tables.wording import shown

if TYPE_CHECKING:
    from pminusy.api.fit.training_options import TrainingOptions
    from pminusy.api.fit.training_run import TableRows
    from pminusy.tables.streaming.store import StoredRows

__all__ = ["MEMORY", "refuse_on_workers", "training_on"]

MEMORY = "2GiB"
"""Of the process beside the workers, where nothing else is said."""

_ADDRESS = re.compile(r"inproc://\S+|(\w+://)?\S+:\d+")
_SECONDS = 10  # to find a scheduler
_BYTES, _FEWEST = 16 << 20, 16  # of dense features of a partition; partitions, at least
Train = Callable[[Any, "TableRows"], dict[str, type[Warning]]]


def refuse_on_workers(
    options: TrainingOptions, scheduler: str | None, dask_workers: int | None
) -> None:
    """Refuse what does not run on workers, by name."""
    if scheduler is not None and dask_workers is not None:
        raise InputError("dask workers", "none beside a scheduler", repr(dask_workers))
    if scheduler is not None and not (
        isinstance(scheduler, str) and _ADDRESS.fullmatch(scheduler)
    ):  # Dask's client would take it for a name, and leave a thread that is never ended
        got, remedy = shown(scheduler), "dask scheduler says it when it starts"
        raise InputError("scheduler", "an address such as tcp://host:8786", got, remedy)
    if dask_workers is not None and (
        isinstance(dask_workers, bool) or not isinstance(dask_workers, int) or dask_workers < 1
    ):
        raise InputError("dask workers", "a whole number above 0", repr(dask_workers))
    if options.folds is not None:
        remedy = "give one value of C, or leave the workers out"
        raise InputError("cv", "no cross-validation on Dask's workers", "one", remedy)


@contextmanager
def training_on(scheduler: str | None, dask_workers: int | None, train: Train) -> Iterator[Train]:
    """`train` with its rows on the workers of a scheduler, or of a cluster that lives as long."""
    with needing_extra():
        import dask.array
        import distributed
    assert dask.array
    with ExitStack() as stack:
        if scheduler is None:
            scheduler = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=dask_workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                )
            )
        client = stack.enter_context(_client_of(scheduler))

        def train_there(clf: Any, rows: TableRows) -> dict[str, type[Warning]]:
            stored: Any = rows.X
            _require_shared(client, stored)
            weight: Any = None if rows.weight is None else _collection(rows.weight)
            X = _collection(stored, stored.shape[1], stored[0:0])
            return train(clf, replace(rows, X=X, y=_collection(rows.y), weight=weight))

        yield train_there


def _client_of(scheduler: Any) -> Any:
    import distributed

    try:
        # one that fails would stay the active client of the process
        with distributed.Client(scheduler, timeout=_SECONDS, set_as_default=False):
            pass
        return distributed.Client(scheduler, timeout=_SECONDS)
    except (OSError, TimeoutError):
        got = f"none that answers within {_SECONDS} s"
    except ValueError as error:
        got = str(error)
    remedy = "start one: dask scheduler, and dask worker ADDRESS"
    raise InputError("scheduler", f"Dask's scheduler at {scheduler}", got, remedy)


def _require_shared(client: Any, stored: StoredRows) -> None:
    """Refuse workers that do not see the folder with the stored rows."""
    folder, size = str(stored.folder), (stored.folder / "labels").stat().st_size

    def seen() -> bool:
        from pathlib import Path

        path = Path(folder) / "labels"
        return path.is_file() and path.stat().st_size == size

    for worker, there in asked(client, seen):
        if not there:
            raise InputError(
                f"workdir {str(stored.folder.parent)!r}",
                "a folder that every worker sees",
                f"another, or none, at {worker}",
                "name one on a shared file system",
            )


def _collection(stored: Any, columns: int | None = None, meta: Any = None) -> Any:
    """Stored rows, or a column of them, as a Dask array whose blocks the workers read."""
    import dask.array as da

    N = stored.shape[0]
    most = max(1, _BYTES // (8 * _columns_of(stored)))
    rows = min(most, -(-N // _FEWEST))
    sizes = (rows,) * (N // rows) + ((N % rows,) if N % rows else ())
    chunks = (sizes,) if columns is None else (sizes, (columns,))
    nothing = np.empty(0, stored.dtype) if meta is None else meta
    return da.map_blocks(_read, stored, chunks=chunks, dtype=stored.dtype, meta=nothing)


def _columns_of(stored: Any) -> int:
    """Features of a row: columns are partitioned as the features beside them are."""
    return int(stored.shape[1] if len(stored.shape) == 2 else stored.features)


def _read(stored: Any, block_info: Any = None) -> Any:
    (first, last), *_ = block_info[None]["array-location"]
    return stored[first:last]
