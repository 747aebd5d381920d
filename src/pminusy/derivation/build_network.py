"""A network from its description: run by `core` both ways, and derived layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pminusy.core import head
from pminusy.core.options import Options, target_mass
from pminusy.derivation import build
from pminusy.derivation.build_batch import derive_batch
from pminusy.derivation.chapters import network as chapter
from pminusy.derivation.derivation import Chapter, Derivation
from pminusy.derivation.layer_words import words_of
from pminusy.derivation.network import LayerArena, LayerNumbers
from pminusy.derivation.network_head import HeadNumbers, head_numbers
from pminusy.derivation.run_network import Run, run
from pminusy.errors import InputError

__all__ = ["derive_network"]


@dataclass(frozen=True, eq=False)
class _Targets:
    """Classes (N,), −1 where a row is ignored, or soft targets (N, K); and how many classes."""

    labels: Any
    soft: Any
    K: int


def derive_network(
    description: str, x: Any, y: Any, row: int, classes: Sequence[str] | None, seed: int,
    options: Options, view: build.View,
) -> Derivation:  # fmt: skip
    """Derivation of every layer's backward, from the head down to the input."""
    inputs = _inputs(x)
    words = words_of(description)
    targets = _targets(y, len(inputs), classes, options)
    _fit(options, len(inputs), targets.K)
    runs = run(words, inputs, targets.K, seed)
    given = build.Given("logits", runs[-1].outputs)
    rows = targets.soft if targets.labels is None else targets.labels.tolist()
    base = derive_batch(given, rows, row, classes, None, options, view, 0.1, 1, 0.1)
    chapters = tuple(_chapters(runs, targets, options))
    listed = ", ".join(part.strip() for part in description.split(","))
    return base.with_more(chapters, f"; before it {len(runs)} layers: {listed}")


def _inputs(x: Any) -> Any:
    """Rows (N, D), sequences (N, C, T) or images (N, C, height, width)."""
    if x is None:
        raise InputError("x", "the input of the network, one row a sample", "nothing")
    inputs = np.atleast_2d(build._numbers("x", x))
    if inputs.ndim > 4:
        raise InputError(
            "x", "rows (N, D), sequences (N, C, T) or images (N, C, H, W)", f"shape {inputs.shape}"
        )
    if not np.isfinite(inputs).all():
        place = ", ".join(map(str, np.argwhere(~np.isfinite(inputs))[0]))
        raise InputError(f"x[{place}]", "a finite number", str(inputs[~np.isfinite(inputs)][0]))
    return inputs


def _targets(y: Any, N: int, classes: Sequence[str] | None, options: Options) -> _Targets:
    if np.ndim(y) == 2:
        soft = build._numbers("y", y)
        if len(soft) != N or soft.shape[1] < 2 or not (np.isfinite(soft) & (soft >= 0)).all():
            raise InputError("y", f"({N}, K) finite target masses ≥ 0", f"shape {soft.shape}")
        return _Targets(None, soft, soft.shape[1])
    listed = [y] if np.ndim(y) == 0 else list(y)
    if len(listed) != N:
        raise InputError("y", f"{N} classes, one a row of x", f"{len(listed)}")
    if classes is None:
        if any(isinstance(v, bool) or not isinstance(v, int | np.integer) for v in listed):
            raise InputError("y", "class indices", repr(listed[0]), "or name the classes")
        K = max(2, int(max(listed)) + 1, 0 if options.weight is None else len(options.weight))
        names = tuple(map(str, range(K)))
    else:
        K, names = len(classes), tuple(classes)
    return _Targets(np.array([_label(v, names, options) for v in listed]), None, K)


def _label(value: Any, names: tuple[str, ...], options: Options) -> int:
    """Index of a class; −1 where the row is ignored."""
    if isinstance(value, str):
        return build._by_name(value, names)
    if not isinstance(value, bool) and value == options.ignore_index:
        return -1
    return build._by_index(value, len(names))


def _fit(options: Options, N: int, K: int) -> None:
    for name, array, length, what in (
        ("weight", options.weight, K, "class weights"),
        ("sample_weight", options.sample_weight, N, "numbers, one a row"),
    ):
        if array is not None and array.shape != (length,):
            raise InputError(name, f"{length} {what}", f"shape {array.shape}")


def _chapters(runs: list[Run], targets: _Targets, options: Options) -> list[Chapter]:
    """From the head down; the numbers of `core` beside, to be compared."""
    numbers = _numbers(runs, targets, options)
    mean = replace(options, reduction="mean")
    below = head_numbers(targets.labels, targets.soft, targets.K, mean)
    arenas = _arenas(numbers, below)
    return [
        _chapter(place, len(runs), layer, arenas[place])
        for place, layer in reversed(list(enumerate(numbers)))
        if layer.form.kind != "reshape"
    ]


def _numbers(runs: list[Run], targets: _Targets, options: Options) -> list[LayerNumbers]:
    logits = runs[-1].outputs
    y = targets.soft if targets.labels is None else targets.labels
    counted = replace(options, ignore_index=-1, reduction="mean")
    mass = target_mass(y, len(logits), targets.K, counted)
    g = head.cross_entropy_grad(logits, mass, counted)[1]
    numbers: list[LayerNumbers] = []
    for made in reversed(runs):
        gradients = made.backward(g.reshape(made.outputs.shape))
        g = gradients["da"]
        numbers.append(
            LayerNumbers(
                made.form, made.values, made.inputs, made.outputs, gradients, made.apart
            )
        )  # fmt: skip
    return numbers[::-1]


def _arenas(numbers: list[LayerNumbers], below: HeadNumbers) -> dict[int, LayerArena]:
    arenas: dict[int, LayerArena] = {}
    before: LayerArena | None = None
    for place, layer in enumerate(numbers):
        if layer.form.kind != "reshape":
            later = tuple(numbers[place + 1 :])
            before = arenas[place] = LayerArena(layer, later, below, before)
    return arenas


def _chapter(place: int, count: int, layer: LayerNumbers, arena: LayerArena) -> Chapter:
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


def _note(layer: LayerNumbers) -> str:
    """What is said where the reader's numbers stand at a kink or in a tie without harm."""
    if not layer.apart:
        return ""
    count = len(layer.apart)
    where = "at the kink" if layer.form.kind == "relu" else "tied"
    stand = f"{count} entries stand" if count > 1 else "1 entry stands"
    return (
        f" Here {stand} {where} where the layer before passes nothing back: moved 10⁻¹⁸ below it."
    )
