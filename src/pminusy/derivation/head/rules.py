"""What the letters of a rule stand for: any functions in exact algebra, small ones in numbers."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

from pminusy.derivation.engine.algebra import Algebra
from pminusy.derivation.engine.decimals import Decimals, decimals, exact_array
from pminusy.derivation.engine.environment import Environment, Symbol, defined, variable
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.steps.context import FixedContext
from pminusy.derivation.tree import Node, Ref

__all__ = ["rules_context"]

_COEFFICIENTS = tuple(f"{name}_{power}" for name in "fgu" for power in range(3))


@lru_cache(maxsize=1)
def rules_context() -> FixedContext:
    """The context of every rule; its numbers are those of the examples."""
    coefficients = dict.fromkeys(_COEFFICIENTS, 0.0) | {"f_2": 1.0, "g_1": 3.0, "u_1": 3.0}
    values: dict[str, Any] = {**coefficients, "x_r": 2.0, "y_r": 5.0, "b_r": 10.0}
    exact = {name: exact_array(value) for name, value in values.items()}
    numbers = Evaluator(_environment({**exact, "e": decimals.exp(1)}), Decimals())
    return FixedContext("rules", numbers, _algebra, sizeless=True)


def _environment(values: dict[str, Any]) -> Environment:
    return Environment({symbol.name: symbol for symbol in _symbols()}, {"1": 1}, values)


def _symbols() -> list[Symbol]:
    x, y, u = Ref("x_r"), Ref("y_r"), Ref("u_r")
    return [
        *(variable(name) for name in (*_COEFFICIENTS, "x_r", "y_r", "b_r", "e")),
        defined("f_x", by=_polynomial("f", x)),
        defined("g_x", by=_polynomial("g", x)),
        defined("g_y", by=_polynomial("g", y)),
        defined("u_x", by=_polynomial("u", x)),
        defined("u_r", by=Ref("u_x")),
        defined("f_u", by=_polynomial("f", u)),
    ]


def _polynomial(name: str, argument: Node) -> Node:
    return (
        Ref(f"{name}_0") + Ref(f"{name}_1") * argument + Ref(f"{name}_2") * argument**2
    )  # any value and any slope


@lru_cache(maxsize=1)
def _algebra() -> list[Evaluator]:
    letters = (*_COEFFICIENTS, "x_r", "y_r", "b_r", "e")
    field = Algebra(dict.fromkeys(letters, ()))
    field.register("ln", field["e"], field.number(Fraction(1)))
    return [Evaluator(_environment({name: field[name] for name in letters}), field)]
