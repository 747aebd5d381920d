"""A network of linear layers as an ONNX file: X in, label and probabilities out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto

from pminusy.errors import InputError
from pminusy.exchange.graph import Graph, Precision, check_request, write
from pminusy.exchange.head import give_linear_head, label_array
from pminusy.exchange.linear import every_class

__all__ = ["Layers", "add_hidden", "write_network"]


class Layers(NamedTuple):
    """What a trained network computes from its inputs.

    Attributes
    ----------
    coefs, intercepts
        Of each layer, (in, out) and (out,); the last are the head's.
    activation
        "relu", "tanh", "logistic", "identity" or "gelu", after every layer but the last.
    scaled
        Factor and summand by level, where batch norm comes before its activation; level 0 is X.
    """

    coefs: Sequence[NDArray[Any]]
    intercepts: Sequence[NDArray[Any]]
    activation: str
    scaled: Mapping[int, tuple[NDArray[Any], NDArray[Any]]]


def write_network(
    path: str | os.PathLike[str],
    layers: Layers,
    classes: ArrayLike,
    dtype: Precision,
    opset: int | None,
) -> None:
    """Write the network with input `X` (N, D); two classes may share one column of the head."""
    graph = Graph(check_request(path, dtype, opset), dtype)
    labels = label_array(classes)
    a = graph.as_float64(graph.take("X", layers.coefs[0].shape[0], graph.number))
    a = _scaled(graph, layers, 0, a)
    hidden = layers._replace(coefs=layers.coefs[:-1], intercepts=layers.intercepts[:-1])
    if hidden.coefs:
        a = add_hidden(graph, _affine(graph, a, hidden, 0), hidden)
    W, b = every_class(layers.coefs[-1].T, layers.intercepts[-1])
    give_linear_head(graph, a, W, b, labels)
    write(graph.model({}), path)


def add_hidden(graph: Graph, z: str, hidden: Layers) -> str:
    """From what the first of some hidden layers makes of its inputs to what the last gives on.

    Raises
    ------
    InputError
        gelu in float64, which no runtime has.
    """
    if hidden.activation == "gelu" and graph.number == TensorProto.DOUBLE:
        got = "gelu in float64, whose Erf no runtime has"
        raise InputError("ONNX model", "an activation that runtimes have", got, "dtype='float32'")
    a = _activated(graph, hidden.activation, _scaled(graph, hidden, 1, z))
    for level in range(2, len(hidden.coefs) + 1):
        z = _scaled(graph, hidden, level, _affine(graph, a, hidden, level - 1))
        a = _activated(graph, hidden.activation, z)
    return a


def _affine(graph: Graph, a: str, layers: Layers, layer: int) -> str:
    product = graph.add("MatMul", a, graph.constant(layers.coefs[layer].astype(np.float64)))
    return graph.add("Add", product, graph.constant(layers.intercepts[layer].astype(np.float64)))


def _scaled(graph: Graph, layers: Layers, level: int, z: str) -> str:
    """Batch norm of a level, with the running statistics of training."""
    if level not in layers.scaled:
        return z
    factor, summand = (graph.constant(v.astype(np.float64)) for v in layers.scaled[level])
    return graph.add("Add", graph.add("Mul", z, factor), summand)


def _activated(graph: Graph, activation: str, z: str) -> str:
    match activation:
        case "identity":
            return z
        case "gelu":  # a Φ(a)
            inner = graph.add("Div", z, graph.constant(np.sqrt(2.0)))
            erf = graph.add("Erf", graph.add("Cast", inner, to=TensorProto.FLOAT))
            twice = graph.add("Add", graph.as_float64(erf), graph.constant(1.0))
            return graph.add("Mul", graph.add("Mul", z, graph.constant(0.5)), twice)
        case _:
            return graph.add({"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}[activation], z)
