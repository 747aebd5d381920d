"""Rules first, then the total error of all outputs, term by term."""

from __future__ import annotations

from pminusy.derivation.statements import pair, rules
from pminusy.derivation.statements.articles.article import Part
from pminusy.derivation.statements.articles.pick import named
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward import loss, softmax, total_error
from pminusy.derivation.statements.forward.chapter import lines as forward
from pminusy.derivation.statements.gradient import both_cases, result, term_by_term
from pminusy.derivation.statements.gradient import sum_over_paths as paths
from pminusy.derivation.statements.parameters import gradients
from pminusy.derivation.statements.sentence import remark, says
from pminusy.derivation.tree.letters import i, k, n

__all__ = ["parts"]

_CASE = Case()


def parts(K: int) -> tuple[Part, ...]:
    """Its chapters."""
    return (
        Part(
            "network",
            "A network and its error",
            remark("D numbers go in, and each of H output neurons gives a logit."),
            (
                *softmax.softmax_as_function(k, i),
                loss.one_hot(i),
                loss.loss_of_function(i),
                loss.loss_written_out(K),
                *named(forward(_CASE), "cross_entropy_one_hot"),
            ),
        ),
        Part(
            "rules",
            "Rules of differentiation",
            remark("For any functions f, g and u."),
            (rules.sum_rule(), rules.constant_factor(), rules.chain_rule(), *rules.logarithm()),
            "rules",
        ),
        Part(
            "total",
            "The total error",
            remark("One term for each output."),
            tuple(total_error.total_error(i)),
        ),
        Part(
            "data",
            "All samples",
            remark("One more sum."),
            (total_error.total_of_data(n, i),),
            "batch",
        ),
        *_backward(),
    )


def _backward() -> tuple[Part, ...]:
    own, other = tuple(both_cases.own_class(k)), tuple(both_cases.other_class(i, k))
    multiplied = tuple(paths.multiplied_out(_CASE, k, i))
    return (
        Part(
            "backward",
            "The error by an input of the softmax",
            says(
                "Of 20 layers this is only the last: every earlier one needs the gradients of its "
                "own "
                "parameters, and takes this one as its start."
            ),
            tuple(term_by_term.term_by_term(k, i)),
        ),
        Part(
            "jacobian",
            "An output by an input",
            remark("The same index, or another."),
            (*named(own, "jacobian_own"), *named(other, "jacobian_other")),
        ),
        Part(
            "simplify",
            "Simplify",
            remark("No derivative is left, then no sum."),
            (
                *term_by_term.own_term_out(k, i),
                *term_by_term.difference_of_sums(k, i),
                *named(multiplied, "products_cancel"),
                paths.result(_CASE, k),
            ),
        ),
        Part(
            "result",
            "The result",
            remark("That it is so short is pleasant, and not why this pair is used."),
            (
                *named(result.result(_CASE), "dL_dz"),
                *named(pair.lines(), "likelihood squared_error squared_error_vanishes"),
                gradients.why_stop_at_z(_LAYER),
            ),
        ),
    )


_LAYER = Case(source="layer")
