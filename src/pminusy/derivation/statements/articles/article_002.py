"""From the weights of one class: the sum over all probabilities, with Kronecker δ, and back."""

from __future__ import annotations

from dataclasses import replace

from pminusy.derivation.statements.articles.article import Part
from pminusy.derivation.statements.articles.pick import named
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward import linear_layer, loss, softmax
from pminusy.derivation.statements.forward.chapter import lines as forward
from pminusy.derivation.statements.gradient import (
    both_cases,
    by_probability,
    jacobian,
    result,
    with_delta,
)
from pminusy.derivation.statements.gradient import sum_over_paths as paths
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.parameters import gradients
from pminusy.derivation.statements.sentence import because, remark, says
from pminusy.derivation.tree import Delta, Index, Relation
from pminusy.derivation.tree.letters import i, j, k

__all__ = ["parts"]

_CASE = Case(source="layer")
_m = Index("m")


def parts(K: int) -> tuple[Part, ...]:
    """Its chapters."""
    del K
    return (
        Part(
            "set_up",
            "The model",
            remark("K classes, each with weights and a bias of its own."),
            (
                *linear_layer.logits_of_class(k),
                softmax.softmax_of(i, j),
                *named(forward(_CASE), "p_sum"),
                loss.one_hot(k),
                loss.cross_entropy_of(i),
                next(loss.loss_of_class()),
            ),
        ),
        Part(
            "plan",
            "The plan",
            remark("The gradient of one class's weights."),
            tuple(gradients.start_at_weights(k)),
        ),
        Part(
            "first",
            "By the logit",
            remark("Through every probability."),
            (
                paths.chain(_CASE, k, j),
                by_probability.target_still(j),
                *by_probability.loss_by_p(j),
            ),
        ),
        _jacobian(),
        Part(
            "together",
            "Both together",
            remark("The sum over all probabilities, term by term."),
            (*with_delta.with_delta(k, j), _turned()),
        ),
        Part(
            "result",
            "The result",
            remark("Predicted minus true, and back to the weights."),
            (*named(result.result(_CASE), "dL_dz size"), *gradients.back_to_weights(k)),
        ),
    )


def _turned() -> Line:
    """The result, which is one sign away here."""
    words = says("The minus sign turns both terms round.")
    return replace(paths.result(_CASE, k), reason=words, rules=("distributive law",))


def _same_letter(line: Line) -> Line:
    """The quotient rule with one letter for both indices."""
    words = because("Both exponentials are the same one then.", Relation.equal(Delta(j, j), 1))
    return replace(
        line, title=f"Case 1: {k.name} is {j.name}", reason=words, rules=("substitution",)
    )


def _jacobian() -> Part:
    own, other = tuple(both_cases.own_class(j)), tuple(both_cases.other_class(j, k))
    written = softmax.softmax_of(j, _m, "softmax_recalled", "The softmax again")
    return Part(
        "jacobian",
        "A probability by a logit",
        remark("The same index, or another."),
        (
            written,
            *softmax.normaliser(_m, j),
            jacobian.equal_index_quotient(j, k),
            *map(_same_letter, named(own, "own_quotient")),
            *named(own, "own_recognised jacobian_own"),
            *named(other, "other_quotient other_separated jacobian_other"),
            both_cases.by_cases(j, k),
            both_cases.with_delta(j, k),
        ),
    )
