"""A trained model of a table: predict, evaluate, save, load."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import pminusy
from pminusy.api.evaluation import Evaluation, evaluate
from pminusy.api.explain import explain_row
from pminusy.api.fitted import Fitted
from pminusy.api.network.model_file import decoded, encoded
from pminusy.errors import InputError, TableWarning
from pminusy.estimators.model_file import MODEL_SUFFIXES_OF_OTHERS, load_model, save_model
from pminusy.estimators.threshold import Threshold
from pminusy.extras import needing_extra
from pminusy.files import refuse_suffix
from pminusy.tables import target
from pminusy.tables.design import design_matrix
from pminusy.tables.files import read_table
from pminusy.tables.joining import beside
from pminusy.tables.reading import Reading
from pminusy.tables.schema import Schema
from pminusy.tables.units import feature_units
from pminusy.tables.wording import shortened

if TYPE_CHECKING:
    import polars as pl

    from pminusy.api.fit.training_run import TrainingRun
    from pminusy.derivation.steps.derivation import Derivation
    from pminusy.estimators.inference import Summary

__all__ = ["TableModel", "load"]

_INFINITE = "inf"

Table = Any  # a path, a Polars frame or a pandas frame


@dataclass(frozen=True, eq=False, repr=False)
class TableModel(Fitted):
    """Softmax classifier for rows of a table: p = softmax(W x + b), x the standardised features.

    Of a network x are the last hidden units, made from the features by `hidden`.
    `fit_table` makes one, `load` reads one. Attributes are those of `Fitted`, and `run`.
    """

    record: TrainingRun | None = None

    def __repr__(self) -> str:
        K, D = len(self.schema.classes), len(self.schema.feature_names)
        through = "" if self.hidden is None else f", {self.settings.get('hidden')} hidden units"
        return f"<TableModel {self.schema.target!r}: {K} classes from {D} features{through}>"

    @property
    def run(self) -> TrainingRun:
        """Record of the fit; an `InputError` for a model that was loaded from a file."""
        if self.record is None:
            got = "one loaded from a file"
            raise InputError("record of the fit", "a model just trained", got, "fit it again")
        return self.record

    def predict(self, table: Table, *, keep_columns: str | Sequence[str] = ()) -> Any:
        """Class and probabilities of each row.

        Parameters
        ----------
        table
            Path, Polars frame or pandas frame with the columns the model was trained on.
        keep_columns
            Columns of the table to have before the predictions: names, "a,b", or "all".

        Returns
        -------
        frame
            Column `prediction`, then a column `p(class)` for each class: pandas (with the same
            index) for a pandas frame, Polars otherwise.

        Raises
        ------
        InputError
            A column is lacking or is of another kind than in training.

        Warns
        -----
        TableWarning
            Unseen categories, missing values, columns that are not used: all of it, once.
        """
        frame = self.read(table)
        predictions, notes = self.predictions(frame)
        if keep_columns:
            predictions = beside(frame, predictions, keep_columns)
        _warn("predict", notes)
        if type(table).__module__.partition(".")[0] != "pandas":
            return predictions
        import pandas  # the caller's own

        columns = {name: predictions[name].to_list() for name in predictions.columns}
        return pandas.DataFrame(columns, index=table.index)

    def read(self, table: Table, reading: Reading | None = None) -> pl.DataFrame:
        """Read a table as the model knows it: a category "007" of a CSV stays text.

        `reading` is how the file is written, where that is not as in training.
        """
        schema = self.schema
        literal = (schema.target,) if schema.literal_target else ()
        how = schema.reading if reading is None else reading
        return read_table(table, text=schema.text_columns, literal=literal, reading=how)

    def predict_blocks(
        self,
        table: Any,
        output: str | PathLike[str],
        *,
        keep_columns: str | Sequence[str] = (),
        memory: int | str = "1GiB",
    ) -> int:
        """Write class and probabilities of each row of a table that is read block by block.

        Parameters
        ----------
        table
            A folder, a glob, a file (Parquet, Feather, CSV) or a Polars LazyFrame.
        output
            A file, CSV, Parquet or Feather by its name, written whole or not at all; or, where
            several files go in, a folder that is there: a file for each goes there.
        keep_columns
            Columns of the table to write before the predictions: names, "a,b", or "all".
        memory
            Bytes the process may take.

        Returns
        -------
        int
            Number of rows; their order is that of the table.

        Raises
        ------
        InputError
            As `predict`; a table that cannot be read by blocks; a place that cannot be written.

        Warns
        -----
        TableWarning
            As `predict`.
        """
        from pminusy.api.predict_blocks import predict_blocks

        written = predict_blocks(self, table, output, keep_columns=keep_columns, memory=memory)
        _warn("predict", written.notes)
        return written.rows

    def predictions(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """Like `predict` for a Polars frame, and what had to be said about its columns."""
        import polars as pl

        X, notes = design_matrix(frame, self.schema)
        log_p = self.log_probabilities(X)
        p = np.exp(log_p)
        labels = target.decode_labels(self.decided(log_p), self.schema).alias("prediction")
        columns = [pl.Series(f"p({name})", p[:, k]) for k, name in enumerate(self.schema.classes)]
        return pl.DataFrame([labels, *columns]), notes

    def evaluate(
        self,
        table: Table,
        *,
        groups: str | None = None,
        memory: int | str | None = None,
        workdir: str | PathLike[str] | None = None,
    ) -> Evaluation:
        """Score the model on a table that has the target column.

        Parameters
        ----------
        table
            Path, folder, glob, Polars frame or pandas frame; beside memory a folder, a glob, a file
            (Parquet, Feather, CSV) or a Polars LazyFrame.
        groups
            Column of groups, for the intervals: rows of one are not independent. That of training,
            where the table has it, if not given.
        memory
            Bytes of memory the process may take, such as "1GiB". The table is then read block by
            block; scores and intervals are those of all rows, to rounding.
        workdir
            Folder for probabilities beside memory; that of temporary files if not given.

        Returns
        -------
        Evaluation
            Scores with intervals, beside those of the majority class; rows without a label, and
            rows whose label the model never saw, are counted in `notes` and left out.

        Raises
        ------
        InputError
            As `predict`; no target column; no row with a label the model knows.

        Warns
        -----
        TableWarning
            As `predict`, and rows that are left out.
        """
        if memory is not None:
            from pminusy.api.evaluate_blocks import evaluate_blocks

            result = evaluate_blocks(self, table, memory=memory, workdir=workdir, groups=groups)
        elif workdir is not None:
            raise InputError("workdir", "memory beside it", "none", "say how many bytes")
        else:
            name = Path(table).name if isinstance(table, str | PathLike) else "table"
            result = evaluate(self, self.read(table), groups, name)
        _warn("evaluate", result.of_the_table)
        return result

    def explain(self, row: Table, **options: Any) -> Derivation:
        """Derive the loss and gradient of one row of a table, every line proved.

        Parameters
        ----------
        row
            A mapping from columns to values, or a table with a single row; with the target.
        **options
            How to show it and options of the loss, as in `pminusy.explain`.

        Returns
        -------
        Derivation
            Standardised features, logits, loss, p − y, gradients and a gradient step, by name.

        Raises
        ------
        InputError
            More than one row, a lacking column, a class the model does not know.

        Warns
        -----
        TableWarning
            As `predict`.
        """
        frame = self.read(_one_row(row) if isinstance(row, Mapping) else row)
        derivation, notes = self.explanation(frame, **options)
        _warn("explain", notes)
        return derivation

    def explanation(
        self, frame: pl.DataFrame, whole: tuple[pl.DataFrame, int] | None = None, **options: Any
    ) -> tuple[Derivation, tuple[str, ...]]:
        """Like `explain` for a Polars frame, and what had to be said about its columns.

        `whole` is the table that the row is of, and the row's number there from 1.
        """
        if frame.height != 1:
            raise InputError("row", "a single row", f"{frame.height:,} rows", "choose one of them")
        return explain_row(self, frame, whole, **options)

    def summary(self, *, confidence: float = 0.95) -> Summary:
        """Coefficients with standard errors, against the first class, on the training rows.

        Of standardised features: a coefficient is what one standard deviation of a column adds to
        the logit. A temperature is not in them.

        Parameters
        ----------
        confidence
            Of the intervals.

        Returns
        -------
        Summary
            `str`, `to_rich`, `to_frame`.

        Raises
        ------
        InputError
            A loaded model; L1; collinear columns without a penalty.
        """
        self._refuse_network("summary")
        run = self.run
        last = run if run.refitted is None else run.refitted
        rows = run.training if run.refitted is None else run.refitted.rows
        found: Summary = last.estimator.summary(rows.X, rows.y, rows.weight, confidence=confidence)
        names = (*self.schema.feature_names, "(intercept)")
        return replace(found, classes=np.array(self.schema.classes, object), features=names)

    def coefficients(self) -> pl.DataFrame:
        """Coefficients as a table, a row for each class and feature, the intercept last.

        Returns
        -------
        polars.DataFrame
            `class`, `feature`, `column`; `coefficient` of the standardised feature: what one
            `scale` adds to the logit; `mean` and `scale`; `coefficient_in_units`: what one unit of
            the column adds. In units z = b + Σ w x with the intercept b of that column.
        """
        import polars as pl

        self._refuse_network("coefficients")
        units = feature_units(self.schema)
        mean, scale = (np.array([getattr(u, name) for u in units]) for name in ("mean", "scale"))
        W = self.W / scale
        b = self.b - W @ mean
        K = self.b.size
        return pl.DataFrame(
            {
                "class": [name for name in self.schema.classes for _ in range(len(units) + 1)],
                "feature": [*(u.feature for u in units), "(intercept)"] * K,
                "column": [*(u.column for u in units), None] * K,
                "coefficient": np.column_stack([self.W, self.b]).ravel(),
                "mean": [*mean.tolist(), None] * K,
                "scale": [*scale.tolist(), None] * K,
                "coefficient_in_units": np.column_stack([W, b]).ravel(),
            }
        )

    def _refuse_network(self, what: str) -> None:
        if self.hidden is not None:
            expected, got = "a softmax regression", "a network, whose weights are of hidden units"
            raise InputError(what, expected, got, "fit it without hidden layers")

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model as safetensors with JSON metadata; loading it runs no code.

        Raises
        ------
        InputError
            A name of another format (.pkl, say), a place that cannot be written.
        """
        refuse_suffix("model file", path, ".safetensors", MODEL_SUFFIXES_OF_OTHERS)
        metadata: dict[str, Any] = {
            "schema": self.schema.to_json(),
            # JSON has no infinity, and C may well be infinite.
            "settings": {
                name: _INFINITE if value == math.inf else value
                for name, value in self.settings.items()
            },
            "converged": self.converged,
            "notes": shortened(self.notes),
            "made_by": f"pminusy {pminusy.__version__}",
        }
        tensors: dict[str, Any] = {"W": self.W, "b": self.b, "shares": self.shares}
        if self.threshold is not None:
            metadata["threshold"] = asdict(self.threshold)
        if self.held_out is not None and self.held_out.size:
            metadata["refitted"] = self.refitted
            tensors["held_out"] = self.held_out
        if self.hidden is not None:
            arrays, metadata["network"] = encoded(self.hidden)
            tensors |= arrays
        save_model(path, tensors, metadata)

    def to_onnx(
        self,
        path: str | PathLike[str],
        *,
        dtype: Literal["float64", "float32"] = "float64",
        opset: int | None = None,
    ) -> None:
        """Write the model as ONNX, with all that is done to columns inside.

        Each column is an input (N, 1) under its own name: numbers with NaN where one is missing,
        categories as text with "" where one is missing, dates as whole microseconds since
        1970-01-01 (`datetime64[us]` as int64, NaT where one is missing). Text is taken as it
        stands: numbers written with marks, and dates, are read before.

        Outputs: `label` (N,), of the type of the target column, and `probabilities` (N, K).

        Parameters
        ----------
        path
            The file, .onnx.
        dtype
            Type of the numbers that go in and come out; arithmetic is in float64.
        opset
            Version of ONNX's operators, 13 or later; 17 where not given.

        Raises
        ------
        InputError
            Another suffix, an unknown type or version; more than 2 GB; a place that cannot be
            written; the package onnx is not installed.

        Examples
        --------
        >>> import polars as pl, pminusy as pmy
        >>> table = pl.DataFrame({"mass": [1.0, 2.0, 3.0, 4.0], "y": ["a", "a", "b", "b"]})
        >>> model = pmy.fit_table(table, target="y", test_size=None)
        >>> model.to_onnx("model.onnx")  # doctest: +SKIP

        References
        ----------
        onnx.ai, the ai.onnx and ai.onnx.ml operators.
        """
        with needing_extra():
            from pminusy.api.onnx.table_model import write_table_model

        write_table_model(self, path, dtype, opset)

    def write_report(self, path: str | PathLike[str], *, command: str = "") -> None:
        """Write the page of the fit: one HTML file that opens offline; it can name a command.

        Raises
        ------
        InputError
            The model was loaded from a file, so there is no fit to report, or `path` cannot be
            written.
        """
        from pminusy.api.fit.report import PAGE_SUFFIXES_OF_OTHERS, write_report

        refuse_suffix("output file", path, ".html", PAGE_SUFFIXES_OF_OTHERS)
        write_report(self.run.judged or self, self.run, path, command)


