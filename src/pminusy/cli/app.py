"""The commands together, and what happens to their errors: one line on stderr, exit code 2."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

import pminusy
from pminusy.cli.check import check
from pminusy.cli.evaluate import evaluate
from pminusy.cli.explain import explain
from pminusy.cli.export import export
from pminusy.cli.fit import fit
from pminusy.cli.predict import predict
from pminusy.cli.streams import printing, say
from pminusy.cli.warm_up import warm_up
from pminusy.errors import InputError
from pminusy.extras import missing_extra
from pminusy.present.sanitise import visible

__all__ = ["app", "run"]

_MISUSE, _INTERRUPTED = 2, 130

_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="pminusy",
    context_settings=_HELP,
    help="The softmax cross-entropy head, whole.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command(context_settings=_HELP)(check)
app.command(context_settings=_HELP)(explain)
app.command(context_settings=_HELP)(fit)
app.command(context_settings=_HELP)(predict)
app.command(context_settings=_HELP)(evaluate)
app.command(context_settings=_HELP)(export)
app.command("warm-up", context_settings=_HELP)(warm_up)

# What typer raises for any option that is unknown or cannot be read. typer exports the leaf of that
# family alone, and the module of its root differs between versions: it is found by its name.
_Misuse: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pminusy {pminusy.__version__}")
        raise typer.Exit


@app.callback()
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
        return _complain(str(error))
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
    command = typer.main.get_command(app)
    try:
        with command.make_context("pminusy", list(arguments) or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return 0


def _complain(message: str) -> int:
    say(f"pminusy: {visible(message)}")  # if that is full too, the exit code is all there is
    return _MISUSE
