"""Proved lines for the page: in the letters of each article, and those that panels open.

A line is proved for any numbers, so it stays true while the page's numbers move. Every letter says
in `data-q` which quantity it is: the page lights it up in the pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape

from pminusy.derivation import tree as t
from pminusy.derivation.build import derivation_of
from pminusy.derivation.input.request import Request
from pminusy.derivation.render.html import prose
from pminusy.derivation.render.mathml import MathMLPrinter
from pminusy.derivation.steps.derivation import Derivation
from pminusy.derivation.steps.step import ProvedStep

__all__ = ["PANEL_LINES", "LitPrinter", "article_lines", "panel_lines"]

PANEL_LINES = (
    "linear", "dL_dx_entry", "dL_dW_entry", "dL_dW", "numerator", "shift", "jacobian_ones",
    "sparse_chain", "dL_dz_sparse", "row_times_jacobian", "hessian", "shifted_lse",
)  # fmt: skip
"""Lines that panels open and article 001 has not, by name: of the derivation with every route."""

_EXAMPLE = Request(
    x=(1.0, 2.0), W=((0.5, 0.1), (0.3, -0.2), (-0.4, 0.6)), y=0, route="all", notation="001"
)
"""Any numbers would do: the certificate that is shown is that of the algebra."""


class LitPrinter(MathMLPrinter):
    """MathML whose quantities say which they are."""

    def tree(self, tree: t.Node) -> str:
        """A tree; the element of a quantity names it."""
        printed, quantity = super().tree(tree), _quantity(tree)
        if not quantity:
            return printed
        end = printed.index(">")  # no attribute that a printer writes has one
        return f'{printed[:end]} data-q="{escape(quantity)}"{printed[end:]}'


_SAME = {
    "O": "p", "S_of_z": "p", "P": "p", "E": "L", "e": "L", "Y": "y", "Z": "z", "X": "x",
    "g": "dL_dz",
}  # fmt: skip
"""Quantities of articles and batches that the pictures show under another name."""


def _quantity(tree: t.Node) -> str:
    """The quantity that a tree is, as the pictures name it; "" where it is none."""
    match tree:
        case t.Ref(name=name):
            return _SAME.get(name, name)
        case t.Partial(of=t.Ref(name=of), by=t.Ref(name=by)):
            return f"d{_SAME.get(of, of)}_d{_SAME.get(by, by)}"
        case t.Apply(function="exp", argument=t.Ref(name="z")):
            return "e"
        case _:
            return ""


@cache
def article_lines(article: str) -> str:
    """The lines of an article in its order, in HTML; the parts are sections."""
    derivation = derivation_of(Request(article=article))
    return "".join(_parts(derivation))


@cache
def panel_lines() -> str:
    """The lines of `PANEL_LINES`, one after the other."""
    derivation = derivation_of(_EXAMPLE)
    printer = LitPrinter(derivation.notation)
    return "".join(_line(derivation[name], printer) for name in PANEL_LINES)


def _parts(derivation: Derivation) -> Iterator[str]:
    printer = LitPrinter(derivation.notation)
    for chapter in derivation.chapters:
        yield f"<section><h3>{escape(chapter.title)}</h3>"
        yield f'<p class="note">{escape(chapter.intro)}</p>'
        yield from (_line(derivation[line.name], printer) for line in chapter.lines)
        yield "</section>"


def _line(step: ProvedStep, printer: LitPrinter) -> str:
    return (
        f'<article class="line" data-line="{step.name}"><h4>{escape(step.title)}</h4>'
        f"{printer.page(step.statement)}"
        f'<p class="why">{prose(step.why)}</p>'
        f'<p class="proof">✓ proved: {escape(step.proof.checks[0].detail)}</p></article>'
    )
