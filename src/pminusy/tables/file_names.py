"""The files that a folder or a glob names, which must be one table."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pminusy.errors import InputError
from pminusy.tables.wording import closest, shown

__all__ = ["DELIMITED", "is_several", "kind_of", "refuse_other_columns", "table_files"]

DELIMITED = {".csv": ",", ".tsv": "\t", ".txt": "\t"}  # what is between cells, if nothing says
_COLUMNAR = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
_PACKED = (".gz", ".zst")
_KINDS = ".parquet, .feather, .arrow, .ipc, .csv, .tsv or .txt (text .gz or .zst too)"


def is_several(table: object) -> bool:
    """Whether a table is a folder or a glob."""
    if not isinstance(table, str | os.PathLike) or "\0" in os.fspath(table):
        return False
    path = Path(table)
    return path.is_dir() or (glob.has_magic(os.fspath(table)) and not path.exists())


def kind_of(path: Path) -> str:
    """The suffix of a file that can be read by blocks, without what it is packed with; else ""."""
    suffix = path.suffix.lower()
    if suffix in _PACKED:
        inner = path.with_suffix("").suffix.lower()
        return inner if inner in DELIMITED else ""
    return suffix if suffix in _COLUMNAR or suffix in DELIMITED else ""


def table_files(table: str | os.PathLike[str]) -> list[Path]:
    """The files that a path, a folder or a glob names, in the order of their names.

    Raises
    ------
    InputError
        No file; files of several kinds, or of a kind that is not read by blocks.
    """
    path, what = Path(table), f"table {os.fspath(table)!r}"
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.is_file() and p.name[0] not in "._")
        found = [p for p in inside if kind_of(p)] or inside
    elif is_several(table):
        names = sorted(glob.glob(os.fspath(table), recursive=True))
        found = [Path(name) for name in names if Path(name).is_file()]
    else:
        found = [path]
    if not found:
        got = "an empty folder" if path.is_dir() else "none of that name"
        raise InputError(what, f"files named {_KINDS}", got)
    kinds = dict.fromkeys(kind_of(p) for p in found)
    if len(kinds) > 1 or "" in kinds:
        got = " and ".join(sorted({shown(p.suffix or p.name) for p in found})[:4])
        remedy = "name those of one kind, such as 'data/*.csv'" if len(kinds) > 1 else ""
        raise InputError(what, f"files of one kind, named {_KINDS}", got, remedy)
    for p in found:
        if not p.is_file():
            raise InputError(f"table {str(p)!r}", "a file that exists", "nothing there")
        if not p.stat().st_size:
            raise InputError(f"table {str(p)!r}", "a table", "an empty file")
    return found


def refuse_other_columns(
    what: str,
    here: Mapping[str, Any],
    first: str,
    known: Mapping[str, Any],
    *,
    numbers_alike: bool = False,
) -> None:
    """Refuse a file whose columns, or their types or order, are not those of the first.

    With `numbers_alike` all types of numbers are one: in a file of text a column may be whole
    numbers, and numbers in the next.
    """
    lacking = [name for name in known if name not in here]
    more = [name for name in here if name not in known]
    if lacking or more:
        got = f"no column {shown(lacking[0])}" if lacking else f"a column {shown(more[0])} more"
        remedy = closest(lacking[0], list(here)) if lacking else ""
        raise InputError(what, f"the columns of {first!r}", got, remedy)
    for name, dtype in known.items():
        alike = numbers_alike and dtype.is_numeric() and here[name].is_numeric()
        if here[name] != dtype and not alike:
            expected = f"column {shown(name)} of type {dtype}, as in {first!r}"
            raise InputError(what, expected, str(here[name]))
    if list(here) != list(known):
        raise InputError(what, f"columns in the order of {first!r}", "another order")
