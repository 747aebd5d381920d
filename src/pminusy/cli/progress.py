"""Progress of training, on one line of the terminal."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pminusy.training.solvers.solution import Progress, ProgressCallback

__all__ = ["line_of", "rows_progress", "training_progress"]

_KEPT = 400  # iterations that the estimate looks back on
_BESIDE = 11  # columns of the spinner and the clock, with the space between


@contextmanager
def training_progress(tol: float | None = None) -> Iterator[ProgressCallback | None]:
    """Show objective, certificate, passes and time left on a terminal; elsewhere nothing.

    `tol` is where the certificate is going, the default of `fit_table` if not given.
    """
    from rich.console import Console
    from rich.progress import Progress as Display
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from pminusy.api.fit.training_options import TOL
    from pminusy.training.time_left import time_left

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    began = time.perf_counter()
    history: list[Progress] = []
    with Display(*columns, console=console, transient=True) as display:
        task = display.add_task("reading the table", total=None)

        def update(at: Progress) -> None:
            if at.problems > 1:  # the clock of a problem starts anew with each
                at = at._replace(seconds=time.perf_counter() - began)
            history.append(at)
            del history[:-_KEPT]
            line = line_of(
                at, time_left(history, TOL if tol is None else tol), console.width - _BESIDE
            )
            display.update(task, description=line)

        yield update


@contextmanager
def rows_progress() -> Iterator[Callable[[int, int], None] | None]:
    """Show how many rows are done, of how many, and the time left on a terminal; else nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Display

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    bar = BarColumn(20)
    columns = SpinnerColumn(), TextColumn("{task.description}"), bar, TimeRemainingColumn()
    with Display(*columns, console=console, transient=True) as display:
        task = display.add_task("reading the table", total=None)

        def update(done: int, rows: int) -> None:
            display.update(task, description=f"{done:,} of {rows:,} rows", completed=done,
                           total=rows)  # fmt: skip

        yield update


def line_of(at: Progress, left: float | None, width: int = 200) -> str:
    """One line about where a fit is; where it is too narrow, without what matters least.

    Examples
    --------
    >>> from pminusy.training.solvers.solution import Progress
    >>> line_of(Progress(3, 0.25, 1e-3, 4.0, 0.5, 2, 11), 2.5)
    'problem 3 of 11   iteration 3   objective 0.250000   largest gradient entry 1.0e-03   \
passes 4   about 3 s left'
    """
    objective = f"{at.objective:.6f}" if abs(at.objective) >= 1e-3 else f"{at.objective:.3e}"
    problem = f"problem {at.problem + 1} of {at.problems}" if at.problems > 1 else ""
    remaining = "" if left is None else f"about {_duration(left)} left"
    if math.isnan(at.optimality):  # a network: its passes are epochs
        return f"epoch {at.iteration}   training loss {objective}"[:width]
    passes, iteration = f"passes {at.passes:.0f}", f"iteration {at.iteration}"
    gradient = f"gradient entry {at.optimality:.1e}"
    lines = (
        (problem, iteration, f"objective {objective}", f"largest {gradient}", passes, remaining),
        (problem, f"objective {objective}", gradient, passes, remaining),
        (problem, gradient, passes, remaining),
        (problem, passes, remaining),
        (passes, remaining),
    )
    shown = ["   ".join(filter(None, parts)) for parts in lines]
    return next((line for line in shown if len(line) <= width), shown[-1][:width])


def _duration(seconds: float) -> str:
    if seconds < 99.5:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.0f} h"
