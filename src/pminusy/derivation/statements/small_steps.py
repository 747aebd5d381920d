"""Lines between the lines: definitions in their place, and the small steps that texts write out."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import OUTLINE, RESULT, Line
from pminusy.derivation.tree import (
    Add,
    Delta,
    Index,
    Mul,
    Neg,
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    Sum,
    Transpose,
    ln,
)
from pminusy.derivation.tree.letters import L, S_e, W, b, c, d, g, p, power_of_e, x, y, z

__all__ = [
    "by_logit_directly",
    "cross_entropy_of",
    "difference_of_sums",
    "equal_index_quotient",
    "logits_of_class",
    "loss_of_class",
    "loss_written_out",
    "no_other_probability",
    "normaliser",
    "of_weights",
    "one_hot",
    "one_logit_each",
    "positive_power",
    "softmax_of",
    "term_by_term",
    "total_error",
]

S_of_z, error = Ref("S_of_z"), Ref("error")


def softmax_of(k: Index, j: Index, name: str = "softmax", title: str = "Softmax") -> Line:
    """Exponentials over their sum."""
    return Line(
        name, title,
        Relation.equal(p[k], power_of_e(k) / Sum(j, power_of_e(j))),
        "Each exponential is divided by the sum of all of them.",
        ("definition",), RESULT,
    )  # fmt: skip


def positive_power(k: Index) -> Line:
    """Why exponentials."""
    return Line(
        "positive_power",
        "Every exponential is positive",
        Relation.chain(power_of_e(k), ">", 0),
        "Whatever the logit, so no probability can be negative.",
        ("exponential function",),
    )


def normaliser(k: Index, i: Index) -> Iterator[Line]:
    """The sum below the fraction, with a letter of its own."""
    yield Line(
        "normaliser",
        "A letter for the sum of all exponentials",
        Relation.equal(S_e, Sum(k, power_of_e(k))),
        "It is the same for every class.",
        ("definition",),
    )
    yield Line(
        "softmax_short",
        "The softmax with that letter",
        Relation.equal(p[i], power_of_e(i) / S_e),
        f"z_{i.name} is in the numerator, and as one of all logits in the denominator too.",
        ("definition",),
    )


def one_hot(k: Index) -> Line:
    """A target of one class."""
    return Line(
        "one_hot",
        "The target is one-hot",
        Relation.equal(y[k], Delta(k, c)),
        "1 for the true class, 0 for every other.",
        ("definition",),
    )


def cross_entropy_of(k: Index) -> Line:
    """The loss as a sum over classes."""
    return Line(
        "cross_entropy",
        "Cross-entropy",
        Relation.equal(L, -Sum(k, y[k] * ln(p[k]))),
        "The surprise −ln p of each class, counted by the target.",
        ("definition",),
        RESULT,
    )


def loss_of_class() -> Iterator[Line]:
    """The loss of the true class alone, and the softmax put into it."""
    yield Line(
        "loss_of_true_class",
        "The one term of the true class",
        Relation.equal(L, -(y[c] * ln(p[c])), -ln(p[c])),
        "Every other term is 0 times a logarithm, and y_c is 1.",
        ("one-hot target",),
    )
    j = Index("j")
    total = Sum(j, power_of_e(j))
    yield Line(
        "loss_substituted",
        "The softmax put into the loss",
        Relation.equal(L, -ln(power_of_e(c) / total), ln(total) - z[c]),
        "The logarithm of a fraction is a difference, and the logarithm undoes the exponential.",
        ("logarithm of a quotient",),
        OUTLINE,
    )


def loss_written_out(K: int) -> Line:
    """The sum over K classes term by term."""
    terms = tuple(Mul((y[k], ln(p[k]))) for k in range(K))
    return Line(
        "loss_written_out",
        "Written out",
        Relation.equal(L, Neg(Parens(Add(terms)))),
        f"One term for each of the {K} classes; all but one are 0.",
        ("definition of a sum",),
        sizes=(K,),
    )


def by_logit_directly(k: Index, j: Index) -> Iterator[Line]:
    """The loss differentiated by a logit without probabilities between: both cases."""
    total = Sum(j, power_of_e(j))
    yield Line(
        "gradient_named",
        "A letter for the gradient",
        Relation.equal(g[k], Partial(L, z[k])),
        "One entry for each logit.",
        ("definition",),
    )
    yield Line(
        "direct_own_chain",
        "Case 1, the true class: chain rule on the logarithm",
        Relation.equal(Partial(L, z[c]), Parens(1 / total) * power_of_e(c) - 1),
        "1 over the sum, times the derivative of the sum; and z_c is subtracted on its own.",
        ("derivative of the logarithm", "chain rule"),
    )
    yield Line(
        "direct_recognised",
        "The fraction is a probability",
        Relation.equal(power_of_e(k) / total, p[k]),
        "That is how the softmax is defined.",
        ("definition",),
    )
    yield _own()
    yield from _other(k, total)
    yield Line(
        "direct_indicator",
        "Both cases in one",
        Relation.equal(Partial(L, z[k]), p[k] - Delta(k, c)),
        "1 is subtracted for the true class alone.",
        ("case distinction",),
    )


def _own() -> Line:
    return Line(
        "direct_own",
        "Case 1: result",
        Relation.equal(Partial(L, z[c]), p[c] - 1),
        "p_c in the place of the fraction.",
        ("definition",),
        OUTLINE,
    )


def _other(k: Index, total: Node) -> Iterator[Line]:
    yield Line(
        "direct_other_zero",
        "Case 2, any other class: the true class's logit stands still",
        Relation.equal(Partial(-z[c], z[k]), 0).where(k, "≠", c),
        "z_c does not have any other logit in it.",
        ("derivative of a constant",),
    )
    yield Line(
        "direct_other_chain",
        "Case 2: chain rule on the logarithm",
        Relation.equal(Partial(L, z[k]), Parens(1 / total) * power_of_e(k)).where(k, "≠", c),
        "1 over the sum, times the derivative of the sum.",
        ("derivative of the logarithm", "chain rule"),
    )
    yield Line(
        "direct_other",
        "Case 2: result",
        Relation.equal(Partial(L, z[k]), p[k]).where(k, "≠", c),
        "The same fraction again, and nothing is subtracted.",
        ("definition",),
        OUTLINE,
    )


def one_logit_each(k: Index, i: Index) -> Iterator[Line]:
    """A weight and a bias reach the loss through one logit."""
    yield Line(
        "other_logits_still",
        "A weight moves one logit only",
        Relation.equal(Partial(z[i], W[k, d]), 0).where(i, "≠", k),
        "Row k of W is in the logit of class k, and in no other.",
        ("derivative of a constant",),
    )
    yield Line(
        "logit_by_own_weight",
        "That logit by the weight",
        Relation.equal(Partial(z[k], W[k, d]), x[d]),
        "The weight stands beside one input.",
        ("constant factor",),
    )


def of_weights(k: Index) -> Iterator[Line]:
    """The bias's own slope, and when no weight moves."""
    yield Line(
        "logit_by_bias",
        "A logit by its bias",
        Relation.equal(Partial(z[k], b[k]), 1),
        "The bias is added as it is.",
        ("derivative of a sum",),
    )
    squares = Sum(k, Sum(d, Partial(L, W[k, d]) ** 2))
    yield Line(
        "weights_still",
        "How much all weights are moved",
        Relation.equal(squares, Sum(k, (p[k] - y[k]) ** 2) * Sum(d, x[d] ** 2)),
        "If p is y, sure and right, every factor on the right is 0: no weight is updated.",
        ("square of a product",),
    )


