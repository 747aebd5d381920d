"""Steps of a schedule as tasks that any number of threads take, one after the other.

The tasks of all steps are numbered in the order of the specification: those of rows, those of
weights and, where gradients are clipped, those of the update. A thread takes the next number and
waits until all tasks of earlier kinds are done. Nobody is waited for who has not taken a task: one
thread alone does everything, and help may come late. Which thread did a task leaves no trace in
its result.
"""

# Numba infers the types of what it compiles; annotations would have no effect there.
# mypy: ignore-errors

from __future__ import annotations

import math

from pminusy.kernels.runtime.compilation import fast_inline, fast_jit
from pminusy.training.network.compiled.atomics import add_to, read, yield_processor
from pminusy.training.network.compiled.rows import row_task
from pminusy.training.network.compiled.weights import (
    clipped_update,
    gradient_task,
    update_task,
)

__all__ = ["DONE", "NEXT", "work"]

NEXT, DONE = 0, 16  # places of the counters, a line of cache apart
_PATIENCE = 2000  # looks at a counter before the processor is given up


@fast_jit
def work(blas, idle, counters, rows, layout, buffers, schedule, settings):
    """Take tasks until there are none; `idle` is the address of what gives up the processor."""
    row_tasks, weight_tasks = layout.row_tasks, layout.weight_tasks.shape[0]
    clips = settings.clip < math.inf
    step_tasks = row_tasks + weight_tasks + (weight_tasks if clips else 0)
    total = schedule.update.size * step_tasks
    while True:
        number = add_to(counters, NEXT, 1)
        if number >= total:
            return
        step, task = number // step_tasks, number % step_tasks
        if task < row_tasks:
            _wait(counters, number - task, idle)
            row_task(blas, rows, layout, buffers, schedule, settings, step, task)
        elif task < row_tasks + weight_tasks:
            _wait(counters, number - task + row_tasks, idle)
            task -= row_tasks
            gradient_task(blas, rows, layout, buffers, schedule, step, task)
            update_task(layout, buffers, schedule, settings, step, task)
        else:
            _wait(counters, number - task + row_tasks + weight_tasks, idle)
            task -= row_tasks + weight_tasks
            clipped_update(layout, buffers, schedule, settings, step, task)
        add_to(counters, DONE, 1)


@fast_inline
def _wait(counters, tasks, idle):
    """Wait until so many tasks are done."""
    looks = 0
    while read(counters, DONE) < tasks:
        looks += 1
        if looks > _PATIENCE:
            yield_processor(idle)
