"""A value as plain text: a number, a vector, a matrix by rows, or its largest entries."""

from __future__ import annotations

from math import prod

from pminusy.derivation.values.digits import as_text
from pminusy.derivation.values.result_value import WIDEST_ROW, ResultValue

__all__ = ["is_matrix", "matrix_lines", "vector"]


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
    if len(shown.shape) == 1 or len(values) < prod(shown.shape):
        return f"({', '.join(values)})"
    return "\n".join(matrix_lines(shown, digits))


def matrix_lines(shown: ResultValue, digits: int) -> list[str]:
    """Rows of a matrix, columns aligned."""
    rows, columns = shown.shape[0], prod(shown.shape[1:])
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
        and len(shown.entries) == prod(shown.shape)
        and (max(shown.shape) <= WIDEST_ROW)
    )
