"""Files are written whole or not at all, and never over what must survive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
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


WRITING = """
import os, signal, sys, time
from pminusy.files import write_atomically

def write(stream):
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    time.sleep(60)

write_atomically("out.bin", write)
"""


def _killed_while_writing(folder: Path, number: int, before: str = "") -> int:
    with subprocess.Popen(
        [sys.executable, "-c", before + WRITING], cwd=folder, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(number)
        return process.wait(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_while_writing_nothing_is_left(tmp_path, number):
    (tmp_path / "out.bin").write_bytes(b"old")
    heard = f"import signal; signal.signal({int(number)}, signal.SIG_DFL)\n"  # nohup has it ignored
    assert _killed_while_writing(tmp_path, number, heard) == -number
    assert listing(tmp_path) == ["out.bin"]
    assert (tmp_path / "out.bin").read_bytes() == b"old"


def test_a_handler_of_the_program_keeps_its_say(tmp_path):
    before = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    assert _killed_while_writing(tmp_path, signal.SIGTERM, before) == 7
    assert listing(tmp_path) == []


def test_handlers_are_as_before(tmp_path):
    write_atomically(tmp_path / "out", lambda stream: stream.write(b"x"))
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def _age(path: Path) -> None:
    os.utime(path, (time.time() - 100,) * 2)


def test_what_a_killed_process_left_is_removed_by_the_next_write(tmp_path):
    assert _killed_while_writing(tmp_path, signal.SIGKILL) == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".part"
    write_atomically(tmp_path / "new", lambda stream: stream.write(b"x"))
    assert left.name in listing(tmp_path)  # one so young may be somebody's that has just begun
    _age(left)
    write_atomically(tmp_path / "new", lambda stream: stream.write(b"x"))
    assert listing(tmp_path) == ["new"]


def test_what_somebody_is_writing_is_left_alone(tmp_path):
    def slow(stream: BinaryIO) -> None:
        (mine,) = tmp_path.iterdir()
        _age(mine)
        write_atomically(tmp_path / "other", lambda other: other.write(b"x"))
        stream.write(b"y")

    write_atomically(tmp_path / "out", slow)
    assert (tmp_path / "out").read_bytes() == b"y"
    assert listing(tmp_path) == ["other", "out"]


def test_only_files_of_our_own_making_are_removed(tmp_path):
    kept = [tmp_path / name for name in (".pminusy-1", "x.part", ".pminusy-folder.part")]
    kept[0].touch()
    kept[1].touch()
    kept[2].mkdir()
    (tmp_path / "precious").touch()
    (tmp_path / ".pminusy-link.part").symlink_to("precious")
    before = listing(tmp_path)
    for path in [*kept, tmp_path / "precious"]:
        _age(path)
    write_atomically(tmp_path / "out", lambda stream: stream.write(b"x"))
    assert listing(tmp_path) == sorted([*before, "out"])


def test_files_are_written_from_threads_too(tmp_path):
    thread = threading.Thread(
        target=write_atomically, args=(tmp_path / "out", partial(write_bytes, b"x"))
    )
    thread.start()
    thread.join()
    assert listing(tmp_path) == ["out"]
