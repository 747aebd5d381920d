"""`pminusy export MODEL FILE`: a model for other programs, or its coefficients as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pminusy.cli.streams import printing
from pminusy.errors import InputError
from pminusy.present.sanitise import visible

__all__ = ["export"]


def export(
    model: Annotated[Path, typer.Argument(help="Model written by `pminusy fit -o`.")],
    file: Annotated[
        Path,
        typer.Argument(
            help="Where to: .onnx for the model; .csv, .tsv, .parquet or .feather for coefficients."
        ),
    ],
    dtype: Annotated[
        Literal["float64", "float32"] | None,
        typer.Option(help="Numbers that go in and come out of ONNX; float64 if left out."),
    ] = None,
    opset: Annotated[
        int | None, typer.Option(help="Version of ONNX's operators; 17 if left out.")
    ] = None,
) -> None:
    """Write a model as ONNX, or its coefficients, standardised and in the units of the table."""
    if file.suffix.lower() == ".onnx":
        _export_onnx(model, file, dtype or "float64", opset)
        return
    if dtype is not None or opset is not None:
        option = "--dtype" if dtype is not None else "--opset"
        raise InputError(option, "an output file named .onnx", repr(str(file)))
    _export_coefficients(model, file)


def _export_onnx(
    model: Path, file: Path, dtype: Literal["float64", "float32"], opset: int | None
) -> None:
    from pminusy.api.table_model import load
    from pminusy.files import check_writable

    check_writable(file, inputs=(model,))
    load(model).to_onnx(file, dtype=dtype, opset=opset)
    with printing([file]):
        typer.echo(f"model written to {visible(str(file))}")


def _export_coefficients(model: Path, file: Path) -> None:
    from pminusy.api.table_model import load
    from pminusy.tables.files import check_table_path, write_table
    from pminusy.tables.wording import count, shown

    check_table_path(file, inputs=(model,))
    trained = load(model)
    coefficients = trained.coefficients()
    write_table(coefficients, file)
    with printing([file]):
        written = count(coefficients.height, "coefficient")
        typer.echo(f"{written} written to {visible(str(file))}")
        if trained.threshold is not None:
            cut = trained.threshold
            said = cut.sentence(trained.schema.classes, shown)
            typer.echo(f"not in them: {said} (a difference of logits of {cut.log_odds:.4g})")