def logits_of_class(k: Index) -> Iterator[Line]:
    """The logit of one class as a product of its weights and the input; both slopes."""
    yield Line(
        "logit_of_class",
        "The logit of one class",
        Relation.equal(z[k], Transpose(W[k]) @ x + b[k]),
        "Each class has weights of its own, as many as there are inputs, and a bias.",
        ("definition",),
        OUTLINE,
    )


def start_at_weights(k: Index) -> Iterator[Line]:
    """What is wanted, taken apart."""
    yield Line(
        "start",
        "What is wanted, by the chain rule",
        Relation.equal(Partial(L, W[k]), Partial(L, z[k]) * Partial(z[k], W[k])),
        "The weights of class k reach the loss through its logit.",
        ("chain rule",),
        OUTLINE,
    )
    yield Line(
        "logit_by_row",
        "The second factor",
        Relation.equal(Partial(z[k], W[k]), x),
        "Each weight stands beside one input.",
        ("constant factor",),
    )


def back_to_weights(k: Index) -> Iterator[Line]:
    """Both factors put together, and the bias."""
    yield Line(
        "dL_dw_of_class",
        "The weights of one class",
        Relation.equal(Partial(L, W[k]), Partial(L, z[k]) * x, Parens(p[k] - y[k]) * x),
        "The error of the class times the input.",
        ("substitution",),
        OUTLINE,
    )
    yield Line(
        "dL_db_of_class",
        "The bias of one class",
        Relation.equal(Partial(L, b[k]), p[k] - y[k]),
        "The bias is added to its logit as it is.",
        ("chain rule",),
        OUTLINE,
    )


