"""What columns of a table add to the logits, as nodes of a graph.

Each column is an input (N, 1) under its own name: numbers (NaN where missing), categories as text
("" where missing), dates as whole microseconds since 1970-01-01 (the smallest int64 where missing,
as NumPy has it in `datetime64[us]`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from pminusy.exchange.graph import Graph
from pminusy.tables.columns.date_column import DateColumn
from pminusy.tables.columns.dates import PARTS
from pminusy.tables.schema import CategoryColumn, NumberColumn

__all__ = ["Placed", "add_categories", "add_dates", "add_numbers"]

Matrix = NDArray[np.float64]

_NO_DATE = np.iinfo(np.int64).min
_MICROSECONDS_A_DAY = 86_400e6
_YEAR = 365.2425


class Placed(NamedTuple):
    """A column, the name of its input, and the weights (K, n) of its n features."""

    column: NumberColumn | CategoryColumn | DateColumn
    input: str
    W: Matrix


def add_numbers(graph: Graph, placed: Sequence[Placed], marks: Sequence[str]) -> str:
    """Logits (N, K) of all columns of numbers: (x − mean) / scale and whether x is missing."""
    columns = [each.column for each in placed if isinstance(each.column, NumberColumn)]
    inputs = [graph.take(each.input, 1, graph.number) for each in placed]
    x = graph.as_float64(graph.add("Concat", *inputs, axis=1))
    missing = _missing_numbers(graph, x, marks)
    medians = graph.constant(np.array([[c.median for c in columns]]))
    filled = graph.add("Where", missing, medians, x)
    scales = [[c.scale if c.varies else 1.0 for c in columns]]
    standard = _standardised(graph, filled, [[c.mean for c in columns]], scales)
    K = len(placed[0].W)
    own = [
        each.W[:, 0] if c.varies else np.zeros(K) for each, c in zip(placed, columns, strict=True)
    ]
    z = _times(graph, standard, np.array(own))
    if not any(c.indicator for c in columns):
        return z
    absent = [
        each.W[:, -1] if c.indicator else np.zeros(K)
        for each, c in zip(placed, columns, strict=True)
    ]
    return graph.add("Add", z, _times(graph, graph.as_float64(missing), np.array(absent)))


def _missing_numbers(graph: Graph, x: str, marks: Sequence[str]) -> str:
    """Which numbers are NaN, or one that the table's reading takes as missing."""
    missing = graph.add("IsNaN", x)
    for mark in marks:
        try:
            number = float(mark)
        except ValueError:
            continue
        equal = graph.add("Equal", x, graph.constant(np.array([[number]])))
        missing = graph.add("Or", missing, equal)
    return missing


def add_categories(graph: Graph, placed: Placed, marks: Sequence[str]) -> str:
    """Logits (N, K) of a column of categories: the weights of the feature that is 1."""
    column = placed.column
    assert isinstance(column, CategoryColumn)
    features = placed.W.shape[1]
    none = features  # the last row of the table below: nothing is added
    first = 1 if column.reference else 0
    codes = {
        name: code - first if code >= first else none for code, name in enumerate(column.categories)
    }
    unseen = len(column.categories) - first if column.pooled else none
    if column.dtype == "Boolean":  # read without regard to case
        codes |= {f(name): code for name, code in codes.items() for f in (str.title, str.upper)}
    missing = features - 1 if column.has_missing else none
    codes = {"": missing} | codes | dict.fromkeys(marks, missing)
    text = graph.take(placed.input, 1, TensorProto.STRING)
    code = graph.add(
        "LabelEncoder", text, domain="ai.onnx.ml",
        keys_strings=list(codes), values_int64s=list(codes.values()), default_int64=unseen,
    )  # fmt: skip
    code = graph.add("Reshape", code, graph.constant(np.array([-1])))
    table = np.vstack([placed.W.T, np.zeros(len(placed.W))])
    return graph.add("Gather", graph.constant(table), code, axis=0)


def add_dates(graph: Graph, placed: Placed) -> str:
    """Logits (N, K) of a column of dates: the parts that training saw vary."""
    column = placed.column
    assert isinstance(column, DateColumn)
    stamps = graph.take(placed.input, 1, TensorProto.INT64)
    missing = graph.add("Equal", stamps, graph.constant(np.array([[_NO_DATE]])))
    days = graph.add("Div", graph.as_float64(stamps), graph.constant(_MICROSECONDS_A_DAY))
    terms = []
    if column.parts:
        parts = [_part(graph, days, part.part, column.origin) for part in column.parts]
        values = _standardised(
            graph,
            graph.add("Concat", *parts, axis=1),
            [[part.mean for part in column.parts]],
            [[part.scale for part in column.parts]],
        )
        present = graph.add("Where", missing, graph.constant(0.0), values)
        terms.append(_times(graph, present, placed.W[:, : len(parts)].T))
    if column.indicator:
        terms.append(_times(graph, graph.as_float64(missing), placed.W[:, -1:].T))
    return graph.add("Sum", *terms)


def _part(graph: Graph, days: str, part: str, origin: float) -> str:
    """One of `dates.PARTS` of days since 1970-01-01, which was a Thursday."""
    if part == PARTS[0]:
        return graph.add("Sub", days, graph.constant(origin))
    cycle = part.partition(" ")[0]
    if cycle in ("weekly", "weekend"):
        whole = graph.add("Add", graph.add("Floor", days), graph.constant(3.0))
        weeks = graph.add("Floor", graph.add("Div", whole, graph.constant(7.0)))
        weekday = graph.add("Sub", whole, graph.add("Mul", weeks, graph.constant(7.0)))
        if cycle == "weekend":
            late = graph.add("GreaterOrEqual", weekday, graph.constant(5.0))
            return graph.as_float64(late)
        angle = graph.add("Mul", weekday, graph.constant(2 * np.pi / 7))
    else:
        turns = {"yearly": 2 * np.pi / _YEAR, "daily": 2 * np.pi}[cycle]
        angle = graph.add("Mul", days, graph.constant(turns))
    return graph.add("Sin" if part.endswith("sine") and "cosine" not in part else "Cos", angle)


def _standardised(
    graph: Graph, x: str, mean: Sequence[Sequence[float]], scale: Sequence[Sequence[float]]
) -> str:
    centred = graph.add("Sub", x, graph.constant(np.array(mean)))
    return graph.add("Div", centred, graph.constant(np.array(scale)))


def _times(graph: Graph, x: str, W: Matrix) -> str:
    """X (N, n) times W (n, K)."""
    return graph.add("MatMul", x, graph.constant(W))
