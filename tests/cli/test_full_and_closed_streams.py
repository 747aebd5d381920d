"""Whatever becomes of what a command prints, its files are written and its exit code is right."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiers

EXAMPLES = Path(__file__).parents[2] / "examples"
PENGUINS = EXAMPLES / "penguins.csv"
RUN = f"{sys.executable} -m pminusy"

WRONG = (
    "import numpy as np\ndef softmax(z):\n    e = np.exp(z)\n    return e / e.sum(axis=0)\n"
    "def cross_entropy(z, y):\n    return -np.log(softmax(z)[np.arange(len(y)), y]).mean()\n"
)

# How a command is started, and whether a full standard output is in it.
SINKS = {
    "a reader that has gone": ("{} | true", False),
    "a reader of one line": ("{} | head -n 1", False),
    "both to a reader of one byte": ("{} 2>&1 | head -c 1", False),
    "full output": ("{} > /dev/full", True),
    "full errors": ("{} 2> /dev/full", False),
    "both full": ("{} > /dev/full 2>&1", True),
    "no output": ("{} >&-", False),
    "no errors": ("{} 2>&-", False),
    "no streams at all": ("{} <&- >&- 2>&-", False),
}

# The command, the files it must leave, its exit code.
COMMANDS = {
    "fit": ("fit {t} --target species -o m.safetensors --report m.html", 2, 0),
    "fit --summary": ("fit {t} --target species -o m.safetensors --summary", 1, 0),
    "predict": ("predict {m} {t} -o p.csv", 1, 0),
    "predict to standard output": ("predict {m} {t}", 0, 0),
    "evaluate": ("evaluate {m} {t}", 0, 0),
    "explain": ("explain --logits 1,2,3 --target 0 --depth result -o d.html", 1, 0),
    "explain to standard output": ("explain --logits 1,2,3 --target 0 --depth outline", 0, 0),
    "explain a row": ("explain {m} {t} --row 2 --depth result", 0, 0),
    "check": ("check {c} --trust --format json -o r.json", 1, 1),
    "check to standard output": ("check {c} --trust", 0, 1),
    "help": ("fit --help", 0, 0),
}
CASES = list(itertools.product(COMMANDS, SINKS))
SAMPLE = random.Random(20).sample(CASES, 9)

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """A model, a table with something to say about it, and a wrong implementation."""
    folder = tmp_path_factory.mktemp("given")
    model, table, code = folder / "m.safetensors", folder / "t.csv", folder / "wrong.py"
    subprocess.run(
        f"{RUN} fit {PENGUINS} --target species -o {model}", shell=True, check=True,
        capture_output=True,
    )  # fmt: skip
    rows = PENGUINS.read_text().splitlines()
    table.write_text("\n".join([f"{rows[0]},extra", *(f"{row},1" for row in rows[1:])]) + "\n")
    code.write_text(WRONG)
    return {"m": model, "t": table, "c": code}


def check(command: str, sink: str, given: dict[str, Path], folder: Path) -> None:
    line, files, code = COMMANDS[command]
    shell, full = SINKS[sink]
    line = f"{RUN} {line.format(**given)}"
    script = f"{shell.format(line)}; echo ${{PIPESTATUS[0]}} > {folder}/code"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    ended = int((folder / "code").read_text())
    left = sorted(path for path in folder.iterdir() if path.name != "code")
    assert len(left) == files, (left, done.stderr)
    assert all(path.stat().st_size > 100 for path in left)
    # A report that went to its file has one short line left to print, or none.
    silent = command == "check"
    assert ended == (2 if full and not silent else code), done.stderr
    said = [row for row in done.stderr.splitlines() if not row.startswith("note    ")]
    assert len(said) == (1 if sink == "full output" and not silent else 0), done.stderr
    for row in said:
        assert row.startswith("pminusy: standard output: expected a place that can be written, got")
        assert all(repr(path.name) in row for path in left)


@pytest.mark.parametrize(("command", "sink"), SAMPLE)
def test_nothing_is_lost(command, sink, given, tmp_path):
    check(command, sink, given, tmp_path)


@pytest.mark.parametrize(
    ("command", "sink"), tiers.slow([case for case in CASES if case not in SAMPLE], 30)
)
def test_nothing_is_lost_in_any_combination(command, sink, given, tmp_path):
    check(command, sink, given, tmp_path)


def test_a_page_that_cannot_be_written_costs_neither_the_model_nor_the_scores(given, tmp_path):
    (tmp_path / "m.html").symlink_to("/dev/full")
    command = "fit {t} --target species -o m.safetensors --report m.html".format(**given)
    done = subprocess.run(
        f"{RUN} {command}", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert (tmp_path / "m.safetensors").stat().st_size > 100
    assert "accuracy" in done.stdout
    assert "m.html" not in done.stdout
    assert done.stderr.startswith("pminusy: output file 'm.html': expected a file that can")
    assert done.stderr.count("\n") == 1
