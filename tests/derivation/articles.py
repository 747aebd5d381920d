"""The table of what five articles tell, and where each of it is told here."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("articles.tsv")


@dataclass(frozen=True)
class Row:
    """A row of the table.

    `kind` is "equation" (left and right stand in the step's statement), "number" (in its lines with
    numbers), "prose" (a phrase of the step or its chapter), "page" (of the whole page), "network"
    (a step of a network's derivation) or "open" (not told in full).
    """

    article: str
    item: str
    step: str
    kind: str
    left: str
    right: str


@cache
def article_rows() -> Sequence[Row]:
    """Every row."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        listed = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(Row(**{k: v or "" for k, v in row.items()}) for row in listed)