def schema() -> Line:
    """The chain rule before its parts are known."""
    return Line(
        "chain_schema",
        "What is wanted, by the chain rule",
        Relation.equal(Partial(L, z), Partial(L, p) @ Partial(p, z)),
        "How the loss moves with the probabilities, times how these move with the logits; both "
        "factors come below.",
        ("chain rule",),
        OUTLINE,
    )


def loss_by_probability(i: Index) -> Iterator[Line]:
    """The loss by one probability in three lines."""
    yield Line(
        "ce_term",
        "The one term that moves",
        Relation.equal(Partial(L, p[i]), Partial(-(y[i] * ln(p[i])), p[i])),
        f"No other term of the sum has p_{i.name} in it.",
        ("derivative of a sum",),
    )
    yield Line(
        "ln_of_p",
        "Derivative of the natural logarithm",
        Relation.equal(Partial(ln(p[i]), p[i]), 1 / p[i]),
        "d ln x / dx = 1 / x.",
        ("derivative of the logarithm",),
    )
    yield from loss_by_p(i)


def loss_by_p(i: Index) -> Iterator[Line]:
    """The loss by one probability."""
    yield Line(
        "dL_dp",
        "Cross-entropy by probability",
        Relation.equal(Partial(L, p[i]), -(y[i] / p[i])),
        "The target is a factor that stays.",
        ("constant factor",),
        OUTLINE,
    )


def target_still(j: Index) -> Line:
    """The target is a constant."""
    return Line(
        "target_still",
        "The target does not move",
        Relation.equal(Partial(y[j], p[j]), 0),
        "It is given, whatever the model says.",
        ("derivative of a constant",),
    )


def equal_index_quotient(j: Index, k: Index) -> Line:
    """The quotient rule with two letters for one class."""
    e_j, e_k = power_of_e(j), power_of_e(k)
    return Line(
        "equal_quotient",
        f"Case 1, {j.name} = {k.name}: quotient rule",
        Relation.equal(Partial(p[j], z[k]), (e_j * S_e - e_j * e_k) / S_e**2).where(j, "=", k),
        "Derivative of the top times the bottom, minus the top times the derivative of the bottom, "
        "over the bottom squared.",
        ("quotient rule",),
    )


