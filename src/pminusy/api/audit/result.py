"""What an audit found: labels beside what models say that were not trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.api.audit.labelled import Labelled
from pminusy.api.audit.text import as_text
from pminusy.errors import InputError
from pminusy.mislabelled.duplicates import Neighbour, contradictions, disagreeing, nearest
from pminusy.mislabelled.quality import error_shares
from pminusy.ops.probabilities import softmax

if TYPE_CHECKING:
    import polars as pl

    from pminusy.estimators.out_of_fold import OutOfFold

__all__ = ["Audit"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """Labels beside what models say that were not trained on them.

    Attributes
    ----------
    labelled
        The rows that were audited.
    judged
        Probabilities by models of the other folds, and these models.
    quality
        Probability of the given label (N,): low where it is likely wrong; NaN where nobody can
        judge, for no other fold has the class.
    predicted, p_predicted
        Index of the most probable class (N,), and its probability; the label's, and NaN, where
        nobody can judge.
    suggested
        Index of the class (N,) that is likely right.
    folds
        How many.
    """

    labelled: Labelled
    judged: OutOfFold
    quality: Array
    predicted: Array
    p_predicted: Array
    suggested: Array
    folds: int

    @property
    def suspected(self) -> Array:
        """Whether each label (N,) is likely wrong."""
        return np.asarray(self.suggested != self.labelled.y)

    @property
    def order(self) -> Array:
        """Places (N,) of the rows, the likeliest mistakes first; those not judged last."""
        return np.argsort(self.quality, kind="stable")

    @property
    def error_shares(self) -> dict[str, float]:
        """Estimated share of wrong labels among the rows given each class."""
        classes = self.labelled.classes
        shares = error_shares(self.labelled.y, self.suggested, len(classes))
        return dict(zip(classes, shares.tolist(), strict=True))

    @property
    def accuracy(self) -> float:
        """Share of the judged rows whose label is the most probable class."""
        known = ~np.isnan(self.quality)
        return float((self.predicted[known] == self.labelled.y[known]).mean())

    @property
    def log_loss(self) -> float:
        """Mean of −ln p_y over the judged rows."""
        with np.errstate(divide="ignore"):
            return float(-np.log(self.quality[~np.isnan(self.quality)]).mean())

    @property
    def contradictions(self) -> list[Array]:
        """Groups of rows with the same features and different labels: places in what was given."""
        groups = contradictions(self.labelled.X, self.labelled.y)
        return sorted((self.labelled.rows[group] for group in groups), key=lambda rows: rows[0])

    def neighbours(self, places: Array) -> list[Neighbour]:
        """The nearest other row of each of some rows; none of a table read block by block."""
        if self.labelled.streamed:
            return []
        return nearest(self.labelled.X, places)

    def near_duplicates(self, most: int = 1000) -> list[tuple[int, int, float]]:
        """Pairs of rows that are nearly equal and have different labels.

        Nearly: closer than half of what is usual between a row and its nearest. Two rows that a
        model cannot tell apart cannot both have a label of p > 1/2; so the nearest row of another
        label is looked for beside the rows with p_y ≤ 1/2, the first `most` of the ranking.

        Returns
        -------
        pairs
            Places in what was given, and the distance, the nearest first; equal rows are in
            `contradictions` instead. None are looked for in a table read block by block.
        """
        if self.labelled.streamed:
            return []
        unsure = self.order[self.quality[self.order] <= 0.5][:most]
        labelled = self.labelled
        found = disagreeing(labelled.X, labelled.y, unsure)
        pairs = {(min(i, n.row), max(i, n.row)): n.distance for i, n in found if n.distance > 0}
        ordered = sorted(pairs.items(), key=lambda item: (item[1], item[0]))
        return [(int(labelled.rows[i]), int(labelled.rows[j]), d) for (i, j), d in ordered]

    def probabilities(self, place: int) -> Array:
        """Probabilities (K,) of a row, by the model that judged it."""
        W, b = self.judged.models[self.judged.fold[place]]
        known = np.isfinite(b)
        p = np.zeros(b.size)
        p[known] = softmax(W[known] @ self.labelled.row(place).astype(np.float64) + b[known])
        return p

    def contributions(self, place: int) -> Array:
        """What each feature (D,) adds to the logit of the predicted class against the label's.

        Of a row whose label is predicted: to the most probable other class.
        """
        given, other = self.labelled.y[place], self.predicted[place]
        if given == other:
            others = self.probabilities(place)
            others[given] = -1.0
            other = others.argmax()
        W = self.judged.models[self.judged.fold[place]].W
        found: Array = (W[other] - W[given]) * self.labelled.row(place)
        return found

    def write_report(
        self, path: str | PathLike[str], *, rows: int = 200, command: str = ""
    ) -> None:
        """Write a page to look through: the first rows of the ranking, each explained.

        Parameters
        ----------
        path
            Where to (.html); a file there is replaced, whole or not at all.
        rows
            How many rows are on the page, at most 5,000.
        command
            What the page says it was made by.

        Raises
        ------
        InputError
            A place that cannot be written, a number of rows that is none.
        """
        from pminusy.api.audit.page import write_report

        write_report(self, path, rows, command)

    def to_frame(self, *, keep_columns: str | Sequence[str] = ()) -> pl.DataFrame:
        """A row for each label, the likeliest mistakes first.

        Parameters
        ----------
        keep_columns
            Columns of the table to have before: names, "a,b", or "all".

        Returns
        -------
        polars.DataFrame
            `row` (from 1 in the table), `label`, `predicted`, `suspected`, `quality` (probability
            of the label), `p_predicted`.
        """
        import polars as pl

        from pminusy.tables.joining import beside

        order, names = self.order, np.array(self.labelled.classes, object)
        predicted = self.predicted[order]
        found = pl.DataFrame(
            {
                "row": self.labelled.rows[order] + 1,
                "label": names[self.labelled.y[order]].tolist(),
                "predicted": names[predicted].tolist(),
                "suspected": self.suspected[order],
                "quality": self.quality[order],
                "p_predicted": self.p_predicted[order],
            }
        )
        if not keep_columns:
            return found
        if self.labelled.streamed:
            raise InputError("keep columns", "none beside memory", "some", "leave memory out")
        if self.labelled.frame is None:
            raise InputError("keep columns", "a table that has columns", "arrays")
        return beside(self.labelled.frame[order], found, keep_columns)

    def __str__(self) -> str:
        """What was found, and the likeliest mistakes."""
        return as_text(self)
