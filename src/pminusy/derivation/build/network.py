"""A network: run by `core` both ways, told forwards and backwards, and derived layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.core import head
from pminusy.core.options import Options
from pminusy.core.target_mass import target_mass
from pminusy.derivation.build.batch import derive_batch, upstream_of
from pminusy.derivation.build.network_chapters import Placed, chapters_of, opened
from pminusy.derivation.build.network_tables import agreement, backward_table, forward_table
from pminusy.derivation.input.logit_source import LogitSource
from pminusy.derivation.input.reading import numbers
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import Targets, batch_targets, network_targets
from pminusy.derivation.layers.context import LayerContext
from pminusy.derivation.layers.description import LayerSpec, parse_layers
from pminusy.derivation.layers.head import head_numbers
from pminusy.derivation.layers.run import Gradients, LayerRun, run
from pminusy.derivation.steps.derivation import Derivation
from pminusy.errors import InputError

__all__ = ["ComparedWith", "checked_options", "derive_layers", "derive_network"]

_WORK = 100_000
"""Up to about so many products the loss is followed through every layer in 80 digits and more."""


@dataclass(frozen=True, eq=False)
class ComparedWith:
    """Gradients of the same network from elsewhere, by layer and by step suffix."""

    name: str
    gradients: tuple[Mapping[str, Any], ...]


def derive_network(request: Request) -> Derivation:
    """Derivation of a network in words: its weights are drawn, a linear layer closes it."""
    inputs = _inputs(request.x)
    assert request.network is not None
    specs = parse_layers(request.network)
    targets = network_targets(request, len(inputs))
    K = targets.Y.shape[1]
    specs.append(LayerSpec(f"linear:{K}", "linear", (K,)))
    return derive_layers(request, specs, targets=targets)


def derive_layers(
    request: Request,
    specs: list[LayerSpec],
    *,
    reference: ComparedWith | None = None,
    targets: Targets | None = None,
    each_alone: bool = False,
) -> Derivation:
    """Derivation of every layer, forwards to the head and back to the input.

    Parameters
    ----------
    specs
        The layers; the last gives the logits.
    reference
        Gradients to compare with.
    targets
        Targets, where they are known before the logits are.
    each_alone
        Whether each layer's lines are checked by itself, however small the network is: the loss
        followed through all of it, in 80 digits, takes many times as long.

    Raises
    ------
    ProofError
        A gradient differs from that of the reference.
    """
    _refuse_unused(request)
    inputs = _inputs(request.x, codes=specs[0].kind == "embedding")
    runs = run(specs, inputs, request.seed)
    logits = _logits(runs[-1].outputs)
    N, K = logits.shape
    targets = targets or batch_targets(request, N, K)
    checked_options(request.options, N, K)
    placed = _placed(runs, specs, targets, request, each_alone or _stands_alone(runs))
    y = request.y if np.ndim(request.y) else [request.y]
    of_logits = replace(request, y=y, z=logits, x=None, network=None)
    base = derive_batch(of_logits, LogitSource("logits", logits))
    said = () if reference is None else (agreement(placed, reference.name, reference.gradients),)
    chosen = opened(request.layer, placed, specs)
    return base.with_network(
        *chapters_of(placed, specs, chosen),
        keep=chosen.head,
        heading=f"; before it {len(specs)} layers: {_listed(specs)}",
        notes=(*said, *chosen.notes),
        tables=(forward_table(placed, specs), backward_table(placed, specs)),
        depth=request.depth,
    )


def _listed(specs: list[LayerSpec]) -> str:
    texts = [spec.text for spec in specs]
    return ", ".join(texts if len(texts) <= 8 else [*texts[:4], "…", *texts[-2:]])


def _refuse_unused(request: Request) -> None:
    if any(v is not None for v in (request.z, request.probabilities, request.W, request.b)):
        raise InputError("network", "an input x alone: the layers make the logits", "more")
    if request.features is not None or request.steps != 1:
        raise InputError("network", "an input and its targets", "features or steps as well")


def _inputs(x: Any, codes: bool = False) -> Any:
    """Rows (N, D), sequences (N, C, T) or images (N, C, height, width); codes may be (N,)."""
    if x is None:
        raise InputError("x", "the input of the network, one row a sample", "nothing")
    inputs = numbers("x", x) if codes else np.atleast_2d(numbers("x", x))
    if inputs.ndim > 4:
        raise InputError(
            "x", "rows (N, D), sequences (N, C, T) or images (N, C, H, W)", f"shape {inputs.shape}"
        )
    if not np.isfinite(inputs).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(inputs))[0]))
        raise InputError(f"x[{place}]", "a finite number", str(inputs[~np.isfinite(inputs)][0]))
    return inputs


def _logits(outputs: Any) -> Any:
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise InputError(
            "network", "logits (N, K) of at least 2 classes after the last layer",
            f"shape {outputs.shape}",
        )  # fmt: skip
    if not np.isfinite(outputs).all():
        raise InputError("network", "finite logits", "some that are not: weights are too large")
    return outputs


def checked_options(options: Options, N: int, K: int) -> None:
    """Refuse weights that are not one a class, or one a row."""
    for name, array, length, what in (
        ("weight", options.weight, K, "class weights"),
        ("sample_weight", options.sample_weight, N, "numbers, one a row"),
    ):
        if array is not None and array.shape != (length,):
            raise InputError(name, f"{length} {what}", f"shape {array.shape}")


def _placed(
    runs: list[LayerRun],
    specs: list[LayerSpec],
    targets: Targets,
    request: Request,
    alone: bool,
) -> list[Placed]:
    """Each layer with its place, its gradients and the context of its lines."""
    upstream = upstream_of(request, len(runs[-1].outputs))
    below = head_numbers(targets, request.options, upstream)
    found = _gradients(runs, _dL_dZ(runs[-1].outputs, targets, request.options, upstream))
    placed: list[Placed] = []
    before: LayerContext | None = None
    for place, (layer, (g, made)) in enumerate(zip(runs, found, strict=True)):
        if layer.form.kind == "reshape":
            continue
        later = tuple(runs[place + 1 :])
        before = LayerContext(layer, made, g, later, below, alone, None if alone else before)
        placed.append(Placed(layer.place, before, specs[layer.place]))
    return placed


def _stands_alone(runs: list[LayerRun]) -> bool:
    """Whether each layer is looked at by itself: kinks, codes, or too much to follow to the end."""
    behind, work = 0, 0
    for layer in reversed(runs):
        entries, weights = int(np.prod(layer.inputs.shape)), layer.values.get("W", np.ones(1))
        behind += entries * max(1, len(weights)) * int(np.prod(weights.shape[2:]))
        work += entries * behind
    odd = any(layer.nudged or layer.form.kind == "embedding" for layer in runs)
    return odd or work > _WORK


def _dL_dZ(logits: Any, targets: Targets, options: Options, upstream: Any) -> Any:
    y = targets.Y if targets.labels is None else targets.labels
    counted = replace(options, ignore_index=-1)
    mass = target_mass(y, len(logits), targets.Y.shape[1], counted)
    above = upstream if options.reduction == "none" else None
    return head.cross_entropy_grad(logits, mass, counted, above)[1]


def _gradients(runs: list[LayerRun], g: Any) -> list[tuple[Any, Gradients]]:
    """What `core` gives for each layer, from the loss back: its upstream gradient, and its own."""
    found: list[tuple[Any, Gradients]] = []
    for layer in reversed(runs):
        g = g.reshape(layer.outputs.shape)
        made = layer.backward(g)
        found.append((g, made))
        g = made.get("da")
    return found[::-1]
