"""A column of names, titles or remarks: no two alike, but their words come again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pminusy.tables.untrusted import Fields, damaged

__all__ = ["WordsColumn", "learn_words", "word_features"]

_MOST = 100  # words of a column
_FEWEST = 3  # training rows that have the word
_COVERED = 0.5  # share of the rows with a value that have one of the words; else it is names
_LONGEST = 40  # characters of a word
_WORD = r"\w+"


@dataclass(frozen=True)
class WordsColumn:
    """A column of text: one feature a word, 1 where the cell has it, whatever its case.

    Parameters
    ----------
    name, dtype
        The column and its Polars type at training.
    words
        In lower case, the most frequent first; a word is a run of letters, digits and underscores.
    has_missing
        Training had missing values, so a feature is 1 where the value is missing.
    """

    name: str
    dtype: str
    words: tuple[str, ...]
    has_missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the design matrix."""
        names = [f"{self.name} has {word}" for word in self.words]
        return tuple(names + [f"{self.name} is missing"] * self.has_missing)

    @classmethod
    def from_fields(cls, fields: Fields) -> WordsColumn:
        """Rebuild a column from untrusted JSON."""
        words = fields.texts("words")
        if not words:
            raise damaged("a column of words with words", "none")
        has_missing = fields.truth("has_missing")
        return cls(fields.text("name"), fields.text("dtype"), words, has_missing)


def learn_words(text: pl.Series, dtype: str, *, asked: bool = False) -> WordsColumn | None:
    """The words of a column of text that come again; None where they are too few to say much.

    >>> cars = pl.Series("car", ["Ford Pinto", "ford galaxie", "Fiat 128", "FORD Maverick"])
    >>> learn_words(cars, "String").words
    ('ford',)
    """
    present = len(text) - text.null_count()
    found = _words(text)
    counts = (
        found.group_by("word")
        .len()
        .filter(
            (pl.col("len") >= _FEWEST)
            & (pl.col("word").str.len_chars() <= _LONGEST)
            & ((pl.col("len") < present) | (present < len(text)))  # else it is in every row
        )
    )
    counts = counts.sort("len", "word", descending=[True, False]).head(_MOST)
    words = counts["word"].to_list()
    covered = found.filter(pl.col("word").is_in(words))["row"].n_unique()
    if not words or (covered < _COVERED * present and not asked):
        return None
    return WordsColumn(text.name, dtype, tuple(words), present < len(text))


def word_features(text: pl.Series, column: WordsColumn) -> tuple[NDArray[Any], int]:
    """Features (D, N) of the cells, and how many rows are missing that training always had."""
    found = _words(text)
    codes = found["word"].cast(pl.Enum(column.words), strict=False).to_physical()
    known = codes.is_not_null()
    values = np.zeros((len(column.feature_names), len(text)))
    values[codes.filter(known).to_numpy(), found["row"].filter(known).to_numpy()] = 1.0
    missing = text.is_null().to_numpy()
    if column.has_missing:
        values[-1] = missing
    return values, 0 if column.has_missing else int(missing.sum())


def _words(text: pl.Series) -> pl.DataFrame:
    """Each word of each row (from 0), once."""
    lists = text.str.to_lowercase().str.extract_all(_WORD).list.unique(maintain_order=True)
    frame = pl.DataFrame({"row": np.arange(len(text)), "word": lists})
    return frame.explode("word").drop_nulls("word")
