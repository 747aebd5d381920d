"""Words for messages about tables: names and values come from outside and are quoted, bounded."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

__all__ = [
    "closest",
    "columns_there",
    "count",
    "first_line",
    "is_numeric",
    "listed",
    "shortened",
    "shown",
    "word",
]

_LONGEST = 60  # characters of one name or value in a message
_CUTS = r"[\s,;|:/^~]+"  # what may stand between cells
_MOST = 5  # names or values in one message
_MOST_NOTES = 20  # sentences about one table


def shown(value: object) -> str:
    r"""Quote text, or write another value, with control characters escaped; cut where it is long.

    >>> shown("a\x1b[31m")
    "'a\\x1b[31m'"
    """
    text = str(value)
    quoted = repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
    return quoted if isinstance(value, str) else quoted[1:-1]


def listed(values: Iterable[object]) -> str:
    """Quote several: 'a', 'b' and 'c'; cut where they are many."""
    items = list(values)
    quoted = [shown(value) for value in items[:_MOST]]
    if len(items) > _MOST:
        return f"{', '.join(quoted)} and {len(items) - _MOST:,} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def count(number: int, thing: str, things: str | None = None) -> str:
    """Count things: 1 row, 2 rows, 53,940 rows; `things` where the plural is no -s."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def shortened(notes: Sequence[str]) -> list[str]:
    """Return the first notes, and how many more there are: a table may have 100,000 columns."""
    if len(notes) <= _MOST_NOTES:
        return list(notes)
    kept = notes[: _MOST_NOTES - 1]
    return [*kept, f"… and {count(len(notes) - len(kept), 'more note')}"]


def closest(name: str, names: Sequence[str]) -> str:
    """Offer the name most like a mistaken one, or show those there are, as a remedy."""
    by_lower = {other.strip().casefold(): other for other in names}
    found = difflib.get_close_matches(name.strip().casefold(), by_lower, n=1)
    if found:
        return f"did you mean {shown(by_lower[found[0]])}?"
    return columns_there(names)


def columns_there(names: Sequence[str]) -> str:
    """Say which columns a table has, and what may be wrong if they do not look like names."""
    if len(names) == 1 and len(re.split(_CUTS, names[0].strip())) > 1:
        return (
            f"its one column is {shown(names[0])}: a table needs commas, semicolons, tabs or bars "
            "between its cells"
        )
    if 2 * sum(map(is_numeric, names)) > len(names):
        return f"its columns are {listed(names)}: add a line of names to the file"
    return f"its columns are {listed(names)}" if len(names) > 1 else f"it has {listed(names)} alone"


def word(name: str) -> str:
    """Write a name as one word of a command line."""
    return name if re.fullmatch(r"[\w.-]+", name) else shown(name)


def first_line(error: BaseException) -> str:
    """Return the first line of another library's message, made safe to show."""
    lines = str(error).splitlines() or [type(error).__name__]
    return shown(lines[0])


def is_numeric(name: str) -> bool:
    """Tell whether a name is a number, as where a file has no line of names."""
    try:
        float(name)
    except ValueError:
        return False
    return True
