"""A class at a glance: how many of each verdict, which mistakes how often, points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pminusy.diagnosis.report.rubric import Rubric
from pminusy.diagnosis.report.verdict import Finding, Fragility, Status, Verdict

__all__ = ["Cluster", "Summary", "summarise"]

_ORDER: tuple[Status, ...] = (
    "correct",
    "fragile",
    "wrong",
    "unfinished",
    "does not run",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Submissions that make the same mistake."""

    id: str
    sentence: str
    sources: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.sources)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts by verdict, clusters by mistake (largest first), points by submission."""

    counts: Mapping[str, int]
    clusters: tuple[Cluster, ...]
    points: Mapping[str, float]
    leaning: tuple[tuple[str, int], ...]


def summarise(verdicts: Sequence[Verdict], rubric: Rubric | None = None) -> Summary:
    """Summarise the verdicts of a folder."""
    counts = Counter(verdict.status for verdict in verdicts)
    sentences: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for verdict in verdicts:
        items: list[Finding | Fragility] = [*verdict.findings, *verdict.fragilities]
        for item in items:
            key = item.id or "not recognised"
            sentences.setdefault(key, item.sentence if item.id else "wrong, not recognised")
            members.setdefault(key, []).append(verdict.source)
    clusters = sorted(
        (Cluster(key, sentences[key], tuple(dict.fromkeys(who))) for key, who in members.items()),
        key=lambda cluster: (-cluster.count, cluster.id),
    )
    points: dict[str, list[float]] = {}
    if rubric is not None:
        for verdict in verdicts:
            points.setdefault(verdict.source, []).append(rubric.of(verdict))
    leaning = Counter(item for verdict in verdicts for item in verdict.leans_on)
    return Summary(
        {status: counts[status] for status in _ORDER if counts[status]},
        tuple(clusters),
        {source: sum(each) / len(each) for source, each in points.items()},
        tuple(leaning.most_common()),
    )
