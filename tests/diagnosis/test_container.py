"""Docker and Podman: the command line that is built, and what a stand-in for the engine does.

No real engine is used: `docker` here is a program of this test that notes its arguments and runs
the same Python, without any protection.
"""

import itertools
import json
import sys
from pathlib import Path

import pytest

from pminusy.diagnosis.reading import Submission
from pminusy.diagnosis.run import sandbox
from pminusy.diagnosis.run.limits import Limits
from pminusy.diagnosis.submission import Settings, check_submission
from pminusy.errors import InputError

GOOD = b"""
import numpy as np
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""
SLEEPS = b"import time\ndef softmax(z):\n    time.sleep(600)\n"
ENGINE = """#!{python}
import json, os, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] != "run":
    sys.exit(0)
words = sys.argv[2:]
if {image!r} not in words:
    sys.exit(125)  # no such image
inside = words[words.index("--volume") + 1].split(":")[0]
program = words[words.index("-c") + 1].replace("/checker", os.path.dirname(inside))
os.execv({python!r}, [{python!r}, "-I", "-B", "-c", program])
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A stand-in for docker that knows the image `course`; returns what it was called with."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "log"
    program = folder / "docker"
    program.write_text(ENGINE.format(python=sys.executable, log=str(log), image="course"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    sandbox._fault.cache_clear()
    yield lambda: [json.loads(line) for line in log.read_text().splitlines()]
    sandbox._fault.cache_clear()


def options(words):
    """Values of the options of a command line, by name."""
    return {name: value for name, value in itertools.pairwise(words) if name[0] == "-"}


@pytest.mark.parametrize("kind", ["docker", "podman"])
def test_command_line_confines(kind):
    words = sandbox.command(kind, "course", "mine")
    assert words[:2] == [kind, "run"]
    assert "--rm" in words
    assert "--read-only" in words
    found = options(words)
    assert found["--network"] == "none"
    assert found["--pull"] == "never"
    assert found["--name"] == "mine"
    assert found["--user"] == "65534:65534"
    assert found["--cap-drop"] == "ALL"
    assert found["--security-opt"] == "no-new-privileges"
    assert found["--memory"] == found["--memory-swap"] == str(Limits().memory)
    assert int(found["--pids-limit"]) <= 64
    assert "size=" in found["--tmpfs"]
    mounted = [w for w, before in zip(words[1:], words, strict=False) if before == "--volume"]
    inside = Path(sandbox.__file__).parent / "inside"
    assert mounted == [f"{inside}:/checker/inside:ro"]
    assert words[words.index("course") + 1 :][:4] == ["python3", "-I", "-B", "-c"]


def test_a_submission_is_checked_and_its_container_removed(engine):
    sandbox.require("docker", "course")
    settings = Settings(kind="docker", image="course")
    (verdict,) = check_submission(Submission("a.py", {"a.py": GOOD}), settings)
    assert verdict.status == "correct", verdict.summary
    calls = engine()
    started = {options(words)["--name"] for words in calls if words[0] == "run"}
    removed = {words[-1] for words in calls if words[:2] == ["rm", "--force"]}
    assert len(started) == 2  # one to see whether it works, one for the submission
    assert started == removed


def test_one_that_sleeps_is_ended_and_removed(engine):
    limits = Limits(seconds=3, call_seconds=1)
    settings = Settings(kind="docker", image="course", limits=limits)
    (verdict,) = check_submission(Submission("a.py", {"a.py": SLEEPS}), settings)
    assert "within its time limit" in verdict.summary
    assert [words[:2] for words in engine()][-1] == ["rm", "--force"]


def test_a_missing_image_is_refused_with_the_reason(engine):
    with pytest.raises(InputError, match=r"image 'pminusy-check' \(exit code 125"):
        sandbox.require("docker")


def test_no_engine_is_refused_with_the_reason(engine):
    with pytest.raises(InputError, match="no program podman"):
        sandbox.require("podman", "course")
