"""A network from its description: run by `core` both ways, and derived layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pminusy.core import head
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.derivation.build.batch import derive_batch, upstream_of
from pminusy.derivation.input.logit_source import LogitSource
from pminusy.derivation.input.reading import numbers
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import Targets, network_targets
from pminusy.derivation.layers import lines as chapter
from pminusy.derivation.layers.context import LayerContext
from pminusy.derivation.layers.description import parse_layers
from pminusy.derivation.layers.head import HeadNumbers, head_numbers
from pminusy.derivation.layers.run import Gradients, LayerRun, run
from pminusy.derivation.layers.texts import title_of
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.steps.derivation import Derivation
from pminusy.errors import InputError

__all__ = ["derive_network"]


def derive_network(request: Request) -> Derivation:
    """Derivation of every layer's backward, from the head down to the input."""
    _refuse_unused(request)
    inputs = _inputs(request.x)
    assert request.network is not None
    specs = parse_layers(request.network)
    targets = network_targets(request, len(inputs))
    K = targets.Y.shape[1]
    _fit(request.options, len(inputs), K)
    runs = run(specs, inputs, K, request.seed)
    logits = runs[-1].outputs
    y = request.y if np.ndim(request.y) else [request.y]
    of_logits = replace(request, y=y, z=logits, x=None, network=None)
    base = derive_batch(of_logits, LogitSource("logits", logits))
    listed = ", ".join(part.strip() for part in request.network.split(","))
    heading = f"; before it {len(runs)} layers: {listed}"
    return base.with_more(tuple(_chapters(runs, targets, request)), heading)


def _refuse_unused(request: Request) -> None:
    if any(v is not None for v in (request.z, request.probabilities, request.W, request.b)):
        raise InputError("network", "an input x alone: the layers make the logits", "more")
    if request.features is not None or request.steps != 1:
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


def _fit(options: Options, N: int, K: int) -> None:
    for name, array, length, what in (
        ("weight", options.weight, K, "class weights"),
        ("sample_weight", options.sample_weight, N, "numbers, one a row"),
    ):
        if array is not None and array.shape != (length,):
            raise InputError(name, f"{length} {what}", f"shape {array.shape}")


def _chapters(runs: list[LayerRun], targets: Targets, request: Request) -> list[Chapter]:
    """From the head down; the numbers of `core` beside, to be compared."""
    upstream = upstream_of(request, len(runs[-1].outputs))
    below = head_numbers(targets, request.options, upstream)
    contexts = _contexts(runs, _gradients(runs, targets, request.options, upstream), below)
    return [
        _chapter(place, len(runs), context) for place, context in reversed(list(contexts.items()))
    ]


def _gradients(
    runs: list[LayerRun], targets: Targets, options: Options, upstream: Any
) -> list[Gradients]:
    """What `core` gives for each layer, from the loss back."""
    logits = runs[-1].outputs
    y = targets.Y if targets.labels is None else targets.labels
    counted = replace(options, ignore_index=-1)
    mass = target_mass(y, len(logits), targets.Y.shape[1], counted)
    above = upstream if options.reduction == "none" else None
    g = head.cross_entropy_grad(logits, mass, counted, above)[1]
    found: list[Gradients] = []
    for layer in reversed(runs):
        found.append(layer.backward(g.reshape(layer.outputs.shape)))
        g = found[-1]["da"]
    return found[::-1]


def _contexts(
    runs: list[LayerRun], gradients: list[Gradients], below: HeadNumbers
) -> dict[int, LayerContext]:
    """Where the lines about each layer hold, by the layer's place; reshaping has none."""
    contexts: dict[int, LayerContext] = {}
    before: LayerContext | None = None
    for place, (layer, made) in enumerate(zip(runs, gradients, strict=True)):
        if layer.form.kind != "reshape":
            later = tuple(runs[place + 1 :])
            before = contexts[place] = LayerContext(layer, made, later, below, before)
    return contexts


def _chapter(place: int, count: int, context: LayerContext) -> Chapter:
    layer = context.layer
    title = title_of(layer.form)
    name = f"layer{place + 1}_{layer.form.name}"
    shapes = " → ".join(
        " × ".join(map(str, array.shape)) for array in (layer.inputs, layer.outputs)
    )
    intro = f"a goes in, o comes out ({shapes}), and g = ∂L/∂o is " + (
        "∂L/∂a of the layer behind." if context.later else "that of the head: ∂L/∂Z of the batch."
    )
    tied = context.after is not None and bool(context.after.layer.nudged)
    lines = tuple(
        line
        for line in chapter.lines(layer.form, name, _note(layer))
        if not (tied and line.name.endswith("_upstream"))  # in a tie there is no such derivative
    )
    return Chapter(name, f"Layer {place + 1} of {count}: {title}", intro, lines, context)


def _note(layer: LayerRun) -> str:
    """What is said where the reader's numbers stand at a kink or in a tie without harm."""
    if not layer.nudged:
        return ""
    count = len(layer.nudged)
    where = "at the kink" if layer.form.kind == "relu" else "tied"
    stand = f"{count} entries stand" if count > 1 else "1 entry stands"
    return (
        f" Here {stand} {where} where the layer before passes nothing back: moved 10⁻¹⁸ below it."
    )
