"""The page of an audit: labels that are likely wrong, to look through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pminusy.present.html import page
from pminusy.report import markup
from pminusy.report.page import NOTES, SCRIPT, STYLE, class_choices, environment
from pminusy.report.worst_rows import RowDetails

__all__ = [
    "AuditReport",
    "AuditedRow",
    "ClassShare",
    "Mistaken",
    "NearPair",
    "NearestRow",
    "render_audit",
]

CLASSES = 200


class NearestRow(NamedTuple):
    """The nearest other row: its number in the table, its class, how far."""

    row: int
    y: int
    distance: float
    near: bool


class NearPair(NamedTuple):
    """Two rows with different labels, by number and class, whose features are nearly equal."""

    first: int
    first_y: int
    second: int
    second_y: int
    distance: float


class ClassShare(NamedTuple):
    """Of the rows labelled k: how many there are, how many are suspected, their share."""

    k: int
    rows: int
    suspected: int
    share: float


class Mistaken(NamedTuple):
    """How many rows labelled `given` are likely `likely`."""

    given: int
    likely: int
    rows: int


@dataclass(frozen=True, slots=True, eq=False)
class AuditedRow:
    """A row of the ranking, explained.

    Attributes
    ----------
    details
        p, p − y and contributions, under the model that judged it.
    likely, p_likely
        The class that is likely right, and its probability; None and 0 where the label is not
        suspected.
    fold
        Which model judged it, from 1.
    nearest
        The nearest other row; None where there is none.
    """

    details: RowDetails
    likely: int | None
    p_likely: float
    fold: int
    nearest: NearestRow | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AuditReport:
    """What the page of an audit shows; all text in it is untrusted.

    Attributes
    ----------
    title, target
        Heading of the page, and the column of labels.
    classes, feature_names
        Names of the K classes and of the D features.
    from_columns
        Whether features were made from columns of a table, or given as they are.
    notes
        Sentences about columns and rows left out.
    total, judged, suspected
        Numbers of rows: all, those that a model of other folds could judge, those suspected.
    suspected_shown
        How many of the suspected are among the rows of the page.
    folds, C, accuracy, log_loss, converged
        How rows were judged, and how the models agree with the labels given.
    rows
        The first of the ranking.
    shares
        One a class, the largest share first.
    mistaken
        Pairs of given and likely label, the most frequent first.
    groups, groups_in_all
        Rows with equal features and different labels, (number, class) each; how many groups.
    pairs, pairs_in_all
        Near-duplicates that disagree, the nearest first; how many.
    made
        By which version, when and by which command the page was made.
    """

    title: str
    target: str
    classes: tuple[str, ...]
    feature_names: tuple[str, ...]
    from_columns: bool
    notes: tuple[str, ...]
    total: int
    judged: int
    suspected: int
    suspected_shown: int
    folds: int
    C: float
    accuracy: float
    log_loss: float
    converged: bool
    rows: tuple[AuditedRow, ...]
    shares: tuple[ClassShare, ...]
    mistaken: tuple[Mistaken, ...]
    groups: tuple[tuple[tuple[int, int], ...], ...]
    groups_in_all: int
    pairs: tuple[NearPair, ...]
    pairs_in_all: int
    made: tuple[str, ...] = ()


def render_audit(report: AuditReport) -> str:
    """HTML of the page of an audit: self-contained, the same text for the same report.

    Parameters
    ----------
    report
        What the page shows. Its text is escaped, cleaned of control characters and cut.
    """
    first = [k for row in report.rows for k in (row.details.true, row.details.rival)]
    body = environment().get_template("audit.html.jinja").render(
        report=report,
        classes=report.classes,
        class_name=markup.NamesApart(report.classes),
        features=report.feature_names,
        notes=report.notes[:NOTES],
        shares=report.shares[:CLASSES],
        choices=class_choices(first, len(report.classes)),
    )  # fmt: skip
    return page(f"{markup.plain(report.title)} · pminusy", STYLE, body, SCRIPT)
