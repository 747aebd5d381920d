"""Reports for programs: JSON, CSV, JUnit XML, Gradescope's results.json."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from pminusy.diagnosis.report.clean import clean, clean_cell
from pminusy.diagnosis.report.lines import in_plain_text
from pminusy.diagnosis.report.summary import Summary
from pminusy.diagnosis.report.verdict import Verdict

__all__ = ["as_csv", "as_gradescope", "as_json", "as_junit"]

_COLUMNS = (
    "submission",
    "function",
    "verdict",
    "points",
    "mistakes",
    "summary",
    "leans_on",
    "seconds",
)


def as_json(verdicts: Sequence[Verdict], summary: Summary) -> str:
    """Everything, as JSON; control characters are escaped by the format itself."""
    data = {
        "verdicts": [verdict.as_dict() for verdict in verdicts],
        "counts": dict(summary.counts),
        "clusters": [
            {"id": c.id, "sentence": c.sentence, "count": c.count, "submissions": list(c.sources)}
            for c in summary.clusters
        ],
        "points": dict(summary.points),
    }
    return json.dumps(data, indent=2)


def as_csv(verdicts: Sequence[Verdict], summary: Summary) -> str:
    """One row a function; a cell that would start a formula is quoted."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_COLUMNS)
    for verdict in verdicts:
        points = summary.points.get(verdict.source)
        cells = [
            verdict.source, verdict.name, verdict.status, "" if points is None else f"{points:g}",
            " ".join(verdict.mistakes), verdict.summary, " ".join(verdict.leans_on),
            f"{verdict.seconds:.2f}",
        ]  # fmt: skip
        table.writerow([clean_cell(cell) for cell in cells])
    return out.getvalue()


def as_junit(verdicts: Sequence[Verdict], allow_fragile: bool) -> str:
    """JUnit XML: a test case a function; what is not correct is a failure with its report."""
    good = {"correct", "fragile"} if allow_fragile else {"correct"}
    suite = ElementTree.Element(
        "testsuite", name="pminusy check", tests=str(len(verdicts)),
        failures=str(sum(v.status not in good for v in verdicts)),
    )  # fmt: skip
    for verdict in verdicts:
        case = ElementTree.SubElement(
            suite, "testcase", classname=clean(verdict.source or "python"),
            name=clean(verdict.name), time=f"{verdict.seconds:.3f}",
        )  # fmt: skip
        if verdict.status not in good:
            failure = ElementTree.SubElement(
                case, "failure", type=verdict.status, message=clean(verdict.summary)
            )
            failure.text = in_plain_text(verdict)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def as_gradescope(verdicts: Sequence[Verdict], summary: Summary, most: float) -> str:
    """Gradescope's `results.json` for one submission: a test a function, its report as output."""
    tests: list[dict[str, Any]] = []
    for verdict in verdicts:
        score = summary.points.get(verdict.source, most if verdict.ok else 0.0)
        tests.append(
            {
                "name": clean(verdict.name),
                "score": score / len(verdicts),
                "max_score": most / len(verdicts),
                "status": "passed" if verdict.ok else "failed",
                "output": in_plain_text(verdict),
                "output_format": "text",
            }
        )
    data = {"score": sum(test["score"] for test in tests), "tests": tests, "visibility": "visible"}
    return json.dumps(data, indent=2)
