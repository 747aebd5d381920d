"""One sample put together: its chapters, its figures, and what is added to both."""

from __future__ import annotations

from pminusy.derivation.build.plan import chapters_of
from pminusy.derivation.build.summary import summary_of
from pminusy.derivation.engine.proof import MANY_CLASSES
from pminusy.derivation.head.masks import Mask
from pminusy.derivation.head.sample import Sample
from pminusy.derivation.input.request import Request
from pminusy.derivation.statements.line import FULL, OUTLINE, Table
from pminusy.derivation.steps.chapters import Chapter
from pminusy.derivation.steps.derivation import Derivation
from pminusy.derivation.tree.notation import notation

__all__ = ["assembled"]


def assembled(
    request: Request, sample: Sample, mask: Mask | None = None,
    more: tuple[Chapter, ...] = (), heading: str = "",
    tables: tuple[Table, ...] = (), notes: tuple[str, ...] = (),
) -> Derivation:  # fmt: skip
    """The chapters of one sample, and more after them; its figures, and more beside them."""
    with sample.numbers.working():
        own = () if mask is not None and mask.infinite else chapters_of(sample, request)
        summary = summary_of(sample, heading, tables, notes)
        if mask is not None:
            own, summary = mask.chapters(sample) + own, mask.summary(summary)
    return Derivation(
        own + more,
        summary,
        notation=notation(request.notation or "p"),
        depth=request.depth or (OUTLINE if max(sample.K, sample.D) > MANY_CLASSES else FULL),
        hints=request.hints,
        digits=request.digits,
    )
