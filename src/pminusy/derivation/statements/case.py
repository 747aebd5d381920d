"""The reader's case: which letters there are, which options are on, and the formulas they change.

A proof for any K depends on this alone, and not on the reader's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pminusy.core.options import Reduction
from pminusy.derivation.tree import (
    Apply,
    Div,
    Index,
    Mul,
    Neg,
    Node,
    Number,
    Parens,
    Ref,
    Size,
    Sum,
    node,
)
from pminusy.derivation.tree import letters as o

__all__ = ["BatchCase", "Case"]

c, j, k, n = o.c, o.j, o.k, o.n


@dataclass(frozen=True)
class Case:
    """Which letters exist.

    `source` is "logits", "probabilities" or "layer". `one_hot` is whether the target is one class,
    `ignored` whether it is the mark of a row that is not to count.
    The rest are the options that change a formula.
    """

    source: str = "logits"
    one_hot: bool = True
    ignored: bool = False
    smoothing: bool = False
    weights: bool = False
    sample_weight: bool = False
    temperature: bool = False
    softcap: bool = False
    z_loss: bool = False
    log_base: bool = False

    @property
    def mass(self) -> bool:
        """Whether targets are a target mass q with a total S other than 1."""
        return not self.one_hot or self.smoothing or self.weights or self.sample_weight

    @property
    def transforms(self) -> bool:
        """Whether the logits given, u, are not yet the logits z of the softmax."""
        return self.temperature or self.softcap

    @property
    def layer(self) -> bool:
        """Whether the linear layer belongs to it."""
        return self.source == "layer"

    @property
    def target(self) -> Ref:
        """Letter of the target: y, or q once options apply."""
        return o.q if self.mass else o.y

    @property
    def total(self) -> Node:
        """Its sum over the classes: 1, or S."""
        return o.S if self.mass else node(1)

    @property
    def cross_entropy(self) -> Ref:
        """Letter of the cross-entropy: L, or CE when the z-loss is added to it."""
        return o.CE if self.z_loss else o.L

    @property
    def cross_entropy_after(self) -> Ref:
        """Letter of the cross-entropy after a gradient step."""
        return Ref(f"{self.cross_entropy.name}_new")

    @property
    def logit_letter(self) -> Ref:
        """Letter of the logits that are given or come from the layer."""
        return o.u if self.transforms else o.z

    def scaled(self, tree: Node) -> Node:
        """S times a tree; the tree itself where S = 1."""
        return self.total * tree if self.mass else tree

    def target_mass(self) -> Node:
        """q_k in terms of y, w, ε and ω: only the options that are on; 0 in an ignored row."""
        if self.ignored:
            return node(0)
        keep, spread = 1 - o.epsilon, o.epsilon / Size("K")
        if self.one_hot:
            own: Node = keep * o.y[k] if self.smoothing else o.y[k]
            own = o.w[c] * own if self.weights else own
            even: Node = o.w[k] * spread if self.weights else spread
            body = own + even if self.smoothing else own
        else:
            body = keep * o.y[k] + spread if self.smoothing else o.y[k]
            body = o.w[k] * body if self.weights else body
        return o.omega * body if self.sample_weight else body

    def logits(self, u: Ref = o.u) -> Node:
        """z_k in terms of u_k."""
        body: Node = u[k]
        if self.softcap:
            body = o.kappa * Apply("tanh", u[k] / o.kappa)
        return body / o.T if self.temperature else body

    def slope(self) -> Node:
        """t_k = dz_k/du_k."""
        top: Node = Apply("sech2", o.u[k] / o.kappa) if self.softcap else node(1)
        return top / o.T if self.temperature else top

    def curvature(self) -> Node:
        """d²z_k/du_k²."""
        return self.curvature_of(k)

    @staticmethod
    def curvature_of(index: Index) -> Node:
        """The same of one class by its letter."""
        bend = Apply("tanh", o.u[index] / o.kappa)
        return Neg(Mul((Div(node(2), o.kappa), bend, o.t[index])))


@dataclass(frozen=True)
class BatchCase(Case):
    """The case of a batch: that of each row, and how the losses of the rows are put together.

    `ignored` is whether some rows are to be ignored, `empty` whether no row counts in the mean.
    """

    empty: bool = False
    reduction: Reduction = "mean"

    @property
    def plain(self) -> bool:
        """Whether each row's target is a class of mass 1 and its logits those of the softmax."""
        altered = self.mass or self.transforms or self.z_loss
        return not (altered or self.ignored or self.empty)

    @property
    def logit_letter(self) -> Ref:
        """Letter of the logits that are given or come from the layer."""
        return Ref("U") if self.transforms else o.Z

    @property
    def over(self) -> Node:
        """What a mean is divided by."""
        return Size("N") if self.plain else o.Omega

    def reduced(self, body: Node) -> Node:
        """Rows put together: their mean, their sum, or each times what is made of it later."""
        if self.reduction == "mean":
            return (1 / self.over) * Sum(n, body)
        return Sum(n, body if self.reduction == "sum" else o.g[n] * body)

    def weighted(self, body: Node) -> Node:
        """What belongs to one row, with the factor of the reduction."""
        if self.reduction == "mean":
            return (1 / self.over) * body
        return body if self.reduction == "sum" else o.g[n] * body

    def target_mass(self) -> Node:
        """Q_nk from Y, w, ε, ω and r: only what is on."""
        own: Node = o.Y[n, k]
        if self.smoothing:
            own = Parens(1 - o.epsilon) * own
        even: Node = o.epsilon / Size("K")
        if self.weights and self.one_hot:
            own = self._weight_of_class() * own
            even = o.w[k] * even
        body = own + even if self.smoothing else own
        if self.weights and not self.one_hot:
            body = o.w[k] * (Parens(body) if self.smoothing else body)
        factors = self._row_factors()
        return Mul((*factors, Parens(body) if self.smoothing else body)) if factors else body

    def row_weight(self) -> Node:
        """What a row counts in the mean: its r, its ω, and with labels its class's w."""
        factors = self._row_factors()
        if self.weights and self.one_hot:
            factors = (*factors, self._weight_of_class())
        if not factors:
            return Number(Fraction(1))
        return factors[0] if len(factors) == 1 else Mul(factors)

    def _row_factors(self) -> tuple[Node, ...]:
        counts = (o.r[n],) if self.ignored else ()
        return (*counts, o.omega_n[n]) if self.sample_weight else counts

    def _weight_of_class(self) -> Node:
        return Parens(Sum(j, o.w[j] * o.Y[n, j]))
