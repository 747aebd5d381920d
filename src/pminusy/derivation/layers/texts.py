"""What is said about each kind of layer: its title, and why its lines hold."""

from __future__ import annotations

from dataclasses import dataclass

from pminusy.derivation.layers.form import Form

__all__ = ["Texts", "texts", "title_of"]


@dataclass(frozen=True)
class Texts:
    """A title, and the reason of the lines forward, of one path, and backward to the input."""

    title: str
    forward: str
    local: str
    backward: str


_TEXTS = {
    "linear": Texts(
        "Linear layer",
        "Each output weighs every input and adds a bias.",
        "An input reaches an output through one weight.",
        "The same three products as at the head.",
    ),
    "relu": Texts(
        "ReLU",
        "What is positive passes, everything else becomes 0.",
        "Slope 1 above 0 and 0 below; a = 0, the kink, has none and is excluded.",
        "Where a was positive g passes, elsewhere nothing does; a = 0, the kink, is excluded.",
    ),
    "dropout": Texts(
        "Dropout",
        "Entries whose mask is 0 are left out; the others grow, so that the mean is kept.",
        "A factor that does not depend on a.",
        "The same mask and the same scale as on the way forward.",
    ),
    "dropout_test": Texts(
        "Dropout in test mode",
        "Once training is over nothing is left out: the layer does nothing.",
        "The layer does nothing, and so does its derivative.",
        "g passes as it is.",
    ),
    "batchnorm": Texts(
        "Batch norm",
        "Scaled and shifted by γ and β, which are learnt.",
        "Directly (δ), through the mean (1/N) and through the variance (x̂ x̂/N).",
        "Mean and variance depend on every row, so the gradient of each row depends on "
        "the g of all rows.",
    ),
    "batchnorm_test": Texts(
        "Batch norm in test mode",
        "Scaled and shifted by γ and β; μ and σ² are running statistics, fixed now.",
        "μ and σ² do not depend on a any more: what is left is the slope of a line.",
        "One factor a feature: no row depends on another.",
    ),
    "maxpool": Texts(
        "Max pool",
        "The largest entry of each window.",
        "Only the largest entry moves its window's maximum; ties, where two are largest "
        "and there is no derivative, are excluded.",
        "g goes to the largest entry of each window (the first, on ties, which are "
        "excluded here); overlapping windows add up.",
    ),
    "conv": Texts(
        "Convolution",
        "Cross-correlation: each window times the kernel, entry by entry, summed; outside "
        "the input there are zeros.",
        "An input reaches a window through the weight at its place in it, if it lies inside.",
        "Every window adds g times its weights to the entries that it covers.",
    ),
}
_OTHER_TITLES = {
    "batchnorm_channels": "Batch norm by channel",
    "maxpool2d": "Max pool in two dimensions",
    "conv2d": "Convolution in two dimensions",
}


def texts(form: Form) -> Texts:
    """The texts of a layer."""
    return _TEXTS[form.kind]


def title_of(form: Form) -> str:
    """What a layer is called."""
    return _OTHER_TITLES.get(form.name) or _TEXTS[form.kind].title
