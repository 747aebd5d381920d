"""The reference of `pminusy.torch`, read from its source: the site is built without torch.

Signatures and docstrings are those of the files, so that the pages are the same with torch and
without it.
"""

from __future__ import annotations

import ast
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import NumpyDocstring

import pminusy

__all__ = ["reference_of"]

_ROOM = Path(pminusy.__file__).parent / "torch"
_NAPOLEON: Any = Config(
    napoleon_google_docstring=False, napoleon_use_rtype=False, napoleon_use_param=False
)


def reference_of(name: str) -> list[str]:
    """Directives of Sphinx for a public name such as `pminusy.torch.cross_entropy`."""
    node = _definitions()[name.rpartition(".")[2]]
    if isinstance(node, ast.FunctionDef):
        return _directive("function", name, _signature(node), node)
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    lines = _directive("class", name, _signature(methods["__init__"]), node)
    forward = methods["forward"]
    lines += _directive("method", "forward", _signature(forward), forward, indent=3)
    return lines


@cache
def _definitions() -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """Every function and class of the folder by its name, those of `__all__` alone."""
    found = {}
    for path in sorted(_ROOM.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and _public(tree, node.name):
                found[node.name] = node
    return found


def _public(tree: ast.Module, name: str) -> bool:
    """Whether a module has a name in its `__all__`."""
    return any(
        isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "__all__"
        and name in ast.literal_eval(node.value)
        for node in tree.body
    )


def _signature(node: ast.FunctionDef) -> str:
    """The arguments with their defaults, without types and without `self`."""
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for argument in (*listed, arguments.vararg, arguments.kwarg):
        if argument is not None:
            argument.annotation = None
    if arguments.args and arguments.args[0].arg == "self":
        arguments.args = arguments.args[1:]
    return ast.unparse(arguments)


def _directive(
    kind: str, name: str, signature: str, node: ast.FunctionDef | ast.ClassDef, indent: int = 0
) -> list[str]:
    text = cleandoc(ast.get_docstring(node) or "")
    told = str(NumpyDocstring(text, _NAPOLEON)).replace("|", r"\|")
    lines = [
        f".. py:{kind}:: {name}({signature})",
        "",
        *(f"   {line}" for line in told.splitlines()),
    ]
    return [" " * indent + line if line.strip() else "" for line in [*lines, ""]]
