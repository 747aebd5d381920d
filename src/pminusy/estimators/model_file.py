"""Model files: arrays and JSON in a safetensors file. Reading one runs no code.

A file carries the SHA-256 of all its bytes, those of the checksum itself counted as zeros; it tells
damage, not who wrote the file. Format 1, of version 0.1, had none; format 3 has hidden layers.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from pminusy.errors import InputError
from pminusy.files import require_path, write_atomically

__all__ = ["MODEL_SUFFIXES_OF_OTHERS", "check_size", "load_model", "save_model"]

MODEL_SUFFIXES_OF_OTHERS = (
    ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".onnx", ".pmml", ".h5", ".npz", ".npy", ".json",
    ".csv", ".tsv", ".txt", ".parquet", ".html", ".pdf", ".xlsx", ".zip", ".gz",
)  # fmt: skip

StrPath = str | os.PathLike[str]
Array = NDArray[Any]

FORMAT, VERSION = "pminusy-model", 3
_KEY = "pminusy"  # of the one entry in the header's metadata
_LARGEST_HEADER = 96_000_000  # bytes; safetensors itself has a limit of 100 million
_SPARE = 16_000_000  # of it, for what else is in a header
_TYPES = ("<f4", "<f8", "<i8")
_CHECKED = 2  # the first format with a checksum
_NETWORKS = (
    3  # the first with hidden layers; a file without them stays readable to earlier versions
)
_ZEROS = "0" * 64
_UNCHECKED = "the model file is of version 0.1, without a checksum: damage to it would not be seen"


def save_model(path: StrPath, tensors: dict[str, Array], metadata: dict[str, Any]) -> None:
    """Write a model file; whole or not at all.

    Parameters
    ----------
    path
        Where to; a file there is replaced.
    tensors
        Finite arrays of float32, float64 or int64, by name.
    metadata
        JSON values; finite numbers.

    Raises
    ------
    InputError
        A place that cannot be written; arrays or metadata that `load_model` would refuse.
    """
    require_path("model file", path)
    what = f"model file {os.fspath(path)!r}"
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    for name, array in arrays.items():
        _check_array(what, name, array)
    version = _NETWORKS if "network" in metadata else _CHECKED
    note = {"format": FORMAT, "version": version, "sha256": _ZEROS, "model": metadata}
    try:
        text = json.dumps(note, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(what, "metadata of JSON values", _brief(error)) from None
    try:
        data = safetensors.numpy.save(arrays, {_KEY: text})
    except SafetensorError:  # it has no other reason for what was checked above
        raise _too_large(what, len(text)) from None
    if int.from_bytes(data[:8], "little") > _LARGEST_HEADER:
        raise _too_large(what, int.from_bytes(data[:8], "little"))
    data = data.replace(_written(_ZEROS), _written(hashlib.sha256(data).hexdigest()), 1)
    write_atomically(path, lambda stream: stream.write(data))


def check_size(what: str, metadata: dict[str, Any]) -> None:
    """Refuse, before a model is trained, metadata that would not fit into its file.

    Raises
    ------
    InputError
        More than 80 MB as JSON inside JSON; the rest of the header is left for other entries.
    """
    text = json.dumps(metadata, separators=(",", ":"))
    size = len(text) + text.count('"') + text.count("\\")
    if size > _LARGEST_HEADER - _SPARE:
        raise _too_large(what, size)


def _too_large(what: str, size: int) -> InputError:
    expected = f"names of columns, categories and classes below {_LARGEST_HEADER // 10**6} MB"
    remedy = "use fewer columns or classes, or shorter names"
    return InputError(what, expected, f"{size / 10**6:.0f} MB", remedy)


def load_model(path: StrPath) -> tuple[dict[str, Array], dict[str, Any], tuple[str, ...]]:
    """Read a model file that nobody vouches for.

    Parameters
    ----------
    path
        A file written by `save_model`.

    Returns
    -------
    tuple
        Arrays by name, the metadata as it was saved, and sentences about the file.

    Raises
    ------
    InputError
        Nothing there, another kind of file, a truncated or damaged one, one from a later version.
    """
    require_path("model file", path)
    what = f"model file {os.fspath(path)!r}"
    data = _read(what, path)
    note = _note(what, data)
    checked = note["version"] >= _CHECKED or "sha256" in note
    if checked:
        _check_sum(what, data, note.get("sha256"))
    try:
        tensors = safetensors.numpy.load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise _damaged(what, "arrays that fit the file", _brief(error)) from None
    for name, array in tensors.items():
        _check_array(what, name, array)
    return tensors, note["model"], () if checked else (_UNCHECKED,)


def _written(checksum: str) -> bytes:
    """A checksum as it stands in the file: in JSON that is a string in JSON."""
    return json.dumps(f'"sha256":"{checksum}"')[1:-1].encode()


def _check_sum(what: str, data: bytes, told: object) -> None:
    whole = isinstance(told, str) and len(told) == len(_ZEROS)
    found = ""
    if whole:
        before, here, after = data.partition(_written(str(told)))
        zeros = _written(_ZEROS) if here else b""
        found = hashlib.sha256(b"".join((before, zeros, after))).hexdigest()
    if not whole or found != told:
        raise _damaged(what, "the bytes that were written", "others: the checksum differs")


def _read(what: str, path: StrPath) -> bytes:
    if "\0" in os.fspath(path):
        raise InputError(what, "a file name", "a name with a NUL character")
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(what, "a file", "a folder", "name the model file in it")
        if not file.exists():
            raise InputError(what, "a file that exists", "nothing there", "check the name")
        if not file.is_file():
            raise InputError(what, "an ordinary file", "a device or pipe")
        with file.open("rb") as stream:
            start = stream.read(8)
            _check_header_size(what, start, file.stat().st_size)
            return start + stream.read()
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise InputError(what, "a file that can be read", got) from None


def _check_header_size(what: str, start: bytes, size: int) -> None:
    """Bound the header before a byte of it is read."""
    header = int.from_bytes(start, "little")
    if len(start) < 8 or header < 2 or header > _LARGEST_HEADER:
        raise _something_else(what, "a file that is no safetensors file")
    if 8 + header > size:
        got = f"{size:,} bytes where the header alone needs {8 + header:,}"
        raise _damaged(what, "a whole file", got)


def _note(what: str, data: bytes) -> dict[str, Any]:
    """Take our own JSON out of the header's metadata."""
    end = 8 + int.from_bytes(data[:8], "little")
    try:
        header = _json(data[8:end].decode())
    except (ValueError, RecursionError):
        raise _something_else(what, "a header that is not JSON") from None
    notes = header.get("__metadata__") if isinstance(header, dict) else None
    text = notes.get(_KEY) if isinstance(notes, dict) else None
    if not isinstance(text, str):
        raise _something_else(what, "a file of another program")
    try:
        note = _json(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(what, "metadata as JSON", _brief(error)) from None
    if not isinstance(note, dict) or note.get("format") != FORMAT:
        raise _something_else(what, "a file of another format")
    _check_version(what, note.get("version"))
    model = note.get("model")
    if not isinstance(model, dict):
        raise _damaged(what, "an object for the model", type(model).__name__)
    return note


def _check_version(what: str, version: object) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _damaged(what, "a version of the format", type(version).__name__)
    if version > VERSION:
        got = "one made by a later version of pminusy"
        raise InputError(what, f"a model file of format {VERSION}", got, "upgrade pminusy")


def _json(text: str) -> Any:
    """Parse JSON strictly: no key twice, no NaN or infinity."""
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_array(what: str, name: str, array: Array) -> None:
    if array.dtype.newbyteorder("<").str not in _TYPES:
        raise _damaged(what, "arrays of float32, float64 or int64", f"{array.dtype} in {name!r}")
    if array.size == 0:
        raise _damaged(what, "arrays that hold something", f"shape {array.shape} of {name!r}")
    if not np.isfinite(array).all():
        raise _damaged(what, "finite numbers", f"NaN or infinity in {name!r}")


def _brief(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "JSON nested too deeply"
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    return repr(text[:80])


def _something_else(what: str, got: str) -> InputError:
    return InputError(what, "a model made by pminusy", got, "pminusy fit … -o FILE makes one")


def _damaged(what: str, expected: str, got: str) -> InputError:
    return InputError(what, expected, got, "the file is damaged: copy it again, or fit again")
