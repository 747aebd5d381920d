"""The page itself: data in, one HTML document out."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from pminusy.report.data import FitReport

__all__ = ["render_page"]


def render_page(report: FitReport) -> str:
    """HTML of the page of a fit, self-contained; the same report gives the same text."""
    return _environment().get_template("page.html.jinja").render(report=report)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pminusy.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
