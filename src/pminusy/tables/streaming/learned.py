"""A schema of a table that is read block by block.

The first pass divides the rows, counts labels and keeps an even sample of the training rows, from
which is learned what each column is. Where the sample is not all rows, a second pass learns what
they all say: means, spreads, values, missing cells; a third one, medians.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.errors import InputError
from pminusy.tables.columns.date_column import DateColumn, DatePart
from pminusy.tables.columns.dates import date_parts, days_of
from pminusy.tables.columns.features import read_dates, read_numbers
from pminusy.tables.columns.learned import NOTHING_SAID, CategoryLimits, learn_category
from pminusy.tables.columns.recognise import RecognisedColumn, recognise, without_marks
from pminusy.tables.design import learn_schema
from pminusy.tables.kinds import as_numbers, as_text, is_number, type_name
from pminusy.tables.labels import settled_labels
from pminusy.tables.learning import column_finding
from pminusy.tables.reading import Reading
from pminusy.tables.schema import CategoryColumn, Column, LeftOut, NumberColumn, Schema
from pminusy.tables.streaming.choosing import ChosenRows, RowChoice, RowChooser
from pminusy.tables.streaming.pieces import Pieces
from pminusy.tables.streaming.sources import TableBlocks, missing_marks
from pminusy.tables.streaming.statistics import CategoryCounts, NumberMoments
from pminusy.tables.target import select_rows
from pminusy.tables.wording import shown

__all__ = ["LearnedTable", "learn_table"]

_ENOUGH = 20  # rows of a label that show whether labels are classes
_RANKS = 4.0  # standard deviations of a rank in the sample, around the median
_MOST_BETWEEN = 1 << 22  # values kept while a median is looked for


@dataclass(frozen=True)
class LearnedTable:
    """What passes over a table have learned.

    Attributes
    ----------
    schema
        Of the training rows.
    sample
        Training rows in memory: every `stride`-th.
    stride
        1 where they are all.
    train, held_out
        Numbers of rows.
    unlabelled, weightless
        Numbers of rows that are not used.
    notes
        What is to be said of the target.
    single
        Columns of numbers that float32 holds exactly.
    """

    schema: Schema
    sample: pl.DataFrame
    stride: int
    train: int
    held_out: int
    unlabelled: int
    weightless: int
    notes: tuple[str, ...]
    single: frozenset[str]
    blocks: TableBlocks
    choice: RowChoice
    types: Mapping[str, Any]

    def divided(self) -> Iterator[ChosenRows]:
        """The rows of another pass; refused if they are others than before."""
        chooser = RowChooser(self.choice)
        train = held_out = 0
        for block in typed_blocks(self.blocks, self.choice, self.types, self.schema.reading):
            rows = chooser.divide(block)
            train, held_out = train + rows.train.height, held_out + rows.held_out.height
            yield rows
        if (train, held_out) != (self.train, self.held_out):
            got = f"{train + held_out:,} rows instead of {self.train + self.held_out:,}"
            raise InputError(self.blocks.what, "the same rows in every pass", got)


def learn_table(
    blocks: TableBlocks,
    choice: RowChoice,
    *,
    room: int,
    reading: Reading,
    kinds: Mapping[str, str],
    drop: tuple[Any, ...],
    reference: bool,
) -> LearnedTable:
    """Learn a schema; `room` is how many bytes the sample may have.

    Raises
    ------
    InputError
        As `learn_schema` and `select_rows`.
    """
    types: dict[str, Any] = {}
    if blocks.from_text:
        types = _types_of_text(blocks, choice, whole_only=_whole_only(reading))
    chooser, sample = RowChooser(choice), _Sample(room)
    held_out = 0
    for block in typed_blocks(blocks, choice, types, reading):
        rows = chooser.divide(block)
        sample.add(rows.train)
        held_out += rows.held_out.height
    if not sample.rows:
        if chooser.weightless:
            what, got = f"weight {shown(choice.weight or '')}", "0 in every row that has a label"
            raise InputError(what, "at least one weight above 0", got)
        what = f"target {shown(choice.target)}"
        got = "none in any row" if chooser.rows else "a table without rows"
        raise InputError(what, "a label in some rows", got)
    frame = sample.joined()
    labels, notes = _labels(frame, chooser, choice)
    skip = [choice.target, choice.weight, *drop]
    found = recognise(
        frame.with_columns(labels), reading=reading, kinds=kinds, skip=skip,
        from_text=blocks.from_text,
    )  # fmt: skip
    schema = learn_schema(
        found.frame, choice.target, drop=drop, weight=choice.weight, recognised=found.columns,
        reference=reference,
    )  # fmt: skip
    schema = replace(schema, reading=reading, literal_target=choice.literal_target)
    learned = LearnedTable(
        schema, frame, sample.stride, sample.rows, held_out, chooser.unlabelled,
        chooser.weightless, notes, frozenset(), blocks, choice, types,
    )  # fmt: skip
    if sample.stride == 1:
        return learned
    return _from_all_rows(learned, found.columns, CategoryLimits(50, 0.5, reference))


def typed_blocks(
    blocks: TableBlocks, choice: RowChoice, types: Mapping[str, Any], reading: Reading
) -> Iterator[pl.DataFrame]:
    """Blocks whose cells of text have their types, and marks for missing values are missing."""
    for block in blocks.blocks():
        if blocks.from_text:
            block = missing_marks(block, choice.target)
            block = block.with_columns(_as(block[name], dtype) for name, dtype in types.items())
        yield without_marks(block, reading.missing)


def _as(cells: pl.Series, dtype: Any) -> pl.Series:
    if dtype == pl.Boolean:
        lower = cells.str.strip_chars().str.to_lowercase()
        return (lower == "true").alias(cells.name)
    return cells.cast(dtype, strict=True)


def _whole_only(reading: Reading) -> bool:
    return reading.decimal == "," or reading.thousands is not None


def _types_of_text(blocks: TableBlocks, choice: RowChoice, *, whole_only: bool) -> dict[str, Any]:
    """The type that holds every value of a column, of those that are not text.

    As `typed_columns` does it: whole numbers with leading zeros are codes, and stay text.
    """
    possible = {
        name: {pl.Int64: True, pl.Float64: not whole_only, pl.Boolean: True}
        for name in blocks.names if name != choice.target
    }  # fmt: skip
    zeros, seen = set(), set()
    for block in blocks.blocks():
        block = missing_marks(block, choice.target)
        for name, types in possible.items():
            cells = block[name].drop_nulls()
            if not len(cells):
                continue
            seen.add(name)
            if name not in zeros and cells.str.contains(r"^\s*0[0-9]").any():
                zeros.add(name)
            for dtype in (pl.Int64, pl.Float64):
                if types[dtype]:
                    types[dtype] = not cells.cast(dtype, strict=False).null_count()
            if types[pl.Boolean]:
                lower = cells.str.strip_chars().str.to_lowercase()
                types[pl.Boolean] = bool(lower.is_in(["true", "false"]).all())
    chosen: dict[str, Any] = {}
    for name, types in possible.items():
        if name not in seen or (types[pl.Int64] and name in zeros):
            continue
        fitting = [dtype for dtype, fits in types.items() if fits]
        if fitting:
            chosen[name] = fitting[0]
    return chosen


class _Sample:
    """Every row, up to so many bytes; then every second, fourth … of them."""

    def __init__(self, room: int) -> None:
        self.stride, self.rows = 1, 0
        self._room, self._parts, self._bytes = room, Pieces(), 0

    def add(self, rows: pl.DataFrame) -> None:
        part = rows.gather_every(self.stride, -self.rows % self.stride) if rows.height else rows
        self.rows += rows.height
        self._parts.add(part)
        self._bytes += int(part.estimated_size())
        while self._bytes > self._room and self._parts.rows > 2:
            whole = self.joined().gather_every(2)
            self._parts, self._bytes = Pieces(), int(whole.estimated_size())
            self._parts.add(whole)
            self.stride *= 2

    def joined(self) -> pl.DataFrame:
        return self._parts.joined(rechunk=True)


def _labels(
    sample: pl.DataFrame, chooser: RowChooser, choice: RowChoice
) -> tuple[pl.Series, tuple[str, ...]]:
    """A target column for the sample in which every label occurs, refused if these are no classes.

    Nothing else is learned from it than the classes.
    """
    column = sample[choice.target]
    few = [label for label, rows in chooser.labels.items() for _ in range(min(rows, _ENOUGH))]
    texts = pl.Series(choice.target, few, dtype=pl.String)
    dtype = column.dtype if column.dtype.is_numeric() or column.dtype == pl.Boolean else pl.String
    every = texts.str.to_lowercase() == "true" if dtype == pl.Boolean else texts.cast(dtype)
    settled = settled_labels(
        pl.DataFrame({choice.target: every}), choice.target,
        kind="category" if choice.literal_target else "", from_text=choice.from_text,
    )  # fmt: skip
    select_rows(settled.frame, choice.target)
    classes = settled.frame[choice.target].unique(maintain_order=True)
    if sample.height < len(classes):
        got = f"{len(classes):,}, and room for {sample.height:,} rows"
        raise InputError(f"target {shown(choice.target)}", "fewer classes", got, "raise memory")
    return classes.gather(np.arange(sample.height) % len(classes)), settled.notes


def _from_all_rows(
    learned: LearnedTable, recognised: Mapping[str, RecognisedColumn], limits: CategoryLimits
) -> LearnedTable:
    """The schema with what all training rows say."""
    numbers: dict[str, NumberMoments] = {}
    texts: dict[str, CategoryCounts] = {}
    dates: dict[str, _DateMoments] = {}
    schema = learned.schema
    kinds = {column.name: column for column in schema.columns}
    kinds |= _constant(learned, recognised)
    missing = dict.fromkeys(learned.sample.columns, 0)
    for rows in learned.divided():
        for series in rows.train.get_columns():
            missing[series.name] += series.null_count()
        for name, column in kinds.items():
            series = rows.train[name]
            if isinstance(column, NumberColumn):
                values = as_numbers(read_numbers(series, column))
                numbers.setdefault(name, NumberMoments()).add(values)
            elif isinstance(column, CategoryColumn):
                text = series if series.dtype == pl.String else as_text(series)
                texts.setdefault(name, CategoryCounts()).add(_bare(text, learned.choice.from_text))
            elif isinstance(column, DateColumn):
                dates.setdefault(name, _DateMoments(column)).add(read_dates(series, column))
    medians = _medians(learned, {
        name: kinds[name] for name, found in numbers.items() if found.present
    })  # fmt: skip
    exact: dict[str, Column | LeftOut] = {}
    for name, column in kinds.items():
        if isinstance(column, NumberColumn):
            exact[name] = _number(column, numbers[name], medians.get(name, column.median))
        elif isinstance(column, CategoryColumn):
            exact[name] = _category(column, texts[name], limits, recognised)
        elif isinstance(column, DateColumn):
            exact[name] = dates[name].column()
        else:
            exact[name] = column
    columns = tuple(c for c in exact.values() if not isinstance(c, LeftOut))
    order = {name: i for i, name in enumerate(learned.sample.columns)}
    left_out = [c for c in schema.left_out if c.name not in exact]
    left_out += [c for c in exact.values() if isinstance(c, LeftOut)]
    single = frozenset(name for name, found in numbers.items() if found.single)
    schema = replace(
        schema,
        columns=tuple(sorted(columns, key=lambda c: order[c.name])),
        left_out=tuple(sorted(left_out, key=lambda c: order[c.name])),
        findings=tuple(
            column_finding(
                exact[f.name],
                _said_of_a_sample(recognised.get(f.name, NOTHING_SAID), learned.stride),
                missing[f.name],
            )
            if f.name in exact
            else replace(f, missing=missing[f.name])
            for f in schema.findings
        ),
    )
    return replace(learned, schema=schema, single=single)


def _said_of_a_sample(known: RecognisedColumn, stride: int) -> RecognisedColumn:
    return replace(known, why=known.why and f"{known.why} (of every {stride}th row)")


def _bare(text: pl.Series, from_text: bool) -> pl.Series:
    return text.str.strip_chars() if from_text else text


def _constant(
    learned: LearnedTable, recognised: Mapping[str, RecognisedColumn]
) -> dict[str, Column]:
    """Columns that the sample shows one value of, or none: others may be in other rows."""
    found: dict[str, Column] = {}
    for column in learned.schema.left_out:
        if column.reason == "dropped as asked" or column.name in recognised:
            continue
        series = learned.sample[column.name]
        if series.drop_nulls().n_unique() > 1:
            continue
        name, dtype = column.name, type_name(series)
        if is_number(series):
            found[name] = NumberColumn(name, dtype, 0.0, 0.0, 1.0, indicator=False)
        elif series.dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum):
            found[name] = CategoryColumn(name, dtype, ("",), 0, has_missing=False)
    return found


def _number(column: NumberColumn, found: NumberMoments, median: float) -> Column | LeftOut:
    if not found.present:
        return LeftOut(column.name, "it has no values", "they have no values")
    mean, scale = found.with_missing_at(median)
    if scale == 0 and not found.missing:
        constant = "they are the same in every training row"
        return LeftOut(column.name, f"it is {found.low:g} in every training row", constant)
    return replace(column, median=median, mean=mean, scale=scale, indicator=found.missing > 0)


def _category(
    column: CategoryColumn,
    found: CategoryCounts,
    limits: CategoryLimits,
    recognised: Mapping[str, RecognisedColumn],
) -> Column | LeftOut:
    if not found.present:
        return LeftOut(column.name, "it has no values", "they have no values")
    known = recognised.get(column.name)
    forced = known is not None and known.kind == "category"
    return learn_category(
        column.name, column.dtype, found.frame(), found.present, found.missing, limits,
        forced=forced or found.sketched,
    )  # fmt: skip


class _DateMoments:
    """The parts of dates, of all training rows."""

    def __init__(self, column: DateColumn) -> None:
        self._column = column
        self._parts = {part.part: NumberMoments() for part in column.parts}
        self._first, self._missing = np.inf, False

    def add(self, dates: pl.Series) -> None:
        missing = dates.is_null().to_numpy()
        self._missing = self._missing or bool(missing.any())
        values = date_parts(dates, self._column.origin)
        for part, moments in self._parts.items():
            moments.add(np.where(missing, np.nan, values[part]))
        days = days_of(dates)
        if not missing.all():
            self._first = min(self._first, float(np.floor(np.nanmin(days))))

    def column(self) -> Column:
        away = self._column.origin - self._first  # the first day of all rows is the origin
        parts = []
        for part, moments in self._parts.items():
            mean, scale = moments.with_missing_at(moments.mean)
            scale *= np.sqrt((moments.present + moments.missing) / max(moments.present, 1))
            mean += away if part == "in days" else 0.0
            parts.append(DatePart(part, float(mean), float(scale)))
        return replace(
            self._column, origin=self._first, parts=tuple(parts), indicator=self._missing
        )


def _medians(learned: LearnedTable, columns: Mapping[str, Any]) -> dict[str, float]:
    """Exact medians of columns of numbers: near which values they are, the sample says."""
    if not columns:
        return {}
    looked_for = {name: _Median(_values(learned.sample, c)) for name, c in columns.items()}
    while any(not m.found for m in looked_for.values()):
        for median in looked_for.values():
            median.begin()
        for rows in learned.divided():
            for name, median in looked_for.items():
                if not median.found:
                    median.add(_values(rows.train, columns[name]))
        for median in looked_for.values():
            median.end()
    return {name: median.value for name, median in looked_for.items()}


def _values(frame: pl.DataFrame, column: NumberColumn) -> NDArray[np.float64]:
    values = as_numbers(read_numbers(frame[column.name], column))
    return values[~np.isnan(values)]


class _Median:
    """Looks for a median between two values, of which the sample says that it is between them."""

    def __init__(self, sample: NDArray[np.float64]) -> None:
        self._sample = np.sort(sample)
        self._ranks = _RANKS
        self.found, self.value = False, 0.0

    def begin(self) -> None:
        n = self._sample.size
        away = self._ranks * 0.5 / max(np.sqrt(n), 1.0) + 1.0 / max(n, 1)
        ends = np.array([0.5 - away, 0.5 + away])
        self._low, self._high = -np.inf, np.inf
        if n and ends[0] > 0:
            self._low, self._high = np.quantile(self._sample, ends)
        self._below = self._rows = 0
        self._between: list[NDArray[np.float64]] = []
        self._counts: list[NDArray[np.int64]] = []

    def add(self, values: NDArray[np.float64]) -> None:
        """Count the values below, and keep those between: each once, with how often it occurs."""
        self._rows += values.size
        self._below += int((values < self._low).sum())
        here, counts = np.unique(
            values[(values >= self._low) & (values <= self._high)], return_counts=True
        )
        self._between.append(here)
        self._counts.append(counts.astype(np.int64))
        if sum(part.size for part in self._between) > _MOST_BETWEEN:
            self._merge()

    def _merge(self) -> None:
        values, place = np.unique(np.concatenate(self._between), return_inverse=True)
        counts = np.zeros(values.size, np.int64)
        np.add.at(counts, place, np.concatenate(self._counts))
        self._between, self._counts = [values], [counts]

    def end(self) -> None:
        """Take the middle of all values, if it is between; else look further away."""
        if self.found:
            return
        self._merge()
        until = self._below + np.cumsum(self._counts[0])
        middle = [(self._rows - 1) // 2, self._rows // 2]
        last = until[-1] if until.size else self._below
        if middle[0] < self._below or middle[1] >= last:
            self._ranks *= 8
            return
        at = np.searchsorted(until, middle, side="right")
        self.value = float(self._between[0][at].sum() / 2)
        self.found = True
