"""Letters of a layer as symbols; later layers and the head are added under names of their own."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from pminusy.derivation.engine.environment import Symbol, defined, variable
from pminusy.derivation.layers.form import Form
from pminusy.derivation.layers.head import HeadNumbers, head_symbols
from pminusy.derivation.layers.statements import statements
from pminusy.derivation.tree import (
    Index,
    Node,
    Offset,
    Partial,
    Ref,
    Reshape,
    Slot,
    Sum,
    children,
    rebuild,
)

__all__ = ["append_head", "append_layer", "layer_symbols"]


def layer_symbols(form: Form, alone: bool = False) -> dict[str, Symbol]:
    """Letters of one layer: a, parameters, what is between, o and g.

    A layer `alone` has the loss L = Σ g ⊙ o: g is given, and so is ∂L/∂o.
    """
    about = statements(form)
    made = [
        variable("a", *(index.space for index in about.inputs)),
        *(variable(part.name, *(i.space for i in part.indices)) for part in about.parameters),
        *(defined(p.name, *p.indices, by=p.body) for p in about.defined if p.body is not None),
        defined("o", *about.outputs, by=about.forward),
        *_loss(about.outputs, alone),
    ]
    return {symbol.name: symbol for symbol in made}


def _loss(outputs: tuple[Index, ...], alone: bool) -> list[Symbol]:
    o, g = Ref("o", outputs), Ref("g", outputs)
    if not alone:
        return [defined("g", *outputs, by=Partial(Ref("L"), o))]
    body: Node = g * o
    for index in reversed(outputs):
        body = Sum(index, body)
    return [variable("g", *(index.space for index in outputs)), defined("L", by=body)]


def append_layer(
    symbols: dict[str, Symbol], sizes: dict[str, int], values: dict[str, Any], form: Form,
    own: dict[str, Any], shape: tuple[int, ...], mark: str, source: str,
) -> str:  # fmt: skip
    """Add a later layer, its letters and index sets marked as its own; the name of its output."""
    if form.kind == "reshape":
        spaces = ("N", *(f"S{axis}{mark}" for axis in range(1, len(shape))))
        sizes.update(zip(spaces, shape, strict=True))
        symbols["o" + mark] = Symbol("o" + mark, spaces, (), Reshape(Ref(source), spaces))
        return "o" + mark
    about = statements(form)
    marked = _Marked(mark, source)
    incoming = symbols[source].spaces
    for index, space in zip(about.inputs, incoming, strict=True):
        sizes[marked.space(index.space)] = sizes[space]
    for index, length in zip(about.outputs, shape, strict=True):
        sizes[marked.space(index.space)] = length
    for letter, axis in zip("EF", form.axes, strict=False):
        sizes[marked.space(letter)] = axis.kernel
    for symbol in layer_symbols(form).values():
        if symbol.name not in ("a", "g", "h"):  # g and h are for the layer's own lines
            symbols[symbol.name + mark] = marked.symbol(symbol)
    values |= {name + mark: value for name, value in own.items()}
    return "o" + mark


class _Marked:
    """Trees with every letter and index set marked; what comes in is the output before."""

    def __init__(self, mark: str, source: str) -> None:
        self.mark, self.source = mark, source

    def space(self, space: str) -> str:
        """Samples are the same for every layer."""
        return space if space == "N" else space + self.mark

    def index(self, index: Index) -> Index:
        """An index that runs through the marked set."""
        return replace(index, space=self.space(index.space))

    def slot(self, slot: Slot) -> Slot:
        """An index, or an offset of several."""
        if isinstance(slot, Index):
            return self.index(slot)
        if isinstance(slot, Offset):
            return replace(slot, terms=tuple((f, self.index(i)) for f, i in slot.terms))
        return slot

    def tree(self, tree: Node) -> Node:
        """A definition in marked letters."""
        new = rebuild(tree, tuple(self.tree(part) for part in children(tree)))
        if isinstance(new, Ref):
            name = self.source if new.name == "a" else new.name + self.mark
            return Ref(name, tuple(map(self.slot, new.indices)))
        changes: dict[str, Any] = {}
        for field in fields(new):  # type: ignore[arg-type]  # every node is a dataclass
            value = getattr(new, field.name)
            if isinstance(value, Index):
                changes[field.name] = self.index(value)
            elif isinstance(value, tuple) and value and isinstance(value[0], Index):
                changes[field.name] = tuple(map(self.index, value))
            elif field.name == "space":
                changes[field.name] = self.space(value)
        return replace(new, **changes) if changes else new  # type: ignore[type-var]  # as above

    def symbol(self, symbol: Symbol) -> Symbol:
        """A letter with its definition."""
        return Symbol(
            symbol.name + self.mark,
            tuple(map(self.space, symbol.spaces)),
            tuple(map(self.index, symbol.parameters)),
            None if symbol.body is None else self.tree(symbol.body),
        )


def append_head(
    symbols: dict[str, Symbol], values: dict[str, Any], head: HeadNumbers, last: str
) -> None:
    """Add the loss of the logits that come out last."""
    symbols |= head_symbols(head, last, symbols[last].spaces[-1])
    values |= head.values
