"""Models of real tables as ONNX: what onnxruntime says of them beside what we say.

    python -m benchmarks.exchange [--data FOLDER] [--rows N] [--write]

Tables inside Python packages (see `benchmarks.tables.sources`), and of a folder penguins.csv and
diamonds.csv where they are there. Each is asked for all its rows as they are, and for the first
hundred with a missing cell and, in columns of text, a category never seen in every row in turn.
Columns of words have no form in ONNX: they are left out, and counted.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
import polars as pl

import pminusy as pmy
from benchmarks.harness import DOCS, paste, writes
from benchmarks.tables.sources import SOURCES, read
from pminusy.tables.columns.date_column import DateColumn
from pminusy.tables.columns.dates import parse_dates
from pminusy.tables.schema import CategoryColumn, NumberColumn

FILES = {"penguins.csv": "species", "diamonds.csv": "cut"}
LIMITS: dict[Literal["float64", "float32"], float] = {"float64": 1e-12, "float32": 1e-6}
HEADINGS = (
    "table", "rows", "columns", "of words, left out", "classes", "labels that differ",
    "largest difference, float64", "float32",
)  # fmt: skip


def main() -> None:
    """Fit, export, run and compare each table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of tables (.csv)")
    parser.add_argument("--rows", type=int, default=2000, help="at most so many rows of each")
    writes(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(" | ".join(HEADINGS))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, path, target in tables(options.data, Path(folder), options.rows):
            found.append(compared(name, path, target, Path(folder) / "model.onnx"))
            print(" | ".join(found[-1]), flush=True)
    lines = [f"| {' | '.join(HEADINGS)} |", f"| --- |{' ---: |' * (len(HEADINGS) - 1)}"]
    paste(
        DOCS / "exchange.md",
        "exchange",
        "\n".join([*lines, *(f"| {' | '.join(f)} |" for f in found)]),
    )


def tables(data: Path | None, folder: Path, rows: int) -> Iterator[tuple[str, Path, str]]:
    """Names of tables, files of at most so many of their rows, and targets."""
    for source in SOURCES:
        try:
            text = read(source)
        except SystemExit as missing:
            print(missing)
            continue
        path = folder / f"{source.name}.csv"
        text.write(path, some(len(text.rows), rows))
        yield source.name, path, source.target
    for name, target in FILES.items() if data is not None else ():
        assert data is not None
        with (data / name).open(newline="", encoding="utf-8") as file:
            header, *cells = csv.reader(file)
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *(cells[i] for i in some(len(cells), rows))])
        yield name, folder / name, target


def some(N: int, rows: int) -> list[int]:
    """At most so many of N rows."""
    return sorted(np.random.default_rng(0).permutation(N)[:rows].tolist())


def compared(name: str, path: Path, target: str, file: Path) -> list[str]:
    """A line of the table: how our answers and the runtime's differ."""
    model = pmy.fit_table(path, target=target, test_size=None)
    words = [each.name for each in model.schema.findings if each.taken == "words"]
    if words:
        model = pmy.fit_table(path, target=target, test_size=None, drop=words)
    differ, largest = 0, dict.fromkeys(LIMITS, 0.0)
    frame = model.read(path)
    for dtype, limit in LIMITS.items():
        model.to_onnx(file, dtype=dtype)
        rows = frame if dtype == "float64" else rounded(frame)
        for table in (rows, disturbed(rows, model)):
            ours = model.predict(table)
            label, p = run(file, table, model)
            differ += int(
                (label.astype(str) != ours["prediction"].cast(pl.String).to_numpy()).sum()
            )
            difference = float(np.abs(p - ours[:, 1:].to_numpy()).max())
            largest[dtype] = max(largest[dtype], difference)
            assert difference <= limit, (name, dtype, difference)
    counts = (
        frame.height,
        len(model.schema.columns),
        len(words),
        len(model.schema.classes),
        differ,
    )
    return [name, *(f"{value:,}" for value in counts), *(f"{v:.1e}" for v in largest.values())]


def rounded(frame: pl.DataFrame) -> pl.DataFrame:
    """The numbers that float32 has, which is what goes in."""
    return frame.with_columns(pl.selectors.float().cast(pl.Float32).cast(pl.Float64))


def disturbed(frame: pl.DataFrame, model: Any) -> pl.DataFrame:
    """The first hundred rows, each with a cell missing and another never seen before."""
    cells = frame.head(100).to_dict(as_series=False)
    columns = [column.name for column in model.schema.columns]
    texts = {c.name for c in model.schema.columns if isinstance(c, CategoryColumn)}
    for i in range(min(100, frame.height)):
        cells[columns[i % len(columns)]][i] = None
        other = columns[(i + 1) % len(columns)]
        if other in texts and frame.schema[other] == pl.String and len(columns) > 1:
            cells[other][i] = "never seen"
    return pl.DataFrame(cells, schema=frame.schema)


def run(file: Path, table: pl.DataFrame, model: Any) -> tuple[Any, Any]:
    """Labels and probabilities by onnxruntime."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    kinds = {column.name: column for column in model.schema.columns}
    feed = {}
    for value in session.get_inputs():
        name = value.name.removesuffix(" (column)")
        feed[value.name] = as_input(table[name], kinds[name], value.type).reshape(-1, 1)
    found: tuple[Any, Any] = session.run(["label", "probabilities"], feed)
    return found


def as_input(cells: pl.Series, column: Any, kind: str) -> Any:
    """A column as the graph takes it."""
    if isinstance(column, NumberColumn):
        return cells.cast(pl.Float64).to_numpy().astype("f8" if "double" in kind else "f4")
    if isinstance(column, DateColumn):
        order = "mdy" if column.order == "ymd" else column.order
        days = parse_dates(cells, order) if cells.dtype == pl.String else cells
        return days.cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]").astype(np.int64)
    texts = ["" if c is None else str(c).lower() if isinstance(c, bool) else str(c) for c in cells]
    return np.array(texts, object)


if __name__ == "__main__":
    main()
