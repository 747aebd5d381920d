"""The files that a file imports from its own folders: beside it, or under a folder above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pminusy.diagnosis.run.limits import LARGEST_SOURCE

__all__ = ["with_neighbours"]

_UP = 3  # folders above the file in which a module is looked for
_MOST = 40
_IMPORT = re.compile(
    r"^\s*(?:from\s+(?P<dots>\.*)\s*(?P<module>[\w.]*)\s+import"
    r"(?:\s*\((?P<many>[\w\s,]+)|\s+(?P<names>[\w ,]+)|\s*\*)"
    r"|import\s+(?P<modules>[\w., ]+))",
    re.MULTILINE,
)


def with_neighbours(path: Path, source: bytes) -> tuple[str, dict[str, bytes]]:
    """A file's name under the highest folder that is needed, and all files by such names.

    Files are read only where something imports them, links are left alone, and nothing outside
    the three folders above the file is looked at.
    """
    path = path.absolute()
    found: dict[Path, bytes] = {path: source}
    waiting = [path]
    while waiting and len(found) < _MOST:
        file = waiting.pop(0)
        text = found[file].decode("utf-8", "replace").replace("\\n", "\n")  # a notebook's, too
        for other in (one for name in _imported(text) for one in _files(name, file, path)):
            if other not in found and len(found) < _MOST:
                content = _content(other)
                if content is not None:
                    found[other] = content
                    waiting.append(other)
    root = path.parent
    while not all(file.is_relative_to(root) for file in found):
        root = root.parent
    files = {file.relative_to(root).as_posix(): content for file, content in found.items()}
    return path.relative_to(root).as_posix(), files


def _imported(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """How many folders up, and the parts of a module's name, for whatever may be a module."""
    for match in _IMPORT.finditer(text):
        if match["modules"]:
            for name in match["modules"].split(","):
                yield 0, tuple(name.split(" as ")[0].strip().split("."))
            continue
        up, parts = len(match["dots"] or ""), tuple(p for p in match["module"].split(".") if p)
        if parts:
            yield up, parts
        for name in (match["names"] or match["many"] or "").split(","):
            first = name.split(" as ")[0].strip()
            if first.isidentifier():
                yield up, (*parts, first)


def _files(name: tuple[int, tuple[str, ...]], file: Path, main: Path) -> Iterator[Path]:
    up, parts = name
    if not parts or not all(part.isidentifier() for part in parts):
        return
    if up:
        roots = [file.parent, *file.parents[1:_UP]][up - 1 : up] or [file.parent]
    else:
        roots = [*file.parents[:_UP], *main.parents[:_UP]]
    for root in roots:
        there = root.joinpath(*parts)
        candidates = (there.with_name(there.name + ".py"), there / "__init__.py")
        good = [one for one in candidates if one.is_file() and not one.is_symlink()]
        if good:
            yield good[0]
            return


def _content(file: Path) -> bytes | None:
    try:
        if file.stat().st_size > LARGEST_SOURCE:
            return None
        return file.read_bytes()
    except OSError:
        return None
