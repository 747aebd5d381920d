"""`pminusy play`: the interactive page, as one file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pminusy.cli.arrays import names, target_of, typed_array
from pminusy.cli.explain import named_as_typed
from pminusy.cli.loss_flags import loss_options_of, with_loss_flags
from pminusy.cli.streams import printing
from pminusy.files import check_writable
from pminusy.present.sanitise import visible

__all__ = ["play"]

_PAGE = Path("play.html")
_ON_THE_PAGE = ("temperature", "label_smoothing", "z_loss", "softcap")  # a test compares them


@partial(with_loss_flags, shown=_ON_THE_PAGE)
def play(
    logits: Annotated[
        str | None, typer.Option(help="Logits that it opens with, with commas between.")
    ] = None,
    probs: Annotated[str | None, typer.Option(help="Probabilities in place of logits.")] = None,
    x: Annotated[str | None, typer.Option("--x", help="Input of a linear layer.")] = None,
    W: Annotated[str | None, typer.Option("--W", help="Weights, one row a class.")] = None,
    b: Annotated[str | None, typer.Option("--b", help="Bias, one number a class.")] = None,
    target: Annotated[
        str,
        typer.Option(help="True class by name or by index, from 0, or soft targets with commas."),
    ] = "0",
    classes: Annotated[str | None, typer.Option(help="Names of the classes: a,b,c.")] = None,
    points: Annotated[
        Path | None,
        typer.Option(help="CSV file of two numbers and a class a row, to learn on."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write the page.")
    ] = _PAGE,
    **loss: Any,
) -> None:
    """Write a page on which ∂L/∂z = p − y moves: drag the logits, step through, learn."""
    from pminusy.api.play import EXAMPLE
    from pminusy.derivation.input.request import request_of
    from pminusy.playground.result import Playground

    check_writable(output, inputs=[points] if points else [])
    given: dict[str, Any] = {
        "z": typed_array("--logits", logits), "probabilities": typed_array("--probs", probs),
        "x": typed_array("--x", x), "W": typed_array("--W", W, rows=True),
        "b": typed_array("--b", b), "classes": names(classes),
        "y": target_of(target, names(classes)),
    }  # fmt: skip
    if logits is probs is x is None:
        given["z"] = EXAMPLE
    options = {name: value for name, value in loss_options_of(loss).items() if value is not None}
    with named_as_typed():
        page = Playground(request_of(**given, **options), points)
    page.save(output)
    with printing([output]):
        typer.echo(f"The page is in {visible(str(output))}: open it in a browser.")
