"""The small language of `--network`: "image:6x6,conv:4x3/2+1,relu,maxpool:2,linear:5".

    linear:UNITS                                a linear layer with that many outputs
    relu, relu:UNITS                            ReLU; with UNITS a linear layer, then ReLU
    tanh, sigmoid, gelu, gelu:tanh              other activations; gelu:tanh is its form with tanh
    batchnorm, batchnorm:test                   with the batch's statistics, or running ones
    dropout:RATE, dropout:test                  with a mask, or once training is over
    conv:CHANNELSxSIZE[/STRIDE][+PADDING]       SIZE, STRIDE and PADDING: 3, or 3x5 on images
    maxpool:SIZE[/STRIDE]                       windows overlap where STRIDE is less than SIZE
    image:[CHANNELSx]HEIGHTxWIDTH               take each row as an image
    sequence:[CHANNELSx]LENGTH                  take each row as a sequence
    flatten                                     take what there is as rows again

Rows before a convolution or a pool are taken as sequences of one channel; images and sequences
before a linear layer are flattened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from pminusy.errors import InputError

__all__ = ["SYNTAX", "LayerSpec", "parse_layers"]

SYNTAX = {
    "linear": "linear:UNITS, as in linear:5",
    "relu": "relu, or relu:UNITS, as in relu:5",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "gelu": "gelu or gelu:tanh",
    "batchnorm": "batchnorm or batchnorm:test",
    "dropout": "dropout:RATE with 0 ≤ RATE < 1, as in dropout:0.5, or dropout:test",
    "conv": "conv:CHANNELSxSIZE[/STRIDE][+PADDING], as in conv:4x3/2+1 or conv:4x3x5",
    "maxpool": "maxpool:SIZE[/STRIDE], as in maxpool:3/2",
    "image": "image:HEIGHTxWIDTH or image:CHANNELSxHEIGHTxWIDTH, as in image:3x8x8",
    "sequence": "sequence:LENGTH or sequence:CHANNELSxLENGTH, as in sequence:2x6",
    "flatten": "flatten",
}
"""Each layer, and how it is written."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer as it was asked for.

    `sizes` are units; channels and window; or the axes of an image. `stride` and `padding` are
    empty where none was given. `given` are a layer's own arrays by letter (W, b; gamma, beta, eps,
    mu, var; E; mask); without them they are drawn.
    """

    text: str
    kind: str
    sizes: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    rate: float = 0.0
    test: bool = False
    given: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


def parse_layers(description: str) -> list[LayerSpec]:
    """Layers in order.

    Raises
    ------
    InputError
        A layer that does not exist (the closest name is suggested), or is written otherwise.
    """
    specs = [_spec(text.strip()) for text in description.split(",")]
    return [part for spec in specs for part in _parts(spec)]


def _parts(spec: LayerSpec) -> list[LayerSpec]:
    """relu:5 is short for linear:5, then relu."""
    if spec.kind == "relu" and spec.sizes:
        return [LayerSpec(spec.text, "linear", spec.sizes), LayerSpec(spec.text, "relu")]
    return [spec]


def _spec(text: str) -> LayerSpec:
    kind, colon, rest = text.partition(":")
    if kind not in SYNTAX:
        _unknown(text, kind)
    if bool(colon) != bool(rest):
        _misspelt(text, kind)
    try:
        spec = _READ[kind](text, rest)
    except ValueError:
        _misspelt(text, kind)
    return spec


def _unknown(text: str, kind: str) -> NoReturn:
    close = get_close_matches(kind.lower(), SYNTAX, 1, cutoff=0.5)
    remedy = f"did you mean {SYNTAX[close[0]]}?" if close else ""
    raise InputError("network", f"layers among {', '.join(SYNTAX)}", repr(text)[:60], remedy)


def _misspelt(text: str, kind: str) -> NoReturn:
    raise InputError("network", SYNTAX[kind], repr(text)[:60])


def _bare(text: str, rest: str) -> LayerSpec:
    if rest:
        raise ValueError(rest)
    return LayerSpec(text, text)


def _relu(text: str, rest: str) -> LayerSpec:
    return LayerSpec(text, "relu", _sizes(rest, 1, 1) if rest else ())


def _gelu(text: str, rest: str) -> LayerSpec:
    if rest not in ("", "tanh"):
        raise ValueError(rest)
    return LayerSpec(text, "gelu_tanh" if rest else "gelu")


def _batch_norm(text: str, rest: str) -> LayerSpec:
    if rest not in ("", "test"):
        raise ValueError(rest)
    return LayerSpec(text, "batchnorm", test=rest == "test")


def _dropout(text: str, rest: str) -> LayerSpec:
    if rest == "test":
        return LayerSpec(text, "dropout", test=True)
    rate = float(rest)
    if not 0 <= rate < 1:
        raise ValueError(rest)
    return LayerSpec(text, "dropout", rate=rate)


def _conv(text: str, rest: str) -> LayerSpec:
    rest, plus, padding = rest.partition("+")
    size, slash, stride = rest.partition("/")
    return LayerSpec(
        text, "conv", _sizes(size, 2, 3), _sizes(stride, 1, 2) if slash else (),
        _sizes(padding, 1, 2, least=0) if plus else (),
    )  # fmt: skip


def _max_pool(text: str, rest: str) -> LayerSpec:
    size, slash, stride = rest.partition("/")
    return LayerSpec(text, "maxpool", _sizes(size, 1, 2), _sizes(stride, 1, 2) if slash else ())


def _sizes(text: str, fewest: int, most: int, least: int = 1) -> tuple[int, ...]:
    """Whole numbers with x between, such as 3x8x8."""
    parts = text.split("x")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise ValueError(text)
    sizes = tuple(map(int, parts))
    if not fewest <= len(sizes) <= most or min(sizes) < least:
        raise ValueError(text)
    return sizes


_READ: dict[str, Callable[[str, str], LayerSpec]] = {
    "linear": lambda text, rest: LayerSpec(text, "linear", _sizes(rest, 1, 1)),
    "relu": _relu,
    "tanh": _bare,
    "sigmoid": _bare,
    "gelu": _gelu,
    "batchnorm": _batch_norm,
    "dropout": _dropout,
    "conv": _conv,
    "maxpool": _max_pool,
    "image": lambda text, rest: LayerSpec(text, "image", _sizes(rest, 2, 3)),
    "sequence": lambda text, rest: LayerSpec(text, "sequence", _sizes(rest, 1, 2)),
    "flatten": _bare,
}
