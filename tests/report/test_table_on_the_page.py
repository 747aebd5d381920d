"""What the page says of the table: columns, shares of classes, units, which rows were held out."""

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.present.numbers import number, share
from pminusy.report.data import ColumnLine
from pminusy.report.page import render_page
from tests.report.document import read, section
from tests.report.examples import fit_report


@pytest.fixture(scope="module")
def model():
    r = np.random.default_rng(1)
    y = r.integers(2, size=200)
    frame = pl.DataFrame(
        {
            "mass": [
                f"{1000 + 400 * k + v:,.0f}"
                for k, v in zip(y, 300 * r.normal(size=200), strict=True)
            ],
            "id": range(200),
            "kind": [("ant", "bee")[k] for k in y],
        }
    )
    return pmy.fit_table(frame, target="kind")


@pytest.fixture(scope="module")
def page(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "m.html"
    model.write_report(path, command="pminusy fit t.csv --target kind")
    return read(path.read_text(encoding="utf-8"))


def test_every_column_with_its_reason(model, page):
    (table,) = section(page, "columns").all("table")
    assert [row[:2] for row in table.rows[1:]] == [
        ["mass", "number"],
        ["id", "left out"],
        ["kind", "target"],
    ]
    assert "are numbers, with a comma between thousands" in table.rows[1][3]


def test_shares_of_the_classes(model, page):
    (table,) = section(page, "classes").all("table")
    shares = np.bincount(model.run.training.y) / model.run.training.y.size
    assert [row[-1] for row in table.rows[1:]] == [share(s) for s in shares]


def test_weights_in_the_units_of_the_table(model, page):
    _, table = section(page, "weights").all("table")
    (column,) = model.run.judged.schema.columns
    W = model.run.judged.W[:, 0] / column.scale
    assert table.rows[1] == ["mass", *(number(v) for v in (column.mean, column.scale, *W))]


def test_each_row_says_whether_it_was_held_out(model, page):
    held_out = model.run.held_out.index + 1
    titles = [heading.text for heading in section(page, "rows").all("h3")]
    assert len(titles) == 12
    for title in titles:
        _, row, *said = title.split()
        assert (said == ["held", "out"]) == (int(row) in held_out)


def test_version_day_and_command(page):
    text = " ".join(page.text.split())
    assert f"pminusy {pmy.__version__} · 20" in text
    assert "pminusy fit t.csv --target kind" in text


def test_a_model_that_loses_to_the_majority_class_is_warned_of():
    scores = (("accuracy", 0.4, 0.5), ("balanced accuracy", 0.5, 0.5), ("log loss", 1.2, 0.7))
    page = read(render_page(fit_report(scores=scores)))
    text = " ".join(section(page, "scores").text.split())
    assert "No better than the majority class: by accuracy and log loss the model loses" in text
    assert "No better" not in read(render_page(fit_report())).text


def test_many_columns_are_cut():
    columns = tuple(ColumnLine(f"c{i}", "number", i, "Int64, median 1") for i in range(500))
    page = read(render_page(fit_report(columns=columns)))
    assert len(section(page, "columns").all("table")[0].rows) == 201
    assert "Shown are the first 200 of 500" in " ".join(section(page, "columns").text.split())
