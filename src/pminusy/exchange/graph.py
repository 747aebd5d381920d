"""An ONNX graph as it grows, node by node, and the file it ends in.

Arithmetic is in float64 whatever goes in and out: the same digits as in Python.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any, Literal, Protocol, get_args

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from pminusy.errors import InputError
from pminusy.files import refuse_suffix, write_atomically

__all__ = ["OPSET", "Graph", "Nodes", "Precision", "check_request", "write"]

Precision = Literal["float64", "float32"]
"""Type of the numbers that go in and come out."""

OPSET = 17
"""Version of ONNX's operators that is written where none is asked for."""

_OLDEST, _OPSET_ML = 13, 3
_LARGEST = 2_000_000_000  # bytes of a message: protobuf cannot read more than 2 GiB
_SUFFIXES_OF_OTHERS = {
    ".safetensors",
    ".pkl",
    ".pickle",
    ".joblib",
    ".csv",
    ".html",
    ".json",
    ".pt",
}


class Nodes(Protocol):
    """What grows a graph: ours below, or another program's."""

    number: int
    """ONNX's type of the numbers that come out."""

    def constant(self, value: ArrayLike) -> str:
        """Name of an array that is part of the model; text is an array of strings."""

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Name of what a node makes of values."""

    def as_float64(self, value: str) -> str:
        """The same numbers as float64."""

    def give(self, name: str, value: str, kind: int, columns: int | None = None) -> None:
        """Declare an output: (N,), or (N, columns)."""


class Graph:
    """Nodes, constants, inputs and outputs of a graph; every value is known by its name.

    Parameters
    ----------
    opset
        Version of the operators, 13 or later.
    precision
        Type of the numbers that go in and come out.
    """

    def __init__(self, opset: int, precision: Precision) -> None:
        self._opset = opset
        self.number: int = TensorProto.DOUBLE if precision == "float64" else TensorProto.FLOAT
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._used = 0

    def constant(self, value: ArrayLike) -> str:
        """Name of an array that is part of the model; text is an array of strings."""
        name = self._name("constant")
        array = np.asarray(value)
        if array.dtype.kind == "U":
            cells: Any = [cell.encode() for cell in array.ravel().tolist()]
            tensor = helper.make_tensor(name, TensorProto.STRING, array.shape, cells)
        else:
            tensor = numpy_helper.from_array(np.asarray(array, order="C"), name)
        self._constants.append(tensor)
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Name of what a node makes of values."""
        name = self._name(op.lower())
        node = helper.make_node(op, list(inputs), [name], domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def as_float64(self, value: str) -> str:
        """The same numbers as float64."""
        return self.add("Cast", value, to=TensorProto.DOUBLE)

    def take(self, name: str, columns: int, kind: int) -> str:
        """Declare an input (N, columns) of a kind, such as `TensorProto.STRING`."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["N", columns]))
        return name

    def give(self, name: str, value: str, kind: int, columns: int | None = None) -> None:
        """Declare an output: (N,), or (N, columns)."""
        shape: list[str | int] = ["N"] if columns is None else ["N", columns]
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def model(self, about: dict[str, str]) -> Any:
        """The whole as a checked model, with sentences about it by name."""
        graph = helper.make_graph(
            self._nodes, "softmax_regression", self._inputs, self._outputs, self._constants
        )
        opsets = [
            helper.make_opsetid("", self._opset),
            helper.make_opsetid("ai.onnx.ml", _OPSET_ML),
        ]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="pminusy",
            producer_version=version("pminusy"),
        )
        helper.set_model_props(model, about)
        return model

    def _name(self, kind: str) -> str:
        self._used += 1  # inputs have names of columns: those end in no such number
        return f"pminusy {kind} {self._used}"


def check_request(path: Any, dtype: Any, opset: Any) -> int:
    """Version of the operators; what cannot be written is refused before any work is done for it.

    Raises
    ------
    InputError
        A path of another format, an unknown type, operators older than 13 or newer than the
        installed package knows.
    """
    refuse_suffix("ONNX file", path, ".onnx", _SUFFIXES_OF_OTHERS)
    if dtype not in get_args(Precision):
        raise InputError("dtype", "'float64' or 'float32'", repr(dtype))
    if opset is None:
        return OPSET
    newest = onnx.defs.onnx_opset_version()
    whole = isinstance(opset, int | np.integer) and not isinstance(opset, bool)
    if not whole or not _OLDEST <= opset <= newest:
        remedy = f"leave it out for {OPSET}, which every runtime since 2022 reads"
        raise InputError("opset", f"a version from {_OLDEST} to {newest}", repr(opset), remedy)
    return int(opset)


def write(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model whole or not at all.

    Raises
    ------
    InputError
        A model above 2 GB, which the format cannot hold; a place that cannot be written.
    """
    size = model.ByteSize()
    if size > _LARGEST:
        got = f"{size:,} bytes"
        raise InputError(
            "ONNX file", f"up to {_LARGEST:,} bytes, which is what the format holds", got
        )
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    write_atomically(path, lambda stream: stream.write(data))
