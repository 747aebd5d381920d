"""`pminusy quiz`: questions about the derivation, in a terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pminusy.cli.streams import printing
from pminusy.cli.values import whole_number
from pminusy.errors import InputError

__all__ = ["quiz"]

_COUNT = 6
_INTERRUPTED = 130
_LONGEST_LINE = 100_000


def quiz(
    article: Annotated[
        str | None, typer.Option(help="Lines of one article: 000 to 004; all by default.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="next (type the next line), rule (choose it), order (put lines in order), "
            "predict (sign and size of p − y), false (find the false line) or function (paste "
            "one); a mixture of all but the last by default."
        ),
    ] = None,
    n: Annotated[
        int, typer.Option("-n", parser=whole_number, metavar="NUMBER", help="How many questions.")
    ] = _COUNT,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="NUMBER", help="The same seed asks the same questions."
        ),
    ] = None,
) -> None:
    """Type the next line, choose the rule, find the false line: judged exactly."""
    from random import SystemRandom

    from pminusy.questions.items.choosing import questions
    from pminusy.questions.session import Score, ask

    if seed is None:
        seed = SystemRandom().randrange(10_000)
    try:
        asked = questions(article, kind, n, seed)
    except InputError as error:
        flag = "-n" if error.what == "n" else f"--{error.what}"
        raise InputError(flag, error.expected, error.got, error.remedy) from None
    score = Score()
    with printing([]):
        count = f"{len(asked)} question{'s' * (len(asked) > 1)}"
        typer.echo(
            f"{count}, seed {seed}. Type p_k - y_k or p[k]-y[k]; "
            "an empty line shows an answer, Ctrl-D ends."
        )
        try:
            ask(asked, _read, typer.echo, score)
        except KeyboardInterrupt:
            typer.echo(f"\n{score.in_words}")
            raise typer.Exit(_INTERRUPTED) from None
        typer.echo(f"\n{score.in_words}")


def _read() -> str | None:
    """A line of standard input without its end; None after the last."""
    typer.echo("> ", nl=False)
    sys.stdout.flush()
    if sys.stdin is None:  # closed by whoever started the command
        return None
    try:
        line = sys.stdin.readline(_LONGEST_LINE)
    except UnicodeDecodeError:
        raise InputError("standard input", "text in UTF-8", "other bytes") from None
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise InputError("standard input", "lines of text", got) from None
    if not line:
        return None
    if not line.endswith("\n"):
        while len(line) % _LONGEST_LINE == 0 and (more := sys.stdin.readline(_LONGEST_LINE)):
            if more.endswith("\n"):
                break
    if not sys.stdin.isatty():
        typer.echo()  # nothing that is typed ends the line of the prompt
    return line.rstrip("\r\n")
