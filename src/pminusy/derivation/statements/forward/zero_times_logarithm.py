"""Why 0 · ln 0 is 0."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import because
from pminusy.derivation.tree import (
    Parens,
    Ref,
    Relation,
    ln,
    node,
)

__all__ = ["zero_times_logarithm"]


_x, _root = Ref("x_p"), Ref("root")


def zero_times_logarithm() -> Iterator[Line]:
    """0 · ln 0 = 0: the tangent of the logarithm, and what it says of x ln x near 0."""
    yield Line(
        "tangent",
        "The logarithm lies below its tangent",
        Relation.chain(ln(1 / _root), "≤", 1 / _root - 1),
        because(
            "ln a ≤ a − 1 for every a > 0: both are 0 at a = 1 with slope 1, and the logarithm "
            "bends down. "
            "Here a = 1/ρ, and ρ = √x.",
            Relation.equal(_root**2, _x),
            Relation.equal(ln(node(1)), 0),
        ),
        ("logarithm is concave",),
    )
    yield Line(
        "zero_ln_zero",
        "0 · ln 0 is 0",
        Relation.chain(
            0,
            "≤",
            -(_x * ln(_x)),
            "=",
            2 * _x * ln(1 / _root),
            "≤",
            2 * _x * Parens(1 / _root - 1),
            "≤",
            2 * _root,
        ),
        because(
            "For every x in (0, 1], here the smallest probability. As x goes to 0 so does 2 "
            "√x, and "
            "x ln x between them: a class without target adds nothing, even where its p is 0.",
            Relation.equal(_root**2, _x),
            here=(Relation.chain(0, "<", _x, "≤", 1),),
        ),
        ("logarithm of a power", "squeeze"),
    )
