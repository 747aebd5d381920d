"""Read a submission and execute its definitions, and nothing else.

Functions, classes, imports and constants are definitions. A top-level `print`, a training run, a
plot or a download is not, whether it stands in a module or in the cells of a notebook.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .python2 import NAMES, in_python_3, rename_methods

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
        self.translated: tuple[str, ...] = ()  # what of Python 2 was written anew
        self.filename = f"<submission {label}>" if label else "<submission>"

    def parse(self) -> ast.Module:
        """Parse it, or say why not, with line and caret."""
        if self.source.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableSubmission("syntax", "it is in UTF-16: save it as UTF-8")
        try:
            tree = ast.parse(self.source, self.filename)
        except SyntaxError as error:
            tree = self._parse_python_2(error)
        except (RecursionError, MemoryError):
            raise UnreadableSubmission("syntax", "nested too deeply to be read") from None
        except ValueError as error:
            raise UnreadableSubmission("syntax", str(error)) from None
        self.translated = tuple(dict.fromkeys((*self.translated, *rename_methods(tree))))
        return tree

    def _parse_python_2(self, error: SyntaxError) -> ast.Module:
        """The same in Python 3, where no more than prints and the like keeps it from being that."""
        try:
            source, said = in_python_3(self.source.decode())
            tree = ast.parse(source, self.filename)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._unreadable(error) from None
        if not said:  # tabs beside blanks are all that was wrong
            said = ("tabs",)
        self.translated = said
        return tree

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
        runs_python = lines[0].lstrip().startswith(("%%time", "%%capture")) or re.match(
            r"\s*%%(write)?file\s.*\.py\s*$", lines[0]
        )
        return "\n".join(lines[1:]) if runs_python else ""
    magic = re.compile(r"^\s*([%!?]|\w+\?\s*$|[\w, ]+=\s*[%!])")
    return "\n".join(re.sub(r"\S.*", "pass", line) if magic.match(line) else line for line in lines)


def definitions(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module or class body that define something, or take that back."""
    defined: set[str] = set()
    for statement in body:
        match statement:
            case ast.Import() | ast.ImportFrom():
                yield statement
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                defined.add(name)
                yield statement
            case ast.Delete(targets=targets):
                gone = [t for t in targets if isinstance(t, ast.Name) and t.id in defined]
                if gone:  # of what is not run here nothing can be deleted
                    defined.difference_update(t.id for t in gone)
                    statement.targets = list(gone)
                    yield statement
            case ast.ClassDef(name=name):
                defined.add(name)
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
    __mro_entries__ = _used  # a class cannot be built on it


def restore_removed_names() -> None:
    """Give NumPy and Python back names that later versions took away: learners still use them."""
    for name, value in _REMOVED.items():
        if name not in vars(np):
            setattr(np, name, value)
    for name, value in NAMES.items():
        if not hasattr(builtins, name):
            setattr(builtins, name, value)


def execute(pieces: list[Unit], namespace: dict[str, Any]) -> list[str]:
    """Execute the definitions of some units; what fails is left out, and said.

    Parameters
    ----------
    pieces
        Units, in order; one that cannot be parsed is left out.
    namespace
        Where the definitions land.

    Returns
    -------
    list of str
        Why a definition could not be executed, one sentence each.
    """
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
            statement = _absolute(statement, str(namespace["__package__"]))
    try:
        module = ast.fix_missing_locations(ast.Module([statement], []))
        code = compile(module, piece.filename, "exec", dont_inherit=True)
        exec(code, namespace)  # the submission's definitions: this is what the sandbox is for
    except BaseException as error:
        if isinstance(error, ImportError) and isinstance(statement, ast.Import | ast.ImportFrom):
            return _stand_in(statement, error, namespace)
        name = getattr(statement, "name", "")
        where = f"line {statement.lineno}{f', {name}' if name else ''}"
        fault = [f"{where}: {type(error).__name__}: {str(error)[:200]}"]
        if getattr(statement, "decorator_list", None) and _is_missing(error):
            statement.decorator_list = []  # type: ignore[attr-defined]  # checked on the line above
            return [*fault, *_execute_one(statement, piece, namespace)]
        return fault
    return []


def _is_missing(error: BaseException) -> bool:
    """Whether a decorator is of a module, or has a name, that is not there: numba's jit, say."""
    return isinstance(error, ModuleNotFoundError | NameError)


def _absolute(statement: ast.ImportFrom, package: str) -> ast.stmt:
    """A relative import as an absolute one, from as far up as the submission's files go."""
    parts = [part for part in package.split(".") if part]
    base = parts[: max(len(parts) - statement.level + 1, 0)]
    names = [*base, *([statement.module] if statement.module else [])]
    anew: ast.stmt = ast.ImportFrom(".".join(names), statement.names, 0)
    if not names:
        anew = ast.Import(statement.names)
    return ast.copy_location(anew, statement)


def _stand_in(statement: ast.stmt, error: ImportError, namespace: dict[str, Any]) -> list[str]:
    """Bind what could not be imported to a module that raises when it is used."""
    module = getattr(statement, "module", None)
    for alias in getattr(statement, "names", []):
        wanted = f"{module}.{alias.name}" if module else alias.name
        bound = alias.asname or (alias.name if module else alias.name.split(".")[0])
        namespace[bound] = NAMES.get(alias.name, Missing(wanted))
    star = ", import *" if "*" in (a.name for a in getattr(statement, "names", [])) else ""
    return [f"line {statement.lineno}{star}: {type(error).__name__}: {str(error)[:200]}"]
