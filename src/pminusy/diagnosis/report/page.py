"""The HTML page of a class, or of one function: opens offline, runs no script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pminusy.diagnosis.report.clean import clean, clean_lines
from pminusy.diagnosis.report.lines import HEADINGS, in_short, lines
from pminusy.diagnosis.report.summary import Summary
from pminusy.diagnosis.report.verdict import Verdict
from pminusy.present.html import page

__all__ = ["as_html"]

_STYLE = (Path(__file__).parent / "templates" / "check.css").read_text(encoding="utf-8")


def as_html(verdicts: Sequence[Verdict], summary: Summary, title: str, hints: int = 3) -> str:
    """One page: counts, clusters, a table, and every report folded below it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pminusy.diagnosis.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean
    environment.filters["in_short"] = in_short
    environment.filters["clean_lines"] = clean_lines
    total = max(sum(summary.counts.values()), 1)
    body = environment.get_template("check.html").render(
        title=title,
        verdicts=verdicts,
        summary=summary,
        headings=HEADINGS,
        total=total,
        most=max((cluster.count for cluster in summary.clusters), default=1),
        reports=[list(lines(verdict, hints))[1:] for verdict in verdicts],
    )
    return page(title, _STYLE, body)
