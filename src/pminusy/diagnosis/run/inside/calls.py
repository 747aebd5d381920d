"""Programs of calls: what the checker asks of a submission, and its answers as plain data.

A program is a list of steps on numbered results:

    {"call": name, "args": [...], "kwargs": {...}}     a function, or a class to make an object
    {"on": k, "call": name, ...}                       a method of result k
    {"on": k, "set": name, "value": ...}  {"on": k, "get": name}
    {"on": k, "each": name}                            an attribute of every object in nested lists
    {"value": argument}                                an argument that later steps share

and an argument is {"array": i}, {"value": x}, {"list": i} (nested lists), {"result": [k, ...]} (a
result of an earlier step, or a part of it), {"dict": {name: argument}}, {"tensor": i} (of torch) or
{"objects": [i, name]}: nested lists of a class's objects, one made of each number.
"""

from __future__ import annotations

import random
import sys
import traceback
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .wire import LARGEST_ARRAYS

__all__ = ["perform"]

Array = np.ndarray[Any, Any]
_DEEPEST, _MOST_PARTS = 5, 64


def perform(
    namespace: dict[str, Any], program: dict[str, Any], arrays: list[Array]
) -> tuple[dict[str, Any], list[Array]]:
    """Run a program; the answer says what came back, or what was raised and where."""
    if program.get("readonly"):
        for array in arrays:
            array.setflags(write=False)
    before = [array.tobytes() for array in arrays]
    if program.get("seed") is not None:
        random.seed(program["seed"])
        np.random.seed(program["seed"])  # noqa: NPY002  # what learners' dropout draws from
    results: list[Any] = []
    out: list[Array] = []
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(), _precision_of_torch():
            warnings.simplefilter("ignore")
            for step in program["steps"]:
                results.append(_step(step, namespace, results, arrays))
            trees = [_encode(_pick(results, path), out, 0) for path in program["return"]]
    except BaseException as error:
        return {"ok": False, "error": _describe(error)}, []
    finally:
        for result in results:
            if isinstance(result, types.CoroutineType):
                result.close()  # nobody awaits it, and nobody is to be warned of that
    changed = [
        i for i, (a, old) in enumerate(zip(arrays, before, strict=True)) if a.tobytes() != old
    ]
    after = []
    if program.get("after"):
        after = list(range(len(out), len(out) + len(arrays)))
        out += arrays
    return {"ok": True, "results": trees, "changed": changed, "after": after}, out


def _step(step: dict[str, Any], namespace: dict[str, Any], results: list[Any], arrays: Any) -> Any:
    def value(argument: dict[str, Any]) -> Any:
        ((kind, content),) = argument.items()
        match kind:
            case "array":
                return arrays[content]
            case "list":
                return arrays[content].tolist()
            case "tensor":
                return _tensor(arrays[content])
            case "objects":
                return _objects(arrays[content[0]].tolist(), namespace[content[1]])
            case "result":
                return _pick(results, content)
            case "dict":
                return {name: value(part) for name, part in content.items()}
            case _:
                return content

    owner = results[step["on"]] if "on" in step else None
    if list(step) == ["value"]:
        return value(step["value"])
    if "set" in step:
        if isinstance(owner, dict):
            owner[step["set"]] = value(step["value"])
        else:
            setattr(owner, step["set"], value(step["value"]))
        return None
    if "each" in step:
        return _each(owner, step["each"])
    if "get" in step:
        return getattr(owner, step["get"])
    function = _named(namespace, step["call"]) if owner is None else getattr(owner, step["call"])
    keywords = {name: value(part) for name, part in step.get("kwargs", {}).items()}
    return function(*map(value, step.get("args", [])), **keywords)


@contextmanager
def _precision_of_torch() -> Iterator[None]:
    """The type of new tensors is afterwards what it was: other calls follow in this process."""
    before = _default_of_torch()
    try:
        yield
    finally:
        if _default_of_torch() != before:
            sys.modules["torch"].set_default_dtype(before or sys.modules["torch"].float32)


def _default_of_torch() -> Any:
    """The type of new tensors; None where torch is not loaded, or is a file of the submission's."""
    asked = getattr(sys.modules.get("torch"), "get_default_dtype", None)
    return None if asked is None else asked()


