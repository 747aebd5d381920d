"""A network from its description: run by `core` both ways, and derived layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.core import head
from pminusy.core.options import Options, target_mass
from pminusy.derivation.build_batch import derive_batch, upstream_of
from pminusy.derivation.chapters import network as chapter
from pminusy.derivation.derivation import Derivation
from pminusy.derivation.given import Given
from pminusy.derivation.layer_words import words_of
from pminusy.derivation.network import LayerArena
from pminusy.derivation.network_head import HeadNumbers, head_numbers
from pminusy.derivation.reading import label_of, masses, numbers
from pminusy.derivation.request import Request
from pminusy.derivation.run_network import Gradients, LayerRun, run
from pminusy.derivation.steps import Chapter
from pminusy.errors import InputError

__all__ = ["derive_network"]


@dataclass(frozen=True, eq=False)
class _Targets:
    """Classes (N,), −1 where a row is ignored, or soft targets (N, K); and how many classes."""

    labels: Any
    soft: Any
    K: int


def derive_network(asked: Request) -> Derivation:
    """Derivation of every layer's backward, from the head down to the input."""
    _refuse_unused(asked)
    inputs = _inputs(asked.x)
    assert asked.network is not None
    words = words_of(asked.network)
    targets = _targets(asked, len(inputs))
    _fit(asked.options, len(inputs), targets.K)
    runs = run(words, inputs, targets.K, asked.seed)
    logits = runs[-1].outputs
    of_logits = replace(asked, y=asked.y if np.ndim(asked.y) else [asked.y], z=logits, x=None,
                        network=None)  # fmt: skip
    base = derive_batch(of_logits, Given("logits", logits))
    listed = ", ".join(part.strip() for part in asked.network.split(","))
    heading = f"; before it {len(runs)} layers: {listed}"
    return base.with_more(tuple(_chapters(runs, targets, asked)), heading)


def _refuse_unused(asked: Request) -> None:
    if any(v is not None for v in (asked.z, asked.probabilities, asked.W, asked.b)):
        raise InputError("network", "an input x alone: the layers make the logits", "more")
    if asked.features is not None or asked.steps != 1:
        raise InputError("network", "an input and its targets", "features or steps as well")


def _inputs(x: Any) -> Any:
    """Rows (N, D), sequences (N, C, T) or images (N, C, height, width)."""
    if x is None:
        raise InputError("x", "the input of the network, one row a sample", "nothing")
    inputs = np.atleast_2d(numbers("x", x))
    if inputs.ndim > 4:
        raise InputError(
            "x", "rows (N, D), sequences (N, C, T) or images (N, C, H, W)", f"shape {inputs.shape}"
        )
    if not np.isfinite(inputs).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(inputs))[0]))
        raise InputError(f"x[{place}]", "a finite number", str(inputs[~np.isfinite(inputs)][0]))
    return inputs


def _targets(asked: Request, N: int) -> _Targets:
    y, classes, options = asked.y, asked.classes, asked.options
    if np.ndim(y) == 2:
        K = max(2, np.shape(y)[1])
        return _Targets(None, masses(y, (N, K), f"({N}, K) target masses, K at least 2"), K)
    listed = [y] if np.ndim(y) == 0 else list(y)
    if len(listed) != N:
        raise InputError("y", f"{N} classes, one a row of x", f"{len(listed)}")
    if classes is None:
        if any(isinstance(v, bool) or not isinstance(v, int | np.integer) for v in listed):
            raise InputError("y", "class indices", repr(listed[0]), "or name the classes")
        weights = 0 if options.weight is None else len(options.weight)
        counted = [int(v) for v in listed if v != options.ignore_index]
        names = tuple(map(str, range(max(2, weights, *(v + 1 for v in counted)))))
    else:
        names = tuple(classes)
    labels = [label_of(v, names, options.ignore_index) for v in listed]
    return _Targets(np.array(labels), None, len(names))


def _fit(options: Options, N: int, K: int) -> None:
    for name, array, length, what in (
        ("weight", options.weight, K, "class weights"),
        ("sample_weight", options.sample_weight, N, "numbers, one a row"),
    ):
        if array is not None and array.shape != (length,):
            raise InputError(name, f"{length} {what}", f"shape {array.shape}")


def _chapters(runs: list[LayerRun], targets: _Targets, asked: Request) -> list[Chapter]:
    """From the head down; the numbers of `core` beside, to be compared."""
    upstream = upstream_of(asked, len(runs[-1].outputs))
    below = head_numbers(targets.labels, targets.soft, targets.K, asked.options, upstream)
    arenas = _arenas(runs, _gradients(runs, targets, asked.options, upstream), below)
    return [_chapter(place, len(runs), arena) for place, arena in reversed(list(arenas.items()))]


def _gradients(
    runs: list[LayerRun], targets: _Targets, options: Options, upstream: Any
) -> list[Gradients]:
    """What `core` gives for each layer, from the loss back."""
    logits = runs[-1].outputs
    y = targets.soft if targets.labels is None else targets.labels
    counted = replace(options, ignore_index=-1)
    mass = target_mass(y, len(logits), targets.K, counted)
    above = upstream if options.reduction == "none" else None
    g = head.cross_entropy_grad(logits, mass, counted, above)[1]
    found: list[Gradients] = []
    for layer in reversed(runs):
        found.append(layer.backward(g.reshape(layer.outputs.shape)))
        g = found[-1]["da"]
    return found[::-1]


def _arenas(
    runs: list[LayerRun], gradients: list[Gradients], below: HeadNumbers
) -> dict[int, LayerArena]:
    """Where the lines about each layer hold, by the layer's place; reshaping has none."""
    arenas: dict[int, LayerArena] = {}
    before: LayerArena | None = None
    for place, (layer, made) in enumerate(zip(runs, gradients, strict=True)):
        if layer.form.kind != "reshape":
            later = tuple(runs[place + 1 :])
            before = arenas[place] = LayerArena(layer, made, later, below, before)
    return arenas


def _chapter(place: int, count: int, arena: LayerArena) -> Chapter:
    layer = arena.layer
    title = chapter.title_of(layer.form)
    name = f"layer{place + 1}_{layer.form.name}"
    shapes = " → ".join(
        " × ".join(map(str, array.shape)) for array in (layer.inputs, layer.outputs)
    )
    intro = f"a goes in, o comes out ({shapes}), and g = ∂L/∂o is what " + (
        "the layer after it says." if arena.later else "the head says: ∂L/∂Z of the batch."
    )
    tied = arena.after is not None and bool(arena.after.layer.apart)
    lines = tuple(
        line
        for line in chapter.lines(layer.form, name, _note(layer))
        if not (tied and line.name.endswith("_upstream"))  # in a tie there is no such derivative
    )
    return Chapter(name, f"Layer {place + 1} of {count}: {title}", intro, lines, arena)


def _note(layer: LayerRun) -> str:
    """What is said where the reader's numbers stand at a kink or in a tie without harm."""
    if not layer.apart:
        return ""
    count = len(layer.apart)
    where = "at the kink" if layer.form.kind == "relu" else "tied"
    stand = f"{count} entries stand" if count > 1 else "1 entry stands"
    return (
        f" Here {stand} {where} where the layer before passes nothing back: moved 10⁻¹⁸ below it."
    )
