"""Lines about one layer before the head: forward, every path from its input, and backward."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.layers.form import Form
from pminusy.derivation.layers.statements import LayerSymbol, statements
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.tree import Partial, Ref, Relation

__all__ = ["lines", "title_of"]

_TITLES = {
    "linear": "Linear layer",
    "relu": "ReLU",
    "dropout": "Dropout",
    "dropout_test": "Dropout in test mode",
    "batchnorm": "Batch norm",
    "batchnorm_channels": "Batch norm by channel",
    "batchnorm_test": "Batch norm in test mode",
    "maxpool1d": "Max pool",
    "maxpool2d": "Max pool in two dimensions",
    "conv1d": "Convolution",
    "conv2d": "Convolution in two dimensions",
    "reshape": "Reshape",
}
_FORWARD = {
    "linear": "Each output weighs every input and adds a bias.",
    "relu": "What is positive passes, everything else becomes 0.",
    "dropout": "Entries whose mask is 0 are left out; the others grow, so that the mean is kept.",
    "dropout_test": "Once training is over nothing is left out: the layer does nothing.",
    "batchnorm": "Scaled and shifted by γ and β, which are learnt.",
    "batchnorm_test": "Scaled and shifted by γ and β; μ and σ² are running statistics, fixed now.",
    "maxpool": "The largest entry of each window.",
    "conv": "Cross-correlation: each window times the kernel, entry by entry, summed; outside the "
    "input there are zeros.",
}
_LOCAL = {
    "linear": "An input reaches an output through one weight.",
    "relu": "Slope 1 above 0 and 0 below; a = 0, the kink, has none and is excluded.",
    "dropout": "A factor that does not depend on a.",
    "dropout_test": "The layer does nothing, and so does its derivative.",
    "batchnorm": "Directly (δ), through the mean (1/N) and through the variance (x̂ x̂/N).",
    "batchnorm_test": "μ and σ² do not depend on a any more: what is left is the slope of a line.",
    "maxpool": "Only the largest entry moves its window's maximum; ties, where two are largest and "
    "there is no derivative, are excluded.",
    "conv": "An input reaches a window through the weight at its place in it, if it lies inside.",
}
_BACKWARD = {
    "linear": "The same three products as at the head.",
    "relu": "Where a was positive g passes, elsewhere nothing does; a = 0, the kink, is excluded.",
    "dropout": "The same mask and the same scale as on the way forward.",
    "dropout_test": "g passes as it is.",
    "batchnorm": "Mean and variance move with every row, so each row is told what the others are "
    "told too.",
    "batchnorm_test": "One factor a feature: no row is told of another.",
    "maxpool": "g goes to the largest entry of each window (the first, on ties, which are excluded "
    "here); overlapping windows add up.",
    "conv": "Every window hands g times its weights back to the entries that it saw.",
}
_PARAMETERS = {
    "dW": ("its weights", "Input and g correlated: what each weight met, times what came of it."),
    "db": ("its bias", "The bias is added to every output of its own, so it hears all of them."),
    "dgamma": ("γ", "γ multiplies x̂ in every entry of its feature."),
    "dbeta": ("β", "β is added to every entry of its feature."),
}
_DEFINED = {
    "mu": ("mean", "mean", "Over everything that shares γ and β."),
    "var": ("variance", "variance", "Biased: divided by how many there are."),
    "xhat": ("normalised", "normalised input", "Mean 0 and variance 1, but for ε."),
    "h": ("spread", "g spread by the stride", "g with stride − 1 zeros between its entries."),
}
_FIXED = "With running statistics μ and σ², which this batch does not change."
_BETWEEN = {
    "mean_by": ("derivative of the mean", "Every entry has the same share of it."),
    "variance_by": (
        "derivative of the variance",
        "The mean moves too, but Σ (a − μ) = 0, so that part drops out.",
    ),
    "full": (
        "backward as a full convolution",
        "The same sum by places of the kernel: the full convolution of g with the kernel, in- and "
        "out-channels exchanged.",
    ),
    "flipped": (
        "backward as a correlation with the flipped kernel",
        "Count the kernel's places from its other end, and minus becomes plus.",
    ),
}
_DEFINITION, _PATHS = ("definition",), ("chain rule over all paths",)


def title_of(form: Form) -> str:
    """What a layer is called."""
    return _TITLES[form.name if form.name in _TITLES else form.kind]


def lines(form: Form, prefix: str, note: str = "") -> Iterator[Line]:
    """Forward and backward of one layer; `prefix` makes the names its own.

    `note` is added to the lines that speak of kinks and ties, where the reader's numbers have some.
    """
    yield from _forward(form, prefix)
    yield from _upstream(form, prefix)
    yield from _parameters(form, prefix)
    yield from _input(form, prefix, note)
    yield from _full_convolution(form, prefix)


def _forward(form: Form, prefix: str) -> Iterator[Line]:
    about, title = statements(form), title_of(form)
    fixed = form.kind == "batchnorm_test"
    for quantity in about.defined:
        if quantity.name != "h":
            yield _defined(quantity, prefix, title, _FIXED if fixed else "")
    for key in ("mean_by", "variance_by"):
        yield from _between(form, prefix, key)
    yield Line(
        f"{prefix}_forward", f"{title}, forward",
        Relation.equal(Ref("o", about.outputs), about.forward),
        _FORWARD[form.kind], _DEFINITION, OUTLINE,
    )  # fmt: skip


def _upstream(form: Form, prefix: str) -> Iterator[Line]:
    """What makes a chain of the layers: one layer's g is the next one's ∂L/∂a."""
    out = statements(form).outputs
    yield Line(
        f"{prefix}_upstream", f"{title_of(form)}: what comes back",
        Relation.equal(Ref("g", out), Partial(Ref("L"), Ref("o", out))),
        "What the layer behind calls ∂L/∂a (its o is that one's a): so back-propagation goes from "
        "the head through any number of layers, and g carries any 1/N along.",
        ("definition",),
    )  # fmt: skip


def _parameters(form: Form, prefix: str) -> Iterator[Line]:
    backward, title = statements(form).backward, title_of(form)
    for key, (words, why) in _PARAMETERS.items():
        if key in backward:
            yield Line(
                f"{prefix}_{key}", f"{title}, backward: {words}", Relation.equal(*backward[key]),
                why, _PATHS, OUTLINE,
            )  # fmt: skip


def _input(form: Form, prefix: str, note: str) -> Iterator[Line]:
    about, title = statements(form), title_of(form)
    whole, result = about.backward["da"]
    yield Line(
        f"{prefix}_paths", f"{title}: every path from an input", Relation.equal(whole, about.paths),
        "What an input says to the loss, it says through the outputs that it reaches.", _PATHS,
    )  # fmt: skip
    yield Line(
        f"{prefix}_local", f"{title}: one path", Relation.equal(*about.local),
        _LOCAL[form.kind] + note,
    )  # fmt: skip
    yield Line(
        f"{prefix}_da", f"{title}, backward: its input", Relation.equal(whole, result),
        _BACKWARD[form.kind] + note, _PATHS, RESULT,
    )  # fmt: skip


def _full_convolution(form: Form, prefix: str) -> Iterator[Line]:
    for quantity in statements(form).defined:
        if quantity.name == "h":
            yield _defined(quantity, prefix, title_of(form))
    for key in ("full", "flipped"):
        yield from _between(form, prefix, key)


def _defined(quantity: LayerSymbol, prefix: str, title: str, otherwise: str = "") -> Line:
    key, words, why = _DEFINED[quantity.name]
    assert quantity.body is not None
    return Line(
        f"{prefix}_{key}", f"{title}: {words}", Relation.equal(quantity.ref, quantity.body),
        otherwise or why, _DEFINITION,
    )  # fmt: skip


def _between(form: Form, prefix: str, key: str) -> Iterator[Line]:
    known = statements(form).between
    if key in known:
        words, why = _BETWEEN[key]
        yield Line(f"{prefix}_{key}", f"{title_of(form)}: {words}", known[key], why)
