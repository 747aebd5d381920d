"""One sample put together: its chapters, its figures, and what is added to both."""

from __future__ import annotations

from pminusy.derivation.derivation import Derivation
from pminusy.derivation.masks import Mask
from pminusy.derivation.model import Setup
from pminusy.derivation.notation import notation
from pminusy.derivation.plan import chapters_of
from pminusy.derivation.proof import MANY
from pminusy.derivation.request import Request
from pminusy.derivation.step import FULL, OUTLINE, Table
from pminusy.derivation.steps import Chapter
from pminusy.derivation.summary import summary_of

__all__ = ["assembled"]


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
