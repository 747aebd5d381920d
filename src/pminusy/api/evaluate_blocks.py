"""The evaluation of a table that is read block by block."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.api.evaluation import Evaluation, class_scores, left_out, row_weights
from pminusy.api.fit.streamed import bytes_of, room_of, table_rows
from pminusy.api.fit.training_run import TableRows
from pminusy.api.fit.worst import WorstRows
from pminusy.errors import InputError
from pminusy.estimators.group_files import BYTES_A_GROUP, GroupFile
from pminusy.estimators.intervals import intervals_of
from pminusy.estimators.rank_files import RankFiles, bytes_a_row
from pminusy.estimators.score_sums import ScoreSums
from pminusy.estimators.scores import Scores
from pminusy.estimators.streams.blocks import size_of
from pminusy.tables import target
from pminusy.tables.design import design_matrix, encode_target
from pminusy.tables.streaming.groups import GroupNumbers
from pminusy.tables.streaming.notes import NoteSums
from pminusy.tables.streaming.pieces import Pieces
from pminusy.tables.streaming.sources import TableBlocks, missing_marks, table_blocks
from pminusy.tables.streaming.store import make_folder, no_room
from pminusy.tables.wording import count, shown

if TYPE_CHECKING:
    from pminusy.api.fitted import Fitted
    from pminusy.tables.reading import Reading

__all__ = ["evaluate_blocks"]

# shares of the memory: for values that are sorted, for sums of groups, for rows of the page
_SORTED, _GROUPS, _SHOWN = 4, 8, 8

RowsProgress = Callable[[int, int], None]


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
    room = room_of(bytes_of(memory))
    reading = model.schema.reading if reading is None else reading
    blocks = table_blocks(table, reading)
    rows, K = blocks.rows(), len(model.schema.classes)
    numbers = _groups_of(model, blocks, groups, room)
    needed = bytes_a_row(K) + (0 if numbers is None else GroupFile.BYTES_A_ROW)
    folder = make_folder(workdir, rows * needed)
    try:
        seen = _Seen(model, folder, rows, room, by_group=numbers is not None)
        found = _LabelledBlocks(model, blocks, numbers)
        done = 0
        with seen.files, seen.groups or nullcontext():
            for block, part in found.blocks():
                if part is not None:
                    seen.add(part)
                done += block
                if progress is not None:
                    progress(done, rows)
        notes, decisions = found.notes(), seen.sums.decisions()
        rankings = seen.files.rankings(seen.sums) | seen.sums.top()
        intervals = intervals_of(decisions | rankings, int(seen.sums.rows.sum()))
        if seen.groups is not None and numbers is not None and numbers.tell_apart(groups):
            intervals = seen.groups.intervals(
                decisions | rankings, seen.sums, seen.files.influences(), groups=len(numbers),
                merged=numbers.merged(reading) if blocks.from_text else None,
            )  # fmt: skip
    except OSError as error:
        raise no_room(folder, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    judged = seen.judged()
    return Evaluation(
        rows=int(seen.sums.rows.sum()),
        scores=Scores(*(score.value for score in decisions.values())),
        baseline=seen.sums.of_shares(model.shares),
        by_class=class_scores(model.schema.classes, seen.sums.by_class()),
        of_the_table=notes,
        trained_on=(),
        ranking=tuple((name, score.value) for name, score in rankings.items()),
        intervals=intervals,
        judged=judged,
        log_p=model.log_probabilities(judged.X),
        model=model,
        name=Path(table).name if isinstance(table, str | os.PathLike) else "table",
        worst=seen.worst.parts(),
    )


def _groups_of(
    model: Fitted, blocks: TableBlocks, groups: str | None, room: int
) -> GroupNumbers | None:
    """The groups that were asked for, or those of training where the table has them."""
    if groups is None:
        named = model.settings.get("groups")
        if not isinstance(named, str) or named not in blocks.names:
            return None
        groups = named
    elif groups == model.schema.target:
        raise InputError(f"groups {shown(groups)}", "a column other than the target", "the target")
    return GroupNumbers(groups, room // _GROUPS // BYTES_A_GROUP)


class _Seen:
    """What is kept of the rows: sums, files, the worst of them and an even part for the page."""

    def __init__(
        self, model: Fitted, folder: Path, rows: int, room: int, *, by_group: bool
    ) -> None:
        K = len(model.schema.classes)
        self._model, self._rows, self._room = model, rows, room // _SHOWN
        self.sums, self.files = ScoreSums(K), RankFiles(folder, K, room // _SORTED)
        self.groups = GroupFile(folder) if by_group else None
        self.worst = WorstRows()
        self._stride, self._labelled = 0, 0
        self._kept, self._index = Pieces(), list[NDArray[np.intp]]()

    def add(self, part: TableRows) -> None:
        """Add rows that can be scored."""
        log_p = self._model.log_probabilities(part.X)
        decided = self._model.decided(log_p)
        self.sums.add(part.y, log_p, part.weight, decided)
        self.files.add(part.y, log_p, part.weight)
        if self.groups is not None and part.groups is not None:
            self.groups.add(part.y, log_p, part.weight, decided, part.groups)
        self.worst.add(part, log_p)
        if not self._stride:
            self._stride = max(1, -(-self._rows * _bytes_a_row(part, log_p) // self._room))
        chosen = slice(-self._labelled % self._stride, None, self._stride)
        self._labelled += part.y.size
        self._kept.add(part.frame[chosen])
        self._index.append(part.index[chosen].copy())  # a view would keep all of them

    def judged(self) -> TableRows:
        """The rows that were kept."""
        index = np.concatenate(self._index)
        return table_rows(self._kept.joined(), index, self._model.schema)


def _bytes_a_row(part: TableRows, log_p: NDArray[np.float64]) -> int:
    """Bytes of a row in memory: its cells, features and probabilities, each with a copy."""
    size = part.frame.estimated_size() + size_of(part.X) + log_p.nbytes
    return -(-2 * int(size) // part.y.size)


class _LabelledBlocks:
    """The rows of blocks that can be scored, and what is to be said of the others."""

    def __init__(self, model: Fitted, blocks: TableBlocks, groups: GroupNumbers | None) -> None:
        self._model, self._blocks, self._groups = model, blocks, groups
        self._said = NoteSums()
        self._unseen: Counter[str] = Counter()
        self._rows = self._known = self._weightless = 0

    def blocks(self) -> Iterator[tuple[int, TableRows | None]]:
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
        return (*said, *(weightless if self._weightless else ()), *self._said.sentences())

    def _labelled(self, block: pl.DataFrame) -> TableRows | None:
        schema = self._model.schema
        if self._blocks.from_text:
            block = _cells(block, schema)
        of_group = None if self._groups is None else self._groups.of(block)
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
        index = self._rows + np.flatnonzero(used)
        groups = None if of_group is None else of_group[used]
        return TableRows(frame, index, X, y[used], row_weights(frame, schema), notes, groups)


def _cells(block: pl.DataFrame, schema: Any) -> pl.DataFrame:
    """Cells of text, with marks for missing values as missing, and weights as numbers."""
    block = missing_marks(block, schema.target if schema.literal_target else "")
    if schema.weight in block.columns:
        block = block.with_columns(pl.col(schema.weight).cast(pl.Float64, strict=False))
    return block
