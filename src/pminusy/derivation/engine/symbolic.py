"""Statements as SymPy expressions for any K: indexed sums and Kronecker δ, and proofs of some.

`to_sympy` writes a statement down as SymPy has it. `holds_for_any_K` puts the definitions of p,
S_e, lse and L in, lets SymPy differentiate, removes every δ by summation, and compares.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pminusy.derivation import tree as t

__all__ = ["holds_for_any_K", "to_sympy"]


def to_sympy(relation: t.Relation) -> tuple[Any, ...]:
    """Sides of a statement as SymPy expressions in z_k, p_k, y_k, … for a symbolic K.

    Raises
    ------
    NotImplementedError
        The statement has a matrix or another node that no scalar expression can hold.
    """
    return tuple(_Writer(expand=False).write(side) for side in relation.sides)


def holds_for_any_K(relation: t.Relation) -> bool:
    """Whether SymPy proves the statement with K left open; False where it cannot tell."""
    if set(relation.signs) != {"="} or any(sign != "≠" for _, sign, _ in relation.conditions):
        return False
    import sympy

    one_class = any("c" in _letters(side) for side in relation.sides)
    writer = _Writer(expand=True, one_class=one_class)
    try:
        first, *others = (writer.write(side) for side in relation.sides)
        distinct = {
            sympy.KroneckerDelta(writer.index(left), writer.index(right)): 0
            for left, _, right in relation.conditions
        }
    except NotImplementedError:
        return False
    return all(_vanishes(sympy.expand(first - other), writer, distinct) for other in others)


def _letters(tree: t.Node) -> set[str]:
    return {index.name for index in t.every_index(tree)}


class _Writer:
    """Trees to SymPy; with `expand`, derived quantities are replaced by their definitions."""

    def __init__(self, *, expand: bool, one_class: bool = False) -> None:
        import sympy

        self.sympy, self.expand, self.one_class = sympy, expand, one_class
        self.K = sympy.Symbol("K", integer=True, positive=True)
        self.z, self.y = sympy.IndexedBase("z"), sympy.IndexedBase("y")
        self._dummies = 0

    def index(self, slot: t.Slot) -> Any:
        """An index of a class."""
        if isinstance(slot, t.Index) and slot.space == "K":
            return self.sympy.Symbol(slot.name, integer=True)
        raise NotImplementedError("an index of something else than classes")

    def powers(self) -> Any:
        """Σ_j e^{z_j}."""
        return self.over(lambda j: self.sympy.exp(self.z[j]))

    def over(self, body: Any) -> Any:
        """Sum over all classes with an index of its own."""
        self._dummies += 1
        j = self.sympy.Symbol(f"j_{self._dummies}", integer=True)
        return self.sympy.Sum(body(j), (j, 0, self.K - 1))

    def p(self, k: Any) -> Any:
        """p_k by its definition."""
        return self.sympy.exp(self.z[k]) / self.powers()

    def write(self, tree: t.Node) -> Any:
        """One tree."""
        sympy = self.sympy
        if isinstance(tree, t.Number):
            return sympy.Rational(tree.value.numerator, tree.value.denominator)
        if isinstance(tree, t.Ref):
            return self._quantity(tree)
        if isinstance(tree, t.Parens):
            return self.write(tree.body)
        if isinstance(tree, t.Neg):
            return -self.write(tree.body)
        if isinstance(tree, t.Add):
            return sympy.Add(*map(self.write, tree.terms))
        if isinstance(tree, t.Mul):
            return sympy.Mul(*map(self.write, tree.factors))
        if isinstance(tree, t.Div):
            return self.write(tree.above) / self.write(tree.below)
        if isinstance(tree, t.Power):
            return self.write(tree.base) ** tree.exponent
        if isinstance(tree, t.Delta):
            return sympy.KroneckerDelta(self.index(tree.i), self.index(tree.j))
        if isinstance(tree, t.Cases):
            own = sympy.KroneckerDelta(self.index(tree.i), self.index(tree.j))
            return own * self.write(tree.same) + (1 - own) * self.write(tree.other)
        if isinstance(tree, t.Apply) and tree.function in ("exp", "ln"):
            return {"exp": sympy.exp, "ln": sympy.log}[tree.function](self.write(tree.argument))
        if isinstance(tree, t.Sum) and tree.above is None:
            return self._sum(tree)
        if isinstance(tree, t.Partial):
            return self._partial(tree)
        raise NotImplementedError(type(tree).__name__)

    def _quantity(self, tree: t.Ref) -> Any:
        indices = [self.index(slot) for slot in tree.indices]
        if self.expand and tree.name == "p" and indices:
            return self.p(indices[0])
        if self.expand and tree.name == "y" and indices:
            return self.target(indices[0])
        made: dict[str, Callable[[], Any]] = {
            "S_e": self.powers,
            "lse": lambda: self.sympy.log(self.powers()),
        }
        made["L"] = self._loss
        made["s"] = self._shifted
        made["s_o"] = lambda: self._shifted() - self._power(self.sympy.Symbol("c", integer=True))
        if self.expand and tree.name in made:
            return made[tree.name]()
        if indices:
            return self.sympy.IndexedBase(tree.name)[tuple(indices)]
        return self.sympy.Symbol(tree.name)

    def _loss(self) -> Any:
        lse = self.sympy.log(self.powers())
        return -self.over(lambda k: self.target(k) * (self.z[k] - lse))

    def _power(self, k: Any) -> Any:
        return self.sympy.exp(self.z[k] - self.sympy.Symbol("m"))

    def _shifted(self) -> Any:
        return self.over(self._power)

    def target(self, k: Any) -> Any:
        """y_k: 1 at the true class where a statement names it, else any target that sums to 1."""
        c = self.sympy.Symbol("c", integer=True)
        return self.sympy.KroneckerDelta(k, c) if self.one_class else self.y[k]

    def _sum(self, tree: t.Sum) -> Any:
        j = self.index(tree.index)
        whole = self.sympy.Sum(self.write(tree.body), (j, 0, self.K - 1))
        if tree.without is None:
            return whole
        return whole - self.write(tree.body).subs(j, self.index(tree.without))

    def _partial(self, tree: t.Partial) -> Any:
        if not self.expand:
            by = self.write(tree.by)
            return self.sympy.Derivative(self.write(tree.of), by, evaluate=False)
        if tree.by.name == "p" and tree.by.indices:
            return self._by_probability(tree.of, self.index(tree.by.indices[0]))
        if tree.by.name != "z" or not tree.by.indices:
            raise NotImplementedError("a derivative by what is itself made of z")
        return self.sympy.diff(self.write(tree.of), self.z[self.index(tree.by.indices[0])])

    def _by_probability(self, of: t.Node, j: Any) -> Any:
        """∂of/∂p_j with the probabilities as variables, and their definition put in afterwards."""
        p = self.sympy.IndexedBase("p")
        if isinstance(of, t.Ref) and of.name == "L":
            inner: Any = -self.over(lambda k: self.target(k) * self.sympy.log(p[k]))
        else:
            inner = _Writer(expand=False).write(of)
        if inner.has(self.z):
            raise NotImplementedError("z beside p")
        slope = self.sympy.diff(inner, p[j])
        return slope.replace(
            lambda e: isinstance(e, self.sympy.Indexed) and e.base == p,
            lambda e: self.p(e.indices[0]),
        )


def _vanishes(difference: Any, writer: _Writer, distinct: dict[Any, Any]) -> bool:
    """Whether an expression is 0 once every δ is summed away, Σ e^z is S and Σ y is 1."""
    import sympy
    from sympy.concrete.delta import deltasummation

    total = sympy.Symbol("S", positive=True)

    def summed(sum_: Any) -> Any:
        (j, low, high) = sum_.limits[0]
        body = sum_.function.replace(_is_sum, summed)
        body = sympy.expand(sympy.expand_log(sympy.expand(body), force=True))
        pieces = []
        for term in sympy.Add.make_args(body):
            inside, outside = _split(term, j)
            if inside.has(sympy.KroneckerDelta):
                value = deltasummation(inside, (j, low, high))
                value = value.replace(
                    lambda e: isinstance(e, sympy.Piecewise), lambda e: e.args[0][0]
                )  # the index met by δ is a class, so it lies between 0 and K − 1
            elif inside == sympy.exp(writer.z[j]):
                value = total
            elif inside == sympy.exp(writer.z[j] - sympy.Symbol("m")):
                value = total * sympy.exp(-sympy.Symbol("m"))
            elif inside == writer.y[j]:
                value = sympy.Integer(1)
            else:
                value = sympy.Sum(inside, (j, low, high))
            pieces.append(outside * value)
        return sympy.Add(*pieces)

    result = sympy.expand(difference.replace(_is_sum, summed))
    result = sympy.expand(sympy.expand_log(result, force=True)).replace(_is_sum, summed)
    return bool(sympy.simplify(sympy.expand(result).subs(distinct)) == 0)


def _is_sum(expression: Any) -> bool:
    return type(expression).__name__ == "Sum"


def _split(term: Any, j: Any) -> tuple[Any, Any]:
    """Factors with the index, and those without."""
    import sympy

    inside: list[Any] = []
    outside: list[Any] = []
    for factor in sympy.Mul.make_args(term):
        (inside if factor.has(j) else outside).append(factor)
    return sympy.Mul(*inside), sympy.Mul(*outside)
