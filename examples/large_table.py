"""More rows than the fit may hold: `python examples/large_table.py ROWS FILE`.

30 features in float32 are 120 bytes a row: 45 million rows make a file of 5 GB. The fit may take
256 MiB, whatever the size of the file.
"""

import sys
from pathlib import Path

import numpy as np

import pminusy as pmy

FEATURES, CLASSES, AT_ONCE = 30, 3, 100_000


def write_rows(file: Path, rows: int) -> np.ndarray:
    """Fill a memory-mapped file piece by piece; returns the labels."""
    random = np.random.default_rng(0)
    W = random.normal(size=(CLASSES, FEATURES))
    X = np.lib.format.open_memmap(file, "w+", np.float32, (rows, FEATURES))
    labels = np.empty(rows, dtype=np.int64)
    for start in range(0, rows, AT_ONCE):
        part = slice(start, min(start + AT_ONCE, rows))
        X[part] = random.normal(size=(part.stop - start, FEATURES))
        noise = random.gumbel(size=(part.stop - start, CLASSES))
        labels[part] = (X[part] @ W.T + noise).argmax(axis=1)
    X.flush()
    return labels


def main(rows: int, file: Path) -> None:
    """Write the rows, fit them from the file, and say what that took."""
    labels = write_rows(file, rows)
    print(f"{rows:,} rows, {file.stat().st_size / 2**20:,.1f} MiB")
    X = np.load(file, mmap_mode="r")
    clf = pmy.SoftmaxRegression(C=1.0, memory=1 << 28).fit(X, labels)
    print(f"converged: {clf.converged_}, after {clf.n_passes_} visits to all rows")
    sample = slice(0, 10_000)
    print(f"accuracy on the first rows {clf.score(np.asarray(X[sample]), labels[sample]):.2f}")


if __name__ == "__main__":
    main(
        int(sys.argv[1].replace(",", "").replace("_", "")) if len(sys.argv) > 1 else 1_000_000,
        Path(sys.argv[2] if len(sys.argv) > 2 else "rows.npy"),
    )
