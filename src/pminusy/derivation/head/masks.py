"""Logits of −∞: masked classes are left out, and what that does is derived beside the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from pminusy.core import head, softmax
from pminusy.core.options import Options
from pminusy.core.target_mass import TargetMass, target_mass
from pminusy.derivation.engine.decimals import Decimals, as_array, decimals
from pminusy.derivation.engine.environment import Environment
from pminusy.derivation.engine.evaluate import Evaluator
from pminusy.derivation.head.exact import masked_environments
from pminusy.derivation.head.row import RowContext
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.head.setup import sample_of
from pminusy.derivation.head.symbols import masked_symbols
from pminusy.derivation.input.logit_source import LogitSource
from pminusy.derivation.input.request import Request
from pminusy.derivation.input.targets import class_names
from pminusy.derivation.statements.line import Line, Table
from pminusy.derivation.statements.rows import masks as chapter
from pminusy.derivation.statements.sentence import because, remark
from pminusy.derivation.steps.chapters import Chapter, Overview
from pminusy.derivation.steps.context import Computed, FixedContext
from pminusy.derivation.tree import Number, Relation, exp
from pminusy.derivation.tree.letters import h, k, z, z_M
from pminusy.derivation.values.digits import as_text
from pminusy.errors import InputError

__all__ = ["Mask", "mask_of"]

_STAND_IN = 20.0
"""So far below the smallest other logit stands what is taken for −∞ where the loss is infinite."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Which classes of one sample are masked, and what the others are then.

    `target` (K,) and `c` are of all classes; `logits` those given, of all classes.
    """

    request: Request
    source: LogitSource
    target: Any
    c: int | None
    options: Options

    @cached_property
    def masked(self) -> tuple[int, ...]:
        """The masked classes."""
        return masked_classes(self.source.logits)

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """The others."""
        return tuple(k for k in range(self.source.K) if k not in self.masked)

    @property
    def infinite(self) -> bool:
        """Whether a masked class has target mass."""
        q, _ = self._mass.q_and_S(slice(0, 1))
        return bool((q.rounded()[0, list(self.masked)] > 0).any())

    def of_kept(self, request: Request) -> Request:
        """The same request for the classes that are left."""
        names = class_names(request, self.source.K)
        weight = None if request.options.weight is None else request.options.weight[list(self.kept)]
        options = replace(request.options, weight=weight)
        return replace(request, classes=[names[k] for k in self.kept], options=options)

    def sample(self) -> Sample:
        """The sample without its masked classes; or, if the loss is infinite, with stand-ins."""
        if self.infinite:
            logits = np.array(self.source.logits, copy=True)
            logits[list(self.masked)] = min(logits[list(self.kept)]) - _STAND_IN
            source = replace(self.source, logits=logits)
            return sample_of(self.request, source, self.target, self.c, self.options)
        if self.options.label_smoothing and self.target.any():
            raise InputError(
                "label_smoothing", "0 where a class of weight 0 is masked",
                f"{self.options.label_smoothing:g}", "leave the class out",
            )  # fmt: skip
        kept = list(self.kept)
        source = replace(self.source, logits=self.source.logits[kept])
        c = self.kept.index(self.c) if self.c in self.kept else self.c
        request = self.of_kept(self.request)
        own = replace(self.options, weight=request.options.weight)
        sample = sample_of(request, source, self.target[kept], c, own)
        return replace(sample, labels=self.kept)

    def chapters(self, sample: Sample) -> tuple[Chapter, ...]:
        """What the masks do; and where the loss is infinite, why."""
        lines: list[Line] = list(chapter.lines())
        if not self.infinite:
            lines.append(chapter.gradient(sample.case))
        masked = Chapter(
            "masks", "Masked classes", because(
                f"Masked by a logit of −∞: {self._names}.", here=(Relation.equal(exp(z_M[h]), 0),)
            ),
            tuple(lines), self._context(sample),
        )  # fmt: skip
        if not self.infinite:
            return (masked,)
        stand_in = as_text(min(sample.numbers.array("z")))
        intro = (
            remark("The target counts a masked class."),
            because(
                f"Below, {stand_in} stands in the place of −∞; the lines hold for any number.",
                here=(
                    Relation.chain(
                        z[k],
                        "≥",
                        Number(Fraction(int(decimals.floor(min(sample.numbers.array("z")))))),
                    ),
                ),
            ),
        )
        title = "An infinite loss"
        more = tuple(chapter.infinite(sample.case, self._table(sample)))
        return masked, Chapter("infinite", title, intro, more, RowContext(sample))

    def summary(self, summary: Overview) -> Overview:
        """The same for all classes: 0 at those masked, and the loss that is really there."""
        p, targets, gradient = self._of_all(summary)
        loss = decimals.inf if self.infinite else summary.loss
        K = self.source.K
        heading = summary.heading.replace(
            f"K = {len(summary.classes)}", f"K = {K}, of which {len(self.masked)} masked", 1
        )
        return replace(
            summary, heading=heading, classes=class_names(self.request, K), probabilities=p,
            targets=targets, gradient=gradient, loss=loss,
            true_class=None if self.c is None or self.c < 0 else self.c,
        )  # fmt: skip

    def _of_all(self, summary: Overview) -> tuple[tuple[Any, ...], ...]:
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
        return tuple(of.get(k, decimals.mpf(0)) for k in range(self.source.K))

    @property
    def _names(self) -> str:
        names = class_names(self.request, self.source.K)
        shown = ", ".join(names[k] for k in self.masked[:8])
        return shown + (f" and {len(self.masked) - 8} more" if len(self.masked) > 8 else "")

    @cached_property
    def _mass(self) -> TargetMass:
        target = (
            np.asarray(self.target, dtype=float)[None] if self.c is None else np.array([self.c])
        )
        one = replace(self.options, reduction="sum", log_base=None)
        if self.c is not None and self.c < 0:
            target = np.array([one.ignore_index])
        return target_mass(target, 1, self.source.K, one)

    @property
    def _figures(self) -> tuple[tuple[Any, ...], ...]:
        """p, q and the gradient of all classes, by `core`: exactly 0 where they are."""
        u = np.asarray(self.source.logits, dtype=np.float64)[None]
        one = replace(self.options, reduction="sum", log_base=None)
        q, _ = self._mass.q_and_S(slice(0, 1))
        _, gradient = head.cross_entropy_grad(u, self._mass, one)
        with np.errstate(all="ignore"):  # ∞ − ∞ on the way, and 0 in the end
            p = softmax.softmax(u / one.temperature)
        return tuple(
            tuple(decimals.mpf(float(v)) for v in row[0])
            for row in (p, q.ldexp(self._mass.exponent).rounded(), gradient)
        )

    def _context(self, sample: Sample) -> FixedContext:
        """Where lines about masks are proved: z of the classes kept, and z_h = −∞ of the others."""
        case = sample.case
        at = sample.numbers.array("z")
        z = at[list(self.kept)] if self.infinite else at
        mass = {} if self.infinite else {case.target.name: sample.numbers.array(case.target.name)}
        values = {
            **mass,
            "z": z,
            "z_M": as_array([decimals.ninf] * len(self.masked)),
            f"{case.target.name}_M": as_array([decimals.mpf(0)] * len(self.masked)),
            "zeta": sample.numbers.array("zeta"),
        }
        sizes = {"K": len(self.kept), "M": len(self.masked)}
        labels = {"K": self.kept, "M": self.masked}
        environment = Environment(masked_symbols(case), sizes, values, {}, sample.digits, labels)
        p, _, gradient = (np.array([float(v) for v in row]) for row in self._figures)
        core = {
            "mask_p": Computed("p", p[list(self.masked)]),
            "mask_gradient": Computed("dL_dz", gradient[list(self.masked)]),
        }
        return FixedContext(
            ("masks", case),
            Evaluator(environment, Decimals()),
            lambda: masked_environments(case),
            core,
        )

    def _table(self, sample: Sample) -> Table:
        """The loss and the entry of the first masked class, on the way to −∞."""
        at, first, h = sample.numbers, sample.case.logit_letter.name, self.masked[0]
        rows = []
        for logit in (-10, -100, -1000):
            moved = np.array(at.array(first), copy=True)
            moved[list(self.masked)] = decimals.mpf(logit)
            there = at.with_moved(first, moved)
            q = there.array(sample.case.target.name)
            S = there.array("S") if sample.case.mass else 1
            p = there.array("p")
            loss = there.array(sample.case.cross_entropy.name)
            rows.append(tuple(map(as_text, (logit, p[h], loss, S * p[h] - q[h]))))
        head_ = ("logit of the masked class", "p", "loss", "S p − q")
        return Table(head_, tuple(rows), "on the way to −∞")


def mask_of(
    request: Request, source: LogitSource, target: Any, c: int | None, options: Options
) -> Mask | None:
    """The mask of one sample; None where no class is masked."""
    if source.kind == "layer" or not masked_classes(source.logits):
        return None
    mask = Mask(request, source, target, c, options)
    if len(mask.kept) < 2:
        raise InputError(
            "z", "at least 2 classes that are not masked (−∞)", str(len(mask.kept)),
            "a row of only −∞ is NaN" if not mask.kept else "with one left p is 1 and L is 0",
        )  # fmt: skip
    if options.softcap is not None:
        raise InputError(
            f"z[{mask.masked[0]}]", "a finite logit under a soft-cap", "-inf",
            "the cap turns −∞ into −κ / T, which masks nothing: mask after the cap",
        )  # fmt: skip
    return mask


def masked_classes(logits: Any) -> tuple[int, ...]:
    return tuple(k for k, value in enumerate(logits) if value == -np.inf)
