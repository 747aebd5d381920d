"""One row of the Jacobian: the loss has only the true class's probability in it."""

from __future__ import annotations

from pminusy.derivation.statements.articles.article import Part
from pminusy.derivation.statements.articles.pick import named
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward import loss
from pminusy.derivation.statements.gradient import by_probability, with_delta
from pminusy.derivation.statements.gradient import row_of_class as row
from pminusy.derivation.statements.sentence import because, remark
from pminusy.derivation.tree import Partial, Relation
from pminusy.derivation.tree.letters import L, c, i, j, p

__all__ = ["parts"]

_CASE = Case()


def parts(K: int) -> tuple[Part, ...]:
    """Its chapters."""
    del K
    return (
        Part(
            "set_up",
            "Softmax and loss",
            remark("Logits, probabilities and targets are row vectors."),
            (
                row.as_function(p),
                loss.one_hot(i),
                loss.cross_entropy_of(i),
                next(loss.loss_of_class()),
            ),
        ),
        Part(
            "path",
            "One path",
            remark("From the logits to the loss through one probability."),
            (row.one_path(_CASE), row.by_probability(_CASE)),
        ),
        Part(
            "row",
            "One row of the Jacobian",
            remark("Entry i: the true class's own logit, or another."),
            (*row.own_entry(i, j), *row.other_entry(i, j)),
        ),
        Part("together", "Both factors together", remark("As rows."), tuple(row.as_rows(_CASE, i))),
        Part(
            "full",
            "The whole Jacobian would do it too",
            because(
                "A row times a matrix, of which all rows but one meet a 0.",
                Relation.equal(Partial(L, p[j]), 0).where(j, "≠", c),
            ),
            (
                by_probability.no_other_probability(),
                *named(with_delta.compact(_CASE), "row_times_jacobian"),
            ),
        ),
    )
