"""Files are written whole or not at all, and never over what must survive."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pytest

from pminusy.errors import InputError
from pminusy.files import check_writable, write_atomically


def write_bytes(content: bytes, stream: BinaryIO) -> None:
    stream.write(content)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_a_new_file_and_replaces_an_old_one(tmp_path):
    path = tmp_path / "out.bin"
    for content in (b"one", b"two"):
        write_atomically(path, partial(write_bytes, content))
        assert path.read_bytes() == content
    assert listing(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(tmp_path, failure):
    path = tmp_path / "out.bin"
    path.write_bytes(b"old")

    def write(stream):
        stream.write(b"half")
        raise failure

    with pytest.raises(failure):
        write_atomically(path, write)
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["out.bin"]


def test_a_full_disk_is_an_input_error_and_leaves_nothing(tmp_path):
    def write(stream):
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError) as error:
        write_atomically(tmp_path / "o", write)
    expected = "expected a file that can be written, got No space left on device"
    assert str(error.value) == f"output file '{tmp_path}/o': {expected}"
    assert listing(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no full device")
def test_a_full_device_is_an_input_error():
    with pytest.raises(InputError, match="No space left on device"):
        write_atomically("/dev/full", lambda stream: stream.write(b"x"))
    assert not Path("/dev/full").is_file()


def test_a_link_is_followed_and_permissions_are_kept(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, lambda stream: stream.write(b"new"))
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_new_files_have_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "ours", lambda stream: stream.write(b""))
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_says_what_is_wrong_with_a_place(tmp_path):
    (tmp_path / "file").touch()
    cases = {
        tmp_path / "no" / "out": (
            f"expected a folder that exists, got '{tmp_path}/no', which does not; create it first"
        ),
        tmp_path / "file" / "out": (
            f"expected a folder to write to, got '{tmp_path}/file', which is a file"
        ),
        tmp_path: "expected a file name, got a folder; add a file name to it",
    }
    for path, message in cases.items():
        with pytest.raises(InputError) as error:
            check_writable(path)
        assert str(error.value) == f"output file '{path}': {message}"


@pytest.mark.parametrize(("path", "shown"), [("", "''"), ("a\0b", r"'a\x00b'")])
def test_refuses_what_is_no_file_name(path, shown):
    with pytest.raises(InputError) as error:
        check_writable(path)
    assert str(error.value) == f"output file: expected a file name, got {shown}"


def test_names_too_long_for_the_system_are_an_input_error(tmp_path):
    with pytest.raises(InputError, match="File name too long"):
        write_atomically(tmp_path / ("a" * 300), lambda stream: stream.write(b"x"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_refuses_read_only_places(tmp_path):
    (tmp_path / "file").touch(mode=0o400)
    with pytest.raises(InputError, match="got a read-only file"):
        check_writable(tmp_path / "file")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="got a read-only folder"):
        check_writable(tmp_path / "other")


def test_refuses_to_overwrite_an_input_also_through_links(tmp_path):
    table = tmp_path / "table.csv"
    table.touch()
    (tmp_path / "soft").symlink_to(table)
    (tmp_path / "hard").hardlink_to(table)
    (tmp_path / "sub").mkdir()
    for name in ("table.csv", "soft", "hard", "sub/../table.csv"):
        with pytest.raises(InputError) as error:
            check_writable(tmp_path / name, inputs=[table])
        assert str(error.value) == (
            f"output file '{tmp_path / name}': expected a file of its own, "
            f"got the same file as '{table}'; choose another name"
        )
    with pytest.raises(InputError, match="a file of its own"):
        check_writable(tmp_path / "new", inputs=[tmp_path / "sub" / ".." / "new"])
    assert check_writable(tmp_path / "new", inputs=[table]) == tmp_path / "new"
