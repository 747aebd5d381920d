"""A fit of a table that is read block by block, and never whole."""

from __future__ import annotations

import os
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from pminusy.api.evaluation import row_weights
from pminusy.api.fit.training_options import TrainingOptions
from pminusy.api.fit.training_run import TableRows, TrainingRun
from pminusy.api.fit.understood import divided
from pminusy.api.fitted import Fitted
from pminusy.api.table_model import TableModel
from pminusy.errors import InputError
from pminusy.estimators.model_file import check_size
from pminusy.estimators.scores import assess, score
from pminusy.estimators.softmax_fit import PlainRegression
from pminusy.tables.columns.giveaway import giveaways
from pminusy.tables.design import design_matrix, encode_target
from pminusy.tables.reading import Reading, kinds_of
from pminusy.tables.streaming.choosing import RowChoice
from pminusy.tables.streaming.learned import LearnedTable, learn_table
from pminusy.tables.streaming.pieces import Pieces
from pminusy.tables.streaming.sources import table_blocks
from pminusy.tables.streaming.store import RowStore, StoredRows, bytes_a_row, make_folder
from pminusy.tables.wording import count, shown

if TYPE_CHECKING:
    from pminusy.tables.schema import Schema
    from pminusy.training.solvers.solution import ProgressCallback

__all__ = ["FIT", "bytes_of", "fit_streamed", "refuse_whole", "room_of", "table_rows"]

_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20,
          "GIB": 1 << 30}  # fmt: skip
_LEAST = 64 << 20  # bytes of rows, with all that is made of them
_SPARE = 160 << 20  # for the compiler, the heap's gaps, and what Polars reads ahead
FIT = 0.75  # share of the bytes for the rows of a fit; parameters and scores are beside them
_SAMPLE, _JUDGED = 16, 8  # shares of the bytes for the sample, and for rows that are judged


def bytes_of(memory: Any) -> int:
    """A number of bytes: 2147483648, "2GiB", "500 MB".

    Raises
    ------
    InputError
        Something else.
    """
    text = str(memory).replace("_", "").strip().upper()
    number = text.rstrip("KMGIB ")
    unit = text[len(number) :].strip()
    with suppress(ValueError):
        if unit in _UNITS and not isinstance(memory, bool) and 0 < float(number) < 1e18:
            return int(float(number) * _UNITS[unit])
    raise InputError("memory", "bytes, such as 2GiB or 500MB", shown(str(memory)))


def refuse_whole(**given: Any) -> None:
    """Refuse options that need the whole table, by name."""
    for name, value in given.items():
        if value:
            remedy = "leave memory out: the table is then read whole"
            raise InputError(name, "none beside memory", "one", remedy)


