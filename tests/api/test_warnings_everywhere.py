"""Every warning of training on every surface: Python, record, terminal, page, model file."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.estimators.softmax_fit import PlainRegression

# Options of fit_table, and words of the warning they bring about.
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "separable": ({"C": np.inf}, "apart", "grow without end"),
    "quasi-separable": ({"C": np.inf}, "touching", "grow without end"),
    "folds without an optimum": ({"C": np.inf, "cv": 3}, "apart", "of 3 fits have no optimum"),
    "iterations": ({"max_iter": 1}, "noisy", "raise max_iter"),
    "iterations on folds": ({"max_iter": 1, "cv": 3, "C": 1.0}, "noisy", "3 of 3 fits stopped"),
    "iterations with L1": ({"max_iter": 1, "l1_ratio": 1.0}, "noisy", "raise max_iter"),
    "time": ({"time_limit": 1e-9}, "noisy", "time limit of 1e-09 s ran out"),
    "time of a search": ({"time_limit": 1e-9, "cv": 3}, "noisy", "29 of 30 fits were left out"),
    "rounding": ({"tol": 0.0}, "noisy", "rounding allows no further progress"),
    "another library": ({}, "noisy", "a word of warning"),
}


def _frame(kind):
    random = np.random.default_rng(0)
    x = np.r_[0:30, 40:70].astype(float)
    y = np.repeat(["a", "b"], 30)
    if kind == "touching":
        x = np.r_[np.repeat([0.0, 1.0, 2.0], 10), np.repeat([2.0, 3.0, 4.0], 10)]
    if kind == "noisy":
        x = x + 40 * random.normal(size=60)
    return pl.DataFrame({"x": x, "z": random.normal(size=60), "same": ["s"] * 60, "y": y})


@pytest.fixture(autouse=True)
def _another_library(request, monkeypatch):
    """Let a fit raise a warning that is not ours."""
    if "another" not in request.node.name:
        return
    fit = PlainRegression.fit

    def warning(self, *args, **named):
        warnings.warn("a word of warning", RuntimeWarning, stacklevel=2)
        return fit(self, *args, **named)

    monkeypatch.setattr(PlainRegression, "fit", warning)


@pytest.mark.parametrize("case", CASES)
def test_a_warning_of_training_is_on_every_surface(case, tmp_path):
    options, kind, words = CASES[case]
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        model = pmy.fit_table(_frame(kind), target="y", **options)
    converged = case == "another library"
    assert sum(words in str(w.message) for w in raised) == 1
    assert len(raised) == len(model.run.warnings)
    assert any(words in note for note in model.run.notes)
    assert model.run.converged == model.converged == converged

    model.write_report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert words in page
    assert ("<b>Not converged.</b>" in page) == (not converged)
    assert ("<b>Converged.</b>" in page) == converged

    model.save(tmp_path / "model.safetensors")
    loaded = pmy.load(tmp_path / "model.safetensors")
    assert loaded.notes == model.run.notes
    assert loaded.converged == converged


@pytest.mark.parametrize("case", ["separable", "quasi-separable", "folds without an optimum"])
def test_the_command_never_says_converged_without_an_optimum(case, tmp_path, capsys, recwarn):
    options, kind, words = CASES[case]
    _frame(kind).write_csv(tmp_path / "t.csv")
    more = ["--cv", "3"] if "cv" in options else []
    arguments = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--C", "inf", *more]
    assert run(arguments) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert words in shown
    assert "NOT converged" in shown
    assert ": converged" not in shown
    assert not recwarn.list  # said once
    assert run([*arguments, "--summary"]) == 2
    assert "no optimum" in capsys.readouterr().err


def test_columns_left_out_are_in_the_file_too(tmp_path):
    model = pmy.fit_table(_frame("noisy"), target="y")
    model.save(tmp_path / "model.safetensors")
    loaded = pmy.load(tmp_path / "model.safetensors")
    assert any("same" in note and "every training row" in note for note in loaded.notes)
    assert loaded.converged
