"""`explain`: every line of the derivation, proved, with the reader's own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from numpy.typing import ArrayLike

from pminusy.arguments import known_options, with_loss_options
from pminusy.core.options import ExplainedLossOptions
from pminusy.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from pminusy.api.fitted import Fitted
    from pminusy.derivation.input.request import Request
    from pminusy.derivation.steps.derivation import Derivation

__all__ = ["explain", "explain_row", "explained", "row_of"]


@with_loss_options(explain=True)
def explain(
    module: Any = None,
    x: ArrayLike | None = None,
    y: Any = None,
    *,
    z: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    normalise: bool = False,
    classes: Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    row: int = 0,
    rate: float = 0.1,
    steps: int = 1,
    ridge: float = 0.1,
    network: str | None = None,
    network_layers: str | None = None,
    layer: str | int | None = None,
    seed: int = 0,
    route: str = "long",
    chapters: Sequence[str] | None = None,
    article: str | None = None,
    depth: str | None = None,
    notation: str | None = None,
    hints: int = 0,
    digits: int = 5,
    grad_output: ArrayLike | None = None,
    **options: Unpack[ExplainedLossOptions],
) -> Derivation:
    """Derivation of ∂L/∂z = p − y (or S p − q), step by step, each proved, with these numbers.

    Give logits, probabilities, or a linear layer and its input; one sample, or a batch.

    Parameters
    ----------
    module
        A `torch.nn.Sequential` of Linear, ReLU, Tanh, Sigmoid, GELU, Dropout, BatchNorm1d or 2d,
        Conv1d or 2d, MaxPool1d or 2d, Flatten and Embedding, in train or eval mode, with its input
        x and targets y. Every gradient is compared with torch's autograd in float64; the module is
        left as it was.
    y
        Class index, class name, or target mass (K,); for a batch one index a row, or (N, K).
    z
        Logits (K,), or (N, K) for a batch.
    probabilities
        Probabilities (K,) in place of logits; they must sum to 1 unless `normalise`.
    x, W, b
        Input (D,), or (N, D) for a batch, weights (K, D) and bias (K,) of the layer.
    classes, features
        Names to show.
    row
        The row of a batch that is derived in full.
    rate, steps
        Learning rate and number of the gradient steps shown (with a layer).
    ridge
        λ of the ridge penalty in its step.
    network
        Layers before the head, in order, such as "image:6x6,conv:4x3/2+1,batchnorm,relu,maxpool:2":
        "linear:UNITS", "relu" or "relu:UNITS" (linear, then ReLU), "batchnorm" (by feature, or by
        channel) or "batchnorm:test", "dropout:RATE" or "dropout:test",
        "conv:CHANNELSxSIZE[/STRIDE][+PADDING]", "maxpool:SIZE[/STRIDE]" (3, or 3x5 on images),
        "image:[CHANNELSx]HEIGHTxWIDTH", "sequence:[CHANNELSx]LENGTH", "flatten". A linear layer to
        K logits closes it. "tanh", "sigmoid", "gelu" and "gelu:tanh" too. x may be (N, D),
        (N, C, T) or (N, C, H, W). Or a file of weights, .safetensors or .npz.
    network_layers
        The layers of a file in order, such as "linear,relu,linear": linear,
        conv[/STRIDE][+PADDING], batchnorm and embedding take their sizes from its arrays, which
        have torch's names ("0.weight"); `linear@fc1` takes those of fc1.
    layer
        The layer of a network that is opened in full: its number from 1, its name, "head" or "all".
        By default all of a network of up to 8 layers, and an outline of larger ones.
    seed
        Which random weights and masks those layers get.
    route
        The way from the loss to the logits: "long" (every path through the probabilities), "sparse"
        (one row of the Jacobian) or "direct" (log-sum-exp); "all" is every route with every
        chapter. A step that is not on the page can still be asked for by its name.
    chapters
        Chapters to have in full beside the route, such as "second_order"; `contents` of the result
        lists them.
    article
        The derivation in the order, the cases and the letters of one of five articles, "000" to
        "004"; without numbers, at an example's. `pminusy explain --article list` describes them.
    depth
        "result", "outline" or "full"; by default full, and outline above 32 classes or features.
    notation
        Letters: "p", "yhat", "s", "o" or "S", with "-row" appended for row vectors; "000" to "004"
        are those of an article. By default "p", or the article's own.
    hints
        0 to 3: how much is held back for the reader to fill in.
    digits
        Significant digits shown.
    grad_output
        With reduction "none": the gradient that comes into each row's loss, (N,); ones by default.
    **options
        Options of the loss, as in `pminusy.core.options.Options`; `reduction` is how the rows of a
        batch are put together.

    Returns
    -------
    Derivation
        Iterate to get its steps, index by name, `str`, `to_html`, `to_markdown`, `to_latex`,
        `to_beamer`, `to_json`.

    Raises
    ------
    InputError
        Numbers that are no logits or probabilities, a target that is no class, lengths that do not
        match, options outside their range.

    Examples
    --------
    >>> d = explain(probabilities=[0.2, 0.6, 0.2], y=0)
    >>> d["dL_dz"].title
    'Result: p − y'
    >>> [float(round(v, 4)) for v in d["dL_dz"].value.entries.values()]
    [-0.8, 0.6, 0.2]

    References
    ----------
    Bridle 1990; Böhning 1992; every line is proved where it is shown.
    """
    asked = dict(locals())  # one name for each field of Request: a test compares them
    known_options(asked.pop("options"), explain=True)
    del asked["module"]
    from pminusy.derivation.input.request import request_of

    if module is not None:
        from pminusy.api.explain_network import explain_module

        return explain_module(module, request_of(**asked, **options))
    return explained(request_of(**asked, **options))


def explained(request: Request) -> Derivation:
    """Derivation of what is asked: numbers, layers in words, or layers of a file."""
    from pminusy.api.explain_network import explain_file, is_file
    from pminusy.derivation.build import derivation_of

    if request.network_layers is not None and not is_file(request.network):
        raise InputError(
            "network-layers", "a file of weights, .safetensors or .npz, as the network",
            "none" if request.network is None else "words", "the words say the layers already",
        )  # fmt: skip
    if request.layer is not None and request.network is None:
        raise InputError("layer", "a network", "none", "leave it out")
    if is_file(request.network):
        return explain_file(request)
    return _with_link(derivation_of(request), request)


def _with_link(derivation: Derivation, request: Request) -> Derivation:
    """The same, which knows how the page of `play` opens at its numbers."""
    from pminusy.playground.opening import ways_to_play

    derivation.playing = ways_to_play(request)
    return derivation


def row_of(frame: pl.DataFrame, row: int) -> pl.DataFrame:
    """One row of a table, the first being 1."""
    if not 1 <= row <= frame.height:
        raise InputError("row", f"a row from 1 to {frame.height:,}", f"{row:,}")
    return frame[row - 1 : row]


def explain_row(
    model: Fitted,
    frame: pl.DataFrame,
    whole: tuple[pl.DataFrame, int] | None = None,
    **options: Any,
) -> tuple[Derivation, tuple[str, ...]]:
    """Derivation for one row of a table under a trained model, and notes about the row.

    It opens with what the model says of the row. `whole` is the table that the row is of, and the
    row's number there from 1.
    """
    from pminusy.api.row_answer import answer
    from pminusy.derivation.build import derivation_of
    from pminusy.derivation.input.request import request_of
    from pminusy.tables.design import design_matrix, encode_target
    from pminusy.tables.wording import listed, shown

    schema = model.schema
    c = int(encode_target(frame, schema)[0])
    if c < 0:
        got = shown(frame[schema.target][0]) if frame[schema.target][0] is not None else "none"
        raise InputError(f"target {shown(schema.target)}", f"one of {listed(schema.classes)}", got)
    X, notes = design_matrix(frame, schema)
    if model.hidden is not None:
        from pminusy.api.network.row import derived

        request, told = derived(model, X[0], c, options)
        first = answer(model, frame, X[0], c, request.options, request.rate, whole)
        return told.with_answer(first.heading, first.notes, first.tables), notes
    if options.get("layer") is not None:
        raise InputError("layer", "a network", "a softmax regression", "leave it out")
    options.setdefault("ridge", _penalty_of(model))
    names: dict[str, Any] = {"classes": schema.classes, "features": schema.feature_names}
    request = request_of(y=c, x=X[0], W=model.W, b=model.b, **names, **options)
    first = answer(model, frame, X[0], c, request.options, request.rate, whole)
    told = derivation_of(request).with_answer(first.heading, first.notes, first.tables)
    return _with_link(told, request), notes


def _penalty_of(model: Fitted) -> float:
    """λ of a fit beside the sum of losses: (1 − ratio of L1) / C, for weights before calibration.

    A calibrated model has W / T in the place of the penalised W: (λ/2) Σ W² is (λ T²/2) Σ (W/T)².
    """
    C, l1_ratio, T = (
        float(model.settings.get(name, otherwise))
        for name, otherwise in (("C", 1.0), ("l1 ratio", 0.0), ("temperature", 1.0))
    )
    return (1 - l1_ratio) * T**2 / C
