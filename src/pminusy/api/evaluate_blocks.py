"""The evaluation of a table that is read block by block."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.api.evaluation import Evaluation, class_scores, left_out, row_weights
from pminusy.api.fit.streamed import bytes_of, refuse_whole, room_of
from pminusy.errors import InputError
from pminusy.estimators.intervals import intervals_of
from pminusy.estimators.rank_files import RankFiles, bytes_a_row
from pminusy.estimators.score_sums import ScoreSums
from pminusy.estimators.scores import Scores
from pminusy.tables import target
from pminusy.tables.design import design_matrix, encode_target
from pminusy.tables.streaming.notes import NoteSums
from pminusy.tables.streaming.sources import TableBlocks, missing_marks, table_blocks
from pminusy.tables.streaming.store import make_folder, no_room
from pminusy.tables.wording import count

if TYPE_CHECKING:
    from pminusy.api.fitted import Fitted
    from pminusy.tables.reading import Reading

__all__ = ["evaluate_blocks"]

_SORTED = 4  # share of the memory for values that are sorted

RowsProgress = Callable[[int, int], None]


class _Rows(NamedTuple):
    """Rows whose label a model knows: features, labels, weights."""

    X: Any  # (n, D)
    y: NDArray[np.intp]
    weight: NDArray[np.float64]


def evaluate_blocks(
    model: Fitted,
    table: Any,
    *,
    memory: int | str,
    workdir: str | os.PathLike[str] | None = None,
    groups: str | None = None,
    reading: Reading | None = None,
    progress: RowsProgress | None = None,
) -> Evaluation:
    """Score a model on a table within so many bytes; see `TableModel.evaluate`.

    `progress` is called with the number of rows that are done, and of all.
    """
    refuse_whole(groups=groups)
    room = room_of(bytes_of(memory))
    blocks = table_blocks(table, model.schema.reading if reading is None else reading)
    rows, K = blocks.rows(), len(model.schema.classes)
    folder = make_folder(workdir, rows * bytes_a_row(K))
    try:
        files, sums = RankFiles(folder, K, room // _SORTED), ScoreSums(K)
        found = _LabelledBlocks(model, blocks)
        done = 0
        with files:
            for block, part in found.blocks():
                if part is not None:
                    log_p = model.log_probabilities(part.X)
                    sums.add(part.y, log_p, part.weight, model.decided(log_p))
                    files.add(part.y, log_p, part.weight)
                done += block
                if progress is not None:
                    progress(done, rows)
        notes = found.notes()
        rankings = files.rankings(sums) | sums.top()
    except OSError as error:
        raise no_room(folder, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    decisions = sums.decisions()
    number = int(sums.rows.sum())
    return Evaluation(
        rows=number,
        scores=Scores(*(score.value for score in decisions.values())),
        baseline=sums.of_shares(model.shares),
        by_class=class_scores(model.schema.classes, sums.by_class()),
        of_the_table=notes,
        trained_on=(),
        ranking=tuple((name, score.value) for name, score in rankings.items()),
        intervals=intervals_of(decisions | rankings, number),
        judged=None,
        log_p=None,
        model=model,
        name=Path(table).name if isinstance(table, str | os.PathLike) else "table",
    )


class _LabelledBlocks:
    """The rows of blocks that can be scored, and what is to be said of the others."""

    def __init__(self, model: Fitted, blocks: TableBlocks) -> None:
        self._model, self._blocks = model, blocks
        self._said = NoteSums()
        self._unseen: Counter[str] = Counter()
        self._rows = self._known = self._weightless = 0

    def blocks(self) -> Iterator[tuple[int, _Rows | None]]:
        """Number of rows of each block, with those that can be scored; None where none can."""
        for block in self._blocks.blocks():
            yield block.height, self._labelled(block)
            self._rows += block.height

    def notes(self) -> tuple[str, ...]:
        """Sentences about all rows.

        Raises
        ------
        InputError
            No row can be scored.
        """
        schema = self._model.schema
        said = left_out(schema, self._rows - self._known, self._unseen, known=self._known)
        if self._weightless == self._known:
            got = "0 in every row"
            raise InputError(f"weight {schema.weight!r}", "at least one weight above 0", got)
        weightless = (f"{count(self._weightless, 'row')} of weight 0 left out",)
        groups = self._model.settings.get("groups")
        alone = ("intervals count rows one by one, and not by groups: memory leaves that out",)
        return (
            *said, *(weightless if self._weightless else ()), *(alone if groups else ()),
            *self._said.sentences(),
        )  # fmt: skip

    def _labelled(self, block: pl.DataFrame) -> _Rows | None:
        schema = self._model.schema
        if self._blocks.from_text:
            block = _cells(block, schema)
        y = encode_target(block, schema)
        used = y >= 0
        self._known += int(used.sum())
        self._unseen.update(target.unseen_labels(block, schema))
        if schema.weight in block.columns:
            weights = target.checked_weights(
                block, schema.target, schema.weight, used, before=self._rows
            )
            self._weightless += int((used & (weights == 0)).sum())
            used &= weights != 0
        if not used.any():
            return None
        frame = block.filter(used)
        X, notes = design_matrix(frame, schema)
        self._said.add(notes)
        return _Rows(X, y[used], row_weights(frame, schema))


def _cells(block: pl.DataFrame, schema: Any) -> pl.DataFrame:
    """Cells of text, with marks for missing values as missing, and weights as numbers."""
    block = missing_marks(block, schema.target if schema.literal_target else "")
    if schema.weight in block.columns:
        block = block.with_columns(pl.col(schema.weight).cast(pl.Float64, strict=False))
    return block
