"""`pminusy fit` with its training options: what is printed, what is kept, what is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import pminusy as pmy
from pminusy.cli import progress
from pminusy.cli.app import run
from pminusy.training.solvers.solution import Progress

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")
FIT = ["fit", PENGUINS, "--target", "island"]


def test_everything_at_once(capsys, tmp_path):
    model, page = tmp_path / "m.safetensors", tmp_path / "m.html"
    options = "--C 0.01,0.1,1 --cv 3 --solver lbfgs --class-weight balanced --calibrate --summary"
    assert run([*FIT, *options.split(), "-o", str(model), "--report", str(page)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for word in ("lbfgs", "passes", "best of 3", "temperature", "expected calibration error"):
        assert word in captured.out
    for word in ("log-likelihood", "(intercept)", "against Biscoe", "one standard deviation"):
        assert word in captured.out
    text = page.read_text(encoding="utf-8")
    for word in ("before calibration", "Choice of the penalty", "above its minimum"):
        assert word in text
    settings = pmy.load(model).settings
    assert settings["folds"] == 3
    assert settings["class weight"] == "balanced"
    assert settings["solver"] == "lbfgs"
    assert isinstance(settings["temperature"], float)
    assert run(["evaluate", str(model), PENGUINS]) == 0
    assert run(["predict", str(model), PENGUINS]) == 0
    assert run(["explain", str(model), PENGUINS, "--row", "3", "--depth", "result"]) == 0


def test_a_mixed_penalty_says_its_solver(capsys):
    assert run([*FIT, "--l1-ratio", "0.5", "--C", "0.1"]) == 0
    assert "proximal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--C 1,x", ("--C", "'x'")),
        ("--C 0", ("C", "above 0")),
        ("--C 1,,2", ("--C", "''")),
        ("--C 1,-1", ("C", "above 0", "-1")),
        ("--cv 1", ("cv", "at least 2")),
        ("--cv few", ("--cv", "'few'")),
        ("--cv 500", ("cv", "500", "134 training rows")),
        ("--l1-ratio 2", ("l1 ratio", "0 to 1")),
        ("--solver sgd", ("solver", '"lbfgs"', "'sgd'")),
        ("--solver liblinear", ("solver", "one class against the rest")),
        ("--solver lbfgs --l1-ratio 1", ("solver", "L1")),
        ("--class-weight 3", ("--class-weight", "CLASS=WEIGHT")),
        ("--class-weight Dream=two", ("--class-weight", "'two'")),
        ("--class-weight Dream=1,Dream=2", ("--class-weight", "twice")),
        ("--class-weight Dream=-1", ("class weight of 'Dream'", "from 0")),
        ("--class-weight Drem=1", ("class weight", "'Drem'", "'Dream'")),
        ("--calibrate --test-size 0", ("calibrate", "held-out rows")),
        ("--calibrate --test-size 0.02", ("calibrate", "at least 20")),
        ("--summary --l1-ratio 0.5", ("--summary", "L1")),
    ],
)
def test_wrong_values_are_one_line_and_no_file(capsys, tmp_path, options, words):
    out = tmp_path / "m.safetensors"
    assert run([*FIT, *options.split(), "-o", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    for word in words:
        assert word in line
    assert list(tmp_path.iterdir()) == []


def test_a_summary_that_is_refused_comes_after_the_model(capsys, tmp_path):
    out = tmp_path / "m.safetensors"
    assert run([*FIT, "--C", "inf", "--summary", "-o", str(out)]) == 2
    assert "no optimum" in capsys.readouterr().err
    assert out.exists()


def test_the_live_line(monkeypatch):
    screen = io.StringIO()

    def terminal(**_):
        return Console(file=screen, force_terminal=True, width=200)

    monkeypatch.setattr("rich.console.Console", terminal)
    with progress.training_progress() as update:
        assert update is not None
        for i in range(6):
            update(Progress(i, 0.5, 10.0**-i, i, float(i)))
    shown = screen.getvalue()
    for word in ("objective 0.500000", "gradient entry 1.0e-05", "passes 5", "about 1 s left"):
        assert word in shown


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("problems", [1, 51])
@pytest.mark.parametrize("left", [None, 3.0, 700.0, 40_000.0])
def test_a_narrow_line_keeps_passes_and_time_left(columns, problems, left):
    at = Progress(3_141, 0.123456789, 1.2e-4, 43_738.0, 12.0, problems // 2, problems)
    line = progress.line_of(at, left, columns)
    assert len(line) <= columns
    assert "passes 43738"[:columns] in line
    assert left is None or columns < 40 or "left" in line
    assert columns < 200 or "largest gradient entry 1.2e-04" in line


def test_a_small_objective_is_not_0():
    assert "objective 2.500e-08" in progress.line_of(Progress(1, 2.5e-8, 1.0, 1, 1.0), None)


NETWORK = [
    *("--hidden", "8,6", "--dropout", "0.2", "--batch-norm", "--epochs", "5"),
    "--early-stopping",
]


def test_a_network_from_fit_to_export(capsys, tmp_path):
    model, page = str(tmp_path / "m.safetensors"), str(tmp_path / "m.html")
    assert run([*FIT, *NETWORK, "--calibrate", "-o", model, "--report", page]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for word in ("14 × 8 × 6 × 3 (relu)", "5 epochs", "the network", "softmax regression (C = 1)"):
        assert word in " ".join(captured.out.split())
    assert "certificate" not in captured.out
    assert run(["predict", model, PENGUINS]) == 0
    assert run(["evaluate", model, PENGUINS]) == 0
    assert run(["export", model, str(tmp_path / "m.onnx")]) == 0
    capsys.readouterr()
    assert run(["export", model, str(tmp_path / "coef.csv")]) == 2
    assert "coefficients: expected a softmax regression" in capsys.readouterr().err


def test_a_network_as_json(capsys):
    assert run([*FIT, *NETWORK, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["largest_gradient_entry"] is None
    assert found["converged"] is None
    about = found["network"]
    assert about["units"] == [14, 8, 6, 3]
    assert len(about["losses"]) == len(about["validation_losses"]) == about["epochs"] == 5
    beside = about["beside_regression"]
    assert beside["difference"] == beside["log_loss"] - beside["log_loss_of_regression"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--hidden 8 --summary", "--summary: expected none beside hidden layers"),
        ("--hidden 8 --C 2", "C: expected none beside hidden layers"),
        ("--hidden 8 --l1-ratio 1", "l1-ratio: expected none beside hidden layers"),
        ("--hidden 8,x", "'x'"),
        ("--dropout 0.5", "dropout: expected hidden layers beside it"),
        ("--batch-norm", "batch-norm: expected hidden layers beside it"),
    ],
)
def test_options_of_the_other_model_are_refused(options, words, capsys):
    assert run([*FIT, *options.split()]) == 2
    assert words in capsys.readouterr().err


def test_progress_of_a_network_is_by_epoch():
    nan = float("nan")
    assert progress.line_of(Progress(7, 0.5, nan, 7.0, 1.0), None) == (
        "epoch 7   training loss 0.500000"
    )
