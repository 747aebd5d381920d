"""Two factors apart: the loss by p, the Jacobian by both cases; then the sum over all paths."""

from __future__ import annotations

from pminusy.derivation.statements import pair, rules
from pminusy.derivation.statements.articles.article import Part
from pminusy.derivation.statements.articles.pick import named
from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.forward import loss, softmax
from pminusy.derivation.statements.forward.chapter import lines as forward
from pminusy.derivation.statements.gradient import both_cases, by_probability, result
from pminusy.derivation.statements.gradient import sum_over_paths as paths
from pminusy.derivation.statements.sentence import because, remark
from pminusy.derivation.tree import Partial, Relation
from pminusy.derivation.tree.letters import S_e, i, j, k, p, z

__all__ = ["parts"]

_CASE = Case()


def parts(K: int) -> tuple[Part, ...]:
    """Its chapters."""
    del K
    return (*_forward(), *_backward())


def _forward() -> tuple[Part, ...]:
    return (
        Part(
            "forward",
            "Forward",
            remark(
                "Network → z → p → L: a network gives a logit z for each class, a score of any "
                "size; the softmax makes probabilities p of them; the cross-entropy L says how "
                "far these are from the target."
            ),
            (
                softmax.softmax_of(i, j),
                softmax.positive_power(i),
                *named(forward(_CASE), "p_sum"),
                loss.cross_entropy_of(i),
                loss.one_hot(i),
                *named(forward(_CASE), "p_range ln_p loss_sign"),
            ),
        ),
        Part(
            "schema",
            "Backward: the plan",
            remark("From the loss back to the logits."),
            (by_probability.schema(),),
        ),
        Part(
            "cross_entropy",
            "The first factor",
            remark("The loss by one probability."),
            tuple(by_probability.loss_by_probability(i)),
        ),
    )


def _backward() -> tuple[Part, ...]:
    first, parts_, second, still = both_cases.set_up(i, j)
    own, other = tuple(both_cases.own_class(i)), tuple(both_cases.other_class(i, j))
    recalled = softmax.softmax_of(i, k, "softmax_recalled", "The softmax again")
    return (
        Part(
            "softmax",
            "The second factor",
            remark("One probability by one logit."),
            (recalled, *softmax.normaliser(k, i)),
        ),
        Part(
            "rule",
            "A rule for fractions",
            remark("For any functions f and g."),
            (rules.quotient_rule(),),
            "rules",
        ),
        Part(
            "jacobian",
            "Both cases",
            remark("The same index above and below, or another."),
            (
                first,
                parts_,
                *own,
                second,
                still,
                both_cases.denominator(j),
                *other,
                both_cases.by_cases(i, j),
                both_cases.with_delta(i, j),
            ),
        ),
        Part(
            "paths",
            "Both factors together",
            because(
                "z_i is in every denominator, so it moves every probability, and each of them "
                "is a path to the loss.",
                Relation.chain(Partial(S_e, z[i]), ">", 0),
                Relation.chain(Partial(p[j], z[i]), "<", 0).where(j, "≠", i),
            ),
            (
                *paths.all_paths(_CASE, i, j),
                *paths.two_paths(_CASE, i, j),
                *paths.multiplied_out(_CASE, i, j),
                paths.result(_CASE, i),
            ),
        ),
        Part(
            "result",
            "What it says",
            remark("Predicted minus true."),
            named(result.result(_CASE), "dL_dz sign_own sign_other size"),
        ),
        Part(
            "pair",
            "Why this pair",
            remark("Softmax and cross-entropy are the usual choice for classes."),
            tuple(pair.lines()),
        ),
    )