def with_delta(k: Index, j: Index) -> Iterator[Line]:
    """The sum over all paths with both cases in one formula, term by term."""
    gradient = Partial(L, z[k])
    factor = Parens(-(y[j] / p[j]))
    yield Line(
        "first_factor_put_in",
        "Put the first factor in",
        Relation.equal(gradient, Sum(j, factor * Partial(p[j], z[k]))),
        "The derivative of the loss by each probability.",
        ("substitution",),
    )
    yield Line(
        "chain_filled",
        "Put the second factor in",
        Relation.equal(gradient, Sum(j, factor * p[j] * (Delta(j, k) - p[k]))),
        "Both cases of the Jacobian at once.",
        ("substitution",),
    )
    yield Line(
        "chain_cancelled",
        f"p_{j.name} cancels",
        Relation.equal(gradient, -Sum(j, y[j] * (Delta(j, k) - p[k]))),
        "It is above and below.",
        ("cancel a common factor",),
        OUTLINE,
    )
    yield Line(
        "two_sums",
        "Two sums",
        Relation.equal(
            gradient, Neg(Parens(Sum(j, y[j] * Delta(j, k)) - Sum(j, y[j] * p[k])))
        ),
        "The difference inside, summed term by term.",
        ("distributive law",),
    )  # fmt: skip
    yield from _both_sums(k, j)


def _both_sums(k: Index, j: Index) -> Iterator[Line]:
    yield Line(
        "first_sum",
        "The first sum",
        Relation.equal(Sum(j, y[j] * Delta(j, k)), y[k]),
        f"δ is 1 for {j.name} = {k.name} only.",
        ("Kronecker δ",),
    )
    yield Line(
        "second_sum",
        "The second sum",
        Relation.equal(Sum(j, y[j] * p[k]), p[k] * Sum(j, y[j]), p[k]),
        f"p_{k.name} is the same in each term, and the targets sum to 1.",
        ("constant factor", "Σ y = 1"),
    )
    yield Line(
        "difference_turned",
        "Both put in",
        Relation.equal(Partial(L, z[k]), Neg(Parens(y[k] - p[k]))),
        "The first minus the second, with the minus sign before both.",
        ("substitution",),
    )


def softmax_as_function(k: Index, i: Index) -> Iterator[Line]:
    """The softmax written as a function, its sum, and a shorter letter for it."""
    yield Line(
        "softmax_of_z",
        "Softmax",
        Relation.equal(S_of_z[k], power_of_e(k) / Sum(i, power_of_e(i))),
        "Each exponential is divided by the sum of all of them.",
        ("definition",),
        RESULT,
    )
    yield Line(
        "softmax_sum",
        "All outputs together",
        Relation.equal(Sum(k, S_of_z[k]), 1),
        "The numerators add up to the denominator.",
        ("common denominator",),
    )
    yield Line(
        "output_named",
        "A letter for each output",
        Relation.equal(p[k], S_of_z[k]),
        "Shorter to write.",
        ("definition",),
    )


def loss_of_function(i: Index) -> Line:
    """The loss with the softmax written as a function."""
    return Line(
        "cross_entropy_of_z",
        "Cross-entropy",
        Relation.equal(L, -Sum(i, y[i] * ln(S_of_z[i]))),
        "The logarithm is the natural one.",
        ("definition",),
        RESULT,
    )


def total_error(i: Index) -> Iterator[Line]:
    """The error of each output, and their sum."""
    yield Line(
        "error_of_output",
        "The error of one output",
        Relation.equal(error[i], -(y[i] * ln(p[i]))),
        "One term of the cross-entropy.",
        ("definition",),
    )
    yield Line(
        "total_error",
        "The total error",
        Relation.equal(L, Sum(i, error[i])),
        "All outputs together, for one sample.",
        ("definition of a sum",),
    )


def total_of_data(n: Index, i: Index) -> Line:
    """The error of all samples."""
    return Line(
        "error_of_data",
        "The error of a whole data set",
        Relation.equal(Ref("M"), Sum(n, Sum(i, Ref("error_n")[n, i]))),
        "Summed over samples too; everything below is about one of them.",
        ("definition of a sum",),
    )


