"""What `conftest` promises: memory that nobody wrote shows, and skips fail where none may be."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

GO_ON = ["--continue-on-collection-errors"]
ROOT = Path(__file__).parent.parent
SKIPS = """
import pytest
def test_missing(): pytest.skip("no such thing here")
def test_tool(): pytest.importorskip("no_such_module_at_all")
@pytest.mark.skipif(True, reason="no pdflatex")
def test_allowed(): pass
@pytest.mark.xfail(reason="known", strict=True)
def test_expected(): assert False
"""


def test_uninitialised_memory_is_poisoned():
    assert np.isnan(np.empty(3)).all()
    assert np.isnan(np.empty_like(np.ones(3, dtype=np.float32))).all()
    assert (np.empty(2, dtype=np.intp) > 10**9).all()


def test_a_kernel_that_allocates_compiles_whatever_was_imported_at_collection(tmp_path):
    (tmp_path / "test_allocates.py").write_text(
        "import numba.np.arrayobj\n"
        "import numpy as np\n"
        "def test_it(): assert numba.njit(lambda: np.zeros(3).sum())() == 0\n"
    )
    assert "1 passed" in outcome_of(tmp_path, {})


def outcome_of(folder, variables, *arguments):
    """Last line of a run of pytest over a folder, under this project's `conftest`."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest", *arguments, str(folder)]
    path = os.pathsep.join([str(ROOT), *os.get_exec_path()])
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    return done.stdout


@pytest.mark.parametrize("strict", [False, True])
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path, strict):
    (tmp_path / "test_skips.py").write_text(SKIPS)
    (tmp_path / "test_file.py").write_text("import pytest; pytest.importorskip('no_such_module')")
    output = outcome_of(tmp_path, {"PMINUSY_NO_SKIP": "1"} if strict else {}, *GO_ON)
    if not strict:
        assert "4 skipped, 1 xfailed" in output
        return
    assert "2 failed, 1 skipped, 1 xfailed, 1 error" in output, output
    assert "no such thing here (PMINUSY_NO_SKIP is set" in output


def test_without_a_sandbox_its_tests_skip_with_one_line(tmp_path):
    (tmp_path / "test_sandboxed.py").write_text(
        "import pytest\n"
        "from pminusy.diagnosis.run import sandbox\n"
        "sandbox._fault = lambda kind, image: 'none that starts'\n"
        "@pytest.mark.sandbox\n"
        "@pytest.mark.parametrize('n', range(5))\n"
        "def test_five(n): raise AssertionError\n"
    )
    output = outcome_of(tmp_path, {})
    assert "5 skipped" in output
    assert output.count("no sandbox for other people's code: none that starts") == 1
    assert "5 errors" in outcome_of(tmp_path, {"PMINUSY_NO_SKIP": "1"}, "--tb=no")
