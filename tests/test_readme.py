"""What the README shows is what happens: its commands, its outputs and its Python."""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from tests import needs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.removeprefix("$ pminusy ")
    for language, block in BLOCKS
    for line in block.splitlines()
    if language == "console" and line.startswith("$ pminusy ")
]
PYTHON = [block for language, block in BLOCKS if language == "python"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder as one has it after `make demo`."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "demo").mkdir()
    (tmp_path / "submissions").mkdir()
    shutil.copy(ROOT / "examples" / "my_softmax.py", tmp_path / "submissions")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    fit = "fit examples/penguins.csv --target species -o demo/penguins.safetensors"
    assert run(fit.split()) == 0
    return tmp_path


def test_commands_run(folder):
    assert len(COMMANDS) >= 8
    for command in COMMANDS:
        arguments = shlex.split(command, comments=True)
        if "submissions/" in arguments and needs.missing_sandbox():
            continue
        wrong = arguments[0] == "check"  # the example is wrong on purpose
        assert run(arguments) == int(wrong), command
        if "-o" in arguments:
            assert (folder / arguments[arguments.index("-o") + 1]).stat().st_size > 0


def test_output_is_what_is_shown(folder, capsys):
    block = next(block for _, block in BLOCKS if block.startswith("$ pminusy explain"))
    first, rest = block.split("\n", 1)
    capsys.readouterr()
    assert run(shlex.split(first.removeprefix("$ pminusy "))) == 0
    output = capsys.readouterr().out
    shown = rest.partition("$ ")[0].split("...\n")[1:-1]
    assert len(shown) == 2
    for part in shown:
        assert part in output


def test_python_runs(folder):
    random = np.random.default_rng(0)
    names = {"pmy": pmy, "X": random.normal(size=(60, 3)), "y": np.arange(60) % 3}
    assert len(PYTHON) >= 4
    for block in PYTHON:
        if ">>>" not in block:
            exec(block, names)
            continue
        if "torch" in block:
            pytest.importorskip("torch")
        test = doctest.DocTestParser().get_doctest(block, dict(names), "README", None, 0)
        assert test.examples
        assert doctest.DocTestRunner().run(test).failed == 0
    assert names["model"].run.scores.accuracy > 0.9  # type: ignore[attr-defined]  # made above
