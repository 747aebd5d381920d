"""Read a submission and execute its definitions, and nothing else.

Functions, classes, imports and constants are definitions. A top-level `print`, a training run, a
plot or a download is not, whether it stands in a module or in the cells of a notebook.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.abc
import importlib.machinery
import json
import re
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

__all__ = ["Missing", "Unit", "UnreadableSubmission", "execute", "restore_removed_names", "units"]

_PYTHON_2 = re.compile(
    r"^\s*(print\s+[^(=\s]|exec\s+['\"]|except\s+[\w.]+\s*,\s*\w+\s*:|raise\s+\w+\s*,)",
    re.MULTILINE,
)
_PURE_CALLS = {"np", "numpy", "math", "float", "int", "bool", "frozenset", "slice"}
_REMOVED = {
    "float": float, "int": int, "object": object, "complex": complex, "str": str,
    "float_": np.float64, "Inf": np.inf, "infty": np.inf, "NaN": np.nan,
    "product": np.prod, "cumproduct": np.cumprod, "alltrue": np.all, "sometrue": np.any,
    "asfarray": lambda a: np.asarray(a, dtype=float), "mat": np.asmatrix,
}  # fmt: skip


class UnreadableSubmission(Exception):
    """A submission that is not Python: its kind, a sentence, and where."""

    def __init__(self, kind: str, message: str, line: int = 0, text: str = "", caret: int = 0):
        super().__init__(message)
        self.kind, self.message, self.line, self.text, self.caret = kind, message, line, text, caret


class Unit:
    """A piece of source that is parsed on its own: a module, or one cell of a notebook."""

    def __init__(self, label: str, source: bytes) -> None:
        self.label, self.source = label, source
        self.filename = f"<submission {label}>" if label else "<submission>"

    def parse(self) -> ast.Module:
        """Parse it, or say why not, with line and caret."""
        try:
            return ast.parse(self.source, self.filename)
        except SyntaxError as error:
            raise self._unreadable(error) from None
        except (RecursionError, MemoryError):
            raise UnreadableSubmission("syntax", "nested too deeply to be read") from None
        except ValueError as error:
            raise UnreadableSubmission("syntax", str(error)) from None

    def _unreadable(self, error: SyntaxError) -> UnreadableSubmission:
        text = (error.text or "").rstrip("\n")[:200]
        older = _PYTHON_2.search(self.source.decode("utf-8", "replace")) is not None
        kind = "python2" if older else "syntax"
        return UnreadableSubmission(
            kind, str(error.msg), error.lineno or 0, text, min(error.offset or 0, 200)
        )


def units(name: str, source: bytes) -> list[Unit]:
    """Units of a file: one for a module, one a code cell for a notebook."""
    if not name.endswith(".ipynb"):
        return [Unit("", source)]
    try:
        notebook = json.loads(source)
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        codes = [_cell_source(cell) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise UnreadableSubmission("notebook", "not a notebook (JSON with cells)") from None
    return [Unit(f"cell {i}", code.encode()) for i, code in enumerate(codes, 1)]


def _cell_source(cell: dict[str, Any]) -> str:
    """Source of a cell with IPython's own syntax (magics, shell lines) blanked, lines kept."""
    text = cell.get("source", cell.get("input", ""))
    lines = ("".join(text) if isinstance(text, list) else str(text)).splitlines()
    if lines and lines[0].lstrip().startswith("%%"):
        runs_python = lines[0].lstrip().startswith(("%%time", "%%capture"))
        return "\n".join(lines[1:]) if runs_python else ""
    magic = re.compile(r"^\s*([%!?]|\w+\?\s*$|[\w, ]+=\s*[%!])")
    return "\n".join(re.sub(r"\S.*", "pass", line) if magic.match(line) else line for line in lines)


