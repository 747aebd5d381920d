"""From a table to a model that runs anywhere: `python examples/production.py FOLDER`.

Fit with calibration, audit, save, load, export as ONNX, and compare what both say.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

import pminusy as pmy

PENGUINS = Path(__file__).parent / "penguins.csv"


def main(folder: Path) -> None:
    """Go the whole way, and say at each step what came out."""
    folder.mkdir(parents=True, exist_ok=True)
    suspected = pmy.audit(PENGUINS, target="sex").suspected
    print(f"labels to look at first: {int(np.sum(suspected))}")

    model = pmy.fit_table(PENGUINS, target="sex", drop="species")
    low, high = model.run.intervals.by_score["accuracy"]
    print(
        f"held-out accuracy {model.run.scores.accuracy:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    )
    model.save(folder / "sex.safetensors")

    served = pmy.load(folder / "sex.safetensors")
    # Missing cells would be filled as in training, and said in a warning.
    rows = pl.read_csv(PENGUINS, null_values=["NA", ""]).drop_nulls()
    ours = served.predict(rows)
    print(f"predictions {ours.shape[0]}, of which {ours['prediction'][0]} is the first")

    served.to_onnx(folder / "sex.onnx")
    print(f"ONNX: {(folder / 'sex.onnx').stat().st_size:,} bytes")
    try:
        import onnxruntime
    except ImportError:
        print("onnxruntime is not installed: what it says is not compared")
        return
    session = onnxruntime.InferenceSession(folder / "sex.onnx")
    columns = {}
    for column in session.get_inputs():
        kind = pl.String if column.type == "tensor(string)" else pl.Float64
        columns[column.name] = rows[column.name].cast(kind).to_numpy().reshape(-1, 1)
    label, _ = session.run(None, columns)
    print(f"onnxruntime says the same: {bool((label == ours['prediction'].to_numpy()).all())}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "production"))
