"""Every command with every argument and option, from what `--help` is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import typer

from pminusy.cli.app import COMMANDS, application

__all__ = ["Parameter", "command_line", "commands", "parameters"]


class Parameter(NamedTuple):
    """An argument or option as `--help` writes it: its flags with what they take, and its text."""

    flags: str
    text: str


def commands() -> dict[str, Any]:
    """Each command by its name, as the command line has it."""
    group: Any = typer.main.get_command(application())
    return {name: group.commands[name] for name in COMMANDS}


def parameters(name: str, command: Any) -> Iterator[Parameter]:
    """The parameters of a command in the order of its help."""
    context = command.make_context(name, [], resilient_parsing=True)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield Parameter(*record)


def command_line() -> str:
    """The chapter: for each command what it does, how it is called, and its parameters."""
    return "\n".join(line for name, command in commands().items() for line in _lines(name, command))


def _lines(name: str, command: Any) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(["pminusy", name, *command.collect_usage_pieces(context)])
    yield from (f"## `pminusy {name}`", "", _text(command.help or ""), "")
    yield from ("```text", usage, "```", "")
    for parameter in parameters(name, command):
        yield from (f"`{parameter.flags}`", f": {_text(parameter.text)}", "")


def _text(words: str) -> str:
    """A help text as Markdown in which no character means more than itself."""
    plain = " ".join(words.replace("\b", "").split())
    return re.sub(r"([\\*_<>\[\]{}$|`])", r"\\\1", plain)
