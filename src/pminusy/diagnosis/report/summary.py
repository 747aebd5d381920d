"""A class at a glance: how many of each verdict, what goes wrong how often, points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pminusy.diagnosis.report.causes import cause_of, in_common, of_mistake, way_out
from pminusy.diagnosis.report.rubric import Rubric
from pminusy.diagnosis.report.verdict import Finding, Fragility, Status, Verdict, worst

__all__ = ["Cluster", "CourseSummary", "summarise"]

_ORDER: tuple[Status, ...] = (
    "correct",
    "fragile",
    "wrong",
    "unfinished",
    "does not run",
    "unknown",
)
_NOT_RECOGNISED = "not recognised"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Submissions that make the same mistake, or were not judged for the same reason."""

    id: str
    sentence: str
    sources: tuple[str, ...]
    status: Status = "wrong"
    way_out: str = ""

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.sources)


@dataclass(frozen=True, slots=True)
class CourseSummary:
    """A class in numbers.

    Parameters
    ----------
    counts
        Functions by verdict.
    clusters
        Submissions by mistake or by the reason they were not judged, largest first.
    points
        Points by submission.
    leaning
        Library functions that are leaned on, and by how many functions.
    submissions
        One verdict on each submission: the worst of those on its functions.
    """

    counts: Mapping[str, int]
    clusters: tuple[Cluster, ...]
    points: Mapping[str, float]
    leaning: tuple[tuple[str, int], ...]
    submissions: Mapping[str, Status]

    @property
    def submission_counts(self) -> Mapping[str, int]:
        """Submissions by verdict."""
        return _in_order(Counter(self.submissions.values()))


def summarise(
    verdicts: Sequence[Verdict], rubric: Rubric | None = None, hints: int = 3
) -> CourseSummary:
    """Summarise the verdicts of a folder; below 3 hints mistakes are put together by hint."""
    of_each: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        of_each.setdefault(verdict.source, []).append(verdict)
    points = {}
    if rubric is not None:
        points = {source: sum(map(rubric.of, each)) / len(each) for source, each in of_each.items()}
    return CourseSummary(
        counts=_in_order(Counter(verdict.status for verdict in verdicts)),
        clusters=tuple(sorted(_clusters(verdicts, hints), key=lambda c: (-c.count, c.id))),
        points=points,
        leaning=tuple(Counter(item for v in verdicts for item in v.leans_on).most_common()),
        submissions={source: worst(each).status for source, each in of_each.items()},
    )


def _in_order(counts: Mapping[Status, int]) -> dict[str, int]:
    return {status: counts[status] for status in _ORDER if counts.get(status)}


def _told(item: Finding | Fragility, hints: int) -> tuple[str, str]:
    """What a mistake is put together by, and its sentence, as far as the hints go."""
    if isinstance(item, Finding) and hints < len(item.hints):
        return item.hints[hints - 1], item.hints[hints - 1]
    return item.id or _NOT_RECOGNISED, item.sentence


def _clusters(verdicts: Sequence[Verdict], hints: int) -> Iterator[Cluster]:
    members: dict[str, list[tuple[Verdict, str]]] = {}
    for verdict in verdicts:
        items: list[Finding | Fragility] = [*verdict.findings, *verdict.fragilities]
        for item in items:
            name, sentence = _told(item, hints)
            members.setdefault(name, []).append((verdict, sentence))
        if cause := cause_of(verdict):
            members.setdefault(cause, []).append((verdict, ""))
    for name, found in members.items():
        who = [verdict for verdict, _ in found]
        sources = tuple(dict.fromkeys(verdict.source for verdict in who))
        if cause_of(who[0]) == name:
            yield Cluster(name, in_common(who), sources, who[0].status, way_out(who))
        elif name == _NOT_RECOGNISED:
            yield Cluster(name, "Wrong, not recognised.", sources)
        else:
            said = [sentence for _, sentence in found]
            sentence = name if said[0] == name else of_mistake(name, said)
            yield Cluster(name, sentence, sources, worst(who).status)
