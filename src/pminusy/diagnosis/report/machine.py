"""Reports for programs: JSON, CSV, JUnit XML, Gradescope's results.json."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from pminusy.diagnosis.report.clean import clean, clean_cell
from pminusy.diagnosis.report.lines import in_plain_text, in_short
from pminusy.diagnosis.report.rubric import Rubric
from pminusy.diagnosis.report.summary import CourseSummary
from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["as_csv", "as_gradescope", "as_json", "as_junit"]

_COLUMNS = (
    "submission",
    "file",
    "function",
    "verdict",
    "points",
    "mistakes",
    "summary",
    "leans_on",
    "seconds",
)


def as_json(verdicts: Sequence[Verdict], summary: CourseSummary) -> str:
    """Everything, as JSON; control characters are escaped by the format itself."""
    data = {
        "verdicts": [verdict.as_dict() for verdict in verdicts],
        "counts": dict(summary.counts),
        "submissions": dict(summary.submissions),
        "submission_counts": dict(summary.submission_counts),
        "clusters": [
            {
                "id": c.id,
                "status": c.status,
                "sentence": c.sentence,
                "way_out": c.way_out,
                "count": c.count,
                "submissions": list(c.sources),
            }
            for c in summary.clusters
        ],
        "points": dict(summary.points),
    }
    return json.dumps(data, indent=2)


def as_csv(verdicts: Sequence[Verdict], summary: CourseSummary) -> str:
    """One row a function; a cell that would start a formula is quoted."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_COLUMNS)
    for verdict in verdicts:
        points = summary.points.get(verdict.source)
        cells = [
            verdict.source, verdict.file, verdict.name, verdict.status,
            "" if points is None else f"{points:g}", " ".join(verdict.mistakes), verdict.summary,
            " ".join(verdict.leans_on),
            f"{verdict.seconds:.2f}",
        ]  # fmt: skip
        table.writerow([clean_cell(cell) for cell in cells])
    return out.getvalue()


def as_junit(verdicts: Sequence[Verdict], allow_fragile: bool, hints: int = 3) -> str:
    """JUnit XML: a suite a submission, a test case a function.

    Wrong, unfinished and fragile functions are failures of that type, fragile ones pass where that
    is allowed, with their report as output; what does not run is an error, and what is no exercise
    is skipped.
    """
    root = ElementTree.Element("testsuites", name="pminusy check")
    of_each: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        of_each.setdefault(verdict.source, []).append(verdict)
    for source, each in of_each.items():
        suite = ElementTree.SubElement(root, "testsuite", name=clean(source or "python"))
        tags = [_test_case(suite, verdict, allow_fragile, hints) for verdict in each]
        _count(suite, tags, sum(verdict.seconds for verdict in each))
    _count(root, [case[0].tag if len(case) else "" for case in root.iter("testcase")])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


_TAGS = {"does not run": "error", "unknown": "skipped"}


def _test_case(
    suite: ElementTree.Element, verdict: Verdict, allow_fragile: bool, hints: int
) -> str:
    """Add a test case, and say by which tag it does not pass."""
    case = ElementTree.SubElement(
        suite, "testcase", classname=clean(verdict.place or "python"), name=clean(verdict.name),
        time=f"{verdict.seconds:.3f}",
    )  # fmt: skip
    if verdict.status == "correct":
        return ""
    if verdict.status == "fragile" and allow_fragile:
        ElementTree.SubElement(case, "system-out").text = in_plain_text(verdict, hints)
        return ""
    tag = _TAGS.get(verdict.status, "failure")
    found = ElementTree.SubElement(case, tag, message=clean(in_short(verdict, hints)))
    if tag != "skipped":  # which has a message alone
        found.set("type", verdict.status)
    found.text = in_plain_text(verdict, hints)
    return tag


def _count(element: ElementTree.Element, tags: Sequence[str], seconds: float | None = None) -> None:
    element.set("tests", str(len(tags)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(found == tag for found in tags)))
    if seconds is not None:
        element.set("time", f"{seconds:.3f}")


def as_gradescope(verdicts: Sequence[Verdict], rubric: Rubric, hints: int = 3) -> str:
    """Gradescope's `results.json` for one submission: a test a function, its report as output.

    The points of the submission are shared by its functions alike, so that they add up to what a
    rubric gives it.
    """
    most = rubric.points / max(len(verdicts), 1)
    tests: list[dict[str, Any]] = []
    for verdict in verdicts:
        score = round(rubric.of(verdict) / len(verdicts), 4)
        tests.append(
            {
                "name": clean(f"{verdict.name} ({verdict.file})" if verdict.file else verdict.name),
                "score": score,
                "max_score": round(most, 4),
                "status": "passed" if score >= round(most, 4) else "failed",
                "output": in_plain_text(verdict, hints),
                "output_format": "text",
                "visibility": "visible",
            }
        )
    good = sum(verdict.status in ("correct", "fragile") for verdict in verdicts)
    data = {
        "score": round(sum(map(rubric.of, verdicts)) / max(len(verdicts), 1), 4),
        "execution_time": round(sum(verdict.seconds for verdict in verdicts), 3),
        "output": f"{good} of {len(verdicts)} functions compute what is asked for.",
        "output_format": "text",
        "tests": tests,
        "visibility": "visible",
    }
    return json.dumps(data, indent=2)
