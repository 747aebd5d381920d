"""`audit`: which labels of a table, or of arrays, are likely wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pminusy.api.audit.labelled import of_arrays, of_table
from pminusy.api.audit.result import Audit
from pminusy.errors import InputError
from pminusy.mislabelled.quality import label_quality, suggested_classes
from pminusy.tables.wording import count, shown

__all__ = ["audit"]


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
        labelled = of_table(table, target, embeddings, groups, drop, as_, how)
    else:
        if embeddings is not None:
            raise InputError("embeddings", "a table whose rows they are of", "features X")
        labelled = of_arrays(table, y, groups)
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
