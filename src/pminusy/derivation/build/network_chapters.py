"""The chapters of a network: each layer forwards, then each backwards; which are open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

from pminusy.derivation.layers.context import LayerContext
from pminusy.derivation.layers.description import LayerSpec
from pminusy.derivation.layers.lines import backward_lines, forward_lines
from pminusy.derivation.layers.run import LayerRun
from pminusy.derivation.layers.texts import title_of
from pminusy.derivation.steps.chapters import Chapter
from pminusy.errors import InputError

__all__ = ["Opened", "Placed", "chapters_of", "kinks", "opened"]

_FEW = 8
"""A network of so many layers is derived in full."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A layer that has lines: its place among the layers asked for, from 0."""

    place: int
    context: LayerContext
    spec: LayerSpec

    @property
    def layer(self) -> LayerRun:
        """The layer as it ran."""
        return self.context.layer


@dataclass(frozen=True)
class Opened:
    """Which layers are derived in full, whether the head is, and what is said of the others."""

    places: frozenset[int]
    head: bool
    notes: tuple[str, ...] = ()


def opened(asked: str | int | None, placed: list[Placed], specs: list[LayerSpec]) -> Opened:
    """What to open: all of a small network, of a larger one what was asked for."""
    everything = frozenset(each.place for each in placed)
    if asked == "all" or (asked is None and len(specs) <= _FEW):
        return Opened(everything, True)
    if asked == "head":
        return Opened(frozenset(), True)
    if asked is None:
        said = (
            f"An outline of {len(specs)} layers: layer 1 to {len(specs)}, head or all opens more."
        )
        return Opened(frozenset(), False, (said,))
    return Opened(frozenset({_place(str(asked), placed, specs)}), False)


def _place(asked: str, placed: list[Placed], specs: list[LayerSpec]) -> int:
    """A layer by its number from 1, or by its name."""
    known = {str(each.place + 1): each.place for each in placed}
    known |= {each.spec.text: each.place for each in reversed(placed)}
    if asked in known:
        return known[asked]
    if asked.isdigit() and 1 <= int(asked) <= len(specs):
        raise InputError(
            "layer", "a layer that computes", f"{asked}, {specs[int(asked) - 1].text}",
            "it only takes its entries in other axes",
        )  # fmt: skip
    close = get_close_matches(asked, known, 1)
    remedy = f"did you mean {close[0]!r}?" if close else ""
    raise InputError("layer", f"1 to {len(specs)}, a name, head or all", repr(asked), remedy)


def chapters_of(
    placed: list[Placed], specs: list[LayerSpec], chosen: Opened
) -> tuple[tuple[Chapter, ...], tuple[Chapter, ...]]:
    """Chapters before the head, and those after it."""
    made = [_chapters(each, len(specs)) for each in placed]
    shut = [each.place not in chosen.places for each in placed]
    folded = [
        tuple(replace(c, shown=frozenset()) if closed else c for c in pair)
        for closed, pair in zip(shut, made, strict=True)
    ]
    return tuple(pair[0] for pair in folded), tuple(pair[1] for pair in reversed(folded))


def _chapters(each: Placed, count: int) -> tuple[Chapter, Chapter]:
    layer, context = each.layer, each.context
    name = f"layer{each.place + 1}_{layer.form.name}"
    title = f"Layer {each.place + 1} of {count}: {_named(each)}"
    shapes = " → ".join(" × ".join(map(str, a.shape)) for a in (layer.inputs, layer.outputs))
    ahead = f"a goes in, o comes out ({shapes})." + _with_kinks(layer)
    back = "g = ∂L/∂o comes from " + (
        "the layer behind: it is that one's ∂L/∂a." if context.later else
        "the head: ∂L/∂Z of the batch."
    )  # fmt: skip
    padding = (each.spec.given or {}).get("padding")
    if padding is not None:
        back += f" Torch leaves the gradient of row {int(padding)}, its padding_idx, at 0."
    note = kinks(layer)
    return (
        Chapter(f"{name}_ahead", f"{title}, forwards", ahead,
                tuple(forward_lines(layer.form, name)), context),
        Chapter(name, f"{title}, backwards", back,
                tuple(backward_lines(layer.form, name, f" {note}" if note else "")), context),
    )  # fmt: skip


def _named(each: Placed) -> str:
    title = title_of(each.layer.form)
    return title if each.spec.given is None else f"{title} ({each.spec.text})"


def _with_kinks(layer: LayerRun) -> str:
    note = kinks(layer)
    return f" {note}" if note else ""


def kinks(layer: LayerRun) -> str:
    """What is said where the reader's numbers stand at a kink or in a tie."""
    count = len(layer.nudged)
    if not count:
        return ""
    at_kink = layer.form.kind == "relu"
    stand = f"{count:,} entries stand" if count > 1 else "1 entry stands"
    taken = "0 is taken as its derivative there" if at_kink else "the first of equal entries counts"
    return (
        f"Here {stand} {'at the kink' if at_kink else 'tied'}: {taken}, as in torch (they are "
        "moved 10⁻¹⁸ below it)."
    )
