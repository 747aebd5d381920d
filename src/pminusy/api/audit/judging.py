"""`audit`: which labels of a table, or of arrays, are likely wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any

from pminusy.api.audit.labelled import Labelled, of_arrays, of_table
from pminusy.api.audit.result import Audit
from pminusy.errors import InputError
from pminusy.mislabelled.quality import judgement
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
    memory: int | str | None = None,
    workdir: str | PathLike[str] | None = None,
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
    memory
        Bytes of memory the process may take, such as "2GiB": a table, a folder, a glob or a Polars
        LazyFrame, an .npy file, np.memmap or `Blocks` is then read block by block. `groups` of
        a table and `embeddings` beside one are refused; near-duplicates of tables are left out.
    workdir
        Folder for what is written beside memory; that of temporary files if not given.
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
    from pminusy.estimators.out_of_fold import judged_blocks, out_of_fold
    from pminusy.tables.reading import reading_of

    how = reading_of(**reading)
    _refuse(table, y, target, embeddings, groups, drop)
    bounded: dict[str, Any] = {}
    if memory is not None:
        labelled, bounded = _streamed(
            table, y, target, embeddings, groups, drop, as_, how, memory, workdir
        )
    elif workdir is not None:
        raise InputError("workdir", "memory beside it", "none", "say how many bytes, such as 2GiB")
    elif target is not None:
        labelled = of_table(table, target, embeddings, groups, drop, as_, how)
    else:
        labelled = of_arrays(table, y, groups)
    X, labels, K = labelled.X, labelled.y, len(labelled.classes)
    if K < 2:
        raise InputError("labels", "at least two classes", count(K, "class", "classes"))
    judged = out_of_fold(
        X, labels, K, C=C, folds=folds, seed=seed, groups=labelled.groups, **bounded
    )  # fmt: skip

    def blocks() -> Iterable[tuple[slice, Any]]:
        if judged.p is not None:
            return [(slice(None), judged.p)]
        return judged_blocks(X, labels, judged)

    return Audit(labelled, judged, *judgement(labels, K, blocks), folds)


def _refuse(
    table: Any, y: Any, target: str | None, embeddings: Any, groups: Any, drop: Sequence[str]
) -> None:
    """Refuse what does not go together."""
    if embeddings is not None and drop:
        remedy = "embeddings replace all columns; leave drop out"
        raise InputError("drop", "none beside embeddings", repr(drop), remedy)
    if target is None and embeddings is not None:
        raise InputError("embeddings", "a table whose rows they are of", "features X")
    if target is None:
        return
    if isinstance(groups, str) and groups == target:
        expected = "a column other than the target"
        raise InputError(f"groups {shown(target)}", expected, "the target")
    if y is not None:
        raise InputError("y", "none beside a target column", "labels")


def _streamed(
    table: Any,
    y: Any,
    target: str | None,
    embeddings: Any,
    groups: Any,
    drop: Sequence[str],
    as_: Any,
    reading: Any,
    memory: int | str,
    workdir: Any,
) -> tuple[Labelled, dict[str, Any]]:
    """What is audited within some bytes, and how `out_of_fold` keeps to them."""
    from pminusy.api.audit.streamed import of_streamed_arrays, of_streamed_table
    from pminusy.api.fit.streamed import FIT, bytes_of, refuse_whole, room_of

    bytes_ = bytes_of(memory)
    if target is None:
        labelled = of_streamed_arrays(table, y, groups, memory=bytes_, workdir=workdir)
    else:
        refuse_whole(groups=groups is not None, embeddings=embeddings is not None)
        labelled = of_streamed_table(
            table, target, memory=bytes_, workdir=workdir, drop=drop, as_=as_, reading=reading
        )
    return labelled, {"memory": int(FIT * room_of(bytes_)), "keep": False}
