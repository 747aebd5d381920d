"""On a terminal of any width every number is printed whole, and none is rounded to 0 or 1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pminusy.cli.app import run

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e[+-]\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("narrow") / "m.safetensors"
    assert run(["fit", PENGUINS, "--target", "species", "-o", str(path)]) == 0
    return str(path)


def _printed(monkeypatch, capsys, columns, arguments):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    capsys.readouterr()
    assert run(arguments) == 0
    return capsys.readouterr().out


def _numbers(text):
    """Numbers of the tables; times differ from run to run."""
    lines = [line for line in text.splitlines() if not line.startswith("time")]
    return sorted(NUMBER.findall("\n".join(lines)))


@pytest.mark.parametrize("columns", [10, 20, 40, 60])
@pytest.mark.parametrize(
    "command",
    [
        ["fit", PENGUINS, "--target", "species"],
        ["fit", PENGUINS, "--target", "island", "--C", "0.1,1", "--cv", "2", "--summary"],
        ["evaluate", "MODEL", PENGUINS],
    ],
    ids=["fit", "fit with a summary", "evaluate"],
)
def test_numbers_are_whole(monkeypatch, capsys, model, columns, command):
    command = [model if word == "MODEL" else word for word in command]
    wide = _printed(monkeypatch, capsys, 160, command)
    narrow = _printed(monkeypatch, capsys, columns, command)
    assert _numbers(narrow) == _numbers(wide)
    assert "…" not in narrow


@pytest.mark.parametrize("columns", [10, 24, 40, 80])
def test_predictions_show_the_classes_there_is_room_for(monkeypatch, capsys, model, columns):
    text = _printed(monkeypatch, capsys, columns, ["predict", model, PENGUINS])
    assert re.search(r"Adelie +0\.9996", text)
    assert "0.0000" not in text
    assert ("more class" in " ".join(text.split())) == (columns < 60)
    assert ("< 0.0001" in text) == (columns >= 40)
