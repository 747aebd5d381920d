"""`pminusy explain`: every line of the derivation, proved, with the reader's own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pminusy.errors import InputError

if TYPE_CHECKING:
    from pminusy.derivation.derivation import Derivation

__all__ = ["explain"]

_ONE = "numbers with commas between, rows with semicolons, or a .npy or .csv file"


def explain(
    logits: Annotated[str | None, typer.Option(help=f"Logits: {_ONE}.")] = None,
    probs: Annotated[str | None, typer.Option(help="Probabilities in place of logits.")] = None,
    x: Annotated[str | None, typer.Option("--x", help="Input of a linear layer, or a batch.")] = None,
    W: Annotated[str | None, typer.Option("--W", help="Weights, one row a class.")] = None,
    b: Annotated[str | None, typer.Option("--b", help="Bias, one number a class.")] = None,
    target: Annotated[
        str | None,
        typer.Option(help="True class by index or name; with commas: one a row, or soft targets."),
    ] = None,
    normalise: Annotated[bool, typer.Option(help="Divide the probabilities by their sum.")] = False,
    classes: Annotated[str | None, typer.Option(help="Names of the classes: a,b,c.")] = None,
    features: Annotated[str | None, typer.Option(help="Names of the features: a,b,c.")] = None,
    row: Annotated[int, typer.Option(help="Row of a batch to derive in full.")] = 0,
    rate: Annotated[float, typer.Option(help="Learning rate of the gradient step.")] = 0.1,
    steps: Annotated[int, typer.Option(help="How many gradient steps to follow.")] = 1,
    ridge: Annotated[float, typer.Option(help="λ of the ridge penalty.")] = 0.1,
    network: Annotated[
        str | None,
        typer.Option(help="Layers before the head: relu:5,batchnorm,dropout:0.5,conv:2x3,maxpool:2."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Which random weights and masks they get.")] = 0,
    label_smoothing: Annotated[float, typer.Option(help="ε in [0, 1].")] = 0.0,
    weight: Annotated[str | None, typer.Option(help="Class weights, one a class.")] = None,
    sample_weight: Annotated[str | None, typer.Option(help="Weight of the sample, or of each row.")] = None,
    temperature: Annotated[float, typer.Option(help="T > 0: logits are divided by it.")] = 1.0,
    z_loss: Annotated[float, typer.Option(help="ζ ≥ 0: adds ζ S lse².")] = 0.0,
    softcap: Annotated[float | None, typer.Option(help="κ > 0: logits become κ tanh(u/κ).")] = None,
    base: Annotated[float | None, typer.Option(help="Base of the logarithm (e by default).")] = None,
    route: Annotated[str, typer.Option(help="all, long, sparse or direct.")] = "all",
    depth: Annotated[str | None, typer.Option(help="result, outline or full.")] = None,
    notation: Annotated[str, typer.Option(help="p, yhat, s, o or S; -row for row vectors.")] = "p",
    hints: Annotated[int, typer.Option(help="0 to 3: how much to hold back.")] = 0,
    digits: Annotated[int, typer.Option(help="Significant digits shown.")] = 5,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write .html, .md, .tex, .json or .txt.")
    ] = None,
) -> None:
    """Derive the gradient of softmax cross-entropy with your numbers, every line proved."""
    from pminusy.api.explain import explain as derivation_of

    write = None if output is None else _writer(output)
    one = None if sample_weight is None else _array("--sample-weight", sample_weight)
    result = derivation_of(
        y=_target(target), z=_optional("--logits", logits), x=_optional("--x", x),
        probabilities=_optional("--probs", probs), W=_optional("--W", W, rows=True),
        b=_optional("--b", b), normalise=normalise, classes=_names(classes),
        features=_names(features), row=row, rate=rate, steps=steps, ridge=ridge, network=network,
        seed=seed, route=route, depth=depth, notation=notation, hints=hints, digits=digits,
        weight=_optional("--weight", weight), sample_weight=one, label_smoothing=label_smoothing,
        temperature=temperature, z_loss=z_loss, softcap=softcap, log_base=base,
    )  # fmt: skip
    if write is None:
        _print(result)
        return
    assert output is not None
    _save(output, write(result))
    typer.echo(f"{len(result)} steps, every one proved, in {output}")


def _print(result: Derivation) -> None:
    from rich.console import Console

    from pminusy.derivation.render.terminal import show

    show(result, Console(highlight=False))


def _writer(output: Path) -> Any:
    writers = {
        ".html": lambda d: d.to_html(),
        ".md": lambda d: d.to_markdown(),
        ".tex": lambda d: d.to_latex(),
        ".json": lambda d: d.to_json(),
        ".txt": str,
    }
    suffix = output.suffix.lower()
    if suffix not in writers:
        raise InputError("--output", f"a name that ends in {', '.join(writers)}", repr(output.name))
    if not output.parent.is_dir():
        raise InputError("--output", "a folder that exists", str(output.parent))
    return writers[suffix]


def _save(output: Path, page: str) -> None:
    """Whole or not at all: written beside, then moved into place."""
    beside = output.with_name(f".{output.name}.part")
    try:
        beside.write_text(page, encoding="utf-8")
        beside.replace(output)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError("--output", "a file that can be written", f"{output}: {error.strerror}") from None


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _target(text: str | None) -> Any:
    """A class index, a class name, one of either a row, or soft targets (numbers with a point)."""
    if text is None:
        raise InputError("--target", "the true class", "nothing", "pass --target 0, say")
    if Path(text).suffix in (".npy", ".csv") and Path(text).is_file():
        array = _file("--target", Path(text))
        return array if array.ndim == 2 or (array % 1).any() else [int(v) for v in array.ravel()]
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and ";" not in text:
        return _class(parts[0])
    if any("." in part or ";" in part for part in parts):
        return _array("--target", text)
    return [_class(part) for part in parts]


def _class(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


def _optional(name: str, text: str | None, *, rows: bool = False) -> Any:
    if text is None:
        return None
    array = _array(name, text)
    return array.reshape(-1, 1) if rows and array.ndim == 1 else array


def _array(name: str, text: str) -> Any:
    """Numbers from text or from a file; read by a parser, never evaluated."""
    import numpy as np

    path = Path(text)
    if path.suffix.lower() in (".npy", ".csv"):
        return _file(name, path)
    rows = [[_number(name, part) for part in line.split(",")] for line in text.strip("; ").split(";")]
    if len({len(row) for row in rows}) != 1:
        raise InputError(name, "rows of one length", " and ".join(str(len(row)) for row in rows[:4]))
    return np.array(rows[0] if len(rows) == 1 else rows)


def _number(name: str, text: str) -> float:
    try:
        return float(text.strip().replace("−", "-"))
    except ValueError:
        raise InputError(name, "numbers with commas between", repr(text.strip())[:60]) from None


def _file(name: str, path: Path) -> Any:
    import numpy as np

    try:
        if path.suffix.lower() == ".npy":
            array = np.load(path, allow_pickle=False)
        else:
            array = np.loadtxt(path, delimiter=",", ndmin=2, comments=None)
            array = array[0] if array.shape[0] == 1 else array
            array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    except OSError as error:
        raise InputError(name, "a file that can be read", f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(name, "a file of numbers", f"{path}: {str(error).splitlines()[0]}") from None
    if array.dtype.kind not in "fiu":
        raise InputError(name, "an array of numbers", f"{path}: {array.dtype}")
    return array.astype(np.float64)
