"""`play`: the interactive page for one sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from numpy.typing import ArrayLike

from pminusy.arguments import known_options, with_loss_options
from pminusy.core.options import LossOptions

if TYPE_CHECKING:
    from pminusy.playground.result import Playground

__all__ = ["EXAMPLE", "play"]

EXAMPLE = (2.0, 1.0, 0.1)
"""The logits of a page that was given none."""


@with_loss_options()
def play(
    z: ArrayLike | None = None,
    y: Any = 0,
    *,
    probabilities: ArrayLike | None = None,
    x: ArrayLike | None = None,
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    classes: Sequence[str] | None = None,
    points: Any = None,
    **options: Unpack[LossOptions],
) -> Playground:
    """Interactive page of the head, ∂L/∂z = p − y in motion: one HTML file that loads nothing.

    Drag the logits and see p, L and the gradient follow; the computation as a graph, forwards and
    backwards; the loss along a logit with its tangent; the Jacobian entry by entry; a classifier
    that learns on points of the plane; and every line of the derivation, proved.

    Parameters
    ----------
    z
        Logits (K,) that it opens with, 2 to 10 of them between −1000 and 1000; an example's by
        default.
    y
        Class index, class name, or soft target (K,) that sums to 1.
    probabilities
        Probabilities (K,) in place of logits.
    x, W, b
        Input (D,), weights (K, D) and bias (K,) of a linear layer in place of logits, D up to 8.
    classes
        Names to show.
    points
        Points to learn on: rows (number, number, class), or a CSV file of three columns; 2 to
        2,000 of 2 to 10 classes. The page then opens at its panel Learn.
    **options
        `temperature`, `label_smoothing`, `z_loss` and `softcap`, which the page has controls for;
        any other option of the loss is refused.

    Returns
    -------
    Playground
        `save(path)` writes the page, `to_html()` is its text; a notebook shows it.

    Raises
    ------
    InputError
        Numbers that are no logits, a batch, more classes or larger numbers than the page has room
        for, an option that it has no control for.

    Examples
    --------
    >>> play([2.0, 1.0, 0.1], 0)
    <Playground: logits (2, 1, 0.1); .save('page.html') writes it>

    References
    ----------
    Bridle 1990; the numbers of the page are those of `pminusy.core.head`, to 8 units in the last
    place.
    """
    known_options(options)
    from pminusy.derivation.input.request import request_of
    from pminusy.playground.result import Playground

    if z is None and probabilities is None and x is None:
        z = EXAMPLE
    return Playground(
        request_of(
            z=z, y=y, probabilities=probabilities, x=x, W=W, b=b, classes=classes, **options
        ),
        points,
    )  # fmt: skip
