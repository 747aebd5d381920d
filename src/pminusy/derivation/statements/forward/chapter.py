"""From the input to the loss, in order."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward.linear_layer import logits
from pminusy.derivation.statements.forward.loss import loss
from pminusy.derivation.statements.forward.softmax import softmax
from pminusy.derivation.statements.line import Line

__all__ = ["lines"]


def lines(case: Case) -> Iterator[Line]:
    """Lines from the inputs to the loss."""
    yield from logits(case)
    yield from softmax()
    yield from loss(case)
