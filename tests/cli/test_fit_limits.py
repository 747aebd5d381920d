"""`pminusy fit`: tolerance, limits of iterations and time, and Ctrl-C with the best so far."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.estimators.cross_validation import Trials
from pminusy.estimators.model_file import _UNCHECKED
from pminusy.present.numbers import decimals
from pminusy.training.solvers.solution import TrainingLog

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")
FIT = ["fit", PENGUINS, "--target", "species"]


def _interrupt_at(monkeypatch, iteration):
    """Let Ctrl-C come after so many iterations, of all fits together."""
    # A compiled fit is one call: it has no iterations between which an interrupt could come.
    monkeypatch.setenv("PMINUSY_IMPLEMENTATION", "core")
    note, count = TrainingLog.note, [0]

    def noted(self, *args, **named):
        note(self, *args, **named)
        count[0] += 1
        if count[0] == iteration:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingLog, "note", noted)


@pytest.mark.parametrize(
    ("options", "word", "said"),
    [
        (["--max-iter", "1"], "NOT converged", "raise --max-iter"),
        (["--time-limit", "1e-9"], "NOT converged", "raise --time-limit"),
        (["--tol", "0"], "NOT converged", "raise the tolerance"),
        (["--tol", "1e-2"], ": converged", "rows"),
        (["--C", "inf"], "NOT converged", "with --C inf weights grow"),
    ],
)
def test_limits(options, word, said, capsys, tmp_path):
    out = tmp_path / "m.safetensors"
    assert run([*FIT, *options, "-o", str(out)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert word in shown
    assert said in shown
    assert pmy.load(out).converged == (word == ": converged")
    assert "max_iter" not in shown.replace("--max-iter", "")


@pytest.mark.parametrize("options", [["--max-iter", "1"], ["--time-limit", "1e-9"]])
def test_the_summary_speaks_of_options_too(options, capsys):
    assert run([*FIT, *options, "--summary"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count(f"raise {options[0]} ") == 2  # the warning, and below the coefficients
    assert "max_iter" not in shown
    assert "time_limit" not in shown


def test_options_that_do_not_go_together_are_named_as_they_are_typed(capsys):
    assert run([*FIT, "--memory", "1GiB", "--threshold", "0.5"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "pminusy: --threshold: expected none beside --memory, got one; leave --memory out"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tol", "nonsense"], "expected a number, got 'nonsense'"),
        (["--tol", "-1"], "pminusy: --tol: expected a number from 0, got -1.0"),
        (["--max-iter", "1.5"], "expected a whole number, got '1.5'"),
        (["--max-iter", "-1"], "pminusy: --max-iter: expected a whole number from 0, got -1"),
        (["--time-limit", "0"], "pminusy: --time-limit: expected a number above 0, got 0.0"),
        (["--time-limit", "nan"], "pminusy: --time-limit: expected a number above 0, got nan"),
    ],
)
def test_limits_that_are_none(options, words, capsys):
    assert run([*FIT, *options]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [[], ["--solver", "lbfgs"], ["--l1-ratio", "1"], ["--cv", "3"], ["--calibrate"]]
)
def test_an_interrupt_leaves_the_best_so_far(options, monkeypatch, capsys, tmp_path):
    out, page = tmp_path / "m.safetensors", tmp_path / "p.html"
    _interrupt_at(monkeypatch, 3)
    assert run([*FIT, *options, "-o", str(out), "--report", str(page)]) == 130
    shown = " ".join(capsys.readouterr().out.split())
    assert "interrupted after" in shown
    assert "STOPPED, NOT converged" in shown
    model = pmy.load(out)
    assert model.converged is False
    assert any("interrupted" in note for note in model.notes)
    assert np.isfinite(model.W).all()
    assert "Not converged." in page.read_text()


@pytest.mark.parametrize("fits", [1, 2, 7])
def test_an_interrupt_between_fits_of_a_cross_validation(fits, monkeypatch, capsys, tmp_path):
    """Each fit has reached its optimum, but C was chosen from some of them: that is no success."""
    add, count = Trials.add, [0]

    def added(self, *args, **named):
        add(self, *args, **named)
        count[0] += 1
        if count[0] == fits:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trials, "add", added)
    out = tmp_path / "m.safetensors"
    assert run([*FIT, "--cv", "3", "-o", str(out)]) == 130
    shown = " ".join(capsys.readouterr().out.split())
    assert "STOPPED" in shown
    assert "cross-validation ended early" in shown
    assert np.isfinite(pmy.load(out).W).all()


@pytest.mark.parametrize("options", [[], ["--l1-ratio", "1"], ["--solver", "lbfgs"]])
def test_an_interrupt_before_the_first_iteration(options, monkeypatch, capsys, tmp_path):
    """Training has begun and has nothing yet: the model of no weights, marked as such."""
    note = TrainingLog.note

    def interrupted(self, *args, **named):
        monkeypatch.setattr(TrainingLog, "note", note)
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingLog, "note", interrupted)
    page = tmp_path / "p.html"
    assert run([*FIT, *options, "--report", str(page)]) == 130
    assert "STOPPED, NOT converged" in " ".join(capsys.readouterr().out.split())
    assert "interrupted after 0 iterations" in page.read_text()


def test_in_python_an_interrupt_is_raised(monkeypatch):
    _interrupt_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        pmy.fit_table(PENGUINS, target="species")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_real_interrupt(tmp_path):
    random = np.random.default_rng(0)
    rows, out = 4000, tmp_path / "m.safetensors"
    lines = [",".join(f"{v:.6g}" for v in row) for row in random.normal(size=(rows, 60)).cumsum(1)]
    labels = random.integers(0, 40, rows)
    table = tmp_path / "t.csv"
    head = ",".join(f"x{j}" for j in range(60))
    body = (f"{line},{label}" for line, label in zip(lines, labels, strict=True))
    table.write_text("\n".join([f"{head},y", *body]) + "\n")
    command = (  # a shell's job in the background has the signal ignored
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from pminusy.cli import main; sys.argv[0] = 'pminusy'; main()"
    )
    options = ["--target", "y", "--tol", "0", "--max-iter", "1000000", "--l1-ratio", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, "fit", str(table), *options, "-o", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    time.sleep(12.0)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=240)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    if out.exists():  # it was training, not reading
        assert "STOPPED, NOT converged" in shown
        assert pmy.load(out).converged is False


def test_a_model_of_before_is_one_line_on_stderr(tmp_path):
    old = Path(__file__).parents[1] / "api" / "format_1.safetensors"
    table = tmp_path / "t.csv"
    table.write_text("size,hue\n1.0,red\n8.0,blue\n")
    command = "import sys; from pminusy.cli import main; sys.argv[0] = 'pminusy'; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "predict", str(old), str(table)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "checksum" in line]
    assert said == [f"pminusy: {_UNCHECKED}"]


def test_scores_are_not_rounded_to_0_or_1():
    assert [decimals(v) for v in (1.0, 1 - 1e-9, 0.5, 1e-9, 0.0)] == [
        "1.0000", "> 0.9999", "0.5000", "< 0.0001", "0.0000",
    ]  # fmt: skip
