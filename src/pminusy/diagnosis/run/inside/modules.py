"""The other files of a submission, imported from memory under the names the file gives them.

A file `common/layers.py` is the module `common.layers`, whatever folder is the root of the course,
and `layers` for what stands beside it: every dotted name that ends a file's path finds it. What
stands beside a file comes before Python's own library, as it does where a program runs; what is
found by the end of its path alone comes after all else.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

from .definitions import Unit, UnreadableSubmission, execute, units

__all__ = ["imported", "install"]

_MOST_NAMES = 400
Path = tuple[str, ...]


def install(files: Mapping[str, bytes], main: str, namespace: dict[str, Any]) -> list[str]:
    """Make the other files importable and give the main one its package; a list for faults."""
    faults: list[str] = []
    beside = _parts(main)[:-1]
    namespace["__package__"] = ".".join(beside)
    anywhere = _Finder(files, beside, faults)
    sys.meta_path.insert(_before_the_library(), _Beside(anywhere))
    sys.meta_path.append(anywhere)
    return faults


def imported(files: Mapping[str, bytes], namespace: Mapping[str, Any]) -> list[str]:
    """Functions and classes that a file has from the other ones, by the names it uses."""
    own = {f"<submission {name}>" for name in files}
    found = [name for name, value in namespace.items() if _is_of(value, own)]
    for value in namespace.values():
        if type(value) is types.ModuleType and isinstance(vars(value).get("__loader__"), _Finder):
            found += [name for name, part in vars(value).items() if _is_of(part, own)]
    return sorted({name[:80] for name in found if type(name) is str})[:_MOST_NAMES]


def _is_of(value: Any, filenames: set[str]) -> bool:
    """Whether a function, or a method of a class, was compiled from one of these files."""
    if isinstance(value, types.FunctionType):
        return value.__code__.co_filename in filenames
    parts = type.__dict__["__dict__"].__get__(value).values() if type(value) is type else ()
    return any(isinstance(part, types.FunctionType) and _is_of(part, filenames) for part in parts)


def _before_the_library() -> int:
    """Where in `sys.meta_path` files are looked for: after the modules built into Python."""
    names = [getattr(finder, "__name__", "") for finder in sys.meta_path]
    return names.index("PathFinder") if "PathFinder" in names else len(names)


def _parts(name: str) -> Path:
    stem = name.replace("\\", "/").rsplit(".", 1)[0]
    parts = tuple(part for part in stem.split("/") if part not in ("", "."))
    return parts[:-1] if parts and parts[-1] == "__init__" else parts


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module beside the main file, from the root, or by the end of its path."""

    def __init__(self, files: Mapping[str, bytes], beside: Path, faults: list[str]) -> None:
        self.files = {_parts(name): (name, source) for name, source in files.items()}
        self.folders = {path[:i] for path in self.files for i in range(1, len(path))}
        self.beside, self.faults = beside, faults

    def from_a_root(self, wanted: Path) -> Iterator[Path]:
        """Where a module would be, from the folder of the main file up."""
        return ((*self.beside[:i], *wanted) for i in range(len(self.beside), -1, -1))

    def _path(self, name: str) -> Path | None:
        wanted = tuple(name.split("."))
        for known in (self.files.keys(), self.folders):
            found = next((path for path in self.from_a_root(wanted) if path in known), None)
            if found is not None:
                return found
        ends = [path for path in self.files if path and path[-len(wanted) :] == wanted]
        last = [path for path in self.files if path and path[-1] == wanted[-1]]
        return next(iter(sorted(ends or last, key=len)), None)

    def spec(self, name: str, found: Path) -> Any:
        """What the import system needs to load a file."""
        folder = found in self.folders
        return importlib.machinery.ModuleSpec(name, self, is_package=folder, loader_state=found)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """A module of the submission, if it is one."""
        del path, target
        found = self._path(name)
        return None if found is None else self.spec(name, found)

    def create_module(self, spec: Any) -> None:
        """Leave it to the import system."""
        del spec

    def exec_module(self, module: types.ModuleType) -> None:
        """Execute its definitions."""
        spec = module.__spec__
        path = spec.loader_state if spec is not None else ()
        if path not in self.files:
            return
        name, source = self.files[path]
        namespace = vars(module)
        namespace["__package__"] = ".".join(path if path in self.folders else path[:-1])
        try:
            pieces = [Unit(name, piece.source) for piece in units(name, source)]
        except UnreadableSubmission as error:
            self.faults.append(f"{name}: {error}")
            return
        self.faults += [f"{name}, {fault}" for fault in execute(pieces, namespace)]


class _Beside(importlib.abc.MetaPathFinder):
    """Finds only what stands beside the main file or in a folder above it, by its whole path."""

    def __init__(self, anywhere: _Finder) -> None:
        self.anywhere = anywhere

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """A module of the submission that stands where it is asked for."""
        del path, target
        places = self.anywhere.from_a_root(tuple(name.split(".")))
        found = next((place for place in places if place in self.anywhere.files), None)
        return None if found is None else self.anywhere.spec(name, found)
