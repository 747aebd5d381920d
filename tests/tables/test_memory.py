"""A file that does not fit into memory is refused before it is read: the process does not end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pminusy.errors import InputError
from pminusy.tables.files import read_table, write_table
from pminusy.tables.formats import memory
from pminusy.tables.formats.memory import Memory, available_memory, refuse_too_large


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_refused_before_it_is_read(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"t.{suffix}"
    frame = pl.DataFrame({"x": range(1_000_000), "y": ["a", "b"] * 500_000})
    write_table(frame, path)
    monkeypatch.setattr(memory, "_limits", lambda: iter([Memory(50 << 20, "what is left")]))
    with pytest.raises(InputError) as error:
        read_table(path)
    text = str(error.value)
    assert "expected a table that fits into 50 MiB, what is left, got one that needs about" in text
    assert text.endswith("; use fewer rows or columns, or more memory")
    monkeypatch.setattr(memory, "_limits", lambda: iter([Memory(500 << 20, "what is left")]))
    assert read_table(path).height == 1_000_000


def test_what_needs_little_is_read_without_asking(monkeypatch):
    monkeypatch.setattr(memory, "_limits", lambda: iter([Memory(-1, "what is left")]))
    refuse_too_large("table", 1 << 20, 100_000)


def test_the_smallest_limit_counts(monkeypatch):
    monkeypatch.setattr(memory, "_limits", lambda: iter([Memory(9, "a"), Memory(2, "b")]))
    assert available_memory() == Memory(2, "b")
    monkeypatch.setattr(memory, "_limits", lambda: iter([]))
    refuse_too_large("table", 1 << 60, 1e15)


@pytest.mark.parametrize("version", [1, 2])
def test_control_groups_of_both_versions(tmp_path, version):
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    (tmp_path / names[0]).write_text("1000\n")
    (tmp_path / names[1]).write_text("700\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\n{names[2]} 200\n")
    assert memory._group(tmp_path, *names[:2]) == (1000, 500)
    (tmp_path / names[0]).write_text("max\n")
    assert memory._group(tmp_path, *names[:2]) is None
    assert memory._group(tmp_path / "none", *names[:2]) is None


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
@pytest.mark.parametrize("more", [300, 1100])
def test_with_little_address_space_there_is_one_line(tmp_path, more):
    row = ",".join(["1"] * 200)
    (tmp_path / "t.csv").write_text(
        f"y,{','.join(f'c{i}' for i in range(200))}\n" + f"a,{row}\nb,{row}\n" * 60_000
    )
    code = (
        "import resource, sys, polars, pminusy.api.fit_table\n"
        "from pathlib import Path\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        f"resource.setrlimit(resource.RLIMIT_AS, (used + ({more} << 20),) * 2)\n"
        "from pminusy.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "fit", str(tmp_path / "t.csv"), "--target", "y"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "t.csv" in done.stderr
    assert "what the limit of address space (ulimit -v) leaves, got one that needs" in done.stderr
    assert Path(tmp_path / "t.csv").exists()
