"""The commands together, and what happens to their errors: one line on stderr, exit code 2."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

import pminusy
from pminusy.cli.streams import printing, say
from pminusy.errors import InputError
from pminusy.extras import missing_extra
from pminusy.present.sanitise import visible

__all__ = ["COMMANDS", "application", "run"]

_MISUSE, _INTERRUPTED = 2, 130

_HELP = {"help_option_names": ["-h", "--help"]}

COMMANDS = (
    "check",
    "explain",
    "play",
    "quiz",
    "fit",
    "predict",
    "evaluate",
    "export",
    "audit",
    "warm-up",
)

_COMPLETE = "_PMINUSY_COMPLETE"  # set by a shell that asks what may follow
_TYPED = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")  # and where it puts what is typed so far


def application(commands: Sequence[str] = COMMANDS) -> typer.Typer:
    """The application with some of its commands: importing those not asked for takes time."""
    app = typer.Typer(
        name="pminusy",
        context_settings=_HELP,
        help="The softmax cross-entropy head, whole.",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    for command in commands:
        name = command.replace("-", "_")  # of the module, and of the function in it
        function = getattr(import_module(f"pminusy.cli.{name}"), name)
        app.command(command, context_settings=_HELP)(function)
    return app


def _commands_for(arguments: Sequence[str]) -> tuple[str, ...]:
    """Which commands a command line needs: its own, none for the version, all for help."""
    first = arguments[0] if arguments else ""
    if first == "--version":
        return ()
    return (first,) if first in COMMANDS else COMMANDS


# What typer raises for any option that is unknown or cannot be read. typer exports the leaf of that
# family alone, and the module of its root differs between versions: it is found by its name.
_Misuse: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pminusy {pminusy.__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """The softmax cross-entropy head, whole."""
    warnings.formatwarning = _one_line


def _one_line(message: Warning | str, *_: object, **__: object) -> str:
    """A Python warning as the commands say it: neither a path nor a line of code."""
    return f"pminusy: {visible(str(message))}\n"


def run(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 2 for input that cannot be used, 130 for Ctrl-C."""
    code = 0
    try:
        with printing():
            code = _invoke(sys.argv[1:] if arguments is None else arguments)
    except InputError as error:
        return _complain(_as_typed(error, sys.argv[1:] if arguments is None else arguments))
    except _Misuse as error:
        return _complain(error.format_message())  # type: ignore[attr-defined]  # see above
    except ModuleNotFoundError as error:
        advice = missing_extra(error)
        if advice is None:
            raise
        return _complain(str(advice))
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted; no file is left half written")
        return _INTERRUPTED
    except Warning as error:  # with `python -W error`
        return _complain(str(error))
    except MemoryError:
        remedy = "use fewer rows, or leave out columns with --drop"
        return _complain(
            str(InputError("table", "one that fits in memory", "a larger one", remedy))
        )
    return code


def _invoke(arguments: list[str]) -> int:
    """Run a command without typer's own error handling, which differs between its versions."""
    if _COMPLETE in os.environ:
        return _complete()
    command = _command(arguments)
    try:
        with command.make_context("pminusy", list(arguments) or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return 0


def _command(arguments: Sequence[str]) -> Any:
    return typer.main.get_command(application(_commands_for(arguments)))


def _as_typed(error: InputError, arguments: Sequence[str]) -> str:
    """The message, with options in it as they are typed: `--max-iter` for max_iter."""
    if not arguments or arguments[0] not in COMMANDS:
        return str(error)
    parameters = _command(arguments).commands[arguments[0]].params
    options = {name for parameter in parameters for name in parameter.opts if name[:2] == "--"}

    def typed(name: str) -> str:
        dashed = f"--{name.strip('-_').replace('_', '-')}"
        return dashed if dashed in options else name

    def beside(found: re.Match[str]) -> str:
        return f"{found[1]} {typed(found[2])}"

    expected, remedy = (
        re.sub(r"\b(beside|leave) (\w+)\b(?! layers)", beside, text)
        for text in (error.expected, error.remedy)
    )
    return str(InputError(typed(error.what), expected, error.got, remedy))


def _complete() -> int:
    """Answer a shell that asks what may follow what is typed."""
    typed = next((os.environ[name] for name in _TYPED if name in os.environ), "").split()
    # The last word may be the beginning of one.
    return int(_command(typed[1:-1])(prog_name="pminusy", standalone_mode=False) or 0)


def _complain(message: str) -> int:
    say(f"pminusy: {visible(message)}")  # if that is full too, the exit code is all there is
    return _MISUSE
