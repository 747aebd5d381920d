"""A linear classifier of arrays as an ONNX file: X in, label and probabilities out."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pminusy.exchange.graph import Graph, Precision, check_request, write
from pminusy.exchange.head import give_linear_head, label_array

__all__ = ["every_class", "write_linear"]


def write_linear(
    path: str | os.PathLike[str],
    W: ArrayLike,
    b: ArrayLike,
    classes: ArrayLike,
    dtype: Precision,
    opset: int | None,
) -> None:
    """Write p = softmax(X Wᵀ + b) with input `X` (N, D); two classes may share one row of W."""
    graph = Graph(check_request(path, dtype, opset), dtype)
    W, b = every_class(W, b)
    X = graph.take("X", W.shape[1], graph.number)
    give_linear_head(graph, graph.as_float64(X), W, b, label_array(classes))
    write(graph.model({}), path)


def every_class(W: Any, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (K, D) and bias (K,), float64, a row for each of two classes too.

    >>> every_class([[2.0]], [1.0])[0]
    array([[0.],
           [2.]])
    """
    W = np.asarray(W.toarray() if hasattr(W, "toarray") else W, np.float64)
    b = np.broadcast_to(np.asarray(b, np.float64), len(W))
    if len(W) > 1:
        return W, b
    return np.vstack([np.zeros_like(W), W]), np.append(0.0, b)
