"""What a submission defines, as plain data: functions, methods, parameters, what each leans on."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from .definitions import Unit, UnreadableSubmission

__all__ = ["of_callable", "of_units"]

_MOST_FUNCTIONS, _MOST_NAMES, _LONGEST_NAME = 400, 200, 120
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Entry = dict[str, Any]


def of_units(pieces: list[Unit]) -> list[Entry]:
    """Every function and method, later definitions in place of earlier ones."""
    found: dict[tuple[str, str], Entry] = {}
    variables: set[str] = set()
    for piece in pieces:
        try:
            tree = piece.parse()
        except UnreadableSubmission:
            continue
        variables |= _variables(tree.body)
        for owner, node in _functions(tree.body, ""):
            if not owner:  # what had the name before is gone, and with a class its methods
                for key in [key for key in found if node.name in (key[0], key[1] * (not key[0]))]:
                    del found[key]
            if isinstance(node, ast.ClassDef):
                continue
            entry = _entry(node, owner) | {"unit": piece.label}
            found.pop((owner, entry["name"]), None)
            found[owner, entry["name"]] = entry
    entries = list(found.values())[:_MOST_FUNCTIONS]
    for entry in entries:
        entry["globals"] = sorted(variables & set(entry["reads"]))[:_MOST_NAMES]
    return entries


def _variables(body: list[ast.stmt]) -> set[str]:
    """Names a module assigns values to; NAMES in capitals are constants."""
    assigned = (
        node for node in body if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
    )
    names = {
        part.id
        for node in assigned
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for part in ast.walk(target)
        if isinstance(part, ast.Name) and not isinstance(node.value, ast.Lambda)
    }
    return {name for name in names if name != name.upper() or len(name) == 1}


def of_callable(function: Callable[..., Any], owner: str = "") -> Entry:
    """The same entry for a function that is already in the process."""
    entry: Entry = {"name": getattr(function, "__name__", type(function).__name__), "owner": owner}
    try:
        source = textwrap.dedent(inspect.getsource(function))
        node = next(
            n for n in ast.walk(ast.parse(source)) if isinstance(n, (*_FUNCTIONS, ast.Lambda))
        )
        entry |= _facts(node)
    except (OSError, TypeError, SyntaxError, StopIteration):
        entry |= _facts(ast.Lambda(ast.arguments([], [], None, [], [], None, []), ast.Constant(1)))
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        parameters = []
    entry["parameters"] = [
        {
            "name": p.name,
            "optional": p.default is not p.empty,
            "keyword_only": p.kind is p.KEYWORD_ONLY,
            "default": repr(p.default) if isinstance(p.default, bool | int | float | str) else None,
        }
        for p in parameters
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    return entry | {"unit": "", "globals": []}  # it may close over anything


def _functions(body: list[ast.stmt], owner: str) -> Iterator[tuple[str, Any]]:
    for node in body:
        if isinstance(node, _FUNCTIONS):
            yield owner, node
        elif isinstance(node, ast.ClassDef) and not owner:
            yield owner, node
            yield from _functions(node.body, node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            if isinstance(node.targets[0], ast.Name):
                node.value.name = node.targets[0].id  # type: ignore[attr-defined]  # a lambda with a name
                yield owner, node.value
        elif isinstance(node, ast.If | ast.Try):
            yield from _functions([*node.body, *node.orelse], owner)


def _entry(node: Any, owner: str) -> Entry:
    method = bool(owner) and not any(
        isinstance(d, ast.Name) and d.id == "staticmethod"
        for d in getattr(node, "decorator_list", [])
    )
    return {
        "name": node.name[:_LONGEST_NAME],
        "owner": owner[:_LONGEST_NAME],
        "line": node.lineno,
        "parameters": _parameters(node.args)[1 if method else 0 :],
    } | _facts(node)


def _parameters(arguments: ast.arguments) -> list[Entry]:
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    defaults = [None] * first_default + list(arguments.defaults)
    listed = [_parameter(a, d, False) for a, d in zip(positional, defaults, strict=True)]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return (listed + [_parameter(a, d, True) for a, d in named])[:_MOST_NAMES]


def _parameter(argument: ast.arg, default: ast.expr | None, keyword_only: bool) -> Entry:
    value = repr(default.value)[:40] if isinstance(default, ast.Constant) else None
    return {
        "name": argument.arg[:_LONGEST_NAME],
        "optional": default is not None,
        "keyword_only": keyword_only,
        "default": value,
    }


def _facts(node: Any) -> Entry:
    body = node.body if isinstance(node.body, list) else [ast.Return(node.body)]
    inside = [n for statement in body for n in ast.walk(statement)]
    returns = [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
    names = {n.id for n in inside if isinstance(n, ast.Name)}
    stored = {n.id for n in inside if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    arguments = {a.arg for n in (node, *inside) for a in ast.walk(n) if isinstance(a, ast.arg)}
    attributes = {n.attr for n in inside if isinstance(n, ast.Attribute)}
    attributes |= {f"{n.arg}=" for n in inside if isinstance(n, ast.keyword) and n.arg}
    attributes |= {*_counted(inside), *_keys(inside)}
    doc = ast.get_docstring(node) if isinstance(node, _FUNCTIONS) else None
    return {
        "doc": (doc or "").strip()[:200],
        "empty": _is_starter(body),
        "returns": max(
            (len(r.elts) if isinstance(r, ast.Tuple) else 1 for r in returns), default=0
        ),
        "names": sorted(names)[:_MOST_NAMES],
        "reads": sorted(names - stored - arguments)[:_MOST_NAMES],
        "attributes": sorted(attributes)[:_MOST_NAMES],
    }


def _counted(inside: list[ast.AST]) -> Iterator[str]:
    """`len(name)` for every name whose length is taken."""
    for n in inside:
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "len":
            yield from (f"len({a.id})" for a in n.args if isinstance(a, ast.Name))


def _keys(inside: list[ast.AST]) -> Iterator[str]:
    """`['key']` for every text that something is indexed by."""
    for n in inside:
        match n:
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                yield f"['{key[:20]}']"


def _is_starter(body: list[ast.stmt]) -> bool:
    """Whether a body is what a starter has: it only raises, or returns None or nothing at all."""
    unset: set[str] = set()
    return all(_does_nothing(statement, unset) for statement in body)


def _does_nothing(statement: ast.stmt, unset: set[str]) -> bool:
    """Whether a statement computes nothing; names it sets to None are added to `unset`."""
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=exception):
            given = exception.args if isinstance(exception, ast.Call) else []
            return all(isinstance(part, ast.Constant) for part in given)
        case ast.Assign(targets=targets, value=value) if _is_unset(value, unset):
            parts = [part for target in targets for part in ast.walk(target)]
            unset |= {part.id for part in parts if isinstance(part, ast.Name)}
            return True
        case ast.Return(value=value):
            return value is None or _is_unset(value, unset)
    return False


def _is_unset(value: ast.expr, unset: set[str]) -> bool:
    """Whether an expression is None, a name that is None, or some of these."""
    if isinstance(value, ast.Tuple | ast.List) and value.elts:
        return all(_is_unset(part, unset) for part in value.elts)
    if isinstance(value, ast.Name):
        return value.id in unset
    return isinstance(value, ast.Constant) and value.value is None
