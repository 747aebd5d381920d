"""Run an ONNX file as its users do: columns in, label and probabilities out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
from numpy.typing import NDArray

__all__ = ["run", "run_table"]

_TYPES = {"tensor(double)": np.float64, "tensor(float)": np.float32}


def run(path: str | Path, feed: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Labels and probabilities."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    label, probabilities = session.run(["label", "probabilities"], feed)
    return label, probabilities


def run_table(path: str | Path, table: pl.DataFrame) -> tuple[NDArray[Any], NDArray[Any]]:
    """The same of a table, each column written as the input of its name wants it."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {
        value.name: _as_input(table[value.name.removesuffix(" (column)")], value.type)
        for value in session.get_inputs()
    }
    return run(path, feed)


def _as_input(column: pl.Series, kind: str) -> NDArray[Any]:
    match kind:
        case "tensor(string)":
            cells: Any = ["" if cell is None else _text(cell) for cell in column]
            array: NDArray[Any] = np.array(cells, object)
        case "tensor(int64)":
            stamps = [np.datetime64("NaT") if cell is None else _stamp(cell) for cell in column]
            array = np.array(stamps, "datetime64[us]").astype(np.int64)
        case _:
            array = column.cast(pl.Float64).to_numpy().astype(_TYPES[kind])
    return array.reshape(-1, 1)


def _text(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _stamp(cell: Any) -> np.datetime64:
    return np.datetime64(datetime.fromisoformat(cell) if isinstance(cell, str) else cell, "us")