def definitions(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module or class body that define something."""
    for statement in body:
        match statement:
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield statement
            case ast.ClassDef():
                statement.body = list(definitions(statement.body)) or [ast.Pass()]
                yield statement
            case ast.Assign(targets=targets, value=value):
                if all(isinstance(t, ast.Name | ast.Tuple) for t in targets) and _is_constant(
                    value
                ):
                    yield statement
            case ast.AnnAssign(target=ast.Name()) if statement.value is None or _is_constant(
                statement.value
            ):
                yield statement
            case ast.Try():
                yield from _definitions_of_try(statement)
            case ast.If(test=test) if not _is_main(test) and _is_constant(test):
                statement.body = list(definitions(statement.body)) or [ast.Pass()]
                statement.orelse = list(definitions(statement.orelse))
                yield statement


def _definitions_of_try(statement: ast.Try) -> Iterator[ast.stmt]:
    statement.body = list(definitions(statement.body)) or [ast.Pass()]
    for handler in statement.handlers:
        handler.body = list(definitions(handler.body)) or [ast.Pass()]
    statement.orelse = list(definitions(statement.orelse))
    statement.finalbody = list(definitions(statement.finalbody))
    if not statement.handlers and not statement.finalbody:
        statement.finalbody = [ast.Pass()]
    yield statement


def _is_main(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


_PLAIN = (
    ast.Constant, ast.Name, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Compare, ast.BoolOp,
    ast.Tuple, ast.List, ast.Dict, ast.Set, ast.Lambda, ast.Subscript,
    ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context,
)  # fmt: skip


def _is_constant(value: ast.expr) -> bool:
    """Whether an expression is a constant, an alias, a lambda or a call of something harmless."""
    if isinstance(value, ast.Lambda):
        return True
    if isinstance(value, ast.Call):
        root: ast.expr = value.func
        while isinstance(root, ast.Attribute):
            root = root.value
        parts = [*value.args, *(keyword.value for keyword in value.keywords)]
        return (
            isinstance(root, ast.Name) and root.id in _PURE_CALLS and all(map(_is_constant, parts))
        )
    if isinstance(value, ast.Attribute):
        return _is_constant(value.value)
    return isinstance(value, _PLAIN) and all(
        _is_constant(child) for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)
    )


class Missing(types.ModuleType):
    """Stands in for a module that is missing: importing it works, using it raises."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__name__}.{name}")

    def _used(self, *_: Any, **__: Any) -> Any:
        raise ModuleNotFoundError(f"No module named {self.__name__.split('.')[0]!r}")

    __call__ = __getitem__ = __iter__ = __len__ = __enter__ = _used


class _Siblings(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the other files of a submission from memory."""

    def __init__(self, sources: dict[str, bytes]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """A module of the submission, if it is one."""
        del path, target
        if name.rsplit(".", 1)[-1] not in self.sources:
            return None
        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec: Any) -> None:
        """Leave it to the import system."""
        del spec

    def exec_module(self, module: types.ModuleType) -> None:
        """Execute its definitions."""
        source = self.sources[module.__name__.rsplit(".", 1)[-1]]
        execute([Unit(module.__name__, source)], vars(module))


def restore_removed_names() -> None:
    """Give NumPy back the aliases that later versions took away: learners still use them."""
    for name, value in _REMOVED.items():
        if name not in vars(np):
            setattr(np, name, value)
    builtins.xrange = range  # type: ignore[attr-defined]  # Python 2's name for it


def execute(
    pieces: list[Unit], namespace: dict[str, Any], sources: dict[str, bytes] | None = None
) -> list[str]:
    """Execute the definitions of some units; what fails is left out, and said.

    Parameters
    ----------
    pieces
        Units, in order; one that cannot be parsed is left out.
    namespace
        Where the definitions land.
    sources
        Other files of the same submission, by module name.

    Returns
    -------
    list of str
        Why a definition could not be executed, one sentence each.
    """
    if sources is not None:
        sys.meta_path.append(_Siblings(sources))
    namespace.setdefault("__name__", "submission")
    namespace.setdefault("__package__", "")
    faults = []
    for piece in pieces:
        try:
            body = list(definitions(piece.parse().body))
        except UnreadableSubmission:
            continue
        for statement in body:
            faults += _execute_one(statement, piece, namespace)
    return faults


def _execute_one(statement: ast.stmt, piece: Unit, namespace: dict[str, Any]) -> list[str]:
    if isinstance(statement, ast.ImportFrom):
        if statement.module == "__future__":
            return []
        if statement.level:  # `from .layers import *`: the submission's other files
            statement.level, statement.module = 0, statement.module or "submission"
    try:
        code = compile(ast.Module([statement], []), piece.filename, "exec", dont_inherit=True)
        exec(code, namespace)  # the submission's definitions: this is what the sandbox is for
    except ImportError as error:
        return _stand_in(statement, error, namespace)
    except BaseException as error:
        if getattr(statement, "decorator_list", None):
            statement.decorator_list = []  # type: ignore[attr-defined]  # checked on the line above
            return _execute_one(statement, piece, namespace)
        return [f"line {statement.lineno}: {type(error).__name__}: {str(error)[:200]}"]
    return []


_COURSE_HELPERS = {"xrange": range}


def _stand_in(statement: ast.stmt, error: ImportError, namespace: dict[str, Any]) -> list[str]:
    """Bind what could not be imported to a module that raises when it is used."""
    module = getattr(statement, "module", None)
    for alias in getattr(statement, "names", []):
        wanted = f"{module}.{alias.name}" if module else alias.name
        bound = alias.asname or (alias.name if module else alias.name.split(".")[0])
        namespace[bound] = _COURSE_HELPERS.get(alias.name, Missing(wanted))
    return [f"line {statement.lineno}: {type(error).__name__}: {str(error)[:200]}"]
