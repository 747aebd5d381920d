"""Targets as they are given: classes by index or name, ignored rows, and soft targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pminusy.arguments import no_class_to_ignore
from pminusy.derivation.input.reading import as_typed, label_of, masses, names_of
from pminusy.derivation.input.request import Request
from pminusy.errors import InputError

__all__ = ["Targets", "batch_targets", "class_names", "network_targets", "sample_target"]


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets as masses Y (N, K), and labels (N,) where they are classes, −1 where ignored.

    `typed` has the masses as they were typed, where no float64 holds them.
    """

    Y: Any
    labels: Any = None
    typed: Any = None

    @property
    def exact(self) -> Any:
        """The masses to the last digit of what was typed (N, K)."""
        return self.Y if self.typed is None else self.typed

    @property
    def ignored(self) -> Any:
        """Which rows are ignored (N,)."""
        return np.zeros(len(self.Y), dtype=bool) if self.labels is None else self.labels < 0

    def of(self, row: int) -> tuple[Any, int | None]:
        """Target of one row, and its class."""
        c = None if self.labels is None else int(self.labels[row])
        return self.exact[row], c


def class_names(request: Request, K: int) -> tuple[str, ...]:
    """Names of the classes, or their indices."""
    return names_of("classes", request.classes, list(map(str, range(K))))


def sample_target(request: Request, K: int) -> tuple[Any, int | None]:
    """Target of one sample as a vector, and its class if it has one: −1 where it is ignored."""
    y = request.y
    if not isinstance(y, str) and np.ndim(y) > 0:
        no_class_to_ignore(request.options.ignore_index)
        return as_typed(y, masses(y, (K,), f"a class or {K} target masses")), None
    return _of_labels([y], class_names(request, K), request.options.ignore_index).of(0)


def batch_targets(request: Request, N: int, K: int) -> Targets:
    """Targets of the N rows of a batch."""
    y = request.y
    if np.ndim(y) != 1:
        no_class_to_ignore(request.options.ignore_index)
        soft = np.empty(()) if isinstance(y, str) or np.ndim(y) == 0 else y
        Y = masses(soft, (N, K), f"{N} classes or target masses ({N}, {K})")
        return Targets(Y, typed=as_typed(soft, Y))
    if len(y) != N:
        raise InputError("y", f"{N} targets, one a row", f"{len(y)}")
    return _of_labels(list(y), class_names(request, K), request.options.ignore_index)


def network_targets(request: Request, N: int) -> Targets:
    """Targets of the N rows that a network takes: they say how many classes there are."""
    y, classes, options = request.y, request.classes, request.options
    if np.ndim(y) == 2:
        no_class_to_ignore(options.ignore_index)
        K = max(2, np.shape(y)[1])
        return Targets(masses(y, (N, K), f"({N}, K) target masses, K at least 2"))
    listed = [y] if np.ndim(y) == 0 else list(y)
    if len(listed) != N:
        raise InputError("y", f"{N} classes, one a row of x", f"{len(listed)}")
    if classes is not None:
        return _of_labels(listed, tuple(classes), options.ignore_index)
    if any(isinstance(v, bool) or not isinstance(v, int | np.integer) for v in listed):
        raise InputError("y", "class indices", repr(listed[0]), "or name the classes")
    weights = 0 if options.weight is None else len(options.weight)
    counted = [int(v) for v in listed if v != options.ignore_index]
    names = tuple(map(str, range(max(2, weights, *(v + 1 for v in counted)))))
    return _of_labels(listed, names, options.ignore_index)


def _of_labels(listed: list[Any], names: tuple[str, ...], ignore_index: int) -> Targets:
    labels = np.array([label_of(v, names, ignore_index) for v in listed])
    return Targets((labels[:, None] == np.arange(len(names))).astype(float), labels)
