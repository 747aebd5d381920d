"""Runs a schedule: on the specification, or compiled, a stretch of steps a call on our threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.kernels import dispatch
from pminusy.kernels.runtime import threads
from pminusy.training.network import specification
from pminusy.training.network.data import Buffers, Rows, Schedule, Settings
from pminusy.training.network.layout import Layout, Network

__all__ = ["Trainer"]

Array = NDArray[Any]

_SMALL = 20_000_000  # multiplications of a whole fit that are not worth loading the compiler for
_ALONE = 8_000_000  # of a step: a helper shortens it by a tenth, and doubles it if it has to wait
_CALL = 2_000_000_000  # multiplications a call: after it an interrupt is seen


class Trainer:
    """Everything that steps need, and the way that they are run."""

    def __init__(
        self, network: Network, layout: Layout, rows: Rows, buffers: Buffers, settings: Settings,
        work: float,
    ) -> None:  # fmt: skip
        """`work` is the number of multiplications that the whole fit may come to."""
        self.network, self.layout, self.rows = network, layout, rows
        self.buffers, self.settings = buffers, settings
        what = f"{work:.1e} multiplications"
        self._compiled = dispatch.decide(int(work), _SMALL, lambda: what).name == "cpu"

    def stretches(self, schedule: Schedule) -> list[slice]:
        """Steps of each call."""
        steps = schedule.update.size
        length = max(1, min(steps, _CALL // self._a_step))
        return [slice(s, min(s + length, steps)) for s in range(0, steps, length)]

    @property
    def _a_step(self) -> int:
        """Multiplications of a step."""
        return max(1, 3 * self.layout.batch * self.network.decayed)

    def run(self, schedule: Schedule) -> None:
        """Do the steps of a schedule."""
        if not self._compiled:
            specification.run(
                self.network, self.layout, self.rows, self.buffers, schedule, self.settings
            )
            return
        from pminusy.training.network.compiled import atomics, products, steps

        counters = np.zeros(32, np.int64)
        blas, idle = products.gemm_address(self.buffers.theta.dtype), atomics.yield_address()

        def help_out(_: int) -> None:
            steps.work(
                blas, idle, counters, self.rows, self.layout, self.buffers, schedule, self.settings
            )

        tasks = max(self.layout.row_tasks, self.layout.weight_tasks.shape[0])
        threads.run(help_out, tasks if self._a_step >= _ALONE else 1)