def term_by_term(k: Index, i: Index) -> Iterator[Line]:
    """The total error by a logit: term by term, and through each output."""
    gradient = Partial(L, z[k])
    yield Line(
        "terms_by_logit",
        "The derivative goes into the sum, the target out of it",
        Relation.equal(gradient, -Sum(i, y[i] * Partial(ln(p[i]), z[k]))),
        "The derivative of a sum is the sum of the derivatives, and the target does not move.",
        ("derivative of a sum", "constant factor"),
    )
    yield Line(
        "logarithm_by_logit",
        "The logarithm of an output by a logit",
        Relation.equal(
            Partial(ln(p[i]), z[k]), Partial(ln(p[i]), p[i]) * Partial(p[i], z[k])
        ),
        "The logarithm is a function of the output alone, and the output one of the logits: no "
        "direct path, so the chain rule.",
        ("chain rule",),
    )  # fmt: skip
    yield Line(
        "terms_by_output",
        "The derivative of the logarithm put in",
        Relation.equal(gradient, -Sum(i, Parens(y[i] / p[i]) * Partial(p[i], z[k]))),
        "1 over the output.",
        ("derivative of the logarithm",),
    )


def own_term_out(k: Index, i: Index) -> Iterator[Line]:
    """The term of the logit's own output taken out of the sum, then simplified."""
    gradient = Partial(L, z[k])
    own, other = Parens(y[k] / p[k]), Parens(y[i] / p[i])
    yield Line(
        "own_term_out",
        f"The term with {i.name} = {k.name} taken out of the sum",
        Relation.equal(
            gradient,
            -(own * Partial(p[k], z[k])) - Sum(i, other * Partial(p[i], z[k]), without=k),
        ),
        "One term is of the first case, all others are of the second.",
        ("split a sum",),
    )
    yield Line(
        "own_term_filled",
        "Both cases put in",
        Relation.equal(
            gradient,
            -(own * p[k] * Parens(1 - p[k])) - Sum(i, other * Parens(-(p[k] * p[i])), without=k),
        ),
        "No derivative is left.",
        ("substitution",),
    )
    yield Line(
        "own_term_simplified",
        "Simplified",
        Relation.equal(gradient, -(y[k] * Parens(1 - p[k])) + Sum(i, y[i] * p[k], without=k)),
        f"p_{k.name} cancels in the first term, p_{i.name} in the others; minus minus is plus.",
        ("cancel a common factor",),
    )
    yield Line(
        "output_before_sum",
        f"p_{k.name} comes before the sum",
        Relation.equal(gradient, -(y[k] * Parens(1 - p[k])) + p[k] * Sum(i, y[i], without=k)),
        f"The sum runs over {i.name}, and p_{k.name} does not depend on it.",
        ("constant factor",),
    )


def difference_of_sums(k: Index, i: Index) -> Iterator[Line]:
    """The sum without one term, as a difference; put in."""
    yield Line(
        "others_by_difference",
        "The sum of all other targets",
        Relation.equal(Sum(i, y[i], without=k), Sum(i, y[i]) - y[k], 1 - y[k]),
        "All targets but one are all of them less that one, and all together are 1.",
        ("Σ y = 1",),
    )
    yield Line(
        "others_replaced",
        "Put that sum in",
        Relation.equal(
            Partial(L, z[k]), -(y[k] * Parens(1 - p[k])) + p[k] * Parens(1 - y[k])
        ),
        "No sum is left.",
        ("substitution",),
    )  # fmt: skip


def no_other_probability() -> Line:
    """Only the true class's probability is in the loss."""
    j = Index("j")
    return Line(
        "dL_dp_zero",
        "No other probability is in the loss",
        Relation.equal(Partial(L, p[j]), 0).where(j, "≠", c),
        "So no other row of the Jacobian is needed: the row of derivatives is 0 but for one entry.",
        ("one-hot target",),
    )
