"""The one error of this package that is about its input, and the one warning about its tables."""

from __future__ import annotations

__all__ = ["InputError", "TableWarning", "short_repr"]

_LONGEST = 60


class InputError(ValueError):
    """Input that cannot be used, said in one line.

    Parameters
    ----------
    what
        The argument, file or column that is wrong.
    expected
        What it should have been.
    got
        What it was.
    remedy
        What to do about it (left out where the first three say it all).

    Examples
    --------
    >>> str(InputError("label_smoothing", "a number in [0, 1]", "1.5", "pass 0.1 to mean 10 %"))
    'label_smoothing: expected a number in [0, 1], got 1.5; pass 0.1 to mean 10 %'
    """

    def __init__(self, what: str, expected: str, got: str, remedy: str = "") -> None:
        self.what, self.expected, self.got, self.remedy = what, expected, got, remedy
        super().__init__(what, expected, got, remedy)

    def __str__(self) -> str:
        message = f"{self.what}: expected {self.expected}, got {self.got}"
        return f"{message}; {self.remedy}" if self.remedy else message


class TableWarning(UserWarning):
    """Rows of a table were not quite what the model was trained on: all of it, in one warning.

    Unseen categories, imputed values, columns that are not used and rows that are left out, each
    with its count. `predict`, `evaluate` and `explain` of a table model give it.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("ignore", TableWarning)
    """


def short_repr(value: object) -> str:
    """`repr`, cut where it is long: for values of which nothing is known, not even their length."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a number of too many digits to print, or any object's own
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
