"""From a table to a trained, scored classifier in one call."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.api.evaluation import row_weights, test_rows
from pminusy.api.fit.network_options import network_options
from pminusy.api.fit.repeated import Judged, repeated_scores
from pminusy.api.fit.thresholded import threshold_of, threshold_request
from pminusy.api.fit.training_options import MAX_ITER, TOL, TrainingOptions, training_options
from pminusy.api.fit.training_run import Refitted, TableRows, TrainingRun
from pminusy.api.fit.understood import understood
from pminusy.api.fitted import Fitted
from pminusy.api.table_model import TableModel
from pminusy.errors import InputError
from pminusy.estimators.intervals import Intervals
from pminusy.estimators.model_file import check_size
from pminusy.estimators.parameters.checks import require_count
from pminusy.estimators.scores import Assessment, Scores, assess, score
from pminusy.estimators.split import split_in_time, split_rows
from pminusy.tables.columns.giveaway import giveaways
from pminusy.tables.design import design_matrix, encode_target, learn_schema, select_rows
from pminusy.tables.reading import reading_of
from pminusy.tables.target import SelectedRows, group_numbers, row_times
from pminusy.tables.wording import count, listed, shown

if TYPE_CHECKING:
    from pminusy.api.fit.calibrated import Calibration
    from pminusy.tables.schema import Schema
    from pminusy.training.solvers.solution import ProgressCallback

__all__ = ["fit_table"]

Indices = NDArray[np.intp]
MOST_REPEATS = 1000


def fit_table(
    table: str | PathLike[str] | pl.DataFrame | Any,
    target: str,
    *,
    drop: str | Sequence[str] = (),
    weight: str | None = None,
    groups: str | None = None,
    time: str | None = None,
    as_: str | Sequence[str] | Mapping[str, str] | None = None,
    missing: str | Sequence[str] = (),
    header: bool = True,
    sep: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    sheet: str | None = None,
    C: float | Sequence[float] | None = None,
    l1_ratio: float | Sequence[float] = 0.0,
    cv: int | None = None,
    solver: str = "auto",
    class_weight: str | Mapping[str, float] | None = None,
    hidden: int | Sequence[int] | None = None,
    activation: str | None = None,
    dropout: float = 0.0,
    batch_norm: bool = False,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    alpha: float | None = None,
    early_stopping: bool = False,
    checkpoint: str | PathLike[str] | None = None,
    restart: bool = False,
    calibrate: bool = False,
    threshold: float | str | None = None,
    positive: str | None = None,
    test_size: float | None = None,
    test: str | PathLike[str] | pl.DataFrame | Any = None,
    repeats: int = 1,
    refit: bool = True,
    seed: int = 0,
    tol: float = TOL,
    max_iter: int = MAX_ITER,
    time_limit: float | None = None,
    keep_interrupted: bool = False,
    memory: int | str | None = None,
    workdir: str | PathLike[str] | None = None,
    scheduler: str | None = None,
    dask_workers: int | None = None,
    progress: ProgressCallback | None = None,
) -> TableModel:
    """Train a softmax classifier on a table: C Σ_i ω_i L_i + ½ ‖W‖² over standardised columns.

    Numbers are standardised and missing ones imputed by the median, with an indicator; text,
    booleans and categories become one column a value, names one a word; dates become days, and
    sines and cosines of the year, the week and the day. Numbers are read where they have thousands,
    currencies, percent signs or marks for missing values. `str(model.schema)` says what each column
    was taken for and why, and the notes what was left out.

    Parameters
    ----------
    table
        Path of a CSV, TSV, Excel, Parquet or Feather file or of JSON lines, packed as .gz or .zst
        too; a folder of such files, or a glob; "-" for standard input; or a Polars or pandas frame.
    target
        Column to predict.
    drop
        Columns to leave out; "a,b" is two unless a column has that name.
    weight
        Column of row weights, ≥ 0.
    groups
        Column of groups (patients, say): rows of one are held out together, and are in one fold.
    time
        Column of dates or numbers: the latest rows are held out, and folds test on the rows after
        those they train on. Not together with groups.
    as_
        What columns are: "zip=category,day=date", or a mapping; "number", "category", "words",
        "date", and "dmy" or "mdy" for dates whose day or month comes first. Of the target,
        "category" keeps labels that say NA.
    missing
        Cells that mean a missing value, in every column, beside empty ones, NA and the like.
    header
        Whether the first line names the columns; without, they are column_1, column_2 …
    sep, decimal, thousands, encoding, comment
        How a file of text is written, where it does not show: the sign between cells, before
        decimals and between thousands, its encoding (UTF-8), how comments begin.
    sheet
        Which sheet of an Excel file, where it has several.
    C
        Inverse strength of the penalty, as in scikit-learn; `inf` for none; 1 if not given. Of
        several values the one with the least log loss in cross-validation is taken.
    l1_ratio
        ρ of the elastic net, (1 − ρ)/2 ‖W‖² + ρ ‖W‖₁; several values like those of C.
    cv
        Folds of the cross-validation, 5 if not given; alone, ten values of C are tried.
    solver
        As in `SoftmaxRegression`.
    class_weight
        "balanced", or weights by class (1 for those not named), in training.
    hidden
        Units of hidden layers, 64 or (64, 64): a network before the softmax, trained by Adam as
        `SoftmaxNetwork` is. C, l1_ratio, cv, solver, tol and max_iter are the regression's.
    activation
        Of the hidden layers: "relu" if not given, "tanh", "logistic", "gelu" or "identity".
    dropout
        Share of the hidden units dropped in each step.
    batch_norm
        Whether each hidden layer is normalised before its activation.
    epochs
        Visits to the rows at most; 200 if not given.
    batch_size, learning_rate, alpha
        Rows a step (a 32nd of all, from 16 to 200, if not given), learning rate (0.001) and ridge
        penalty (0.0001).
    early_stopping
        Whether a tenth of the training rows says when to stop, and which epoch is kept.
    checkpoint
        A file to which training is written every 30 seconds, and from which it goes on where there
        is one; one of other data or options is refused. That of the refit is beside it, with
        "-refit" in its name. Not together with cross-validation or repeats.
    restart
        Whether checkpoints that are there are replaced, and not gone on from.
    calibrate
        Whether one temperature, fitted to the held-out rows, rescales the model.
    threshold
        Of two classes, the probability from which the positive one is predicted; or what it is
        chosen by on training rows out of fold: "accuracy", "balanced-accuracy", "f1", or costs of
        a missed and of a false positive, "cost=5:1". Without, the most probable class is predicted.
    positive
        The positive class; the second in natural order if not given.
    test_size
        Share of the rows of each class that is held out to score the model, 0.2 if not given; 0 for
        none.
    test
        A table to score the model on, in place of rows held out.
    repeats
        Splits to score on, up to 1,000, of other seeds from the second on, each with a fit of its
        own: the mean and the spread of the scores are said in a note and kept as `run.repeated`.
    refit
        Whether the model is trained again on all rows after it was scored. `run` is about the
        model that was scored; the coefficients, the summary and the file are of the second.
    seed
        Chooses which.
    tol
        Converged when no entry of the gradient of the mean objective is larger.
    max_iter
        Largest number of iterations.
    time_limit
        Seconds after which training ends with the best parameters so far; None for no limit.
    keep_interrupted
        Whether an interrupt (Ctrl-C) while training leaves the best so far instead of being raised.
    memory
        Bytes of memory the process may take, such as "2GiB". The table is then read block by block
        and never whole: a folder, a glob, a file (Parquet, Feather, CSV) or a Polars LazyFrame.
        Rows are held out by a hash of their number and of the seed, and the model is not trained
        again on them. Not together with groups, time, a test table, repeats or a threshold.
    workdir
        Folder for the design matrix beside memory; that of temporary files if not given.
    scheduler
        Address of Dask's scheduler, such as "tcp://host:8786": its workers read the design matrix,
        so workdir is a folder that they see too, and fit it. memory is 2GiB if not given.
    dask_workers
        Instead: this many workers, processes of this machine, for this fit.
    progress
        Called with a `Progress` after every iteration.

    Returns
    -------
    TableModel
        The trained model; `.run` says what happened.

    Raises
    ------
    InputError
        A table, a column or an option that cannot be used.

    Warns
    -----
    ConvergenceWarning
        Training did not end at an optimum; `.run.warnings` says the same.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1.0, 2.0, 8.0, 9.0] * 5, "kind": ["a", "a", "b", "b"] * 5})
    >>> model = fit_table(frame, target="kind")
    >>> model.run.scores.accuracy
    1.0

    References
    ----------
    Bridle 1990; the convention for C is scikit-learn's.
    """
    network = network_options(
        hidden=hidden, activation=activation, dropout=dropout, batch_norm=batch_norm,
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, alpha=alpha,
        early_stopping=early_stopping,
    )  # fmt: skip
    if checkpoint is not None and repeats != 1:
        raise InputError("checkpoint", "one split beside it", f"{repeats!r} repeats")
    options = training_options(
        C=C, l1_ratio=l1_ratio, cv=cv, solver=solver, class_weight=class_weight,
        calibrate=calibrate, test_size=test_size, seed=seed,
        tol=tol, max_iter=max_iter, time_limit=time_limit, keep_interrupted=keep_interrupted,
        network=network, checkpoint=checkpoint, restart=restart,
    )  # fmt: skip
    asked = threshold_request(threshold, positive)
    _refuse_splits(target, repeats, time, groups, test, options.test_size)
    if test is not None and test_size is not None:
        raise InputError("test size", "none beside a test table", f"{test_size:g}")
    if test is not None:
        options = replace(options, test_size=0.0)
    reading = reading_of(
        missing=missing, header=header, sep=sep, decimal=decimal, thousands=thousands,
        encoding=encoding, comment=comment, sheet=sheet,
    )  # fmt: skip
    drop = _names(drop)
    distributed = scheduler is not None or dask_workers is not None
    if distributed:
        from pminusy.api.fit.on_workers import MEMORY, refuse_on_workers, training_on

        refuse_on_workers(options, scheduler, dask_workers)
        memory = MEMORY if memory is None else memory
    if workdir is not None and memory is None:
        raise InputError("workdir", "memory beside it", "none", "say how many bytes, such as 2GiB")
    if memory is not None:
        from pminusy.api.fit.streamed import bytes_of, fit_streamed, refuse_whole

        several = {"repeats": repeats > 1, "threshold": threshold, "positive": positive}
        refuse_whole(groups=groups, time=time, test=test is not None, **several)
        if distributed and network is not None:
            raise InputError("hidden", "none beside Dask", "one", "leave Dask out")
        with (
            training_on(scheduler, dask_workers, _train)
            if distributed
            else nullcontext(_train) as train
        ):
            return fit_streamed(
                table, target, options, memory=bytes_of(memory), workdir=workdir, weight=weight,
                drop=drop, as_=as_, reading=reading, progress=progress, train=train,
            )  # fmt: skip
    started = perf_counter()
    whole = understood(
        table, target, weight=weight, groups=groups, time=time, drop=drop, as_=as_, reading=reading
    )
    rows = select_rows(whole.frame, target, weight)
    # Ranks, not the codes of a categorical: those depend on what Polars saw before in the process.
    labels = rows.frame[target].cast(pl.String).rank("dense").to_numpy()
    of_group = None if groups is None else group_numbers(rows.frame, groups)
    times = None if time is None else row_times(rows.frame, time)
    split = _split(labels, options.test_size, seed, of_group, times, time)

    # What the columns are is learned from the training rows alone.
    def learned(frame: pl.DataFrame) -> Schema:
        found = learn_schema(
            frame, target, drop=whole.drop, weight=weight, groups=groups,
            recognised=whole.columns, reference=options.unpenalised,
        )  # fmt: skip
        return replace(found, reading=reading, literal_target=whole.literal_target)

    def judged_on(train: Indices, apart: Indices) -> Judged:
        schema = learned(rows.frame[train])
        check_size("table", schema.to_json())
        training = _rows(rows, schema, train, of_group, times)
        held_out = (
            _rows(rows, schema, apart, of_group, times)
            if test is None
            else test_rows(test, schema, groups)
        )
        _refuse_weightless(training, schema)
        clf = options.estimator(
            training.y, schema.classes, progress, training.groups, training.times, ""
        )
        clf.table_ = options.of_table(schema)
        said = _train(clf, training)
        cut = threshold_of(asked, clf, options, training, schema.classes)
        fitted = replace(_fitted(clf, schema, training, options, groups, time), threshold=cut)
        calibration = None
        if options.calibrate:
            from pminusy.api.fit.calibrated import calibrated

            fitted, calibration = calibrated(fitted, held_out, options.seed)
        found, baseline = _scores(fitted, held_out if held_out.y.size else training, calibration)
        return Judged(fitted, clf, training, held_out, calibration, found, baseline, said)

    first = judged_on(*split)
    fitted, clf, training, held_out, calibration, found, baseline, said = first
    schema = fitted.schema
    again_by_seed = (
        judged_on(*split_rows(labels, options.test_size, seed + i, of_group))
        for i in range(1, repeats)
    )
    repeated = repeated_scores(first, again_by_seed) if repeats > 1 else None
    if repeated is not None:
        fitted = replace(fitted, settings={**fitted.settings, "repeats": repeated.splits})
    judged, refitted = fitted, None
    if refit and test is None and held_out.y.size and clf.converged_:
        of_all = learned(rows.frame)
        everything = _rows(rows, of_all, np.arange(rows.index.size), of_group, times)
        again = options.chosen(clf).estimator(
            everything.y, of_all.classes, progress, everything.groups, everything.times, "-refit"
        )
        again.table_ = options.of_table(of_all)
        said |= _train(again, everything)
        refitted = Refitted(everything, again)
        fitted = _refitted(again, of_all, everything, judged, calibration)
    beside = None
    if network is not None and clf.end_ != "interrupt":
        from pminusy.api.fit.beside import compared

        beside = compared(judged, options, clf, training, held_out)
    run = TrainingRun(
        name=_name_of(table),
        rows_dropped=rows.unlabelled + rows.weightless,
        training=training,
        held_out=held_out,
        scores=found.scores,
        baseline=baseline,
        ranking=found.ranking,
        intervals=found.intervals if held_out.y.size else Intervals(),
        judged=judged,
        refitted=refitted,
        fit=clf,
        calibration=calibration,
        seconds=perf_counter() - started,
        row_notes=(*whole.notes, *_row_notes(rows)),
        schema_notes=schema.notes,
        split_notes=()
        if test is not None
        else _split_notes(training, held_out, schema, options.test_size),
        training_notes=(
            *_giveaways(training, schema),
            *_training_notes(clf, options, training, schema, calibration),
            *_threshold_note(fitted),
            *(() if repeated is None else (repeated.sentence,)),
        ),
        repeated=repeated,
        beside=beside,
        warnings=tuple(said),
    )
    for message, category in said.items():
        warnings.warn(message, category, stacklevel=2)
    fitted = replace(
        fitted,
        converged=run.converged,
        notes=run.notes,
        held_out=None if test is not None else held_out.index.astype(np.int64),
        refitted=refitted is not None,
    )
    return TableModel(**vars(fitted), record=run)


def _names(drop: Any) -> tuple[Any, ...]:
    """One name, or several; what they name is checked against the table."""
    if isinstance(drop, str):
        return (drop,)
    if not isinstance(drop, Iterable):
        raise InputError("drop", "names of columns", repr(drop))
    return tuple(drop)


def _refuse_splits(
    target: str, repeats: Any, time: str | None, groups: str | None, test: Any, test_size: float
) -> None:
    """Refuse options of a split that say different things."""
    for what, name in (("groups", groups), ("time", time)):
        if name is not None and name == target:
            got = "the target"
            raise InputError(f"{what} {shown(name)}", "a column other than the target", got)
    require_count("repeats", repeats, 1)
    if repeats > MOST_REPEATS:
        raise InputError("repeats", f"a whole number from 1 to {MOST_REPEATS:,}", repr(repeats))
    if time is not None and groups is not None:
        raise InputError("time", "no groups beside it: one of them says what is held out", groups)
    if time is not None and test is not None:
        raise InputError("time", "no test table beside it", "one")
    if repeats > 1 and (test is not None or time is not None or test_size == 0):
        beside = "a split by time" if time is not None else "no rows held out"
        got = f"{repeats} beside {'a test table' if test is not None else beside}"
        raise InputError("repeats", "1, or rows that are held out at random", got)


def _split(
    labels: NDArray[Any],
    test_size: float,
    seed: int,
    groups: Indices | None,
    times: NDArray[np.float64] | None,
    time: str | None,
) -> tuple[Indices, Indices]:
    if times is None:
        return split_rows(labels, test_size, seed, groups)
    train, apart = split_in_time(times, test_size)
    late = np.setdiff1d(labels[apart], labels[train])
    if late.size:
        got = f"{count(late.size, 'class', 'classes')} that only the latest rows have"
        remedy = "hold out fewer rows with a smaller test size"
        raise InputError(f"time {shown(time)}", "rows of every class before others", got, remedy)
    return train, apart


def _giveaways(training: TableRows, schema: Schema) -> tuple[str, ...]:
    columns = [training.frame[column.name] for column in schema.columns]
    return giveaways(columns, training.y, schema.target)


def _rows(
    rows: SelectedRows,
    schema: Schema,
    which: Indices,
    groups: Indices | None = None,
    times: NDArray[np.float64] | None = None,
) -> TableRows:
    """Some rows under a schema, with their groups and times."""
    frame = rows.frame[which]
    X, notes = design_matrix(frame, schema)
    y, weight = encode_target(frame, schema), row_weights(frame, schema)
    of_group = None if groups is None else groups[which]
    in_time = None if times is None else times[which]
    return TableRows(frame, rows.index[which], X, y, weight, notes, of_group, in_time)


def _refuse_weightless(training: TableRows, schema: Schema) -> None:
    """Refuse weights so uneven that a class has no share of them that float64 could hold."""
    weight = np.bincount(training.y, training.weight, len(schema.classes))
    shares = weight / weight.sum()
    if not (shares > 0).all():
        name = schema.classes[int(shares.argmin())]
        expected = "weights of comparable size, so that each class has a share of them"
        got = f"class {listed([name])} with none that float64 can hold"
        raise InputError(f"weight {shown(schema.weight or '')}", expected, got, "scale them")


def _train(clf: Any, training: TableRows) -> dict[str, type[Warning]]:
    """Fit; every warning that came up, once, whoever raised it: nothing of it gets lost."""
    with _own_configuration(), warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        # scikit-learn's splitter, of small classes; the notes say it in our words
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        # … and of many classes, which a target read as labels cannot be "a regression problem" for
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        clf.fit(training.X, training.y, sample_weight=training.weight)
    said: dict[str, type[Warning]] = {}
    if clf.warnings_:
        from sklearn.exceptions import ConvergenceWarning

        said = dict.fromkeys(clf.warnings_, ConvergenceWarning)
    return said | {str(w.message): w.category for w in raised if str(w.message) not in said}


def _own_configuration() -> AbstractContextManager[None]:
    """Without what the caller has set up for scikit-learn, routing of weights say."""
    sklearn = sys.modules.get("sklearn")  # whoever has set up anything has imported it
    if sklearn is None:
        return nullcontext()
    own: AbstractContextManager[None] = sklearn.config_context(
        enable_metadata_routing=False, array_api_dispatch=False
    )
    return own


def _fitted(
    clf: Any,
    schema: Schema,
    training: TableRows,
    options: TrainingOptions,
    groups: str | None,
    time: str | None,
) -> Fitted:
    W, b = clf.parameters_
    weight = np.bincount(training.y, training.weight)
    settings = options.settings(
        getattr(clf, "C_", options.C[0]), getattr(clf, "l1_ratio_", options.l1_ratio[0])
    )
    settings["training rows"] = training.y.size
    if groups is not None:
        settings["groups"] = groups
    if time is not None:
        settings["time"] = time
    hidden = getattr(clf, "hidden_", None)
    return Fitted(schema, W, b, weight / weight.sum(), settings, hidden=hidden)


def _refitted(
    clf: Any, schema: Schema, rows: TableRows, judged: Fitted, calibration: Calibration | None
) -> Fitted:
    """The model of all rows, under the temperature and with the settings of the one scored."""
    W, b = clf.parameters_
    T = 1.0 if calibration is None else calibration.temperature
    weight = np.bincount(rows.y, rows.weight)
    shares = weight / weight.sum()
    settings = judged.settings | {"training rows": rows.y.size}
    hidden = getattr(clf, "hidden_", None)
    return replace(
        judged, schema=schema, W=W / T, b=b / T, shares=shares, settings=settings, hidden=hidden
    )


def _scores(
    fitted: Fitted, rows: TableRows, calibration: Calibration | None
) -> tuple[Assessment, Scores]:
    """Scores of the model on some rows, and those of the majority class."""
    log_p = fitted.log_probabilities(rows.X) if calibration is None else calibration.log_p_after
    baseline = np.broadcast_to(np.log(fitted.shares), log_p.shape)
    decided = fitted.decided(log_p)
    return (
        assess(rows.y, log_p, rows.weight, groups=rows.groups, predicted=decided),
        score(rows.y, baseline, rows.weight),
    )


def _threshold_note(fitted: Fitted) -> tuple[str, ...]:
    cut = fitted.threshold
    return () if cut is None else (cut.sentence(fitted.schema.classes, shown),)


def _training_notes(
    clf: Any,
    options: TrainingOptions,
    training: TableRows,
    schema: Schema,
    calibration: Calibration | None,
) -> tuple[str, ...]:
    notes = []
    if len(options.C) > 1 and clf.C_ in (options.C[0], options.C[-1]):
        which = "smallest" if options.C[0] == clf.C_ else "largest"
        notes.append(f"C = {clf.C_:g} is the {which} tried: the best may lie beyond")
    if options.folds is not None:
        rows = np.bincount(training.y, minlength=len(schema.classes))
        small = [schema.classes[k] for k in np.flatnonzero(rows < options.folds)]
        if small:
            notes.append(f"classes with fewer training rows than folds: {listed(small)}")
    if options.calibrate and calibration is None:
        notes.append(
            "not calibrated: no temperature is best where held-out rows are all predicted right"
        )
    return tuple(notes)


def _row_notes(rows: SelectedRows) -> tuple[str, ...]:
    counts = ((rows.unlabelled, "without a target"), (rows.weightless, "of weight 0"))
    return tuple(f"{count(n, 'row')} {which} left out" for n, which in counts if n)


def _split_notes(
    training: TableRows, held_out: TableRows, schema: Schema, test_size: float
) -> tuple[str, ...]:
    if test_size == 0:
        return ("no rows were held out: the scores are of the training rows",)
    if held_out.y.size == 0:
        return ("too few rows to hold any out: the scores are of the training rows",)
    single = np.flatnonzero(np.bincount(training.y, minlength=len(schema.classes)) == 1)
    alone = [schema.classes[k] for k in single if k not in held_out.y]
    if not alone:
        return ()
    return (f"classes with a single row stay in training and are not scored: {listed(alone)}",)


def _name_of(table: Any) -> str:
    return Path(table).name if isinstance(table, str | PathLike) else "table"
