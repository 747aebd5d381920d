"""What the README shows is what happens: its commands, its outputs and its Python."""

import doctest
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
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


def environment_of(command):
    """The extra that the README installs for a command; the demo's where it follows the demo."""
    if "# after make demo" in command:
        return "demo"
    return {"explain": "explain", "check": "check"}.get(command.split()[0], "fit")


def distributions(extras):
    """Names of what extras of this project bring, with the extras they include."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: set[str] = set()
    for extra in extras:
        for requirement in project["optional-dependencies"][extra]:
            inner = re.match(r"pminusy\[(.*)\]", requirement)
            found |= (
                distributions(inner[1].split(","))
                if inner
                else {re.split(r"[^\w-]", requirement)[0]}
            )
    return found


NEEDS = {
    "explain": {"sympy", "mpmath"},
    "fit": {"polars", "scikit-learn", "safetensors", "jinja2"},
    "check": {"sympy", "mpmath", "jinja2"},
    "demo": {"polars", "scikit-learn", "safetensors", "jinja2", "sympy", "mpmath"},
}


def test_each_command_has_what_it_needs_where_the_readme_runs_it():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = re.search(r'installed-demo:.*\n\t.*"\.\[(.*)\]"', makefile)
    assert demo
    extras = {"demo": demo[1].split(",")}
    for command in COMMANDS:
        where = environment_of(command)
        assert distributions(extras.get(where, [where])) >= NEEDS[where], command


@pytest.mark.slow
@pytest.mark.parametrize("where", ["demo", "fit", "explain", "check"])
def test_commands_run_in_the_environments_of_the_readme(where, folder):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = re.search(r'installed-demo:.*\n\t.*"\.\[(.*)\]"', makefile)
    assert demo
    extras = demo[1] if where == "demo" else where
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    install = [folder / "venv/bin/pip", "install", "--quiet", "--editable", f"{ROOT}[{extras}]"]
    subprocess.run(install, check=True)
    ours = [command for command in COMMANDS if environment_of(command) == where]
    assert ours
    for command in ours:
        words = shlex.split(command, comments=True)
        if "submissions/" in words and needs.missing_sandbox():
            continue
        done = subprocess.run(
            [folder / "venv/bin/pminusy", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == int(words[0] == "check"), (command, done.stderr)


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