def fit_streamed(
    table: Any,
    target: str,
    options: TrainingOptions,
    *,
    memory: int,
    workdir: str | os.PathLike[str] | None,
    weight: str | None,
    drop: tuple[Any, ...],
    as_: Any,
    reading: Reading,
    progress: ProgressCallback | None,
    train: Callable[[Any, TableRows], dict[str, type[Warning]]],
) -> TableModel:
    """Train on a table within `memory` bytes; see `fit_table`."""
    started, room = perf_counter(), room_of(memory)
    if not isinstance(target, str):
        raise InputError("target", "the name of a column, as text", repr(target))
    blocks = table_blocks(table, reading)
    kinds = kinds_of(as_, blocks.names)
    label = kinds.pop(target, "")
    if label not in ("", "category"):
        raise InputError(f"as {shown(target)}", "category, for the target", shown(label))
    drop = divided(drop, blocks.names)
    choice = RowChoice(
        target, weight, options.test_size, options.seed, bool(label), blocks.from_text
    )
    learned = learn_table(
        blocks, choice, room=room // _SAMPLE, reading=reading, kinds=kinds, drop=drop,
        reference=options.unpenalised,
    )  # fmt: skip
    check_size("table", learned.schema.to_json())
    if not learned.held_out:
        got = f"none of {count(learned.train, 'row')}"
        remedy = "leave memory out, or set a larger test size"
        raise InputError("test size", "rows that are held out beside memory", got, remedy)
    rows, held_out = _converted(learned, workdir, room // _JUDGED)
    schema = learned.schema
    labels = rows.labels()[0 : rows.shape[0] if options.folds else 0].astype(np.intp)
    clf = options.estimator(labels, schema.classes, progress, part="")
    clf = clf.regression if isinstance(clf, PlainRegression) else clf
    clf.table_ = options.of_table(schema)
    clf.memory = int(FIT * room_of(memory))
    if options.network is not None:  # whose steps depend on it: the same in the next process
        clf.memory = 1 << (clf.memory.bit_length() - 1)
    nothing = np.empty(0, np.int64)
    training = TableRows(learned.sample, nothing, rows, rows.labels(), rows.weights(), ())  # type: ignore[arg-type]  # all read by slices
    said = train(clf, training)
    fitted = _fitted(clf, schema, rows, options)
    calibration = None
    if options.calibrate:
        from pminusy.api.fit.calibrated import calibrated

        fitted, calibration = calibrated(fitted, held_out, options.seed)
    log_p = fitted.log_probabilities(held_out.X)
    found = assess(held_out.y, log_p, held_out.weight, predicted=fitted.decided(log_p))
    baseline = np.broadcast_to(np.log(fitted.shares), log_p.shape)
    beside = None
    if options.network is not None and clf.end_ != "interrupt":
        from pminusy.api.fit.beside import compared

        beside = compared(fitted, options, clf, training, held_out, memory=clf.memory)
    run = TrainingRun(
        name=Path(table).name if isinstance(table, str | os.PathLike) else "table",
        rows_dropped=learned.unlabelled + learned.weightless,
        training=training,
        held_out=held_out,
        scores=found.scores,
        baseline=score(held_out.y, baseline, held_out.weight),
        ranking=found.ranking,
        intervals=found.intervals,
        judged=fitted,
        fit=clf,
        calibration=calibration,
        seconds=perf_counter() - started,
        row_notes=(*learned.notes, *_row_notes(learned)),
        schema_notes=schema.notes,
        split_notes=_split_notes(learned, held_out),
        training_notes=_giveaways(learned),
        warnings=tuple(said),
        beside=beside,
    )
    for message, category in said.items():
        warnings.warn(message, category, stacklevel=3)
    parts: dict[str, Any] = vars(fitted) | {"converged": run.converged, "notes": run.notes}
    return TableModel(**parts, record=run)


def room_of(memory: int) -> int:
    """Bytes that rows may take, with all that is made of them: what the process has not yet.

    Raises
    ------
    InputError
        Too few.
    """
    from pminusy.estimators import softmax_regression

    assert softmax_regression  # libraries are loaded first: they are in memory from then on
    before = _resident() + _SPARE
    room = memory - before
    if room < _LEAST:
        expected = f"at least {(before + _LEAST) / 2**20:,.0f} MiB"
        got = f"{memory / 2**20:,.0f} MiB, of which programs need {before / 2**20:,.0f} MiB"
        raise InputError("memory", expected, got)
    return room


def _resident() -> int:
    """Bytes of the process that are in memory now."""
    try:
        with Path("/proc/self/statm").open() as numbers:
            return int(numbers.read().split()[1]) * resource.getpagesize()
    except OSError:  # no Linux: the most there ever were
        unit = 1 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _converted(
    learned: LearnedTable, workdir: str | os.PathLike[str] | None, room: int
) -> tuple[StoredRows, TableRows]:
    """The training rows in a folder, and the held-out ones that are judged in memory."""
    schema, single = learned.schema, learned.single
    needed = learned.train * bytes_a_row(schema, single)
    store = RowStore(make_folder(workdir, needed), schema, single)
    a_row = 24 * len(schema.classes) + 8 * len(schema.feature_names) + 64
    stride = max(1, -(-learned.held_out * a_row // room))
    kept, index = Pieces(), list[Any]()
    seen = 0
    try:
        for rows in learned.divided():
            store.write(rows.train)
            chosen = slice(-seen % stride, None, stride)
            seen += rows.held_out.height
            kept.add(rows.held_out[chosen])
            index.append(rows.held_out_index[chosen].copy())  # a view would keep all of them
    finally:
        store.close()
    held_out = table_rows(kept.joined(), np.concatenate(index), schema)
    return store.finished(), held_out


def table_rows(frame: pl.DataFrame, index: Any, schema: Schema) -> TableRows:
    """Rows of a frame under a schema, with their places in the table."""
    X, notes = design_matrix(frame, schema)
    return TableRows(
        frame, index, X, encode_target(frame, schema), row_weights(frame, schema), notes
    )


def _fitted(clf: Any, schema: Schema, rows: StoredRows, options: TrainingOptions) -> Fitted:
    W, b = clf.parameters_
    settings = options.settings(
        getattr(clf, "C_", options.C[0]), getattr(clf, "l1_ratio_", options.l1_ratio[0])
    )
    settings["training rows"] = rows.shape[0]
    shares = rows.weight_of_class / rows.weight_of_class.sum()
    return Fitted(schema, W, b, shares, settings, hidden=getattr(clf, "hidden_", None))


def _row_notes(learned: LearnedTable) -> tuple[str, ...]:
    counts: Mapping[str, int] = {
        "without a target": learned.unlabelled, "of weight 0": learned.weightless
    }  # fmt: skip
    return tuple(f"{count(n, 'row')} {which} left out" for which, n in counts.items() if n)


def _split_notes(learned: LearnedTable, held_out: TableRows) -> tuple[str, ...]:
    notes = ["the model is not trained again on the held-out rows: memory leaves that out"]
    if held_out.y.size < learned.held_out:
        notes.append(f"scores are of {held_out.y.size:,} of {learned.held_out:,} held-out rows")
    return tuple(notes)


def _giveaways(learned: LearnedTable) -> tuple[str, ...]:
    frame, schema = learned.sample, learned.schema
    columns = [frame[column.name] for column in schema.columns]
    return giveaways(columns, encode_target(frame, schema), schema.target)
