"""The kernels' files: nothing wrong with them ends a call, and what is damaged is written anew."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from pminusy.kernels.runtime import cache
from pminusy.kernels.runtime.compilation import jit

USE = (
    "import numpy as np, pminusy as pmy; z = np.linspace(-9, 9, 30_000, dtype='f4');"
    "z = z.reshape(60, 500);"
    "print(repr(float(pmy.cross_entropy_grad(z, np.arange(60)).loss)), pmy.why(60, 500)[:3])"
)


def doubled(x):
    return x[0] * 2 + 1


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A cache folder of its own."""
    monkeypatch.setattr(numba.core.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def call():
    """Use a kernel as a new process would: its result, and whether it came from its file."""
    kernel = jit(doubled)
    result = kernel(np.array([20.5]))
    return result, sum(kernel.stats.cache_hits.values()) == 1


def file_in(place):
    (path,) = place.rglob("*.kernel")
    return path


def damages(data):
    """Contents a file may come to have: cut, emptied, flipped, followed by something, another's."""
    random = np.random.default_rng(0)
    cuts = [0, 1, 31, 32, 33, 100, len(data) // 2, len(data) - 1]
    yield from (data[:cut] for cut in cuts)
    for at in [0, 31, 32, len(data) - 1, *random.integers(0, len(data), 40).tolist()]:
        changed = bytearray(data)
        changed[at] ^= 1 << int(random.integers(8))
        yield bytes(changed)
    yield data + b"\0"
    yield bytes(len(data))
    yield bytes(random.integers(0, 256, len(data), np.uint8))


def test_a_kernel_is_kept(place):
    assert call() == (42.0, False)
    assert call() == (42.0, True)


def test_damaged_files_are_mended(place):
    call()
    path = file_in(place)
    good = path.read_bytes()
    for number, data in enumerate(damages(good)):
        path.write_bytes(data)
        assert call() == (42.0, False), number
        assert path.read_bytes()[: len(data)] != data or len(data) < len(good), number
        assert call() == (42.0, True), number
    assert number > 50
    assert file_in(place) == path  # nothing is left beside it


def test_a_file_of_other_sources_is_not_used(place, monkeypatch):
    call()
    monkeypatch.setattr(cache, "_sources", lambda: (("rows.py", 0.0, 0),))
    assert call() == (42.0, False)
    assert call() == (42.0, True)


def test_a_file_under_the_name_of_another_is_not_used(place):
    call()
    jit(doubled)(np.array([20], np.int32))
    first, second = place.rglob("*.kernel")
    second.write_bytes(first.read_bytes())
    first.write_bytes(second.read_bytes())
    assert call()[0] == 42.0
    assert jit(doubled)(np.array([20], np.int32)) == 41


def test_a_folder_in_the_place_of_a_file(place):
    call()
    path = file_in(place)
    path.unlink()
    path.mkdir()
    assert call() == (42.0, False)
    assert list(place.rglob("*.kernel")) == [path]
    assert len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("error", [PermissionError, OSError(28, "No space left"), MemoryError])
def test_what_cannot_be_written(place, monkeypatch, error):
    def refuse(*arguments):
        raise error

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert call() == (42.0, False)
    assert not list(place.rglob("*.kernel*"))


def run(folder, limit=None, wait=True):
    def before():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = subprocess.Popen(
        [sys.executable, "-c", USE], env=dict(os.environ, NUMBA_CACHE_DIR=str(folder)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
    )  # fmt: skip
    return process if not wait else (*process.communicate(), process.returncode)


@pytest.mark.slow
def test_full_disk_and_damage_with_the_kernels_themselves(tmp_path):
    expected, errors, code = run(tmp_path)
    assert (errors, code) == ("", 0)
    assert expected.endswith("cpu\n")
    files = sorted(tmp_path.rglob("*.kernel"))
    assert files
    for limit in (1, 50_000):
        assert run(tmp_path / str(limit), limit) == (expected, "", 0)
        assert not list((tmp_path / str(limit)).rglob("*.kernel.*"))
    for file in files:
        data = file.read_bytes()
        for damaged in (data[:100], data[:-2000] + bytes(2000)):
            file.write_bytes(damaged)
            assert run(tmp_path) == (expected, "", 0)
            assert len(file.read_bytes()) > len(data) - 100  # of a few bytes the length varies


@pytest.mark.slow
def test_two_processes_at_once(tmp_path):
    both = [run(tmp_path, wait=False) for _ in range(2)]
    (first, second) = [(*process.communicate(), process.returncode) for process in both]
    assert first == second == run(tmp_path)
    assert first[1:] == ("", 0)
