"""Explaining a row of a table under a trained model: names, numbers and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy import InputError
from pminusy.cli.app import run

PENGUINS = str(Path(__file__).parents[2] / "examples" / "penguins.csv")


@pytest.fixture(scope="module")
def model():
    return pmy.fit_table(PENGUINS, target="species")


@pytest.fixture(scope="module")
def table(model):
    return model.read(PENGUINS)


def test_gradient_is_that_of_the_model(model, table):
    derived = model.explain(table[182:183], depth="result")["dL_dz"].value.entries
    p = model.predict(table[182:183]).select(pl.col("^p\\(.*$")).to_numpy()[0]
    expected = p - np.array([0.0, 1.0, 0.0])  # Chinstrap
    np.testing.assert_allclose([float(v) for v in derived.values()], expected, atol=1e-15)


def test_a_mapping_is_a_row(model, table):
    cells = table.row(4, named=True)
    assert str(model.explain(cells, depth="result")) == str(
        model.explain(table[4:5], depth="result")
    )


@pytest.mark.parametrize("options", [{"C": 0.25}, {"C": 0.25, "calibrate": True}])
def test_the_ridge_step_has_the_penalty_of_the_model(options, table):
    fitted = pmy.fit_table(PENGUINS, target="species", **options)
    d = fitted.explain(table[182:183])
    at = d["ridge"].context.numbers
    T = float(fitted.settings.get("temperature", 1.0))
    assert float(at.array("lambda")) == pytest.approx(T**2 / 0.25)
    own = fitted.explain(table[182:183], ridge=0.3)["ridge"].context.numbers
    assert float(own.array("lambda")) == 0.3


def test_names_of_classes_and_features_are_shown(model, table):
    text = str(model.explain(table[182:183], depth="result"))
    for word in ("Chinstrap", "Gentoo", "body_mass_g"):
        assert word in text


def test_a_gradient_step_goes_where_p_minus_y_sends_it(model, table):
    text = str(model.explain(table[182:183], depth="result", steps=3, rate=0.1))
    assert "step" in text.lower()


def test_refusals(model, table):
    with pytest.raises(InputError, match="row: expected a single row, got 2 rows"):
        model.explain(table[:2])
    unknown = table[:1].with_columns(pl.lit("Emperor").alias("species"))
    with pytest.raises(InputError, match=r"'species': expected one of 'Adelie', .* got 'Emperor'"):
        model.explain(unknown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--row", "345"], "row: expected a row from 1 to 344, got 345"),
        (["--row", "0"], "row: expected a row from 1 to 344, got 0"),
        ([], "--row: expected a row from 1 to 344, got none; pass --row 1, say"),
        (["--row", "1", "--logits", "1,2"], "leave one of them out"),
    ],
)
def test_command(capsys, tmp_path, model, arguments, message):
    path = tmp_path / "m.safetensors"
    model.save(path)
    assert run(["explain", str(path), PENGUINS, *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_command_writes_a_page(capsys, tmp_path, model):
    path, page = tmp_path / "m.safetensors", tmp_path / "row.html"
    model.save(path)
    assert (
        run(["explain", str(path), PENGUINS, "--row", "183", "--depth", "result", "-o", str(page)])
        == 0
    )
    assert "every one proved" in capsys.readouterr().out
    assert "Chinstrap" in page.read_text(encoding="utf-8")
