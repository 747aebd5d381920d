"""The loop of a submission's process: read it, say what it defines, run programs."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any, BinaryIO

from . import calls, definitions, inventory, modules
from .wire import LARGEST_HEADER, pack, unpack

__all__ = ["serve"]


def serve() -> None:
    """Answer requests on standard input until it ends; what the submission prints is discarded."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    discarded = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(discarded, stream)
    sys.setrecursionlimit(1000)
    first, arrays = unpack(lambda n: _exactly(requests, n), LARGEST_HEADER)
    _confine(first["limits"])
    files = {name: array.tobytes() for name, array in zip(first["files"], arrays, strict=True)}
    namespace: dict[str, Any] = {}
    _answer(replies, _open(first["name"], files, namespace), [])
    while True:
        program, arrays = unpack(lambda n: _exactly(requests, n))
        _answer(replies, *calls.perform(namespace, program, arrays))


def _confine(limits: dict[str, int]) -> None:
    """Limits of this process and what it starts; then, as root, change to an unprivileged user."""
    wanted = {
        resource.RLIMIT_AS: limits["memory"],
        resource.RLIMIT_CPU: limits["seconds"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    if limits["processes"]:
        wanted[resource.RLIMIT_NPROC] = limits["processes"]
    if limits["user"] and os.getuid() == 0:
        os.setgroups([])
        os.setgid(limits["user"])
        os.setuid(limits["user"])
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # macOS knows the limit and refuses some values
            continue


def _open(name: str, files: dict[str, bytes], namespace: dict[str, Any]) -> dict[str, Any]:
    definitions.restore_removed_names()
    try:
        pieces = definitions.units(name, files[name])
    except definitions.UnreadableSubmission as error:
        return {
            "functions": [], "unreadable": [_unreadable(error)], "faults": [], "translated": [],
            "imported": [],
        }  # fmt: skip
    unreadable = []
    for piece in pieces:
        try:
            piece.parse()
        except definitions.UnreadableSubmission as error:
            unreadable.append(_unreadable(error) | {"unit": piece.label})
    functions = inventory.of_units(pieces)
    others = {other: text for other, text in files.items() if other != name}
    faults = modules.install(others, name, namespace)
    faults += definitions.execute(pieces, namespace)
    translated = [f"{p.label or name}: {', '.join(p.translated)}" for p in pieces if p.translated]
    return {
        "functions": functions, "unreadable": unreadable, "faults": faults[:20],
        "translated": translated[:20], "imported": modules.imported(others, namespace),
    }  # fmt: skip


def _unreadable(error: definitions.UnreadableSubmission) -> dict[str, Any]:
    return {
        "kind": error.kind, "message": error.message[:300], "line": error.line,
        "text": error.text, "caret": error.caret, "unit": "",
    }  # fmt: skip


def _answer(replies: BinaryIO, message: dict[str, Any], arrays: list[Any]) -> None:
    replies.write(pack(message, arrays))
    replies.flush()


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        sys.stdout.flush()
        os._exit(0)  # the checker is done: no thread or exit handler of the submission runs
    return data
