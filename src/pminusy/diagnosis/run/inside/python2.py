"""Python 2 that only looks different, token by token: print, except E as e, raise, <>, 10L."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from typing import Any

__all__ = ["NAMES", "in_python_3", "rename_methods"]

# Names of Python 2, and of `six`, `past` and `itertools` for it, and what they are today.
NAMES: dict[str, Any] = {
    "xrange": range, "range": range, "zip": zip, "izip": zip, "map": map, "imap": map,
    "filter": filter, "ifilter": filter, "reduce": functools.reduce, "long": int, "unicode": str,
    "basestring": str, "unichr": chr,
}  # fmt: skip
_METHODS = {"iteritems": "items", "itervalues": "values", "iterkeys": "keys"}

_SKIPPED = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)
_EXCEPT = re.compile(r"^(\s*except\s+[\w.]+|\s*except\s*\([^()]*\))\s*,\s*(\w+)\s*:")
_TO_STREAM = re.compile(r"^(\s*print)\s*>>\s*[\w.]+\s*,?")  # nobody reads it
_RAISE = re.compile(r"^(\s*raise\s+[\w.]+)\s*,\s*(.+?)\s*(#.*)?$")


def in_python_3(source: str) -> tuple[str, tuple[str, ...]]:
    """The same program in Python 3, and what was written anew; lines stay where they are.

    Numbers mean what they mean in Python 3: `/` divides.
    """
    said: dict[str, None] = {}
    lines = source.expandtabs(8).splitlines()
    for i, line in enumerate(lines):
        for pattern, form, name in (
            (_EXCEPT, r"\1 as \2:", "except"), (_RAISE, r"\1(\2)", "raise"),
            (_TO_STREAM, r"\1 ", "print"),
        ):  # fmt: skip
            anew = pattern.sub(form, line)
            if anew != line:
                lines[i], said[name] = anew, None
    text = "\n".join(lines) + "\n"
    for name, anew in (("<>", _unequal(text)), ("10L", _long(text))):
        if anew != text:
            said[name] = None
        text = _long(_unequal(text))
    printed = _with_calls_of_print(text)
    if printed != text:
        said["print"] = None
    return printed, tuple(said)


def rename_methods(tree: ast.Module) -> Iterator[str]:
    """Give dictionaries' iterators their names of today, in place; what was renamed."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _METHODS and node.attr not in own:
            yield node.attr
            node.attr = _METHODS[node.attr]


def _unequal(text: str) -> str:
    return re.sub(r"(?<=[\w\s)\]])<>(?=[\w\s(\[])", "!=", text)


def _long(text: str) -> str:
    return re.sub(r"\b(\d+)[lL]\b", r"\1", text)


def _with_calls_of_print(text: str) -> str:
    """Every statement `print a, b` as `print(a, b)`."""
    lines = text.splitlines(keepends=True)
    edits: list[tuple[int, int, str]] = []
    first, open_at = True, None  # whether a statement begins here; where a print's own began
    end = (1, 0)
    for token in _tokens(text):
        ends = token.type in (tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.COMMENT) or (
            token.type == tokenize.OP and token.string == ";"
        )
        if ends and open_at is not None:
            edits += _around(lines, open_at, end)
            open_at = None
        if first and token.type == tokenize.NAME and token.string == "print":
            open_at = token.end
        elif token.type not in _SKIPPED:
            end = token.end
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            first = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT) or (
                token.string in (";", ":") and token.type == tokenize.OP
            )
    for row, column, added in sorted(edits, reverse=True):
        line = lines[row - 1]
        lines[row - 1] = line[:column] + added + line[column:]
    return "".join(lines)


def _around(
    lines: list[str], start: tuple[int, int], end: tuple[int, int]
) -> list[tuple[int, int, str]]:
    """Brackets around what a print statement prints, unless it is a call already."""
    if end <= start:
        return [(*start, "()")]
    rest = lines[start[0] - 1][start[1] :].lstrip()
    last = lines[end[0] - 1][: end[1]]
    if rest.startswith("(") and last.endswith(")") and start[0] == end[0]:
        inside = lines[start[0] - 1][start[1] : end[1]].strip()
        if _closes_at_its_end(inside):
            return []
    return [(*start, "("), (*end, ")")]


def _closes_at_its_end(text: str) -> bool:
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0:
            return i == len(text) - 1
    return False


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    tokens = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            tokens.append(token)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass  # what it has read so far is translated; parsing says the rest
    return tokens
