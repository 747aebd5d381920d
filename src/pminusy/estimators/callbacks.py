"""scikit-learn's callbacks (`ProgressBar` and others): each iteration of a fit is a task of theirs.

Version 1.9 brought them; before, `set_callbacks` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.training.solvers.solution import Progress, ProgressCallback, StopFit, TrainingLog

__all__ = ["CallbackSupport", "FitTask", "fit_task"]

Array = NDArray[Any]


class _NoCallbacks:
    def set_callbacks(self, *callbacks: Any) -> Any:
        """Refuse: this scikit-learn has no callbacks."""
        import sklearn

        raise InputError("set_callbacks", "scikit-learn 1.9 or later", sklearn.__version__)


def _support() -> Any:
    try:
        from sklearn.callback import CallbackSupportMixin
    except ImportError:
        return _NoCallbacks
    return CallbackSupportMixin


CallbackSupport: Any = _support()


class FitTask:
    """A fit in progress as callbacks see it.

    Parameters
    ----------
    estimator
        What is being fitted.
    rows
        X, y and metadata, by those names.
    subtasks
        The largest number of iterations, or of problems.
    name
        Of a subtask.
    """

    def __init__(self, estimator: Any, rows: dict[str, Any], subtasks: int, name: str) -> None:
        self._estimator, self._rows, self._name = estimator, rows, name
        # one more than there are: a task begins before it is known whether it is needed
        self._left = subtasks + 1
        self._root = estimator._init_callback_context(max_subtasks=self._left)
        self._root.call_on_fit_task_begin(estimator=estimator, **rows)
        self._subtask: Any = None
        self._begin(None)

        self._idle = True

    def advance(self, attributes: Callable[[], dict[str, Any]] | None) -> bool:
        """End a subtask, begin the next; whether some callback wants the fit to end.

        `attributes` are those of an estimator as if the fit ended here.
        """
        self._idle = False
        stop = self._end(attributes)
        self._begin(attributes)
        return stop

    def finish(self, attributes: Callable[[], dict[str, Any]] | None = None) -> None:
        """End the fit; one that took no iteration has one all the same."""
        if self._idle:
            self.advance(attributes)
        self._end(None)  # begun in vain
        self._root.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes=dict, **self._rows
        )

    def reporter(
        self, also: ProgressCallback | None, attributes: Callable[[Array], dict[str, Any]]
    ) -> tuple[ProgressCallback, Callable[[TrainingLog], None]]:
        """What a log calls after each iteration, and what tells it the log."""
        logs: list[TrainingLog] = []

        def report(progress: Progress) -> None:
            if also is not None:
                also(progress)
            vector = logs[0].best
            if progress.iteration == 0 or vector is None:
                return
            if self.advance(lambda: attributes(vector)):
                raise StopFit

        return report, logs.append

    def _begin(self, attributes: Callable[[], dict[str, Any]] | None) -> None:
        if self._left == 0:
            return
        self._left -= 1
        self._subtask = self._root.subcontext(task_name=self._name)
        self._subtask.call_on_fit_task_begin(
            estimator=self._estimator, reconstruction_attributes=attributes, **self._rows
        )

    def _end(self, attributes: Callable[[], dict[str, Any]] | None) -> bool:
        if self._subtask is None:
            return False
        ended, self._subtask = self._subtask, None
        return bool(
            ended.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=attributes, **self._rows
            )
        )


def fit_task(
    estimator: Any, X: Any, y: Any, weight: Any, subtasks: int, name: str
) -> FitTask | None:
    """The task of a fit; None where no callback is set."""
    if not getattr(estimator, "_skl_callbacks", ()):
        return None
    metadata = None if weight is None else {"sample_weight": weight}
    return FitTask(estimator, {"X": X, "y": y, "metadata": metadata}, subtasks, name)
