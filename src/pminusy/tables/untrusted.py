"""Untrusted JSON values, checked for type and size as they are read."""

from __future__ import annotations

from pminusy.errors import InputError
from pminusy.tables.wording import shown

__all__ = ["LARGEST", "LONGEST_TEXT", "MOST_ENTRIES", "Fields", "damaged"]

LARGEST = 1e300  # the largest number in size a column may hold: sums stay far from overflow

MOST_ENTRIES = 1_000_000  # in one list
LONGEST_TEXT = 1_000_000  # characters in one name or category


def damaged(expected: str, got: str) -> InputError:
    """The error about a schema that this package cannot have written."""
    remedy = "the model file is damaged or was changed by hand; fit the model again"
    return InputError("model file", expected, got, remedy)


class Fields:
    """The entries of one JSON object: `what` names it in the errors."""

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise damaged(f"{what} as an object", _brief(value))
        self._value, self._what = value, what

    def has(self, key: str) -> bool:
        """Tell whether there is an entry: files of earlier versions have fewer."""
        return key in self._value

    def get(self, key: str) -> object:
        """Take an entry of any type."""
        if key not in self._value:
            raise damaged(f"{self._what} with an entry {key!r}", "none")
        return self._value[key]

    def items(self, key: str) -> list[object]:
        """Take a list."""
        value = self.get(key)
        if not isinstance(value, list | tuple):
            raise self._wrong(key, "a list", value)
        if len(value) > MOST_ENTRIES:
            raise damaged(f"{key!r} of at most {MOST_ENTRIES:,} entries", f"{len(value):,}")
        return list(value)

    def text(self, key: str) -> str:
        """Take a string."""
        return self._text(key, self.get(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of strings, all different."""
        values = tuple(self._text(key, item) for item in self.items(key))
        if len(set(values)) < len(values):
            raise damaged(f"{key!r} of {self._what} all different", "one of them twice")
        return values

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        """Take one of a few words."""
        value = self.get(key)
        if value not in allowed:
            raise self._wrong(key, f"one of {', '.join(allowed)}", value)
        return str(value)

    def number(self, key: str, largest: float) -> float:
        """Take a finite number of at most a size."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, "a number", value)
        if not abs(value) <= largest:  # NaN fails too
            raise self._wrong(key, f"a number up to {largest:g}", value)
        return float(value)

    def count(self, key: str) -> int:
        """Take a whole number ≥ 0."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise self._wrong(key, "a whole number ≥ 0", value)
        return value

    def truth(self, key: str) -> bool:
        """Take true or false."""
        value = self.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or not _is_unicode(value):
            raise self._wrong(key, "text", value)
        return value

    def _wrong(self, key: str, expected: str, value: object) -> InputError:
        return damaged(f"{key!r} of {self._what} to be {expected}", _brief(value))


def _is_unicode(text: str) -> bool:
    """Tell whether a string is Unicode: JSON can write half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _brief(value: object) -> str:
    """Describe a value in a few characters, however large it is."""
    if isinstance(value, dict | list | tuple):
        return f"a {type(value).__name__} of {len(value):,}"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return "a number of more than 38 digits"
    return shown(value) if isinstance(value, str) else repr(value)
