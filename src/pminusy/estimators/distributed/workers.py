"""The workers that a computation would run on: asked what they have before it begins."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pminusy.errors import InputError

__all__ = ["active_client", "asked", "require_same_version"]


def active_client() -> Any:
    """The active client; None without one, where Dask works on threads here."""
    distributed = sys.modules.get("distributed")  # whoever has a client has imported it
    if distributed is None:
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


def asked(client: Any, question: Callable[[], Any]) -> list[tuple[str, Any]]:
    """What each worker answers, by its address; one that is just lost is Dask's to replace."""
    return sorted(client.run(question, on_error="ignore").items())


def require_same_version() -> None:
    """Refuse workers that have no pminusy, or another version of it than the client."""
    client = active_client()
    if client is None:
        return
    if client.asynchronous:
        raise InputError("client", "one that is not asynchronous", "an asynchronous one")
    question = _question()
    known = question()
    for worker, found in asked(client, question):
        if found != known:
            raise InputError(
                f"the worker at {worker}",
                f"pminusy {known}, as here",
                found,
                "install the same version on all of them",
            )


def _question() -> Callable[[], str]:
    """A function that is sent by its code: a worker need not have the package to answer."""

    def installed() -> str:
        from importlib import metadata

        try:
            return str(metadata.version("pminusy"))
        except metadata.PackageNotFoundError:
            return "no pminusy"

    return installed
