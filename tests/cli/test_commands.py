"""The commands as a person runs them: what they print, what they write, how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pminusy.cli.app import run

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    assert run(["fit", PENGUINS, "--target", "species", "-o", str(path)]) == 0
    return path


def _fails(capsys, *arguments, code=2):
    """Run a command that must fail; return its one line on stderr."""
    assert run([str(a) for a in arguments]) == code
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("pminusy: ")
    return lines[0].removeprefix("pminusy: ")


def test_fit_prints_scores_beside_the_baseline_and_writes_both_files(capsys, tmp_path):
    model, page = tmp_path / "m.safetensors", tmp_path / "m.html"
    arguments = ["fit", PENGUINS, "--target", "species", "-o", str(model), "--report", str(page)]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for word in ("accuracy", "balanced accuracy", "log loss", "majority class", "converged"):
        assert word in captured.out
    assert "Adelie, Chinstrap, Gentoo" in captured.out
    assert str(model) in captured.out
    assert str(page) in captured.out
    assert model.stat().st_size > 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.html", "m.safetensors"]


def test_predict_to_standard_output_is_csv(model_file):
    command = [sys.executable, "-m", "pminusy", "predict", str(model_file), PENGUINS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0] == "prediction,p(Adelie),p(Chinstrap),p(Gentoo)"
    assert len(lines) == 345


def test_a_reader_that_has_seen_enough_is_no_error(model_file):
    command = f"{sys.executable} -m pminusy predict {model_file} {PENGUINS} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("prediction,")
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_predict_to_a_file(capsys, model_file, tmp_path, name):
    out = tmp_path / name
    assert run(["predict", str(model_file), PENGUINS, "-o", str(out)]) == 0
    assert "344 predictions" in capsys.readouterr().out
    frame = pl.read_csv(out) if name.endswith("csv") else pl.read_parquet(out)
    assert frame.shape == (344, 4)


def test_evaluate(capsys, model_file):
    assert run(["evaluate", str(model_file), PENGUINS]) == 0
    out = capsys.readouterr().out
    for word in (
        "accuracy",
        "majority class",
        "precision",
        "recall",
        "F1",
        "Chinstrap",
        "344 rows",
    ):
        assert word in out


def test_a_missing_file(capsys, tmp_path):
    line = _fails(capsys, "fit", tmp_path / "none.csv", "--target", "y")
    assert "none.csv" in line


def test_a_target_that_is_not_there_offers_the_closest(capsys):
    assert "species" in _fails(capsys, "fit", PENGUINS, "--target", "specis")


@pytest.mark.parametrize("option", ["-o", "--report"])
def test_an_output_that_is_the_input(capsys, tmp_path, option):
    table = tmp_path / "t.csv"
    table.write_bytes(Path(PENGUINS).read_bytes())
    before = table.read_bytes()
    line = _fails(capsys, "fit", table, "--target", "species", option, table)
    assert "t.csv" in line
    assert table.read_bytes() == before


def test_an_output_folder_that_is_not_there(capsys, tmp_path):
    out = tmp_path / "no" / "m.safetensors"
    assert "no" in _fails(capsys, "fit", PENGUINS, "--target", "species", "-o", out)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["fit", PENGUINS], "--target"),
        (["fit", PENGUINS, "--target", "species", "--sead", "1"], "--sead"),
        (["fit", PENGUINS, "--target", "species", "--C", "much"], "much"),
        (["train", PENGUINS], "train"),
    ],
)
def test_misuse_is_one_line(capsys, arguments, word):
    assert word in _fails(capsys, *arguments)


def test_something_else_as_a_model(capsys, tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_text("species,island\n")
    assert "m.safetensors" in _fails(capsys, "predict", path, PENGUINS)


def test_a_lacking_column(capsys, model_file, tmp_path):
    table = tmp_path / "t.csv"
    pl.read_csv(PENGUINS).drop("sex", "island").write_csv(table)
    line = _fails(capsys, "predict", model_file, table)
    assert "sex" in line
    assert "island" in line


def test_extra_columns_and_unseen_categories_are_said(capsys, model_file, tmp_path):
    table, out = tmp_path / "t.csv", tmp_path / "p.csv"
    frame = pl.read_csv(PENGUINS, null_values="").head(3)
    frame.with_columns(pl.lit("Atlantis").alias("island"), pl.lit(1).alias("extra")).write_csv(
        table
    )
    assert run(["predict", str(model_file), str(table), "-o", str(out)]) == 0
    said = capsys.readouterr().err
    assert "Atlantis" in said
    assert "extra" in said


def test_escape_codes_in_names_do_not_reach_the_terminal(capsys, tmp_path):
    table = tmp_path / "t.csv"
    rows = "".join(f"{i},{'a' if i % 2 else 'b'}\x1b[31m\n" for i in range(20))
    table.write_text("x,kind\n" + rows)
    assert run(["fit", str(table), "--target", "kind"]) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert r"\x1b" in captured.out


def test_ctrl_c_while_training(capsys, monkeypatch, tmp_path):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pminusy.estimators.softmax_fit.minimise", interrupted)
    out = tmp_path / "m.safetensors"
    line = _fails(capsys, "fit", PENGUINS, "--target", "species", "-o", out, code=130)
    assert line == "interrupted; no file is left half written"
    assert list(tmp_path.iterdir()) == []


def test_interrupted_by_a_signal_there_is_one_line_and_no_file(tmp_path):
    code = (
        "import os, signal; from pminusy.cli import main\n"
        "import pminusy.estimators.softmax_fit as s\n"
        "s.minimise = lambda *_, **__: os.kill(os.getpid(), signal.SIGINT)\n"
        "main()"
    )
    out = tmp_path / "m.safetensors"
    command = [sys.executable, "-c", code, "fit", PENGUINS, "--target", "species", "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "pminusy: interrupted; no file is left half written\n"
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_without_the_characters_shows_their_codes(tmp_path):
    table = tmp_path / "t.csv"
    rows = "".join(f"{i},{'日本' if i % 2 else 'é'}\n" for i in range(20))
    table.write_text("x,kind\n" + rows, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    model = tmp_path / "m.safetensors"
    for arguments in (
        ["fit", str(table), "--target", "kind", "-o", str(model)],
        ["predict", str(model), str(table)],
    ):
        command = [sys.executable, "-m", "pminusy", *arguments]
        done = subprocess.run(command, capture_output=True, check=True, env=environment)
        assert done.stderr == b""
        shown = rb"\u65e5\u672c" if arguments[0] == "fit" else "日本".encode()
        assert shown in done.stdout


def test_closed_standard_output(model_file):
    command = f"{sys.executable} -m pminusy evaluate {model_file} {PENGUINS} >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_standard_output_that_is_full(model_file):
    command = [sys.executable, "-m", "pminusy", "predict", str(model_file), PENGUINS]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "pminusy: standard output: expected a place that can be written, "
        "got No space left on device\n"
    )


def test_help_lists_every_command(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    for command in ("fit", "predict", "evaluate"):
        assert command in out


def test_help_and_import_load_nothing_heavy():
    heavy = ["scipy", "sklearn", "polars", "sympy", "matplotlib", "numba", "torch", "jinja2"]
    for code in (
        "import pminusy",
        "from pminusy.cli.app import run; run(['--help'])",
        "from pminusy.cli.app import run; run(['fit', '--help'])",
    ):
        check = f"{code}\nimport sys\nprint([m for m in {heavy!r} if m in sys.modules])"
        done = subprocess.run(
            [sys.executable, "-c", check], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]", code


@pytest.mark.parametrize("package", ["polars", "sklearn"])
def test_a_missing_extra_says_which_line_installs_it(tmp_path, package):
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    command = [sys.executable, "-m", "pminusy", "fit", PENGUINS, "--target", "species", "--cv", "2"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert 'pip install "pminusy[fit]"' in done.stderr


def test_warnings_turned_into_errors_are_one_line(tmp_path):
    old = Path(__file__).parents[1] / "api" / "format_1.safetensors"
    for command in (["predict", str(old), PENGUINS], ["evaluate", str(old), PENGUINS]):
        line = [sys.executable, "-W", "error", "-m", "pminusy", *command]
        done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("pminusy: the model file is of version 0.1, without a check")
        assert done.stderr.count("\n") == 1
