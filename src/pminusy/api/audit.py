"""`audit`: which labels of a table, or of arrays, are likely wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.mislabelled.duplicates import Neighbour, contradictions, nearest
from pminusy.mislabelled.quality import error_shares, label_quality, suggested_classes
from pminusy.present.numbers import decimals
from pminusy.present.sanitise import visible
from pminusy.tables.wording import count, shown

if TYPE_CHECKING:
    import polars as pl

    from pminusy.estimators.out_of_fold import OutOfFold
    from pminusy.tables.reading import Reading

__all__ = ["Audit", "audit"]

Array = NDArray[Any]

_SHOWN, _CLASSES_SHOWN = 15, 10


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Rows with labels: what is audited, wherever it came from.

    Attributes
    ----------
    rows
        Places (N,) in the table or in the arrays, from 0.
    X, y
        Features (N, D) and indices of classes (N,).
    classes
        The labels as text.
    features
        Names of the features.
    frame
        The rows as the table has them; None for arrays.
    notes
        What was said of columns and of rows left out.
    """

    rows: Array
    X: Any
    y: Array
    classes: tuple[str, ...]
    features: tuple[str, ...]
    frame: pl.DataFrame | None = None
    groups: Array | None = None
    notes: tuple[str, ...] = ()


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
    suggested
        Index of the class (N,) that is likely right.
    folds
        How many.
    """

    labelled: Labelled
    judged: OutOfFold
    quality: Array
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
    def contradictions(self) -> list[Array]:
        """Groups of rows with the same features and different labels: places in what was given."""
        groups = contradictions(self.labelled.X, self.labelled.y)
        return sorted((self.labelled.rows[group] for group in groups), key=lambda rows: rows[0])

    def neighbours(self, places: Array) -> list[Neighbour]:
        """The nearest other row of each of some rows."""
        return nearest(self.labelled.X, places)

    @property
    def predicted(self) -> Array:
        """Index of the most probable class (N,); the label's where nobody can judge."""
        known = ~np.isnan(self.quality)
        return np.where(known, np.nan_to_num(self.judged.p).argmax(axis=1), self.labelled.y)

    def contributions(self, place: int) -> Array:
        """What each feature (D,) adds to the logit of the predicted class against the label's.

        Of a row whose label is predicted: to the most probable other class.
        """
        given, other = self.labelled.y[place], self.predicted[place]
        if given == other:
            others = self.judged.p[place].copy()
            others[given] = -1.0
            other = others.argmax()
        W = self.judged.models[self.judged.fold[place]].W
        row = self.labelled.X[[place]]
        x = row.toarray()[0] if hasattr(row, "toarray") else np.asarray(row)[0]
        found: Array = (W[other] - W[given]) * x
        return found

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
                "p_predicted": self.judged.p[order, predicted],
            }
        )
        if not keep_columns:
            return found
        if self.labelled.frame is None:
            raise InputError("keep columns", "a table that has columns", "arrays")
        return beside(self.labelled.frame[order], found, keep_columns)

    def __str__(self) -> str:
        """What was found, and the likeliest mistakes."""
        return "\n".join([*self._summary(), "", *self._worst()])

    def _summary(self) -> list[str]:
        known = ~np.isnan(self.quality)
        right = self.judged.p[known].argmax(axis=1) == self.labelled.y[known]
        with np.errstate(divide="ignore"):
            loss = float(-np.log(self.quality[known]).mean())
        N, suspected = self.quality.size, int(self.suspected.sum())
        lines = [
            f"{count(N, 'row')}, {len(self.labelled.classes)} classes, {self.folds} folds, "
            f"C = {self.judged.C:.3g}: each row judged by a model of the other folds",
            f"against the labels given: accuracy {decimals(float(right.mean()))}, "
            f"log loss {decimals(loss)}",
            f"{count(suspected, 'label')} suspected ({suspected / N:.1%})",
        ]
        shares = {name: s for name, s in self.error_shares.items() if s > 0}
        if shares:
            worst = sorted(shares.items(), key=lambda item: -item[1])[:_CLASSES_SHOWN]
            listed = ", ".join(f"{shown(name)} {share:.1%}" for name, share in worst)
            lines.append(f"estimated share of wrong labels: {listed}")
        groups = self.contradictions
        if groups:
            some = "; ".join(
                "rows " + " and ".join(f"{row + 1:,}" for row in group[:2]) for group in groups[:3]
            )
            number = count(len(groups), "group")
            lines.append(f"{number} of rows with equal features and other labels: {some}")
        if not self.judged.converged:
            lines.append("not every fit reached its optimum: the order is less certain")
        return lines

    def _worst(self) -> list[str]:
        order = self.order[:_SHOWN]
        names = [visible(name)[:24] for name in self.labelled.classes]
        predicted, suspected = self.predicted, self.suspected
        table = [("row", "label", "p", "predicted", "p", "suspected", "what speaks for it")]
        for place in order:
            row, label = f"{self.labelled.rows[place] + 1:,}", names[self.labelled.y[place]]
            cells = [row, label, decimals(float(self.quality[place]))]
            other = predicted[place]
            if other == self.labelled.y[place]:
                cells += ["–", "", "", ""]
            else:
                p = decimals(float(self.judged.p[place, other]))
                said = "yes" if suspected[place] else ""
                cells += [names[other], p, said, self._reason(place)]
            table.append(tuple(cells))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return [
            "  ".join(
                cell.rjust(w) if j in (0, 2, 4) else cell.ljust(w)
                for j, (cell, w) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in table
        ]

    def _reason(self, place: int) -> str:
        """The two features that add most to the predicted class."""
        parts = self.contributions(place)
        best = [d for d in np.argsort(-parts)[:2] if parts[d] > 0]
        return ", ".join(f"{visible(self.labelled.features[d])[:24]} {parts[d]:+.2g}" for d in best)


def audit(
    table: Any,
    y: Any = None,
    *,
    target: str | None = None,
    embeddings: Any = None,
    folds: int = 5,
    C: float | None = None,
    groups: Any = None,
    seed: int = 0,
    drop: Sequence[str] = (),
    as_: Any = None,
    **reading: Any,
) -> Audit:
    """Find labels that are likely wrong: a softmax regression judges rows it was not trained on.

    Rows are ranked by the probability p_y of their label, which is the order of the loss and of
    ‖p − y‖₁ = 2 (1 − p_y). A label is suspected where it is not the most probable class and another
    class k has at least the probability that rows labelled k have on average.

    Parameters
    ----------
    table
        A table with the target column (path or frame), or features X (N, D): an array, a sparse
        matrix, the path of an .npy file.
    y
        Labels (N,) beside X: text or numbers.
    target
        The column of labels, of a table.
    embeddings
        Features (N, D) of the rows of the table, in its order, instead of its columns.
    folds
        How many parts the rows are divided into.
    C
        Inverse strength of the penalty; chosen on the first fold if None.
    groups
        Column of the table, or numbers (N,): rows of one group are in one fold.
    seed
        Of the folds.
    drop, as_
        Of a table, as in `fit_table`: columns to leave out, and what columns are.
    **reading
        How it is written, as in `fit_table`: `missing`, `header`, `sep`, `decimal` …

    Returns
    -------
    Audit
        `str`, `to_frame()`, `quality`, `suggested`, `suspected`, `error_shares`, `contradictions`.

    Raises
    ------
    InputError
        Fewer rows than folds; one class; features and labels of different length; as `fit_table`.

    Examples
    --------
    >>> X = [[-2.0], [-1.5], [-1.0], [1.0], [1.5], [2.0], [2.5], [-2.2]]
    >>> found = audit(X, ["a", "a", "a", "b", "b", "b", "a", "b"], folds=2, C=10.0)
    >>> sorted(found.order[:2].tolist())
    [6, 7]

    References
    ----------
    Northcutt, Jiang & Chuang 2021, "Confident learning".
    """
    from pminusy.estimators.out_of_fold import out_of_fold
    from pminusy.tables.reading import reading_of

    how = reading_of(**reading)
    if embeddings is not None and drop:
        remedy = "embeddings replace all columns; leave drop out"
        raise InputError("drop", "none beside embeddings", repr(drop), remedy)
    if target is not None:
        if isinstance(groups, str) and groups == target:
            expected = "a column other than the target"
            raise InputError(f"groups {shown(target)}", expected, "the target")
        if y is not None:
            raise InputError("y", "none beside a target column", "labels")
        labelled = _of_table(table, target, embeddings, groups, drop, as_, how)
    else:
        if embeddings is not None:
            raise InputError("embeddings", "a table whose rows they are of", "features X")
        labelled = _of_arrays(table, y, groups)
    K = len(labelled.classes)
    if K < 2:
        raise InputError("labels", "at least two classes", count(K, "class", "classes"))
    judged = out_of_fold(
        labelled.X, labelled.y, K, C=C, folds=folds, seed=seed, groups=labelled.groups
    )
    return Audit(
        labelled,
        judged,
        label_quality(labelled.y, judged.p),
        suggested_classes(labelled.y, judged.p),
        folds,
    )


def _of_table(
    table: Any,
    target: str,
    embeddings: Any,
    groups: Any,
    drop: Sequence[str],
    as_: Any,
    reading: Reading,
) -> Labelled:
    """Labelled rows of a table, with the features that a fit would have, or with given ones."""
    from pminusy.api.fit.understood import understood
    from pminusy.tables.design import design_matrix
    from pminusy.tables.learning import learn_schema
    from pminusy.tables.target import encode_target, group_numbers, select_rows

    names = (drop,) if isinstance(drop, str) else tuple(drop)
    whole = understood(
        table, target, weight=None, groups=groups, time=None, drop=names, as_=as_, reading=reading
    )
    rows = select_rows(whole.frame, target, None)
    schema = learn_schema(
        rows.frame, target, drop=whole.drop, groups=groups, recognised=whole.columns
    )
    unlabelled = count(rows.unlabelled, "row")
    said = (*whole.notes, *[f"{unlabelled} without a label left out"] * (rows.unlabelled > 0))
    if embeddings is None:
        X, notes = design_matrix(rows.frame, schema)
        features, said = schema.feature_names, (*said, *schema.notes, *notes)
    else:
        X = _features(embeddings)
        if X.shape[0] != whole.frame.height:
            got = f"{X.shape[0]:,} for {count(whole.frame.height, 'row')}"
            raise InputError("embeddings", "a row for each row of the table", got)
        X, features = X[rows.index], _numbered(X.shape[1])
    numbers = None if groups is None else group_numbers(rows.frame, groups)
    y = encode_target(rows.frame, schema)
    return Labelled(rows.index, X, y, schema.classes, features, rows.frame, numbers, said)


def _of_arrays(X: Any, y: Any, groups: Any) -> Labelled:
    if y is None:
        remedy = "give y, or target for a table"
        raise InputError("audit", "labels beside the features", "none", remedy)
    features, labels = _features(X), np.asarray(y)
    if labels.shape != (features.shape[0],):
        got = f"shape {labels.shape} for {features.shape[0]:,} rows"
        raise InputError("y", "a label for each row of X", got)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise InputError("y", "labels", "NaN or infinity", "leave such rows out")
    named = labels.astype(str) if labels.dtype.kind == "O" else labels
    classes, indices = np.unique(named, return_inverse=True)
    numbers = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if numbers is not None and numbers.shape != labels.shape:
        raise InputError("groups", "a group for each row", f"shape {numbers.shape}")
    return Labelled(
        np.arange(labels.size),
        features,
        indices.ravel(),
        tuple(str(name) for name in classes),
        _numbered(features.shape[1]),
        groups=numbers,
    )


def _numbered(D: int) -> tuple[str, ...]:
    return tuple(f"x{d}" for d in range(D))


def _features(X: Any) -> Any:
    """Features (N, D) as finite float64 or float32 numbers, dense or as sparse rows."""
    import scipy.sparse as sp

    if isinstance(X, str | PathLike):
        X = _loaded(Path(X))
    if sp.issparse(X):
        X = sp.csr_array(X)
        finite = np.isfinite(X.data).all()
    else:
        try:
            X = np.asarray(X)
            X = X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
        except (TypeError, ValueError):
            raise InputError("X", "numbers (N, D)", "something else") from None
        finite = np.isfinite(X).all()
    if X.ndim != 2 or 0 in X.shape:
        raise InputError("X", "shape (N, D), neither of them 0", f"shape {X.shape}")
    if not finite:
        remedy = "fill them in, or leave rows out"
        raise InputError("X", "finite numbers", "NaN or infinity", remedy)
    return X


def _loaded(path: Path) -> Any:
    what = f"embeddings {str(path)!r}"
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(what, "a file that exists", "nothing there", "check the name") from None
    except (OSError, ValueError, EOFError):
        raise InputError(what, "an array written by numpy.save", "something else") from None
