"""What is said about each kind of layer: its title, and why its lines hold."""

from __future__ import annotations

from dataclasses import dataclass

from pminusy.derivation.layers.form import Form

__all__ = ["Texts", "slope_of", "texts", "title_of"]


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
    "embedding": Texts(
        "Embedding",
        "A row of the table E for each code: the codes as rows a with a single 1.",
        "",
        "",
    ),
    "tanh": Texts(
        "Tanh",
        "Squashed between −1 and 1.",
        "The derivative of tanh is 1 − tanh²: it is there already in what came out.",
        "Where o is near −1 or 1 the layer is flat, and little passes.",
    ),
    "sigmoid": Texts(
        "Sigmoid",
        "Squashed between 0 and 1.",
        "The quotient rule gives e^(−a) / (1 + e^(−a))², which is o (1 − o).",
        "At most a quarter of g passes.",
    ),
    "gelu": Texts(
        "GELU",
        "a times Φ(a), the probability that a standard normal number lies below a.",
        "The product rule; φ, the derivative of Φ, is the density of the normal distribution.",
        "Far above 0 all of g passes, far below 0 nothing.",
    ),
    "gelu_tanh": Texts(
        "GELU with tanh",
        "The form of GELU that has tanh in the place of Φ.",
        "The product rule, and the chain rule for the inside of tanh.",
        "Far above 0 all of g passes, far below 0 nothing.",
    ),
    "relu": Texts(
        "ReLU",
        "What is positive passes, everything else becomes 0.",
        "Slope 1 above 0 and 0 below; the kink a = 0 has none, and counts as below.",
        "Where a was positive g passes, elsewhere nothing does.",
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
        "Only the largest entry moves its window's maximum; in a tie, where there is no "
        "derivative, the first one counts as the largest.",
        "g goes to the largest entry of each window; overlapping windows add up.",
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


_SLOPES = {
    "linear": "W", "embedding": "", "relu": "[a > 0]", "tanh": "1 − o²", "sigmoid": "o (1 − o)",
    "gelu": "Φ(a) + a φ(a)", "gelu_tanh": "(1 + tanh s)/2 + a/2 sech²(s) s′",
    "dropout": "m / (1 − r)", "dropout_test": "1",
    "batchnorm": "γ/√(σ² + ε) (δ − 1/N − x̂ x̂/N)", "batchnorm_test": "γ/√(σ² + ε)",
    "maxpool": "[largest of its window]", "conv": "W at its place in each window",
}  # fmt: skip


def slope_of(form: Form) -> str:
    """The local derivative of a layer, in brief."""
    slope = _SLOPES[form.kind]
    if form.plain:
        slope = slope.replace("γ/", "1/")
    return slope if form.rank == 2 else slope.replace("/N", "/M")


def texts(form: Form) -> Texts:
    """The texts of a layer."""
    return _TEXTS[form.kind]


def title_of(form: Form) -> str:
    """What a layer is called."""
    return _OTHER_TITLES.get(form.name) or _TEXTS[form.kind].title
