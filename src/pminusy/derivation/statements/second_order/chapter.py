"""Second order: the Hessian, its form, and a bound that holds everywhere."""

from __future__ import annotations

from collections.abc import Iterator

from pminusy.derivation.statements.case import Case
from pminusy.derivation.statements.line import Line
from pminusy.derivation.statements.second_order.curvature import bound, convex, preconditioners
from pminusy.derivation.statements.second_order.hessian import hessian
from pminusy.derivation.statements.second_order.of_layer import of_layer

__all__ = ["lines"]


def lines(case: Case) -> Iterator[Line]:
    """Hessian, its product with a direction, and what it says."""
    yield from hessian(case)
    yield from convex(case)
    yield from bound()
    yield from preconditioners()
    if case.layer and not case.transforms and not case.z_loss:
        yield from of_layer(case)
