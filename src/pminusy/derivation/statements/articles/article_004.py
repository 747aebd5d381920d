"""Rules first, then the total error of all outputs, term by term."""

from __future__ import annotations

from dataclasses import replace

from pminusy.derivation.statements import pair, rules
from pminusy.derivation.statements.articles.article import Part
from pminusy.derivation.statements.articles.pick import named
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward import loss, softmax, total_error
from pminusy.derivation.statements.forward.chapter import lines as forward
from pminusy.derivation.statements.gradient import both_cases, result, term_by_term
from pminusy.derivation.statements.gradient import sum_over_paths as paths
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.parameters import gradients
from pminusy.derivation.statements.sentence import because, remark, says
from pminusy.derivation.tree import Partial, Relation
from pminusy.derivation.tree.letters import S_e, i, k, n, p, power_of_e, z

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


def _both_cases() -> tuple[Line, ...]:
    """The derivative of the softmax, whose quotient rule has been told before this article."""
    (own,) = named(both_cases.own_class(k), "jacobian_own")
    (other,) = named(both_cases.other_class(i, k), "jacobian_other")
    above = because(
        f"Quotient rule: e^(z_{k.name}) is above, and one of the terms below.",
        Relation.equal(Partial(S_e, z[k]), Partial(power_of_e(k), z[k]), power_of_e(k)),
    )
    below = because(
        f"Quotient rule: z_{k.name} is below only, and raising it takes from every other output.",
        Relation.equal(Partial(power_of_e(i), z[k]), 0).where(i, "≠", k),
        Relation.chain(Partial(p[i], z[k]), "<", 0).where(i, "≠", k),
    )
    return (
        replace(own, title="An output by its own input", reason=above, rules=("quotient rule",)),
        replace(other, title="An output by another input", reason=below, rules=("quotient rule",)),
    )


def _backward() -> tuple[Part, ...]:
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
            _both_cases(),
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
