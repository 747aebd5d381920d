"""Submissions at fault, and files that are not what was meant."""

# ruff: noqa: E501  # programs and bytes, one line each
import json
from typing import Any

import pytest

from pminusy.api.check import check, check_file, check_folder
from pminusy.diagnosis.run.limits import Limits
from pminusy.diagnosis.submission import Settings
from pminusy.errors import InputError

GOOD = """
import numpy as np
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
FAULTS: dict[str, tuple[Any, str, str]] = {
    "syntax": ("def softmax(z):\n    return (z\n", "does not run", "line 2"),
    "python 2": ("def softmax(z):\n    print 'x'\n    return `z`\n", "does not run", "Python 2"),
    "import": ("import torchvision_not_there as tv\ndef softmax(z):\n    return tv.softmax(z)\n", "does not run", "torchvision_not_there"),
    "empty": ("def softmax(z):\n    '''TODO'''\n    pass\n", "unfinished", "nothing"),
    "not implemented": ("def softmax(z):\n    x = z\n    raise NotImplementedError\n", "unfinished", "NotImplemented"),
    "none": ("def softmax(z):\n    p = z\n", "unfinished", "None"),
    "global": ("def softmax(z):\n    return np.exp(z) / total\n", "does not run", "neither an argument nor defined"),
    "invalid utf-8": (b"x = \"\xff\xfe\"\ndef softmax(z):\n    return z\n", "does not run", "not Python"),
    "utf-16": ("def softmax(z):\n    return z\n".encode("utf-16"), "does not run", "save it as UTF-8"),
    "null": (b"def softmax(z):\n    return z\x00\n", "does not run", "not Python"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_own_fault_is_a_verdict(fault, tmp_path):
    source, status, words = FAULTS[fault]
    path = tmp_path / "s.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    (verdict,) = check_file(path, Settings())
    assert verdict.status == status
    assert words in verdict.summary


def test_syntax_error_shows_line_and_caret(tmp_path):
    path = tmp_path / "s.py"
    path.write_text("def softmax(z):\n    return z +* 2\n")
    (verdict,) = check_file(path, Settings())
    assert "return z +* 2\n" in verdict.summary
    assert verdict.summary.splitlines()[-1].strip() == "^"


def notebook(*cells):
    return json.dumps(
        {"cells": [{"cell_type": "code", "source": cell.splitlines(True)} for cell in cells]}
    )


def test_notebook_runs_definitions_only(tmp_path):
    path = tmp_path / "s.ipynb"
    path.write_text(
        notebook(
            "%matplotlib inline\nimport numpy as np\n!rm -rf /",
            "1 / 0\nwhile True: pass",
            GOOD,
            "this is no Python",
        )
    )
    (verdict,) = check_file(path, Settings(limits=Limits(seconds=10)))
    assert verdict.status == "correct", verdict.summary
    assert any("cell 3" in note for note in verdict.notes)
    assert any("cell 4 could not be read" in note for note in verdict.notes)


def test_notebook_that_is_no_notebook(tmp_path):
    path = tmp_path / "s.ipynb"
    path.write_text("not JSON")
    (verdict,) = check_file(path, Settings())
    assert verdict.summary == "It is not a notebook (JSON with cells)."


MISUSE = {
    "nothing there": ("missing.py", None, "nothing there"),
    "other file": ("a.txt", "x", r"a \.py or \.ipynb file"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_one_line(case, tmp_path):
    name, source, words = MISUSE[case]
    if source is not None:
        (tmp_path / name).write_text(source)
    with pytest.raises(InputError, match=words):
        check_file(tmp_path / name, Settings())


def test_pattern_checks_all_that_fit(tmp_path):
    path = tmp_path / "a.py"
    path.write_text(GOOD + GOOD.replace("softmax", "softmax_fast"))
    verdicts = check_file(path, Settings(function="softmax*"))
    assert [v.name for v in verdicts] == ["softmax", "softmax_fast"]


@pytest.mark.sandbox
def test_folder_goes_on_and_resumes(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "good.py").write_text(GOOD)
    (folder / "bad.py").write_text("def softmax(z):\n    return (z\n")
    (folder / "big.py").write_bytes(b"x = 1\n" * 300_000)
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "several").mkdir()
    (folder / "several" / "helper.py").write_text(
        "import numpy as np\ndef shifted(z):\n    return z - z.max(axis=1, keepdims=True)\n"
    )
    (folder / "several" / "main.py").write_text(
        "import numpy as np\nfrom helper import shifted\ndef softmax(z):\n    e = np.exp(shifted(z))\n    return e / e.sum(axis=1, keepdims=True)\n"
    )
    (folder / "none.py").write_text("x = 1\n")
    memory = tmp_path / "memory.json"
    settings = Settings(kind="bubblewrap")
    seen = []
    first = check_folder(folder, settings, memory=memory, progress=lambda *a: seen.append(a))
    statuses = {v.source: v.status for v in first}
    assert statuses == {
        "good.py": "correct", "bad.py": "does not run", "big.py": "does not run",
        "link.py": "does not run", "several": "correct", "none.py": "unknown",
    }  # fmt: skip
    assert seen[-1][:2] == (6, 6)
    (folder / "bad.py").write_text(GOOD)
    before = {v.source: v.seconds for v in first}
    second = {v.source: v for v in check_folder(folder, settings, memory=memory)}
    assert second["bad.py"].status == "correct"
    assert second["good.py"].seconds == before["good.py"]


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="submissions"):
        check_folder(tmp_path, Settings())


def test_closure_method_and_class_in_python():
    import numpy as np

    def make(shift):
        def softmax(z):
            e = np.exp(z - shift * z.max(axis=1, keepdims=True))
            return e / e.sum(axis=1, keepdims=True)

        return softmax

    assert check(make(1.0)).status == "correct"
    assert check(make(0.0)).mistakes == ("shift.missing",)
