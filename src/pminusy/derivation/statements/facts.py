"""Facts that a line names among its rules: each is proved wherever it is named."""

from __future__ import annotations

from collections.abc import Mapping

from pminusy.derivation.tree import Relation
from pminusy.derivation.tree.letters import S, k, p, q, total, y

__all__ = ["FACTS"]

_POSITIVE = Relation.chain(p[k], ">", 0)

FACTS: Mapping[str, Relation] = {
    "Σ p = 1": Relation.equal(total(p), 1),
    "Σ y = 1": Relation.equal(total(y), 1),
    "Σ q = S": Relation.equal(total(q), S),
    "p > 0": _POSITIVE,
    "the other classes have p > 0": _POSITIVE,
    "0 < p < 1": Relation.chain(0, "<", p[k], "<", 1),
    "p ≤ 1": Relation.chain(p[k], "≤", 1),
}
