"""From a request to a derivation."""

from __future__ import annotations

from typing import Any

from pminusy.derivation.derivation import Chapter, Derivation
from pminusy.derivation.given import given
from pminusy.derivation.masks import Mask, mask_of
from pminusy.derivation.model import Setup
from pminusy.derivation.notation import notation
from pminusy.derivation.plan import chapters_of
from pminusy.derivation.proof import MANY
from pminusy.derivation.request import Request
from pminusy.derivation.setup import class_names, setup_of, target_of
from pminusy.derivation.step import FULL, OUTLINE, Table
from pminusy.derivation.summary import summary_of

__all__ = ["assembled", "derivation_of", "derive"]


def derive(**asked: Any) -> Derivation:
    """Derivation of what is asked in the fields of `Request`."""
    return derivation_of(Request(**asked))


def derivation_of(asked: Request) -> Derivation:
    """Derivation for one sample, for a batch and one of its rows, or for a network."""
    if asked.network is not None:
        from pminusy.derivation.build_network import derive_network

        return derive_network(asked)
    found = given(asked)
    if found.batch:
        from pminusy.derivation.build_batch import derive_batch

        return derive_batch(asked, found)
    target, c = target_of(asked.y, class_names(asked, found.K), asked.ignore_index)
    mask = mask_of(asked, found, target, c, asked.options)
    if mask is not None:
        return assembled(asked, mask.setup(), mask)
    return assembled(asked, setup_of(asked, found, target, c, asked.options))


def assembled(
    asked: Request, setup: Setup, mask: Mask | None = None,
    more: tuple[Chapter, ...] = (), heading: str = "",
    tables: tuple[Table, ...] = (), notes: tuple[str, ...] = (),
) -> Derivation:  # fmt: skip
    """The chapters of one sample, and more after them; its figures, and more beside them."""
    with setup.numbers.working():
        own = () if mask is not None and mask.infinite else chapters_of(setup, asked)
        summary = summary_of(setup, heading, tables, notes)
        if mask is not None:
            own, summary = mask.chapters(setup) + own, mask.summary(summary)
    return Derivation(
        own + more,
        summary,
        notation=notation(asked.notation),
        depth=asked.depth or (OUTLINE if max(setup.K, setup.D) > MANY else FULL),
        hints=asked.hints,
        digits=asked.digits,
    )
