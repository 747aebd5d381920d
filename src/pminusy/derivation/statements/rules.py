"""Rules of calculus as formulas, for any functions, each with a small example.

f, g and u stand for any functions with a derivative: a polynomial with open coefficients has any
value and any slope at a point, and a rule for first derivatives depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import because, says
from pminusy.derivation.tree import (
    Log,
    Mul,
    Node,
    Parens,
    Partial,
    Ref,
    Relation,
    ln,
)

__all__ = ["chain_rule", "constant_factor", "logarithm", "quotient_rule", "sum_rule"]

x, y, u, B = Ref("x_r"), Ref("y_r"), Ref("u_r"), Ref("b_r")
f, g, g_of_y, u_of_x, f_of_u = Ref("f_x"), Ref("g_x"), Ref("g_y"), Ref("u_x"), Ref("f_u")
e = Ref("e")


def sum_rule() -> Line:
    """The derivative of a sum."""
    return Line(
        "rule_sum",
        "Rule: the derivative of a sum",
        Relation.equal(Partial(f + g, x), Partial(f, x) + Partial(g, x)),
        because(
            "Term by term. The example has f(x) = x² and g(x) = 3 x at x = 2.",
            Relation.equal(Partial(f + g, x), Partial(f, x) + Partial(g, x)),
            here=(Relation.equal(f, x**2), Relation.equal(g, 3 * x), Relation.equal(x, 2)),
        ),
        ("derivative of a sum",),
    )


def constant_factor() -> Line:
    """A factor that does not depend on the variable."""
    return Line(
        "rule_constant_factor",
        "Rule: a factor that does not move",
        Relation.equal(Partial(Mul((f, g_of_y)), x), g_of_y * Partial(f, x)),
        because(
            "g(y) does not have x in it, and stays as a factor. The example has f(x) = x² at x = "
            "2 and "
            "g(y) = 3 y at y = 5.",
            Relation.equal(Partial(g_of_y, x), 0),
            here=(
                Relation.equal(f, x**2),
                Relation.equal(g_of_y, 3 * y),
                Relation.equal(x, 2),
                Relation.equal(y, 5),
            ),
        ),
        ("constant factor",),
    )


def chain_rule() -> Line:
    """A function of a function."""
    return Line(
        "rule_chain",
        "Rule: a function of a function",
        Relation.equal(Partial(f_of_u, x), Partial(f_of_u, u) * Partial(u_of_x, x)),
        because(
            "x moves u, and u moves f. The example has u(x) = 3 x and f(u) = u² at x = 2.",
            Relation.equal(u, u_of_x),
            here=(
                Relation.equal(u_of_x, 3 * x),
                Relation.equal(f_of_u, u**2),
                Relation.equal(x, 2),
            ),
        ),
        ("chain rule",),
    )


def logarithm() -> Iterator[Line]:
    """The derivative of a logarithm, of any base and of base e."""
    yield Line(
        "rule_log",
        "Rule: the derivative of a logarithm of base b",
        Relation.equal(Partial(Log(B, x), x), 1 / Parens(ln(B) * x)),
        because(
            "log_b x is ln x / ln b, and ln b does not move. The example has base 10 at x = 2.",
            Relation.equal(Log(B, x), ln(x) / ln(B)),
            Relation.equal(Partial(ln(B), x), 0),
            here=(Relation.equal(B, 10), Relation.equal(x, 2)),
        ),
        ("change of base", "derivative of the logarithm"),
    )
    yield Line(
        "ln_of_e",
        "The natural logarithm of its own base",
        Relation.equal(ln(e), 1),
        says("e to the power 1 is e."),
        ("definition",),
    )
    natural: Node = Partial(ln(x), x)
    yield Line(
        "rule_ln",
        "Rule: the derivative of the natural logarithm",
        Relation.equal(natural, 1 / Parens(ln(e) * x), 1 / x),
        because(
            "The base is e, and the factor ln e is 1. The example is at x = 2.",
            Relation.equal(ln(e), 1),
            here=(Relation.equal(x, 2),),
        ),
        ("derivative of the logarithm",),
    )


def quotient_rule() -> Line:
    """The derivative of a fraction."""
    return Line(
        "rule_quotient",
        "Rule: the derivative of a fraction",
        Relation.equal(Partial(Parens(f / g), x), (Partial(f, x) * g - f * Partial(g, x)) / g**2),
        because(
            "Derivative of the top times the bottom, minus the top times the derivative of "
            "the bottom, over the "
            "bottom squared. The example has f(x) = x² and g(x) = 3 x at x = 2.",
            Relation.equal(
                Partial(Parens(f / g), x), (Partial(f, x) * g - f * Partial(g, x)) / g**2
            ),
            here=(Relation.equal(f, x**2), Relation.equal(g, 3 * x), Relation.equal(x, 2)),
        ),
        ("quotient rule",),
    )