def _tensor(array: Array) -> Any:
    """A tensor of torch over the same numbers; new tensors are as precise."""
    import torch

    torch.set_default_dtype(torch.float64)
    return torch.from_numpy(array)


def _objects(numbers: Any, kind: Any) -> Any:
    """An object of each number in nested lists."""
    if isinstance(numbers, list):
        return [_objects(number, kind) for number in numbers]
    return kind(numbers)


def _each(tree: Any, name: str) -> Any:
    """An attribute of every object in nested lists."""
    if isinstance(tree, list | tuple):
        return [_each(part, name) for part in tree]
    return getattr(tree, name)


def _numbers(value: Any) -> Any:
    """A tensor as an array, a scalar that keeps its derivative as a number; else the same."""
    kind = type(value)
    if kind.__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if kind in (tuple, list) and value and all(_is_scalar(item) for item in value):
        return [item.data for item in value]
    return value.data if _is_scalar(value) else value


def _is_scalar(value: Any) -> bool:
    """Whether it is an object with a number and its derivative, as scalar engines have them."""
    if isinstance(value, np.ndarray | np.generic) or not hasattr(value, "grad"):
        return False
    return isinstance(getattr(value, "data", None), int | float | np.floating)


def _named(namespace: dict[str, Any], name: str) -> Any:
    """`function`, or `Class.method`."""
    first, *rest = name.split(".")
    if first not in namespace:
        raise NameError(f"name '{first}' is not there once the file has run")
    found = namespace[first]
    for attribute in rest:
        found = getattr(found, attribute)
    return found


def _pick(results: list[Any], path: list[Any]) -> Any:
    found = results[path[0]]
    for part in path[1:]:
        found = found[part]
    return found


def _encode(value: Any, out: list[Array], depth: int) -> dict[str, Any]:
    """A result as a tree of numbers, arrays, tuples and dictionaries; anything else by its type."""
    value = _numbers(value)
    if value is None:
        return {"none": True}
    if type(value) in (bool, int, float) or isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        plain = np.ndarray.view(value, np.ndarray)
        if plain.dtype.kind not in "?bBhHiIlLefdqQu" or plain.dtype.itemsize > 8:
            return {"other": f"an array of {plain.dtype}"}
        if plain.nbytes + sum(array.nbytes for array in out) > LARGEST_ARRAYS // 2:
            return {"other": f"an array of shape {plain.shape}, larger than any answer"}
        if len(out) >= _MOST_PARTS:
            return {"other": "too many arrays"}
        out.append(np.array(plain))
        return {"array": len(out) - 1, "matrix": type(value) is np.matrix}
    if type(value) in (tuple, list) and depth < _DEEPEST:
        if value and all(type(item) in (int, float) for item in value):
            return _encode(np.asarray(value), out, depth)
        if _is_matrix(value):
            return _encode(np.asarray(value), out, depth)
        return {"tuple": [_encode(item, out, depth + 1) for item in value[:_MOST_PARTS]]}
    if type(value) is dict and depth < _DEEPEST:
        items = list(value.items())[:_MOST_PARTS]
        return {"dict": {str(k)[:80]: _encode(item, out, depth + 1) for k, item in items}}
    return {"other": f"a {type(value).__name__[:80]}"}


def _is_matrix(value: Any) -> bool:
    """Whether it is a list of equally long rows of numbers: a matrix that was built row by row."""
    if type(value) is not list or not all(map(_is_row, value)):
        return False
    return len({len(row) for row in value}) == 1  # one row is one for a batch of one sample


def _is_row(row: Any) -> bool:
    if isinstance(row, np.ndarray):
        return row.ndim == 1 and row.dtype.kind in "bhilqef"
    return type(row) in (list, tuple) and all(
        type(x) in (int, float) or isinstance(x, np.floating | np.integer) for x in row
    )


def _describe(error: BaseException) -> dict[str, Any]:
    """What was raised, in words and with the submission's own line."""
    line, unit = 0, ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith("<submission"):
            line, unit = frame.lineno or 0, frame.filename[12:-1].strip()
    try:
        message = str(error)[:300]
    except BaseException:
        message = "(its message cannot be read)"
    return {"type": type(error).__name__[:80], "message": message, "line": line, "unit": unit}
