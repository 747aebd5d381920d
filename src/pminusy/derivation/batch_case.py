"""A batch as far as formulas go: its letters, its reduction, and what each row counts."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from pminusy.core.options import Reduction
from pminusy.derivation import letters as o
from pminusy.derivation.model import Case
from pminusy.derivation.tree import Fence, Mul, Node, Number, Ref, Size, Sum

__all__ = ["BatchCase"]

j, k, n = o.j, o.k, o.n


@dataclass(frozen=True)
class BatchCase:
    """Which letters a batch has: those of its rows, and how their losses are put together.

    `layer` is whether the logits come from one; `ignored` whether some rows are to be ignored;
    `empty` whether no row counts in the mean.
    """

    row: Case
    layer: bool
    ignored: bool = False
    empty: bool = False
    reduction: Reduction = "mean"

    @property
    def plain(self) -> bool:
        """Whether each row's target is a class of mass 1 and its logits those of the softmax."""
        altered = self.row.mass or self.row.transforms or self.row.z_loss
        return not (altered or self.ignored or self.empty)

    @property
    def signal(self) -> Ref:
        """Letter of the logits that are given or come from the layer."""
        return Ref("U") if self.row.transforms else o.Z

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
        row = self.row
        own: Node = o.Y[n, k]
        if row.smoothing:
            own = Fence(1 - o.epsilon) * own
        even: Node = o.epsilon / Size("K")
        if row.weights and self.labels:
            own = self._weight_of_class() * own
            even = o.w[k] * even
        body = own + even if row.smoothing else own
        if row.weights and not self.labels:
            body = o.w[k] * (Fence(body) if row.smoothing else body)
        factors = self._row_factors()
        return Mul((*factors, Fence(body) if row.smoothing else body)) if factors else body

    def row_weight(self) -> Node:
        """What a row counts in the mean: its r, its ω, and with labels its class's w."""
        factors = self._row_factors()
        if self.row.weights and self.labels:
            factors = (*factors, self._weight_of_class())
        if not factors:
            return Number(Fraction(1))
        return factors[0] if len(factors) == 1 else Mul(factors)

    @property
    def labels(self) -> bool:
        """Whether targets are classes: then the mean counts class weights."""
        return self.row.one_hot

    def _row_factors(self) -> tuple[Node, ...]:
        counts = (o.r[n],) if self.ignored else ()
        return (*counts, o.omega_n[n]) if self.row.sample_weight else counts

    def _weight_of_class(self) -> Node:
        return Fence(Sum(j, o.w[j] * o.Y[n, j]))
