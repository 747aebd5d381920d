r"""Text from outside (names in tables, student code, model files), made harmless to show.

Unicode has characters that act instead of being shown: escape codes recolour a terminal, direction
overrides reverse the text around them, a line break ends a line of a report. There are three ways
to deal with them:

- `visible` writes them by their code, `\x1b`: for terminals and text files, where nothing may be
  lost.
- `replaced` writes "�" for every one: for documents in any format.
- `cleaned` does so for those that act, and keeps the joiners that Arabic, Indic scripts and emoji
  need: for HTML, where an element isolates the text.

`csv_cell` is `visible`, quoted where a spreadsheet would compute it. What escapes the characters of
a format (`&lt;` in HTML, `\_` in LaTeX) belongs to the writer of that format.
"""

from __future__ import annotations

import unicodedata

__all__ = ["cleaned", "csv_cell", "cut", "cut_inside", "replaced", "visible"]

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # control, format, surrogate, …
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # of direction
_BREAKS = frozenset("\t\n\r\v\f\x85\u2028\u2029")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell that is computed begins with
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def visible(text: str, most: int | None = None) -> str:
    r"""Text on one line with nothing in it that a terminal would obey: `\x1b` is shown as such.

    Of more than `most` characters the rest is left out.

    Examples
    --------
    >>> visible("red \x1b[31m")
    'red \\x1b[31m'
    """
    return "".join(
        character.encode("unicode_escape").decode() if _is_hidden(character) else character
        for character in text[:most]
    )


def csv_cell(text: str, most: int | None = None) -> str:
    """`visible` text for a cell of a table: one that would start a formula is quoted.

    Examples
    --------
    >>> csv_cell("=1+1")
    "'=1+1"
    """
    cell = visible(text, most)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def replaced(text: str) -> str:
    r"""Text with "�" for every character that is not shown.

    Examples
    --------
    >>> replaced("red \x1b[31m")
    'red �[31m'
    """
    return "".join(_REPLACEMENT if _is_hidden(character) else character for character in text)


def cleaned(text: str) -> str:
    r"""Text without characters that act: controls and overrides become "�", line breaks a space.

    Examples
    --------
    >>> cleaned("two\nlines \u202e")
    'two lines �'
    """
    return "".join(map(_cleaned, text))


def cut(text: str, most: int) -> str:
    """At most so many characters, an ellipsis the last where some are left out.

    Examples
    --------
    >>> cut("Chinstrap", 6)
    'Chins…'
    """
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def cut_inside(text: str, most: int) -> str:
    """At most so many characters: its beginning and its end, an ellipsis between them.

    Examples
    --------
    >>> cut_inside("Manager, part time", 11)
    'Manag… time'
    """
    if len(text) <= most:
        return text
    behind = (most - 1) // 2
    return f"{text[: most - 1 - behind].rstrip()}…{text[len(text) - behind :]}"


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _cleaned(character: str) -> str:
    if character in _BREAKS:
        return " "
    acts = unicodedata.category(character) in ("Cc", "Cs") or character in _OVERRIDES
    return _REPLACEMENT if acts else character
