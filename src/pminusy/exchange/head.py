"""The head as nodes of a graph: logits to the most probable label and the probabilities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper

from pminusy.errors import InputError
from pminusy.exchange.graph import Nodes

__all__ = ["Cut", "give_head", "give_linear_head", "label_array"]


class Cut(NamedTuple):
    """Of two classes the positive one is predicted from this difference of logits on."""

    positive: int
    log_odds: float


_KINDS = {"U": TensorProto.STRING, "b": TensorProto.BOOL}


def give_linear_head(
    graph: Nodes, X: str, W: ArrayLike, b: ArrayLike, labels: NDArray[Any]
) -> None:
    """Outputs `label` and `probabilities` of z = X Wᵀ + b, float64."""
    product = graph.add("MatMul", X, graph.constant(np.asarray(W, np.float64).T))
    z = graph.add("Add", product, graph.constant(np.asarray(b, np.float64)))
    give_head(graph, z, labels)


def give_head(graph: Nodes, z: str, labels: NDArray[Any], cut: Cut | None = None) -> None:
    """Outputs `label` (N,) and `probabilities` (N, K) of logits z (N, K), float64.

    The most probable class is found in the logits, and the first of several, as in Python; or, of
    two classes, the one on its side of a cut.
    """
    best = graph.add("ArgMax", z, axis=1, keepdims=0) if cut is None else _decided(graph, z, cut)
    names = graph.constant(labels)
    kind = _KINDS.get(labels.dtype.kind) or helper.np_dtype_to_tensor_dtype(labels.dtype)
    graph.give("label", graph.add("Gather", names, best, axis=0), kind)
    p = graph.add("Cast", graph.add("Softmax", z, axis=1), to=graph.number)
    graph.give("probabilities", p, graph.number, columns=labels.size)


def _decided(graph: Nodes, z: str, cut: Cut) -> str:
    """Index of the class (N,) of two."""
    other = 1 - cut.positive
    ours, theirs = (
        graph.add("Gather", z, graph.constant(np.array(k)), axis=1) for k in (cut.positive, other)
    )
    against = graph.add("Sub", ours, theirs)
    positive = graph.add("GreaterOrEqual", against, graph.constant(cut.log_odds))
    return graph.add(
        "Where", positive, graph.constant(np.array(cut.positive)), graph.constant(np.array(other))
    )


def label_array(classes: ArrayLike) -> NDArray[Any]:
    """Classes as an array of a type that ONNX has: text, truth values or numbers.

    Raises
    ------
    InputError
        Classes of another type, such as dates.
    """
    labels = np.asarray(classes)
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind in "US":
        return labels.astype(str)
    if labels.dtype.kind == "b" or (labels.dtype.kind in "iuf" and labels.dtype.itemsize <= 8):
        return labels
    got = f"classes such as {labels.ravel()[0]!r}"
    raise InputError("ONNX model", "classes that are text, truth values or numbers", got)
