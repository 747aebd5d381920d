"""A submission of several files: each is judged, none hides another, and nobody else's is read."""

import time

import pytest

from pminusy.diagnosis.folder import check_folder
from pminusy.diagnosis.reading import SubmissionFault, has_source, read
from pminusy.diagnosis.run.limits import Limits
from pminusy.diagnosis.submission import Settings, check_submission

NUMPY = "import numpy as np\n"
SOFTMAX = NUMPY + (
    "def softmax(z):\n    e = np.exp(z - z.max(axis=-1, keepdims=True))\n"
    "    return e / e.sum(axis=-1, keepdims=True)\n"
)
LOSS = (
    "\ndef softmax_loss(z, y):\n    p = {}(z)\n    n = np.arange(len(y))\n"
    "    L = -np.log(p[n, y]).mean()\n    p[n, y] -= 1\n    return L, p / len(y)\n"
)
COLUMNS = SOFTMAX.replace("axis=-1, keepdims=True", "axis=0")


def write(folder, files):
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return folder


def verdicts_of(folder, files, **settings):
    return check_submission(read(write(folder, files)), Settings(**settings))


IMPORTS = {
    "a function": ("from tool import softmax", "softmax"),
    "all of it": ("from tool import *", "softmax"),
    "a module": ("import tool", "tool.softmax"),
    "a module by another name": ("import tool as t", "t.softmax"),
}


@pytest.mark.parametrize("form", IMPORTS)
def test_a_softmax_of_another_own_file_is_no_library(form, tmp_path):
    statement, name = IMPORTS[form]
    files = {"tool.py": SOFTMAX, "main.py": f"{NUMPY}{statement}\n{LOSS.format(name)}"}
    found = {v.name: v for v in verdicts_of(tmp_path, files)}
    assert found["softmax_loss"].status == "fragile"
    assert found["softmax_loss"].leans_on == ()


def test_a_softmax_of_a_library_still_is(tmp_path):
    source = f"{NUMPY}from scipy.special import softmax\n{LOSS.format('softmax')}"
    found = verdicts_of(tmp_path, {"tool.py": NUMPY, "main.py": source})
    assert any(v.leans_on for v in found)


@pytest.mark.parametrize("name", ["code", "statistics", "fractions", "queue"])
def test_own_files_come_before_those_of_pythons_library(name, tmp_path):
    main = f"{NUMPY}from {name} import softmax\n{LOSS.format('softmax')}"
    found = {v.name: v.status for v in verdicts_of(tmp_path, {f"{name}.py": SOFTMAX, "m.py": main})}
    assert found["softmax_loss"] == "fragile"


def test_each_verdict_says_its_file_and_what_was_not_checked(tmp_path):
    files = {"a/one.py": SOFTMAX, "two.py": SOFTMAX.replace("softmax", "softmax_two"),
             "broken.py": "def f(:\n", "data.py": "x = 3\n"}  # fmt: skip
    found = verdicts_of(tmp_path, files)
    assert {v.name: v.file for v in found} == {"softmax": "a/one.py", "softmax_two": "two.py"}
    for verdict in found:
        assert f"in {tmp_path.name}/{verdict.file}" in str(verdict).replace("\n   ", "")
        assert any("broken.py is not checked: line 1" in note for note in verdict.notes)
        assert not any("data.py" in note for note in verdict.notes)


def test_files_of_one_submission_contradict_each_other(tmp_path):
    loss = LOSS.format("rows").replace("p = rows(z)", "p = np.exp(z) / np.exp(z).sum(1)[:, None]")
    apart = verdicts_of(tmp_path, {"a.py": COLUMNS, "b.py": NUMPY + loss})
    assert {v.name: v.status for v in apart}["softmax"] == "wrong"
    row_by_row = NUMPY + "from a import softmax\n" + LOSS.format("by_row")
    row_by_row += "def by_row(z):\n    return np.array([softmax(row) for row in z])\n"
    called = verdicts_of(tmp_path, {"b.py": row_by_row})
    assert {v.name: v.status for v in called} == {"softmax": "correct", "softmax_loss": "fragile"}


def test_an_environment_that_was_handed_in_is_left_out(tmp_path):
    files = {"mine/softmax.py": SOFTMAX, "env/pyvenv.cfg": "", "env/lib/softmax.py": COLUMNS,
             "lib/site-packages/x.py": COLUMNS, ".git/x.py": COLUMNS}  # fmt: skip
    assert list(read(write(tmp_path, files)).files) == ["mine/softmax.py"]
    assert not has_source(tmp_path / "env" / "lib" / "nothing")


def test_files_that_are_too_many_or_too_large_are_said(tmp_path):
    files = {f"f{i:02}.py": "x = 1\n" for i in range(41)} | {"f00.py": b"x = 1\n" * 300_000}
    submission = read(write(tmp_path, files))
    assert len(submission.files) == 39
    assert "only 40 of its 41 files" in submission.notes[0]
    assert "f00.py was not read: It is larger than 1 MB" in submission.notes[1]


def test_links_to_the_work_of_others_are_not_followed(tmp_path):
    write(tmp_path, {"anna.py": SOFTMAX, "berta/softmax.py": SOFTMAX, "carl/own.py": "x = 1\n"})
    (tmp_path / "dora.py").symlink_to("anna.py")
    (tmp_path / "emil").symlink_to("berta")
    (tmp_path / "carl" / "softmax.py").symlink_to("../berta/softmax.py")
    (tmp_path / "carl" / "more").symlink_to("../berta")
    for name in ("dora.py", "emil"):
        with pytest.raises(SubmissionFault, match="link"):
            read(tmp_path / name, tmp_path)
    carl = read(tmp_path / "carl", tmp_path)
    assert list(carl.files) == ["own.py"]
    assert "leads out of the submission" in carl.notes[0]
    statuses = {v.source: v.status for v in check_folder(tmp_path, Settings())}
    assert statuses == {
        "anna.py": "correct", "berta": "correct", "carl": "unknown",
        "dora.py": "does not run", "emil": "does not run",
    }  # fmt: skip


def test_all_files_of_a_submission_share_one_time_limit(tmp_path):
    slow = "import time\n@lambda f: time.sleep(60)\ndef f():\n    pass\n"
    files = {f"slow_{i}.py": slow for i in range(9)} | {"zero.py": SOFTMAX}
    started = time.monotonic()
    found = verdicts_of(tmp_path, files, limits=Limits(seconds=4, call_seconds=2))
    assert time.monotonic() - started < 10
    assert "time limit" in found[0].summary
    one_slow = {"slow.py": slow, "zero.py": SOFTMAX}
    two = write(tmp_path / "two", one_slow)
    found = check_submission(read(two), Settings(limits=Limits(seconds=6, call_seconds=3)))
    assert [v.status for v in found] == ["correct"]  # half of the time is left to it
    assert any("slow.py is not checked" in note for note in found[0].notes)
