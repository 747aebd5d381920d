"""The error output by output, and of a whole data set."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.sentence import says
from pminusy.derivation.tree import (
    Index,
    Ref,
    Relation,
    Sum,
    ln,
)
from pminusy.derivation.tree.letters import (
    L,
    p,
    y,
)

__all__ = ["total_error", "total_of_data"]


error = Ref("error")


def total_error(i: Index) -> Iterator[Line]:
    """The error of each output, and their sum."""
    yield Line(
        "error_of_output",
        "The error of one output",
        Relation.equal(error[i], -(y[i] * ln(p[i]))),
        says("One term of the cross-entropy."),
        ("definition",),
    )
    yield Line(
        "total_error",
        "The total error",
        Relation.equal(L, Sum(i, error[i])),
        says("All outputs together, for one sample."),
        ("definition of a sum",),
    )


def total_of_data(n: Index, i: Index) -> Line:
    """The error of all samples."""
    return Line(
        "error_of_data",
        "The error of a whole data set",
        Relation.equal(Ref("M"), Sum(n, Sum(i, Ref("error_n")[n, i]))),
        says("Summed over samples too; everything below is about one of them."),
        ("definition of a sum",),
    )
