"""Notes about blocks, added up to notes about all rows."""

from __future__ import annotations

import re
from collections import Counter

from pminusy.tables.wording import count

__all__ = ["NoteSums"]

_ROWS = re.compile(r"([\d,]+) rows? (has |have )?(.*)")
_LISTED = re.compile(r" \((?:'.*|\d.*)\)(?=: taken)")  # some values, others in each block
_MOST_NOTES = 20


class NoteSums:
    """Notes, with the number of rows that each is about; 0 where there is none in it."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()

    def add(self, notes: tuple[str, ...]) -> None:
        """Add up the rows of notes that say the same of others."""
        for note in notes:
            found = _ROWS.fullmatch(note)
            if found is None:
                self._rows.setdefault(note, 0)
            else:
                verb = "have " if found[2] else ""
                self._rows[verb + _LISTED.sub("", found[3])] += int(found[1].replace(",", ""))

    def sentences(self) -> tuple[str, ...]:
        """What is to be said of all rows."""
        said = [f"{count(n, 'row')} {note}" if n else note for note, n in self._rows.items()]
        if len(said) > _MOST_NOTES:
            said[_MOST_NOTES:] = [f"{len(said) - _MOST_NOTES:,} more notes of this kind"]
        return tuple(said)
