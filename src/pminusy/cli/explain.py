"""`pminusy explain`: every line of the derivation, proved, with the reader's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from pminusy.cli.arrays import names, optional_array, target_of, typed_array
from pminusy.cli.loss_flags import FLAGS, loss_options_of, with_loss_flags
from pminusy.cli.streams import print_notes, printing, stdout
from pminusy.cli.values import number, whole_number
from pminusy.derivation.input.request import Request, request_of
from pminusy.errors import InputError
from pminusy.files import check_writable, write_atomically
from pminusy.present.sanitise import visible

if TYPE_CHECKING:
    from pminusy.derivation.steps.derivation import Derivation

__all__ = ["explain", "named_as_typed"]


def _number(help: str) -> Any:  # noqa: A002  # typer's own name for it
    return typer.Option(parser=number, metavar="NUMBER", help=help)


def _whole(help: str) -> Any:  # noqa: A002  # typer's own name for it
    return typer.Option(parser=whole_number, metavar="NUMBER", help=help)


_EXAMPLE = ("2,1,0", "0")  # logits and target whose chapters are listed where none are given
_ONE = "numbers with commas between, rows with semicolons, or a .npy or .csv file"


@with_loss_flags
def explain(
    model: Annotated[
        Path | None, typer.Argument(help="A trained model, to explain a row of a table.")
    ] = None,
    table: Annotated[Path | None, typer.Argument(help="The table.")] = None,
    row: Annotated[
        int | None,
        typer.Option(
            parser=whole_number,
            metavar="NUMBER",
            help="Row of the table, from 1; or of a batch of arrays, from 0.",
        ),
    ] = None,
    logits: Annotated[str | None, typer.Option(help=f"Logits: {_ONE}.")] = None,
    probs: Annotated[str | None, typer.Option(help="Probabilities in place of logits.")] = None,
    x: Annotated[
        str | None, typer.Option("--x", help="Input of a linear layer, or a batch.")
    ] = None,
    W: Annotated[str | None, typer.Option("--W", help="Weights, one row a class.")] = None,
    b: Annotated[str | None, typer.Option("--b", help="Bias, one number a class.")] = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="True class by name or by index, from 0; with commas: one a row, or soft targets."
        ),
    ] = None,
    normalise: Annotated[bool, typer.Option(help="Divide the probabilities by their sum.")] = False,
    classes: Annotated[str | None, typer.Option(help="Names of the classes: a,b,c.")] = None,
    features: Annotated[str | None, typer.Option(help="Names of the features: a,b,c.")] = None,
    rate: Annotated[float, _number("Learning rate of the gradient step.")] = Request.rate,
    steps: Annotated[int, _whole("How many gradient steps to follow.")] = Request.steps,
    ridge: Annotated[
        float | None, _number("λ of the ridge penalty: 0.1, or the model's own.")
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help="Layers before the head, or a file of weights; such as "
            "image:6x6,conv:4x3/2+1,batchnorm,relu,maxpool:2/1,dropout:0.5,linear:5. "
            "conv:CHANNELSxSIZE[/STRIDE][+PADDING] and maxpool:SIZE[/STRIDE] take 3 or 3x5; "
            "image:[CHANNELSx]HEIGHTxWIDTH and sequence:[CHANNELSx]LENGTH say how a row is read; "
            "batchnorm:test and dropout:test are those of after training; relu:5 is "
            "linear:5,relu; tanh, sigmoid, gelu."
        ),
    ] = None,
    network_layers: Annotated[
        str | None,
        typer.Option(help="Layers in order of a --network FILE.safetensors or .npz: linear,relu."),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer of a network to open: its number, its name, head or all."),
    ] = None,
    seed: Annotated[int, _whole("Which random weights and masks they get.")] = Request.seed,
    grad_output: Annotated[
        str | None, typer.Option(help="With none: upstream gradient of each row's loss.")
    ] = None,
    route: Annotated[
        str, typer.Option(help="long, sparse or direct; all for every route and chapter.")
    ] = Request.route,
    chapters: Annotated[
        str | None,
        typer.Option(help="Chapters to add in full: a,b,c; list says which there are."),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every route with every chapter: --route all.")
    ] = False,
    article: Annotated[
        str | None,
        typer.Option(
            help="In the order and the letters of an article: 000 to 004; list describes them."
        ),
    ] = None,
    depth: Annotated[str | None, typer.Option(help="result, outline or full.")] = None,
    notation: Annotated[
        str | None,
        typer.Option(help="p, yhat, s, o or S; -row for row vectors; 000 to 004: an article's."),
    ] = Request.notation,
    hints: Annotated[int, _whole("0 to 3: how much to hold back.")] = Request.hints,
    digits: Annotated[int, _whole("Significant digits shown.")] = Request.digits,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write .html, .md, .tex, .json or .txt.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="html, md, tex, beamer (slides), json or txt: with -o, "
            "what a file is that its name does not say."
        ),
    ] = None,
    **loss: Any,
) -> None:
    """Derive ∂L/∂z = p − y with your numbers, every line proved."""
    if article == "list":
        _describe_articles()
        return
    if chapters == "list" and not any((model, logits, probs, x, W, network, target)):
        logits, target = _EXAMPLE
    write = _writer(output, to, [p for p in (model, table) if p])
    options: dict[str, Any] = {
        "route": _route(route, all_), "chapters": _chapters(chapters), "depth": depth,
        "notation": notation, "hints": hints, "digits": digits,
        "rate": rate, "steps": steps,
    }  # fmt: skip
    if ridge is not None:
        options["ridge"] = ridge
    chosen = loss_options_of(loss)
    numbers = {
        "z": typed_array("--logits", logits), "probabilities": typed_array("--probs", probs),
        "x": typed_array("--x", x), "W": typed_array("--W", W, rows=True),
        "b": typed_array("--b", b), "classes": names(classes), "features": names(features),
        "network": network, "network_layers": network_layers, "layer": layer,
        "grad_output": optional_array("--grad-output", grad_output),
    }  # fmt: skip
    if model is not None:
        opened = {} if layer is None else {"layer": numbers.pop("layer")}
        unused = [target, article, chosen["sample_weight"], *numbers.values()]
        _refuse_beside_model(unused, normalise)
        result = _of_model(model, table, row, options | opened | chosen)
    else:
        from pminusy.api.explain import explained

        more: dict[str, Any] = {
            "y": _target(target, names(classes), article), "article": article,
            "normalise": normalise, "row": row or 0, "seed": seed,
        }  # fmt: skip
        with named_as_typed():
            result = explained(request_of(**more, **numbers, **options, **chosen))
    if chapters == "list":
        _list_chapters(result)
        return
    if write is None:
        _print(result)
        return
    assert output is not None
    page = write(result).encode()
    write_atomically(output, lambda file: file.write(page))
    with printing([output]):
        typer.echo(f"{len(result)} steps, every one proved, in {visible(str(output))}")


def _target(target: str | None, classes: tuple[str, ...] | None, article: str | None) -> Any:
    return None if article and target is None else target_of(target, classes)


def _route(route: str, everything: bool) -> str:
    if everything and route not in (Request.route, "all"):
        raise InputError("--all", "no other route beside it", f"--route {route}", "leave one out")
    return "all" if everything else route


def _chapters(listed: str | None) -> list[str] | None:
    if listed in (None, "list"):
        return None
    return [key.strip() for key in str(listed).split(",")]


def _describe_articles() -> None:
    from pminusy.derivation.statements.articles import ARTICLES

    with printing([]):
        for name, article in ARTICLES.items():
            typer.echo(f"{name}  {article.says}")


def _list_chapters(result: Derivation) -> None:
    """Every chapter by its key, and how much of it the page has."""
    width = max(len(chapter.key) for chapter, _ in result.contents)
    with printing([]):
        for chapter, steps in result.contents:
            typer.echo(
                f"{chapter.key:<{width}}  {chapter.title} ({steps} of {len(chapter.lines)} steps)"
            )


_FLAGS = {"z": "--logits", "probabilities": "--probs", "y": "--target", **FLAGS}


@contextmanager
def named_as_typed() -> Iterator[None]:
    """Let errors about a parameter name the option that was typed: --logits[1] for z[1]."""
    try:
        yield
    except InputError as error:
        name, bracket, place = error.what.partition("[")
        if name not in _PARAMETERS:
            raise
        flag = _FLAGS.get(name) or f"--{name.replace('_', '-')}"
        raise InputError(flag + bracket + place, error.expected, error.got, error.remedy) from None


_PARAMETERS = frozenset({field.name for field in fields(Request)} | {"target"} | FLAGS.keys())


def _refuse_beside_model(numbers: Sequence[Any], normalise: bool) -> None:
    if normalise or any(value is not None for value in numbers):
        expected = "a model and a table, or numbers of your own"
        raise InputError("what to explain", expected, "both", "leave one of them out")


def _of_model(model: Path, table: Path | None, row: int | None, options: Any) -> Derivation:
    from pminusy.api.explain import row_of
    from pminusy.api.table_model import load

    if table is None:
        raise InputError("table", "the table whose row is explained", "none", "name it after MODEL")
    trained = load(model)
    frame = trained.read(table)
    if row is None:
        raise InputError("--row", f"a row from 1 to {frame.height:,}", "none", "pass --row 1, say")
    result, notes = trained.explanation(row_of(frame, row), (frame, row), **options)
    print_notes(notes)
    return result


def _print(result: Derivation) -> None:
    import sys
    from typing import cast

    from pminusy.derivation.render.terminal import Trimmed, show

    console = stdout()
    if not console.is_terminal:
        console = stdout(file=cast(TextIO, Trimmed(sys.stdout)))
    show(result, console)


_WRITERS: dict[str, Callable[[Derivation], str]] = {
    "html": lambda d: d.to_html(),
    "md": lambda d: d.to_markdown(),
    "tex": lambda d: d.to_latex(),
    "beamer": lambda d: d.to_beamer(),
    "json": lambda d: d.to_json(),
    "txt": str,
}


def _writer(
    output: Path | None, to: str | None, inputs: list[Path]
) -> Callable[[Derivation], str] | None:
    """How to write, by name or by suffix; an output that cannot be is refused before the work."""
    if output is None:
        if to is not None:
            raise InputError("--to", "a file for it", "none", f"pass -o page.{_SUFFIX.get(to, to)}")
        return None
    kind = output.suffix.lower().removeprefix(".") if to is None else to
    if to is not None and to not in _WRITERS:
        raise InputError("--to", ", ".join(_WRITERS), repr(to))
    if kind not in _WRITERS or (to is None and kind == "beamer"):
        suffixes = ", ".join(f".{name}" for name in _WRITERS if name != "beamer")
        raise InputError("--output", f"a name that ends in {suffixes}", repr(output.name))
    check_writable(output, inputs=inputs)
    return _WRITERS[kind]


_SUFFIX = {"beamer": "tex"}
