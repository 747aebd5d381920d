"""What every page says in the same way: names made safe, values in words, the closing table."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pminusy.derivation.steps.chapters import Steps
from pminusy.derivation.steps.step import Step
from pminusy.derivation.values.digits import as_text, sum_note
from pminusy.derivation.values.result_value import FITS, ResultValue

__all__ = ["CLOSING", "Hidden", "closing", "hidden", "safe", "vector", "vector_note"]

CLOSING = (
    ("linear_vector", ("dL_dW", "dL_db", "dL_dx")),
    ("transform", ("slope", "dL_du")),
    ("softmax", ("jacobian_matrix",)),
    ("cross_entropy", ("dL_dp",)),
    ("cross_entropy_logits", ("dL_dz",)),
    ("z_loss", ("dL_dz_total",)),
    ("log_base", ("dL_B_dz",)),
    ("batch_loss", ("batch_dL_dZ", "batch_dL_dW", "batch_dL_db", "batch_dL_dX")),
)
"""Forward lines, each with the backward lines that belong beside it."""


@dataclass(frozen=True)
class Hidden:
    """What the chosen hints hold back."""

    results: bool
    numbers: bool
    statements: bool


def hidden(derivation: Steps) -> Hidden:
    """What is left for the reader to fill in."""
    return Hidden(derivation.hints >= 1, derivation.hints >= 2, derivation.hints >= 3)


def safe(name: str, limit: int = 60) -> str:
    """A name from outside: control characters made visible as �, and not endless."""
    clean = "".join("�" if unicodedata.category(ch)[0] == "C" else ch for ch in str(name))
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def closing(derivation: Steps) -> Iterator[tuple[Step, tuple[Step, ...]]]:
    """Forward lines with the backward lines beside them, of those that there are."""
    names = set(derivation.names)
    for forward, backward in CLOSING:
        beside = tuple(derivation[name] for name in backward if name in names)
        if forward in names and beside:
            yield derivation[forward], beside


def vector(shown: ResultValue, digits: int) -> str:
    """A number, a vector in brackets, a matrix by rows, or the largest entries with places."""
    if shown.left_out or len(shown.shape) > 2:
        entries = ",  ".join(
            f"[{','.join(map(str, shown.place(place)))}] {as_text(value, digits, rest=shown.rest)}"
            for place, value in shown.entries.items()
        )
        return f"{entries}  … and {shown.left_out:,} more" if shown.left_out else entries
    if shown.shape == ():
        return as_text(next(iter(shown.entries.values())), digits, rest=shown.rest)
    values = [as_text(value, digits, rest=shown.rest) for value in shown.entries.values()]
    if len(shown.shape) == 1 or len(values) < _size(shown.shape):
        return f"({', '.join(values)})"
    return "\n".join(matrix_lines(shown, digits))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def matrix_lines(shown: ResultValue, digits: int) -> list[str]:
    """Rows of a matrix, columns aligned."""
    rows, columns = shown.shape[0], _size(shown.shape[1:])
    ordered = sorted(shown.entries.items())
    values = [as_text(value, digits, rest=shown.rest) for _, value in ordered]
    table = [values[r * columns : (r + 1) * columns] for r in range(rows)]
    widths = [max(len(row[c]) for row in table) for c in range(columns)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in table
    ]


def is_matrix(shown: ResultValue) -> bool:
    """Whether a value is a whole matrix that fits."""
    return (
        len(shown.shape) == 2
        and len(shown.entries) == _size(shown.shape)
        and (max(shown.shape) <= FITS)
    )


def vector_note(step: Step, digits: int) -> str:
    """Where rounding hides that entries sum to 0 or 1."""
    shown = step.value
    if len(shown.shape) != 1 or shown.left_out:
        return ""
    return sum_note(list(shown.entries.values()), digits)
