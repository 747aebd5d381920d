"""Fits on a local cluster of Dask's: seconds beside our own threads, and what travels in a visit.

    python -m benchmarks.dask --rows 2_000_000

Rows are drawn by the workers, partition by partition, from seeds. The same rows are fitted in
memory by as many threads as the cluster has workers, by turns. Bytes of a visit are those of its
parts as they are sent: the message with the parameters (to the scheduler, then to each worker that
has not got it), the graph of its tasks, and the sums of one partition.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pminusy as pmy

Array = NDArray[Any]


def main() -> None:
    """Fit by turns, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dask", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--solver", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=asked.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        _measure(asked, client)


def _measure(asked: argparse.Namespace, client: Any) -> None:
    X, y = _collections(asked)
    X, y = client.persist([X, y])
    X_here, y_here = X.compute(), y.compute()
    pmy.set_num_threads(asked.workers)
    size = X_here.nbytes / 2**20
    print(f"{asked.rows:,} rows of {asked.features} features, {asked.classes} classes: ", end="")
    print(f"{size:,.0f} MiB in {asked.partitions} partitions; {asked.workers} workers\n")
    ways: dict[str, Callable[[], pmy.SoftmaxRegression]] = {
        "Dask": lambda: _regression(asked).fit(X, y),
        "threads": lambda: _regression(asked).fit(X_here, y_here),
    }
    for fit in ways.values():
        fit()  # kernels are compiled
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    work: dict[str, list[float]] = {way: [] for way in ways}
    visits = {}
    for _ in range(asked.rounds):
        for way, fit in ways.items():
            used, begun = _processor_seconds(client), time.perf_counter()
            clf = fit()
            seconds[way].append(time.perf_counter() - begun)
            work[way].append(_processor_seconds(client) - used)
            visits[way] = clf.n_passes_, clf.objective_
    print("| fit | seconds | processor seconds | visits | milliseconds a visit | objective |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for way, (passes, objective) in visits.items():
        took, busy = median(seconds[way]), median(work[way])
        print(
            f"| {way} | {took:.2f} | {busy:.2f} | {passes:.1f} | {1e3 * took / passes:.1f} ", end=""
        )
        print(f"| {objective:.12g} |")
    ratios = [a / b for a, b in zip(seconds["Dask"], seconds["threads"], strict=True)]
    print(
        f"\nSeconds, Dask over threads, by turns: {', '.join(f'{r:.2f}' for r in ratios)}; ", end=""
    )
    print(f"median {median(ratios):.2f}")
    _say_what_travels(asked, client, X, y)
    _say_overhead(asked, client)


def _say_what_travels(asked: argparse.Namespace, client: Any, X: Any, y: Any) -> None:
    """A long fit less a short one: what is sent in the visits that it has more."""
    for count in (_count_sent, lambda: client.run(_count_sent)):
        count()
    found = []
    warnings.simplefilter("ignore")  # of few iterations
    for most in (1, 1000):
        before = _sent(client)
        visits = _regression(asked, max_iter=most).fit(X, y).n_passes_
        found.append((visits, _sent(client) - before))
    (few, first), (many, whole) = found
    here, workers = (whole - first) / (many - few)
    parameters = asked.classes * (asked.features + 1)
    print(f"Sent in a visit of {parameters} parameters: {here:,.0f} bytes by client and ", end="")
    print(f"scheduler, {workers:,.0f} by the workers; with the first visits {first.sum():,.0f}")


def _say_overhead(asked: argparse.Namespace, client: Any) -> None:
    """Visits to hardly any rows: what partitions cost by themselves."""
    from pminusy.estimators.distributed.learned import PartitionVisit
    from pminusy.training.objective import Objective
    from pminusy.training.scaling import choose_coordinates

    found = {}
    for partitions in (8, 128):
        few = vars(asked) | {"rows": 64 * partitions, "partitions": partitions}
        X, y = client.persist(list(_collections(argparse.Namespace(**few))))
        source = PartitionVisit(X, y, None, 1 << 20).source(None, 0.0)
        coordinates = choose_coordinates(source, fit_intercept=True)
        objective = Objective(source, 1.0, coordinates, dtype=np.float32)
        vector, took = np.zeros(objective.size), []
        for _ in range(2 + asked.rounds):
            used, begun = _processor_seconds_here(), time.perf_counter()
            objective.evaluate(vector)
            took.append((time.perf_counter() - begun, _processor_seconds_here() - used))
        found[partitions] = np.median(took[2:], axis=0) * 1e3
    wall, here = found[8]
    more, more_here = (found[128] - found[8]) / 120
    print(
        f"A visit to 8 partitions of 64 rows: {wall:.0f} ms; {here:.0f} ms of a processor ", end=""
    )
    print("by client and scheduler")
    print(f"Each partition more: {more:.2f} ms; {more_here:.2f} ms of a processor by those")


def _regression(asked: argparse.Namespace, **options: Any) -> pmy.SoftmaxRegression:
    return pmy.SoftmaxRegression(solver=asked.solver, **options)


def _collections(asked: argparse.Namespace) -> tuple[Any, Any]:
    """X float32 and y, drawn where they are."""
    import dask.array as da

    rows = -(-asked.rows // asked.partitions)
    weights = np.random.default_rng(0).normal(size=(asked.features, asked.classes)) / 3
    sizes = [rows] * (asked.rows // rows) + [asked.rows % rows] * bool(asked.rows % rows)

    def drawn(block_info: Any = None) -> Array:
        number = block_info[None]["chunk-location"][0]
        random = np.random.default_rng([1, number])
        return random.standard_normal((sizes[number], asked.features), dtype=np.float32)

    def labelled(X: Array, block_info: Any = None) -> Array:
        random = np.random.default_rng([2, block_info[None]["chunk-location"][0]])
        return np.asarray((X @ weights + random.gumbel(size=(len(X), asked.classes))).argmax(1))

    X = da.map_blocks(drawn, chunks=(tuple(sizes), (asked.features,)), dtype=np.float32)
    return X, X.map_blocks(labelled, dtype=np.int64, drop_axis=1)


def _processor_seconds(client: Any) -> float:
    """What client, scheduler and workers have used of processors so far."""
    there = client.run(_processor_seconds_here)
    return _processor_seconds_here() + float(sum(there.values()))


def _processor_seconds_here() -> float:
    used = os.times()
    return float(used.user + used.system)


def _count_sent() -> None:
    """From now on this process counts the bytes of the messages that it sends."""
    from distributed.comm.tcp import TCP

    kept: Any = TCP
    if hasattr(kept, "sent"):
        return
    kept.sent, whole = {"all": 0}, kept.write

    async def write(self: Any, message: Any, *arguments: Any, **options: Any) -> Any:
        number = await whole(self, message, *arguments, **options)
        kept.sent["all"] += int(number)
        return number

    kept.write = write


def _sent_here() -> int:
    from distributed.comm.tcp import TCP

    kept: Any = TCP
    return int(kept.sent["all"])


def _sent(client: Any) -> Array:
    """Bytes that client with scheduler, and workers, have sent so far."""
    return np.array([_sent_here(), sum(client.run(_sent_here).values())], float)


if __name__ == "__main__":
    main()