def _warn(doing: str, notes: Sequence[str]) -> None:
    """Say everything about a table in one warning, at the line that called the model."""
    if notes:
        warnings.warn(f"{doing}: {'; '.join(shortened(notes))}", TableWarning, stacklevel=3)


def _one_row(cells: Mapping[str, Any]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame({str(name): [value] for name, value in cells.items()})


def load(path: str | PathLike[str]) -> TableModel:
    """Load a model written by `TableModel.save` or `pminusy fit -o`; it runs no code.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    TableModel
        The model, without the record of its fit.

    Raises
    ------
    InputError
        The file is missing, truncated, damaged, something else, or made by a later version.

    Warns
    -----
    UserWarning
        The file is of version 0.1 and has no checksum.

    Examples
    --------
    >>> load("nowhere.safetensors")
    Traceback (most recent call last):
        ...
    pminusy.errors.InputError: model file 'nowhere.safetensors': expected a file that exists, \
got nothing there; check the name

    References
    ----------
    The format is that of the safetensors library, with the schema as JSON in its header.
    """
    tensors, metadata, about = load_model(path)
    schema = Schema.from_json(metadata.get("schema"))
    K, D = len(schema.classes), len(schema.feature_names)
    hidden = decoded(f"{path}", tensors, metadata.get("network"), D)
    last = D if hidden is None else hidden.units[-1]
    for name, shape in (("W", (K, last)), ("b", (K,)), ("shares", (K,))):
        if name not in tensors or tensors[name].shape != shape:
            found = tensors[name].shape if name in tensors else "nothing"
            raise InputError(f"{path}: {name}", f"shape {shape}", str(found), "fit it again")
    W, b, shares = (tensors[name].astype(np.float64) for name in ("W", "b", "shares"))
    if (shares <= 0).any() or abs(shares.sum() - 1) > 1e-6:
        got = "others"
        raise InputError(f"{path}: shares", "positive numbers that sum to 1", got, "fit it again")
    settings = _settings(path, metadata.get("settings"))
    converged, notes = _said(path, metadata.get("converged"), metadata.get("notes", []))
    for sentence in about:
        warnings.warn(sentence, UserWarning, stacklevel=2)
    held_out, refitted = _held_out(path, tensors.get("held_out"), metadata.get("refitted", False))
    cut = _threshold(path, metadata.get("threshold"), K)
    return TableModel(
        schema, W, b, shares, settings, converged, notes, held_out, refitted, cut, hidden
    )


def _threshold(path: str | PathLike[str], value: object, K: int) -> Threshold | None:
    """The threshold of two classes; most files have none."""
    if value is None:
        return None
    try:
        cut = Threshold(**value)  # type: ignore[arg-type]  # checked below, whatever it is
        numbers = (type(cut.value), type(cut.positive), type(cut.rows)) == (float, int, int)
        known = numbers and 0 < cut.value < 1 and cut.positive in (0, 1) and cut.rows >= 0
    except TypeError:
        known = False
    if not known or K != 2 or not isinstance(cut.chosen_by, str):
        expected = "a probability in (0, 1) of one of two classes"
        raise InputError(f"{path}: threshold", expected, "something else", "fit it again")
    return cut


def _held_out(
    path: str | PathLike[str], rows: Any, refitted: object
) -> tuple[np.ndarray[Any, Any] | None, bool]:
    """Which rows were held out, and whether they were trained on after; not in earlier files."""
    known = rows is None or (rows.ndim == 1 and rows.dtype.kind == "i" and (rows >= 0).all())
    if not known or not isinstance(refitted, bool):
        expected, got = "numbers of rows and a truth value", "something else"
        raise InputError(f"{path}: rows held out", expected, got, "fit it again")
    return rows, refitted


def _said(
    path: str | PathLike[str], converged: object, notes: object
) -> tuple[bool | None, tuple[str, ...]]:
    """Whether training converged, and what was said about it; nothing in files of version 0.1."""
    sentences = isinstance(notes, list) and all(isinstance(note, str) for note in notes)
    if not sentences or not (converged is None or isinstance(converged, bool)):
        got, expected = "something else", "a truth value and sentences"
        raise InputError(f"{path}: what was said about the fit", expected, got, "fit it again")
    return converged, tuple(notes)  # type: ignore[arg-type]  # they are sentences


def _settings(path: str | PathLike[str], value: object) -> dict[str, float | str]:
    if isinstance(value, dict):
        settings = {k: math.inf if v == _INFINITE else v for k, v in value.items()}
        if all(isinstance(v, int | float | str) for v in settings.values()):
            return settings
    expected = "numbers or words by name"
    raise InputError(f"{path}: settings", expected, "something else", "fit it again")
