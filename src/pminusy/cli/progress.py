"""The live line while a model is trained."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pminusy.learn.solvers.solution import Progress, ProgressCallback

__all__ = ["line_of", "training_progress"]

_KEPT = 400  # iterations that the estimate looks back on


@contextmanager
def training_progress() -> Iterator[ProgressCallback | None]:
    """Show objective, certificate, passes and time left on a terminal; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import Progress as Display
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from pminusy.api.training_options import TOL
    from pminusy.learn.time_left import time_left

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
            display.update(task, description=line_of(at, time_left(history, TOL)))

        yield update


def line_of(at: Progress, left: float | None) -> str:
    """One line about where a fit is.

    Examples
    --------
    >>> from pminusy.learn.solvers.solution import Progress
    >>> line_of(Progress(3, 0.25, 1e-3, 4.0, 0.5, 2, 11), 2.5)
    'problem 3 of 11   iteration 3   objective 0.250000   largest gradient entry 1.0e-03   \
passes 4   about 3 s left'
    """
    parts = [f"problem {at.problem + 1} of {at.problems}"] * (at.problems > 1)
    parts += [
        f"iteration {at.iteration}",
        f"objective {at.objective:.6f}",
        f"largest gradient entry {at.optimality:.1e}",
        f"passes {at.passes:.0f}",
    ]
    parts += [] if left is None else [f"about {_duration(left)} left"]
    return "   ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 99.5:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.0f} h"
