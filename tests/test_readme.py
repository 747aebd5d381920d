"""What the README shows is what happens; each command works where the README installs its parts."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tools.site.blocks import blocks, commands
from tools.site.run import run_page

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
COMMANDS = [
    command.words.removeprefix("pminusy ")
    for block in blocks(README)
    for command in (commands(block) if block.language == "console" else ())
    if command.words.startswith("pminusy ")
]


def test_what_it_shows_is_what_happens():
    assert not run_page(README).wrong


def test_it_has_a_screen_and_a_half():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 120


def test_it_shows_every_face():
    first_words = {command.split()[0] for command in COMMANDS}
    assert {"explain", "play", "check", "fit", "predict"} <= first_words


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def environment_of(command):
    """The extra that the README installs for a command."""
    named = {"explain": "explain", "play": "explain", "check": "check"}
    return named.get(command.split()[0], "fit")


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
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_what_it_needs_where_the_readme_runs_it(command):
    where = environment_of(command)
    assert distributions([where]) >= NEEDS[where]


def test_the_demo_has_what_it_needs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    demo = re.search(r'installed-demo:.*\n\t.*"\.\[(.*)\]"', makefile)
    assert demo
    assert distributions(demo[1].split(",")) >= NEEDS["fit"] | NEEDS["explain"]


@pytest.mark.slow
@pytest.mark.parametrize("where", sorted(NEEDS))
def test_commands_run_in_the_environments_of_the_readme(where, folder):
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    install = [folder / "venv/bin/pip", "install", "--quiet", "--editable", f"{ROOT}[{where}]"]
    subprocess.run(install, check=True)
    ours = [command for command in COMMANDS if environment_of(command) == where]
    assert ours
    for command in ours:
        words = shlex.split(command, comments=True)
        done = subprocess.run(
            [folder / "venv/bin/pminusy", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == int(words[0] == "check"), (command, done.stderr)


def test_what_it_links_to_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", README.read_text(encoding="utf-8"))
    assert len(links) > 10
    assert not [link for link in links if not (ROOT / link).exists()]
