"""Logits of −∞: masked classes are left out, and what that does is derived beside the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from pminusy.core import head, softmax
from pminusy.core.options import Options, TargetMass, target_mass
from pminusy.derivation import letters as o
from pminusy.derivation.arena import RowArena
from pminusy.derivation.chapters import masks as chapter
from pminusy.derivation.digits import written
from pminusy.derivation.domains import Algebra, Decimals, as_array, decimals
from pminusy.derivation.evaluate import Evaluator
from pminusy.derivation.given import Given
from pminusy.derivation.model import Case, Setup
from pminusy.derivation.request import Request
from pminusy.derivation.setup import class_names, setup_of
from pminusy.derivation.small_arena import SmallArena
from pminusy.derivation.step import Line, Table
from pminusy.derivation.steps import Chapter, Summary
from pminusy.derivation.tree import Sum, exp, ln, node
from pminusy.derivation.world import Symbol, World, defined
from pminusy.derivation.world import given as given_symbol
from pminusy.errors import InputError

__all__ = ["Mask", "mask_of"]

_STAND_IN = 20.0
"""So far below the smallest other logit stands what is taken for −∞ where the loss is infinite."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Which classes of one sample are masked, and what the others are then.

    `target` (K,) and `c` are of all classes; `logits` those given, of all classes.
    """

    asked: Request
    given: Given
    target: Any
    c: int | None
    options: Options

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """The masked classes."""
        return _masked(self.given.logits)

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The others."""
        return tuple(k for k in range(self.given.K) if k not in self.hidden)

    @property
    def infinite(self) -> bool:
        """Whether a masked class has target mass."""
        q, _ = self._mass.block(slice(0, 1))
        return bool((q.rounded()[0, list(self.hidden)] > 0).any())

    def of_kept(self, asked: Request) -> Request:
        """The same request for the classes that are left."""
        names = class_names(asked, self.given.K)
        weight = None if asked.options.weight is None else asked.options.weight[list(self.kept)]
        return replace(asked, classes=[names[k] for k in self.kept], weight=weight)

    def setup(self) -> Setup:
        """The sample without its masked classes; or, if the loss is infinite, with stand-ins."""
        if self.infinite:
            logits = np.array(self.given.logits, copy=True)
            logits[list(self.hidden)] = min(logits[list(self.kept)]) - _STAND_IN
            given = replace(self.given, logits=logits)
            return setup_of(self.asked, given, self.target, self.c, self.options)
        if self.options.label_smoothing and self.target.any():
            raise InputError(
                "label_smoothing", "0 where a class of weight 0 is masked",
                f"{self.options.label_smoothing:g}", "leave the class out",
            )  # fmt: skip
        kept = list(self.kept)
        given = replace(self.given, logits=self.given.logits[kept])
        c = self.kept.index(self.c) if self.c in self.kept else self.c
        asked = self.of_kept(self.asked)
        own = replace(self.options, weight=asked.options.weight)
        setup = setup_of(asked, given, self.target[kept], c, own)
        return replace(setup, labels=self.kept)

    def chapters(self, setup: Setup) -> tuple[Chapter, ...]:
        """What the masks do; and where the loss is infinite, why."""
        lines: list[Line] = list(chapter.lines())
        if not self.infinite:
            lines.append(chapter.gradient(setup.case))
        masked = Chapter(
            "masks", "Masked classes", f"Masked by a logit of −∞: {self._names}.",
            tuple(lines), self._arena(setup),
        )  # fmt: skip
        if not self.infinite:
            return (masked,)
        stand_in = written(min(setup.numbers.array("z")))
        intro = (
            f"The target counts a masked class. Below, {stand_in} stands in the place of −∞; the "
            "lines hold for any number."
        )
        title = "An infinite loss"
        more = tuple(chapter.infinite(setup.case, self._table(setup)))
        return masked, Chapter("infinite", title, intro, more, RowArena(setup))

    def summary(self, summary: Summary) -> Summary:
        """The same for all classes: 0 at those masked, and the loss that is really there."""
        p, targets, gradient = self._of_all(summary)
        loss = decimals.inf if self.infinite else summary.loss
        K = self.given.K
        heading = summary.heading.replace(
            f"K = {len(summary.classes)}", f"K = {K}, of which {len(self.hidden)} masked", 1
        )
        return replace(
            summary, heading=heading, classes=class_names(self.asked, K), probabilities=p,
            targets=targets, gradient=gradient, loss=loss,
            true_class=None if self.c is None or self.c < 0 else self.c,
        )  # fmt: skip

    def _of_all(self, summary: Summary) -> tuple[tuple[Any, ...], ...]:
        """p, target and gradient by class: exact ones where a derivation made them."""
        if not self.infinite:
            own = (summary.probabilities, summary.targets, summary.gradient)
            return tuple(self._spread(entries) for entries in own)
        p, targets, gradient = self._figures
        B = self.options.log_base
        return p, targets, tuple(g / decimals.ln(B) for g in gradient) if B else gradient

    def _spread(self, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        """Entries of the classes kept in their places, and 0 at those masked."""
        of = dict(zip(self.kept, entries, strict=True))
        return tuple(of.get(k, decimals.mpf(0)) for k in range(self.given.K))

    @property
    def _names(self) -> str:
        names = class_names(self.asked, self.given.K)
        shown = ", ".join(names[k] for k in self.hidden[:8])
        return shown + (f" and {len(self.hidden) - 8} more" if len(self.hidden) > 8 else "")

    @cached_property
    def _mass(self) -> TargetMass:
        target = self.target[None] if self.c is None else np.array([self.c])
        one = replace(self.options, reduction="sum", log_base=None)
        if self.c is not None and self.c < 0:
            target = np.array([one.ignore_index])
        return target_mass(target, 1, self.given.K, one)

    @property
    def _figures(self) -> tuple[tuple[Any, ...], ...]:
        """p, q and the gradient of all classes, by `core`: exactly 0 where they are."""
        u = np.asarray(self.given.logits, dtype=np.float64)[None]
        one = replace(self.options, reduction="sum", log_base=None)
        q, _ = self._mass.block(slice(0, 1))
        _, gradient = head.cross_entropy_grad(u, self._mass, one)
        with np.errstate(all="ignore"):  # ∞ − ∞ on the way, and 0 in the end
            p = softmax.softmax(u / one.temperature)
        return tuple(
            tuple(decimals.mpf(float(v)) for v in row[0])
            for row in (p, q.ldexp(self._mass.exponent).rounded(), gradient)
        )

    def _arena(self, setup: Setup) -> SmallArena:
        """Where lines about masks are proved: z of the classes kept, and z_h = −∞ of the others."""
        case = setup.case
        at = setup.numbers.array("z")
        z = at[list(self.kept)] if self.infinite else at
        mass = {} if self.infinite else {case.target.name: setup.numbers.array(case.target.name)}
        values = {
            **mass,
            "z": z,
            "z_M": as_array([decimals.ninf] * len(self.hidden)),
            f"{case.target.name}_M": as_array([decimals.mpf(0)] * len(self.hidden)),
            "zeta": setup.numbers.array("zeta"),
        }
        sizes = {"K": len(self.kept), "M": len(self.hidden)}
        labels = {"K": self.kept, "M": self.hidden}
        world = World(_symbols(case), sizes, values, {}, setup.digits, labels)
        p, _, gradient = (np.array([float(v) for v in row]) for row in self._figures)
        core = {"mask_p": p[list(self.hidden)], "mask_gradient": gradient[list(self.hidden)]}
        return SmallArena(
            ("masks", case), Evaluator(world, Decimals()), lambda: _algebra(case), core
        )

    def _table(self, setup: Setup) -> Table:
        """The loss and the entry of the first masked class, on the way to −∞."""
        at, first, h = setup.numbers, setup.case.inputs.name, self.hidden[0]
        rows = []
        for logit in (-10, -100, -1000):
            moved = np.array(at.array(first), copy=True)
            moved[list(self.hidden)] = decimals.mpf(logit)
            there = at.with_moved(first, moved)
            q = there.array(setup.case.target.name)
            S = there.array("S") if setup.case.mass else 1
            p = there.array("p")
            loss = there.array(setup.case.cross_entropy.name)
            rows.append(tuple(map(written, (logit, p[h], loss, S * p[h] - q[h]))))
        head_ = ("logit of the masked class", "p", "loss", "S p − q")
        return Table(head_, tuple(rows), "on the way to −∞")


def mask_of(
    asked: Request, given: Given, target: Any, c: int | None, options: Options
) -> Mask | None:
    """The mask of one sample; None where no class is masked."""
    if given.source == "layer" or not _masked(given.logits):
        return None
    mask = Mask(asked, given, target, c, options)
    if len(mask.kept) < 2:
        raise InputError(
            "z", "at least 2 classes that are not masked (−∞)", str(len(mask.kept)),
            "a row of only −∞ is NaN" if not mask.kept else "with one left p is 1 and L is 0",
        )  # fmt: skip
    if options.softcap is not None:
        raise InputError(
            f"z[{mask.hidden[0]}]", "a finite logit under a soft-cap", "-inf",
            "the cap turns −∞ into −κ / T, which masks nothing: mask after the cap",
        )  # fmt: skip
    return mask


def _masked(logits: Any) -> tuple[int, ...]:
    return tuple(k for k, value in enumerate(logits) if value == -np.inf)


@lru_cache(maxsize=64)
def _symbols(case: Case) -> Mapping[str, Symbol]:
    """Letters of the classes that are left, and of those masked (index set M)."""
    h, j, k, ell = o.h, o.j, o.k, o.ell
    whole = Sum(j, exp(o.z[j])) + Sum(ell, exp(o.z_M[ell]))
    loss = Sum(k, case.target[k] * (o.lse - o.z[k]))
    if case.z_loss:
        loss = loss + case.scaled(o.zeta) * o.lse**2  # type: ignore[assignment]  # a longer sum
    total = Sum(k, o.q[k]) if case.mass else node(1)
    made = [
        given_symbol("z", "K"), given_symbol("z_M", "M"), given_symbol(case.target.name, "K"),
        given_symbol(f"{case.target.name}_M", "M"), given_symbol("zeta"),
        defined("S_e", by=whole), defined("S", by=total), defined("lse", by=ln(whole)),
        defined("p", k, by=exp(o.z[k]) / whole), defined("p_M", h, by=exp(o.z_M[h]) / whole),
        defined("L", by=loss),
    ]  # fmt: skip
    return {symbol.name: symbol for symbol in made}


@lru_cache(maxsize=16)
def _algebra(case: Case) -> list[Evaluator]:
    """Two and three classes, and one and two masked beside them: e^{z_h} is 0."""
    return [_world(case, K, M) for K, M in ((2, 1), (3, 1), (2, 2))]


def _world(case: Case, K: int, M: int) -> Evaluator:
    names = [f"{letter}{index}" for letter in "pzyq" for index in range(K)]
    field = Algebra([*names, *(f"h{index}" for index in range(M)), "Z", "lse", "zeta"])

    def pick(letter: str, count: int) -> Any:
        return as_array([field[f"{letter}{index}"] for index in range(count)])

    zero = field.number(Fraction(0))
    z, hidden = pick("z", K), pick("h", M)
    target = case.target.name
    if not case.mass:
        field.sum_to_one([f"y{index}" for index in range(K)])
    field.sum_to_one([f"p{index}" for index in range(K)])
    field.register("ln", field["Z"], field["lse"])
    for z_k, p_k in zip(z, pick("p", K), strict=True):
        field.register("exp", z_k, p_k * field["Z"])
    for z_h in hidden:
        field.register("exp", z_h, zero)
    values = {
        "z": z, "z_M": hidden, target: pick(target, K), f"{target}_M": as_array([zero] * M),
        "zeta": field["zeta"],
    }  # fmt: skip
    return Evaluator(World(_symbols(case), {"K": K, "M": M}, values), field)
