"""The model of a table as an ONNX file: raw columns in, label and probabilities out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pminusy.api.fitted import Fitted
from pminusy.api.onnx.columns import Placed, add_categories, add_dates, add_numbers
from pminusy.errors import InputError
from pminusy.exchange.graph import Graph, Precision, check_request, write
from pminusy.exchange.head import Cut, give_head
from pminusy.exchange.network import Layers, add_hidden
from pminusy.tables.schema import CategoryColumn, DateColumn, NumberColumn, Schema, WordsColumn
from pminusy.tables.wording import shown, word
from pminusy.training.network.hidden import HiddenLayers

__all__ = ["write_table_model"]

Array = NDArray[Any]

_OUTPUTS = ("label", "probabilities")


def write_table_model(
    model: Fitted,
    path: str | os.PathLike[str],
    dtype: Precision,
    opset: int | None,
) -> None:
    """Write the model of a table; see `TableModel.to_onnx`."""
    graph = Graph(check_request(path, dtype, opset), dtype)
    schema = model.schema
    marks = schema.reading.missing
    W, b = (model.W, model.b) if model.hidden is None else _first_layer(model.hidden)
    placed = list(_placed(schema, W))
    numbers = [each for each in placed if isinstance(each.column, NumberColumn)]
    terms = [graph.constant(b[None, :])]
    if numbers:
        terms.append(add_numbers(graph, numbers, marks))
    for each in placed:
        if isinstance(each.column, CategoryColumn):
            terms.append(add_categories(graph, each, marks))
        elif isinstance(each.column, DateColumn):
            terms.append(add_dates(graph, each))
    known = model.threshold
    cut = None if known is None else Cut(known.positive, known.log_odds)
    z = graph.add("Sum", *terms)
    if model.hidden is not None:
        z = _through(graph, z, model.hidden, model)
    give_head(graph, z, _labels(schema), cut)
    about = {"target": schema.target, "classes": json.dumps(schema.classes)}
    write(graph.model(about), path)


def _first_layer(hidden: HiddenLayers) -> tuple[Array, Array]:
    """Weights (units, D) and bias (units,) of the first hidden layer."""
    return hidden.coefs[0].T, hidden.intercepts[0]


def _through(graph: Graph, z: str, hidden: HiddenLayers, model: Fitted) -> str:
    """From what the first hidden layer makes of the features to the logits."""
    scaled = {norm.level: norm.factor_and_summand() for norm in hidden.norms}
    layers = Layers(hidden.coefs, hidden.intercepts, hidden.activation, scaled)
    a = add_hidden(graph, z, layers)
    product = graph.add("MatMul", a, graph.constant(model.W.T))
    return graph.add("Add", product, graph.constant(model.b))


def _placed(schema: Schema, W: NDArray[np.float64]) -> Iterator[Placed]:
    """Columns with the names of their inputs and their weights, in the order of the model."""
    taken = {*_OUTPUTS, ""}
    first = 0
    for column in schema.columns:
        if isinstance(column, WordsColumn):  # ONNX splits no text by the letters of all languages
            expected, got = (
                "columns of numbers, categories and dates",
                f"words in {shown(column.name)}",
            )
            remedy = f"fit it again with --as {word(column.name)}=category, or with it dropped"
            raise InputError("ONNX", expected, got, remedy)
        last = first + len(column.feature_names)
        name = column.name
        while name in taken:  # an output, or no name at all
            name += " (column)"
        taken.add(name)
        yield Placed(column, name, W[:, first:last])
        first = last


def _labels(schema: Schema) -> NDArray[Any]:
    """Labels of the type that the target column had."""
    labels: NDArray[Any] = np.array(schema.classes)
    match schema.target_dtype:
        case "Boolean":
            labels = labels == "true"
        case "Int64" | "UInt64" | "Float64" as dtype:
            labels = labels.astype(np.dtype(dtype.lower()))
    return labels
