"""Lines about one layer before the head: forward, every path from its input, and backward."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.layers.form import Form
from pminusy.derivation.layers.statements import LayerSymbol, statements
from pminusy.derivation.layers.texts import texts, title_of
from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.tree import Partial, Ref, Relation

__all__ = ["backward_lines", "forward_lines", "lines"]

_PARAMETERS = {
    "dW": ("its weights", "Input and g correlated: each weight's input times the g of its output."),
    "db": (
        "its bias",
        "The bias is added to every output of its own, so its gradient is the sum of their g.",
    ),
    "dgamma": ("γ", "γ multiplies x̂ in every entry of its feature."),
    "dbeta": ("β", "β is added to every entry of its feature."),
    "dE": (
        "its table",
        "Each row of the table is the sum of the g of the places that took it; other rows get 0.",
    ),
}
_DEFINED = {
    "mu": ("mean", "mean", "Over everything that shares γ and β."),
    "var": ("variance", "variance", "Biased: divided by how many there are."),
    "xhat": ("normalised", "normalised input", "Mean 0 and variance 1, but for ε."),
    "inner": ("inner", "the argument of tanh", "ρ is √(2/π) and c is 0.044715."),
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
_STAGES = {
    "dxhat": (
        "back to x̂", "γ multiplies each x̂ by itself: its derivative meets no other.", "chain rule",
    ),
    "xhat_by": (
        "x̂ by the variance", "The derivative of 1/√(σ² + ε) is −1/2 (σ² + ε)^(−3/2).",
        "power rule",
    ),
    "dvar": (
        "back to the variance", "Every x̂ of the feature is divided by √(σ² + ε): all of them sum.",
        "chain rule over all paths",
    ),
    "dmu": (
        "back to the mean",
        "Every x̂ of the feature has −μ in it. The mean is in σ² too, but ∂σ²/∂μ = −2 · mean(a − "
        "μ) "
        "= 0.", "chain rule over all paths",
    ),
    "three_paths": (
        "three paths from an input", "Through its own x̂, through the variance, through the mean.",
        "chain rule over all paths",
    ),
}  # fmt: skip
_DEFINITION, _PATHS = ("definition",), ("chain rule over all paths",)


def lines(form: Form, prefix: str) -> Iterator[Line]:
    """Forwards, then backwards."""
    yield from forward_lines(form, prefix)
    yield from backward_lines(form, prefix)


def backward_lines(form: Form, prefix: str, note: str = "") -> Iterator[Line]:
    """From the gradient of what comes out to that of what went in.

    `note` is added to the lines about kinks and ties, where the reader's numbers have some.
    """
    yield from _upstream(form, prefix)
    yield from _parameters(form, prefix)
    for key in ("mean_by", "variance_by"):
        yield from _between(form, prefix, key)
    yield from _stages(form, prefix)
    if "da" in statements(form).backward:
        yield from _input(form, prefix, note)
    yield from _full_convolution(form, prefix)


def _stages(form: Form, prefix: str) -> Iterator[Line]:
    for key, statement in statements(form).stages.items():
        words, why, rule = _STAGES[key]
        yield Line(f"{prefix}_{key}", f"{title_of(form)}: {words}", statement, why, (rule,))


def forward_lines(form: Form, prefix: str) -> Iterator[Line]:
    """From what goes in to what comes out; `prefix` makes the names of the lines its own."""
    about, title = statements(form), title_of(form)
    fixed = form.kind == "batchnorm_test"
    for quantity in about.defined:
        if quantity.name != "h":
            yield _defined(quantity, prefix, title, _FIXED if fixed else "")
    yield Line(
        f"{prefix}_forward", f"{title}, forward",
        Relation.equal(Ref("o", about.outputs), about.forward),
        texts(form).forward, _DEFINITION, OUTLINE,
    )  # fmt: skip


def _upstream(form: Form, prefix: str) -> Iterator[Line]:
    """Back-propagation: one layer's g is the next one's ∂L/∂a."""
    out = statements(form).outputs
    yield Line(
        f"{prefix}_upstream", f"{title_of(form)}: upstream gradient",
        Relation.equal(Ref("g", out), Partial(Ref("L"), Ref("o", out))),
        "The ∂L/∂a of the layer behind, whose input is this output: so back-propagation goes from "
        "the head through any number of layers, and g has the factor 1/N of a mean.",
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
    assert about.paths is not None
    assert about.local is not None
    yield Line(
        f"{prefix}_paths", f"{title}: every path from an input", Relation.equal(whole, about.paths),
        "An input reaches the loss through the outputs that depend on it.", _PATHS,
    )  # fmt: skip
    yield Line(
        f"{prefix}_local", f"{title}: one path", Relation.equal(*about.local),
        texts(form).local + note,
    )  # fmt: skip
    yield Line(
        f"{prefix}_da", f"{title}, backward: its input", Relation.equal(whole, result),
        texts(form).backward + note, _PATHS, RESULT,
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
