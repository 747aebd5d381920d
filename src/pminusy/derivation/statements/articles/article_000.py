"""A linear classifier: the loss from its logits, both cases, the parameters, a batch."""

from __future__ import annotations

from pminusy.derivation.statements.articles.article import Part
from pminusy.derivation.statements.articles.pick import named
from pminusy.derivation.statements.case import BatchCase, Case
from pminusy.derivation.statements.forward import loss, softmax
from pminusy.derivation.statements.forward.chapter import lines as forward
from pminusy.derivation.statements.gradient import direct, result
from pminusy.derivation.statements.parameters import gradients
from pminusy.derivation.statements.rows import batch
from pminusy.derivation.statements.sentence import because, remark
from pminusy.derivation.tree import Relation
from pminusy.derivation.tree.letters import c, i, j, k, y

__all__ = ["parts"]

_CASE = Case(source="layer")
_BATCH = BatchCase(source="layer")


def parts(K: int) -> tuple[Part, ...]:
    """Its chapters."""
    del K
    of_class = tuple(loss.loss_of_class())
    return (
        Part(
            "set_up",
            "The classifier",
            (
                remark(
                    "x is a column of D numbers, W has K rows and D columns, b is a column of K "
                    "numbers."
                ),
                because(
                    "The target is the index of a class, or a vector that is 1 there and 0 "
                    "elsewhere.",
                    Relation.equal(y[c], 1),
                    Relation.equal(y[k], 0).where(k, "≠", c),
                ),
            ),
            (
                *named(forward(_CASE), "linear_vector linear"),
                loss.one_hot(k),
                softmax.softmax_of(k, j),
                *named(forward(_CASE), "cross_entropy_one_hot"),
                of_class[1],
            ),
        ),
        Part(
            "logits",
            "By the logits",
            remark("Two cases: the logit of the true class, and any other."),
            (*direct.by_logit_directly(k, j), *named(result.result(_CASE), "dL_dz size")),
        ),
        Part(
            "parameters",
            "Weights and bias",
            remark("The gradient at the logits goes back to W and b."),
            (
                *gradients.one_logit_each(k, i),
                *named(gradients.lines(_CASE), "dL_dW_entry dL_dW"),
                *gradients.of_weights(k),
                *named(gradients.lines(_CASE), "dL_db"),
            ),
        ),
        Part(
            "batch",
            "A mini-batch",
            remark("X has N rows, one a sample, and so has Z: N × D and N × K numbers."),
            named(
                batch.lines(_BATCH, K=3),
                "batch_logits batch_row_loss batch_loss batch_dL_dZ batch_dL_dW batch_dL_db",
            ),
            "batch",
        ),
    )
