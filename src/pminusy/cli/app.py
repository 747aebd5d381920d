"""The commands together, and what happens to their errors: one line on stderr, exit code 2."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import pminusy
from pminusy.cli.check import check
from pminusy.cli.evaluate import evaluate
from pminusy.cli.explain import explain
from pminusy.cli.fit import fit
from pminusy.cli.predict import predict
from pminusy.cli.text import visible
from pminusy.errors import InputError
from pminusy.extras import missing_extra

__all__ = ["app", "run"]

_MISUSE, _INTERRUPTED = 2, 130

app = typer.Typer(
    name="pminusy",
    help="The softmax cross-entropy head, whole.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(check)
app.command()(explain)
app.command()(fit)
app.command()(predict)
app.command()(evaluate)

# What typer raises for a misspelt option; the class itself lives in a module that has moved.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]


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


def run(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code: 0, 2 for input that cannot be used, 130 for Ctrl-C."""
    try:
        _invoke(sys.argv[1:] if arguments is None else arguments)
    except typer.Exit as done:
        return done.exit_code
    except InputError as error:
        return _complain(str(error))
    except _UsageError as error:
        return _complain(error.format_message())  # type: ignore[attr-defined]  # see above
    except ModuleNotFoundError as error:
        advice = missing_extra(error)
        if advice is None:
            raise
        return _complain(str(advice))
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted; no file is left half written")
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        _silence_stdout()
    except OSError as error:  # files say what is wrong with them as InputError: this is stdout
        _silence_stdout()
        got = error.strerror or type(error).__name__
        return _complain(str(InputError("standard output", "a place that can be written", got)))
    except MemoryError:
        remedy = "use fewer rows, or leave out columns with --drop"
        return _complain(
            str(InputError("table", "one that fits in memory", "a larger one", remedy))
        )
    return 0


def _silence_stdout() -> None:
    """Keep Python from flushing, at exit, what can no longer be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _invoke(arguments: list[str]) -> None:
    """Run a command without typer's own error handling, which differs between its versions."""
    command = typer.main.get_command(app)
    with command.make_context("pminusy", list(arguments) or ["--help"]) as context:
        command.invoke(context)
        sys.stdout.flush()  # a broken pipe is met here, not at exit


def _complain(message: str) -> int:
    typer.echo(f"pminusy: {visible(message)}", err=True)
    return _MISUSE
