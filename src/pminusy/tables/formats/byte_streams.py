"""Bytes of a table as a file of plain UTF-8 text: unpacked, decoded, without comments.

Each step takes a file and returns it, or another one without a name that holds the result.
"""

from __future__ import annotations

import codecs
import gzip
import io
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl

from pminusy.errors import InputError
from pminusy.tables.wording import shown

__all__ = ["PACKED", "decoded", "saved", "start_of_zstandard", "unpacked", "without_comments"]

PACKED = (".gz", ".zst")
_CHUNK = 1 << 20
_FIRST_LINES = 1000
_LINES: dict[str, Any] = {
    "has_header": False, "separator": "\x01", "quote_char": None, "infer_schema": False,
}  # fmt: skip


def saved(chunks: Iterable[bytes]) -> io.FileIO:
    """A file without a name that holds some bytes; unbuffered, as Polars needs it."""
    stream = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 – the caller closes it
    try:
        for chunk in chunks:
            view = memoryview(chunk)
            while len(view):
                view = view[stream.write(view) :]
        stream.seek(0)
    except BaseException:
        stream.close()
        raise
    return stream


def unpacked(what: str, stream: io.FileIO, suffix: str) -> io.FileIO:
    """Unpack a file named .gz or .zst.

    Raises
    ------
    InputError
        Something else in it, or only the beginning.
    """
    if suffix == ".gz":
        return _gunzipped(what, stream)
    return _unpacked_zstandard(what, stream)


def _gunzipped(what: str, stream: io.FileIO) -> io.FileIO:
    if stream.read(2) != b"\x1f\x8b":
        raise InputError(what, "a gzip file", "something else", "name it after what it is")
    stream.seek(0)
    return saved(_gunzipped_chunks(what, stream))


def _gunzipped_chunks(what: str, stream: io.FileIO) -> Iterator[bytes]:
    size, remedy = 0, "copy or fetch it again"
    try:
        with gzip.open(cast(BinaryIO, stream)) as packed:
            while chunk := packed.read(_CHUNK):
                size += len(chunk)
                yield chunk
    except EOFError:
        got = f"only its beginning: {size:,} bytes can be unpacked"
        raise InputError(what, "a whole gzip file", got, remedy) from None
    except (gzip.BadGzipFile, zlib.error):
        got = f"a damaged one: after {size:,} bytes nothing more can be unpacked"
        raise InputError(what, "a gzip file", got, remedy) from None


def start_of_zstandard(what: str, path: Path) -> io.FileIO:
    """The first lines of a file named .zst, of which the rest is not unpacked.

    Raises
    ------
    InputError
        Something else in it.
    """
    with path.open("rb", buffering=0) as stream:
        _require_zstandard(what, stream)
    try:
        lines = pl.scan_csv(path, **_LINES).head(_FIRST_LINES).collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError):
        raise _no_zstandard(what) from None
    text = lines.to_series(0).fill_null("").to_list()
    return saved([("\n".join(text) + "\n").encode()])


def _unpacked_zstandard(what: str, stream: io.FileIO) -> io.FileIO:
    """Through Polars, which unpacks whatever it reads: a file of one column, a line a row."""
    _require_zstandard(what, stream)
    stream.seek(0)
    try:
        lines = pl.read_csv(stream, **_LINES)
    except pl.exceptions.PolarsError:
        raise _no_zstandard(what) from None
    text = lines.to_series(0).fill_null("")
    parts = ("\n".join(text[i : i + _CHUNK].to_list()) + "\n" for i in range(0, len(text), _CHUNK))
    return saved(part.encode() for part in parts)


def _require_zstandard(what: str, stream: io.FileIO) -> None:
    if stream.read(4) != b"\x28\xb5\x2f\xfd":
        raise InputError(what, "a Zstandard file", "something else", "name it after what it is")


def _no_zstandard(what: str) -> InputError:
    expected, got = "a whole Zstandard file of UTF-8 text", "one that cannot be unpacked"
    return InputError(what, expected, got, "unpack it with: unzstd")


def decoded(what: str, stream: io.FileIO, encoding: str) -> io.FileIO:
    """Text of another encoding as UTF-8.

    Raises
    ------
    InputError
        Bytes that are no text in it, with the line of the first.
    """
    return saved(_decoded_chunks(what, stream, encoding))


def _decoded_chunks(what: str, stream: io.FileIO, encoding: str) -> Iterator[bytes]:
    decoder, line, chunk = codecs.getincrementaldecoder(encoding)(), 1, b"more"
    while chunk:
        chunk = stream.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, errors="replace")
            line += before.count("\n")
            byte = error.object[error.start]
            got = f"the byte {byte:02X} in line {line:,}, which is none in it"
            remedy = "name another one with --encoding: utf-8, cp1252 and latin1 are the usual ones"
            raise InputError(what, f"{encoding} text", got, remedy) from None
        line += text.count("\n")
        yield text.encode("utf-8", "surrogatepass")


def without_comments(what: str, stream: io.FileIO, comment: str) -> io.FileIO:
    """Leave out the lines that begin with a sign.

    Raises
    ------
    InputError
        Nothing else in the file.
    """
    start = comment.encode()
    lines = stream.readall().splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip(b" \t\xef\xbb\xbf").startswith(start)]
    if not any(line.strip() for line in kept):
        raise InputError(what, "rows", f"only lines that begin with {shown(comment)}")
    return saved([b"".join(kept)])
