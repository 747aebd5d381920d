"""The HTML page of a class, or of one submission: opens offline, and is whole without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pminusy.diagnosis.report.clean import clean
from pminusy.diagnosis.report.lines import HEADINGS, in_short, lines
from pminusy.diagnosis.report.summary import CourseSummary
from pminusy.diagnosis.report.verdict import WORST, Status, Verdict
from pminusy.present.html import page

__all__ = ["as_html"]

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "check.css").read_text(encoding="utf-8")
_SCRIPT = (_TEMPLATES / "check.js").read_text(encoding="utf-8")  # sorts, filters and opens


@dataclass(frozen=True, slots=True)
class _Submission:
    """One submission on the page: its number, its own verdict, and those on its functions."""

    number: int
    source: str
    status: Status
    verdicts: Sequence[tuple[Verdict, Sequence[Any]]]
    clusters: str  # numbers of the clusters it is in
    points: float | None

    @property
    def severity(self) -> int:
        """Where its verdict comes in an order from the worst to the best."""
        return WORST.index(self.status)


def as_html(verdicts: Sequence[Verdict], summary: CourseSummary, title: str, hints: int = 3) -> str:
    """One page: counts, what goes wrong how often, and every submission, folded, with its reports.

    The script of the page sorts and filters submissions and opens them; without it all of them
    are there, in order.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pminusy.diagnosis.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean
    environment.filters["in_short"] = lambda verdict: in_short(verdict, hints)
    submissions = _submissions(verdicts, summary, hints)
    several = len(submissions) > 1
    body = environment.get_template("check.html").render(
        title=title,
        functions=len(verdicts),
        submissions=submissions,
        several=several,
        numbers={submission.source: submission.number for submission in submissions},
        summary=summary,
        headings=HEADINGS,
        most=max((cluster.count for cluster in summary.clusters), default=1),
    )
    return page(title, _STYLE, body, _SCRIPT if several else "")


def _submissions(
    verdicts: Sequence[Verdict], summary: CourseSummary, hints: int
) -> list[_Submission]:
    reports: dict[str, list[tuple[Verdict, Sequence[Any]]]] = {}
    for verdict in verdicts:
        report = list(lines(verdict, hints))[1:]
        reports.setdefault(verdict.source, []).append((verdict, report))
    clusters: dict[str, list[str]] = {}
    for number, cluster in enumerate(summary.clusters, 1):
        for source in cluster.sources:
            clusters.setdefault(source, []).append(str(number))
    return [
        _Submission(
            number,
            source,
            summary.submissions[source],
            each,
            " ".join(clusters.get(source, [])),
            summary.points.get(source),
        )
        for number, (source, each) in enumerate(reports.items(), 1)
    ]
