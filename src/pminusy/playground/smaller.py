"""The page's parts with fewer characters and the same meaning."""

from __future__ import annotations

import re

__all__ = ["smaller_markup", "smaller_script"]

_COMMENT = re.compile(r"^[ ]*(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|(?P<regex>(?<=[(,=:\[!&|?{};])[ ]*/(?![/*])"""
    r"""(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)"""
    r"|(?P<comment>[ ]+//[^\n]*)|(?P<template>`)"
    r"|(?P<space>(?<=[\w)\]}\"'`])[ ](?=[={}()\[\],;:?<>&|!*])|(?<=[={}()\[\],;:?<>&|!*])[ ](?=\S))"
)
_IN_TEMPLATE = re.compile(r"\\.|\$\{|`|[^\\`$]+|\$", re.DOTALL)


def smaller_script(code: str) -> str:
    """JavaScript without comments, indentation and most spaces beside operators.

    A third of it goes; lines end where they ended, and what is inside quotes stays.
    """
    lines = re.sub(r"^ +|^\n", "", _COMMENT.sub("", code), flags=re.MULTILINE).strip()
    return "".join(_pieces(lines))


def _pieces(code: str) -> list[str]:
    """Code piece by piece, those spaces and comments left out that nothing needs."""
    made, at = [], 0
    while at < len(code):
        found = _TOKEN.search(code, at)
        if found is None:
            made.append(code[at:])
            break
        made.append(code[at : found.start()])
        at = found.end()
        if found.lastgroup == "template":
            end = _end_of_template(code, at)
            made.append(code[found.start() : end])
            at = end
        elif found.lastgroup in ("string", "regex"):
            made.append(found[0])
    return made


def _end_of_template(code: str, at: int) -> int:
    """Where a template literal ends; there may be others inside its ${…}."""
    while True:
        found = _IN_TEMPLATE.match(code, at)
        assert found is not None, "a template literal without an end"
        at = found.end()
        if found[0] == "`":
            return at
        if found[0] == "${":
            at = _end_of_braces(code, at)


def _end_of_braces(code: str, at: int) -> int:
    depth = 1
    while depth:
        mark = code[at]
        at += 1
        if mark == "`":
            at = _end_of_template(code, at)
        elif mark in "\"'":
            at = code.index(mark, at) + 1
        depth += {"{": 1, "}": -1}.get(mark, 0)
    return at


def smaller_markup(html: str) -> str:
    """MathML without elements that hold one alone, and attributes without needless quotes."""
    html = re.sub(r"<mrow>(<(m[in])\b[^>]*>[^<]*</\2>)</mrow>", r"\1", html)
    html = re.sub(r"(<math[^>]*>)<mrow>((?:(?!<math).)*?)</mrow></math>", r"\1\2</math>", html)
    return re.sub(r"<m[a-z]+ [^<>]*>", lambda tag: _UNQUOTED.sub(r"=\1", tag[0]), html)


_UNQUOTED = re.compile(r'="([A-Za-z0-9._-]+)"(?=[ >])')
