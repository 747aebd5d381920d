"""A table of 5 GB, made and trained on: `python examples/table_of_5_gb.py ROWS FOLDER`.

A row takes some 77 bytes in Parquet, so 65 million rows are 5 GB. While it lasts, the training
writes as much again into FOLDER. It may take 1 GiB of memory, whatever the number of rows.

What `train` does is the command

    pminusy fit 'FOLDER/clicks/*.parquet' --target clicked --drop id --memory 1GiB \
      --workdir FOLDER -o FOLDER/clicks.safetensors
"""

import resource
import sys
from pathlib import Path

import numpy as np
import polars as pl

import pminusy as pmy

NUMBERS, ROWS_A_FILE = 20, 1_000_000
CITIES = np.array([f"city {number}" for number in range(40)])


def write_table(folder: Path, rows: int) -> list[Path]:
    """Write the rows as Parquet files, a million rows at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for start in range(0, rows, ROWS_A_FILE):
        files.append(folder / f"{start // ROWS_A_FILE:03}.parquet")
        frame = clicks(start, min(ROWS_A_FILE, rows - start))
        frame.write_parquet(files[-1])
    return files


def clicks(start: int, rows: int) -> pl.DataFrame:
    """Rows from `start` on: numbers, a date, a city, and whether somebody clicked."""
    random = np.random.default_rng((0, start))
    X = random.normal(size=(rows, NUMBERS)).astype(np.float32)
    city, day = random.integers(len(CITIES), size=rows), random.integers(366, size=rows)
    z = X[:, 0] - 0.5 * X[:, 1] + np.sin(city) - 0.5  # the logit of a click
    return pl.DataFrame(
        {
            "id": np.arange(start, start + rows),
            "day": np.datetime64("2024-01-01") + day.astype("timedelta64[D]"),
            "city": CITIES[city],
            **{f"number {d}": X[:, d] for d in range(NUMBERS)},
            "clicked": np.where(z + random.logistic(size=rows) > 0, "yes", "no"),
        }
    )


def train(table: Path, folder: Path) -> None:
    """Train, save, and print the scores of the rows held out."""
    model = pmy.fit_table(
        str(table / "*.parquet"), target="clicked", drop="id", memory="1GiB", workdir=folder
    )
    model.save(folder / "clicks.safetensors")
    scores = model.run.scores
    print(f"accuracy {scores.accuracy:.3f}, log loss {scores.log_loss:.4f} on rows held out")
    print(f"converged: {model.run.converged}")


def predict(table: Path, folder: Path) -> int:
    """Write a prediction for every row, and return how many there are."""
    model = pmy.load(folder / "clicks.safetensors")
    return model.predict_blocks(
        str(table / "*.parquet"), folder / "predictions.parquet", keep_columns="id", memory="1GiB"
    )


def main(rows: int, folder: Path) -> None:
    """Make the table, train, predict, and say what it took."""
    files = write_table(folder / "clicks", rows)
    size = sum(file.stat().st_size for file in files)
    print(f"{rows:,} rows, {size / 1e6:,.1f} MB in {len(files)} files")
    train(folder / "clicks", folder)
    print(f"{predict(folder / 'clicks', folder):,} predictions")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"peak of memory {peak / 2**20:,.0f} MiB, of which making the table is a part")


if __name__ == "__main__":
    main(
        int(sys.argv[1].replace(",", "").replace("_", "")) if len(sys.argv) > 1 else 1_000_000,
        Path(sys.argv[2] if len(sys.argv) > 2 else "large"),
    )
