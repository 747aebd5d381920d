"""The other files of a submission, imported from memory under the names the file gives them.

A file `common/layers.py` is the module `common.layers`, whatever folder is the root of the course,
and `layers` for what stands beside it: every dotted name that ends a file's path finds it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Mapping
from typing import Any

from .definitions import Unit, UnreadableSubmission, execute, units

__all__ = ["install"]


def install(files: Mapping[str, bytes], main: str, namespace: dict[str, Any]) -> list[str]:
    """Make the other files importable and give the main one its package; a list for faults."""
    faults: list[str] = []
    namespace["__package__"] = ".".join(_parts(main)[:-1])
    sys.meta_path.append(_Finder(files, _parts(main)[:-1], faults))
    return faults


def _parts(name: str) -> tuple[str, ...]:
    stem = name.replace("\\", "/").rsplit(".", 1)[0]
    parts = tuple(part for part in stem.split("/") if part not in ("", "."))
    return parts[:-1] if parts and parts[-1] == "__init__" else parts


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module beside the main file, from the root, or by the end of its path."""

    def __init__(
        self, files: Mapping[str, bytes], beside: tuple[str, ...], faults: list[str]
    ) -> None:
        self.files = {_parts(name): (name, source) for name, source in files.items()}
        self.folders = {path[:i] for path in self.files for i in range(1, len(path))}
        self.beside, self.faults = beside, faults

    def _path(self, name: str) -> tuple[str, ...] | None:
        wanted = tuple(name.split("."))
        for known in (self.files.keys(), self.folders):
            roots = (self.beside[:i] for i in range(len(self.beside), -1, -1))
            found = next(((*root, *wanted) for root in roots if (*root, *wanted) in known), None)
            if found is not None:
                return found
        ends = [path for path in self.files if path and path[-len(wanted) :] == wanted]
        last = [path for path in self.files if path and path[-1] == wanted[-1]]
        return next(iter(sorted(ends or last, key=len)), None)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """A module of the submission, if it is one."""
        del path, target
        found = self._path(name)
        if found is None:
            return None
        folder = found in self.folders
        return importlib.machinery.ModuleSpec(name, self, is_package=folder, loader_state=found)

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
