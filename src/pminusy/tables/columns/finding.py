"""What a column was taken for, and why: one line of the report of columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from pminusy.tables.untrusted import Fields
from pminusy.tables.wording import count, listed, shown

__all__ = ["ColumnFinding", "Taken", "as_lines", "in_short"]

Taken = Literal["number", "category", "date", "words", "left out", "target", "weight", "groups"]
_PLURALS = {
    "category": "categories",
    "words": "of words",
    "left out": "left out",
    "groups": "groups",
}


@dataclass(frozen=True)
class ColumnFinding:
    """What one column of the training table was taken for.

    Parameters
    ----------
    name
        The column.
    taken
        What for.
    why
        In a few words, with counts.
    missing
        Cells without a value.
    """

    name: str
    taken: Taken
    why: str = ""
    missing: int = 0

    @classmethod
    def from_json(cls, value: object) -> ColumnFinding:
        """Rebuild a finding from untrusted JSON."""
        fields = Fields(value, "a finding")
        taken = fields.one_of("taken", get_args(Taken))
        return cls(fields.text("name"), taken, fields.text("why"), fields.count("missing"))  # type: ignore[arg-type]


def in_short(findings: Sequence[ColumnFinding]) -> str:
    """Count the columns by what they were taken for: "9: 5 numbers, 3 categories, 1 left out".

    >>> in_short([ColumnFinding("a", "number"), ColumnFinding("b", "category")])
    '2: 1 number, 1 category'
    """
    counts = Counter(finding.taken for finding in findings)
    parts = [
        count(counts[taken], taken, _PLURALS.get(taken))
        for taken in get_args(Taken)
        if counts[taken]
    ]
    return f"{len(findings):,}: {', '.join(parts)}"


def as_lines(findings: Sequence[ColumnFinding]) -> list[tuple[str, str, str, str]]:
    """Name, what for, cells missing and why, as text, for a table."""
    return [
        (
            finding.name,
            finding.taken,
            f"{finding.missing:,}" if finding.missing else "",
            finding.why,
        )
        for finding in findings
    ]


def said(name: str, why: str) -> str:
    """A finding as a note."""
    return f"{shown(name)}: {why}"


def taken_as_missing(marks: Counter[str], cells: int) -> str:
    """Say which cells count as missing."""
    if not marks:
        return ""
    return f"{listed(mark for mark, _ in marks.most_common())} taken as missing ({cells:,})"
