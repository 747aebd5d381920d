"""Arrays of the command line: numbers with commas, or a file; read by a parser, never evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pminusy.errors import InputError

__all__ = ["array_of", "names", "optional_array", "target_of", "typed_array"]


def names(text: str | None) -> tuple[str, ...] | None:
    """Names with commas between."""
    return None if text is None else tuple(part.strip() for part in text.split(","))


def target_of(text: str | None, classes: Sequence[str] | None = None) -> Any:
    """A class index, a class name, one of either a row, or soft targets (numbers with a point).

    What is the name of a class is that class, whatever else it could be: 2 of the classes 1, 2, 3.
    """
    if text is None:
        raise InputError("--target", "the true class", "nothing", "pass --target 0, say")
    if Path(text).suffix in (".npy", ".csv") and Path(text).is_file():
        array = _file("--target", Path(text))
        return array if array.ndim == 2 or (array % 1).any() else [int(v) for v in array.ravel()]
    text = _without_brackets(text)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and ";" not in text:
        return _class(parts[0], classes)
    if any("." in part or ";" in part for part in parts):
        return array_of("--target", text)
    return [_class(part, classes) for part in parts]


def _class(text: str, classes: Sequence[str] | None) -> int | str:
    named = classes is not None and text in classes
    return int(text) if text.lstrip("-").isdigit() and not named else text


def optional_array(name: str, text: str | None, *, rows: bool = False) -> Any:
    """Numbers if there are any; as a column where each number is a row."""
    if text is None:
        return None
    array = array_of(name, text)
    return array.reshape(-1, 1) if rows and array.ndim == 1 else array


def typed_array(name: str, text: str | None, *, rows: bool = False) -> Any:
    """The same as a list, so that 0.1 stays one tenth; a file's numbers are those it holds."""
    array = optional_array(name, text, rows=rows)
    return array if array is None or _is_file(text or "") else array.tolist()


def _is_file(text: str) -> bool:
    return Path(text).suffix.lower() in (".npy", ".csv")


def array_of(name: str, text: str) -> Any:
    """Numbers from text or from a file; read by a parser, never evaluated."""
    import numpy as np

    if _is_file(text):
        return _file(name, Path(text))
    lines = _without_brackets(text).strip("; ").split(";")
    rows = [[_number(name, part) for part in line.split(",")] for line in lines]
    if len({len(row) for row in rows}) != 1:
        raise InputError(
            name, "rows of one length", " and ".join(str(len(row)) for row in rows[:4])
        )
    return np.array(rows[0] if len(rows) == 1 else rows)


def _without_brackets(text: str) -> str:
    """Lists as Python writes them, [1, 2] or [[1, 2], [3, 4]], with commas and semicolons."""
    if not text.strip().startswith("["):
        return text
    return re.sub(r"\]\s*,\s*\[", ";", text).replace("[", "").replace("]", "")


def _number(name: str, text: str) -> float:
    try:
        return float(text.strip().replace("−", "-"))
    except ValueError:
        raise InputError(name, "numbers with commas between", repr(text.strip())[:60]) from None


def _file(name: str, path: Path) -> Any:
    import numpy as np

    try:
        if path.suffix.lower() == ".npy":
            array = np.load(path, allow_pickle=False)
        else:
            array = np.loadtxt(path, delimiter=",", ndmin=2, comments=None)
            array = array[0] if array.shape[0] == 1 else array
            array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    except OSError as error:
        raise InputError(name, "a file that can be read", f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(
            name, "a file of numbers", f"{path}: {str(error).splitlines()[0]}"
        ) from None
    if array.dtype.kind not in "fiu":
        raise InputError(name, "an array of numbers", f"{path}: {array.dtype}")
    return array.astype(np.float64)
