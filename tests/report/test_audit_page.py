"""The page of an audit: ranking, shares, rows that disagree, text from outside."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.errors import InputError
from tests.report.document import read, section

BAD = "<script>alert(1)</script>"


def some_table() -> pl.DataFrame:
    """Three classes of which four labels are wrong, two rows are equal and two nearly so."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    x, z = 3 * y + rng.normal(size=150), rng.normal(size=150)
    x[1], z[1], y[0], y[1] = x[0], z[0], 0, 2  # equal
    x[3], z[3], y[2], y[3] = x[2] + 1e-6, z[2], 0, 2  # nearly
    y[[10, 20]] = 2 - y[[10, 20]]
    names = np.array(["ant", BAD, "damselfly"])
    times = ["dawn", "noon", "dusk"] * 50
    return pl.DataFrame({"x": x, "z": z, "time\u202e": times, "y": names[y]})


@pytest.fixture(scope="module")
def found():
    return pmy.audit(some_table(), target="y", C=1.0)


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "audit.html"
    found.write_report(file, rows=30, command="pminusy audit t.csv")
    return read(file.read_text(encoding="utf-8"))


def test_rows_are_the_ranking(page, found):
    cards = section(page, "rows").all("details", kind="row")
    assert [int(card.attributes["data-row"]) for card in cards] == (found.order[:30] + 1).tolist()
    suspected = [card.attributes["data-suspected"] for card in cards]
    assert suspected == [str(int(found.suspected[place])) for place in found.order[:30]]
    assert "1" in suspected
    first = cards[0].all("span", kind="verdict")[0].text
    given, likely = (
        found.labelled.classes[k[found.order[0]]] for k in (found.labelled.y, found.suggested)
    )
    assert first.startswith(f"Labelled {given} (p = ")
    assert f"likely {likely} (p = " in first


def test_a_row_is_explained_by_the_model_that_judged_it(page, found):
    place = found.order[0]
    card = section(page, "rows").all("details", kind="row")[0]
    total = card.all("table", kind="contributions")[0].rows[-1]
    p = found.judged.p[place]
    expected = np.log(p[found.predicted[place]] / p[found.labelled.y[place]])
    assert float(total[2].replace("−", "-")) == pytest.approx(expected, abs=2e-3)
    gap = card.all("table", kind="gap")[0].rows
    assert gap[1][3] == f"−{1 - p[found.labelled.y[place]]:.4f}"
    assert f"Judged by the model of fold {found.judged.fold[place] + 1}," in card.text


def test_shares_pairs_and_rows_that_disagree(page, found):
    shares = section(page, "shares").all("table")[0].rows[1:]
    y, suspected = found.labelled.y, found.suspected
    for name, rows, wrong, _ in shares:
        k = found.labelled.classes.index(name)
        assert (int(rows), int(wrong)) == ((y == k).sum(), (suspected & (y == k)).sum())
    mistaken = section(page, "shares").all("table")[1].rows[1:]
    assert sum(int(row[2]) for row in mistaken) == suspected.sum()
    assert found.contradictions == []  # the column of times tells them apart
    assert "No two rows have equal features" in section(page, "duplicates").text


def test_what_acts_on_a_page_does_not(page):
    assert not [script for script in page.all("script") if "alert" in script.text]
    assert BAD in page.text
    assert "time\u202e" not in page.text


def test_embeddings_have_no_cells_and_say_what_x_is(tmp_path):
    table = some_table()
    X = table.select("x", "z").to_numpy()
    pmy.audit(X, table["y"].to_numpy(), C=1.0).write_report(tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "as it was given" in text
    assert "The row in the table" not in text
    page = read(text)
    equal, near = (table.rows[1:] for table in section(page, "duplicates").all("table"))
    assert equal == [["1, 2", "ant, damselfly"]]
    assert near[0][:2] == ["3, 4", "ant, damselfly"]


@pytest.mark.parametrize("rows", [0, -1, 5001, 2.5, True, "all"])
def test_a_number_of_rows_that_is_none_is_refused(found, tmp_path, rows):
    with pytest.raises(InputError, match=r"rows: expected a whole number from 1 to 5,000, got"):
        found.write_report(tmp_path / "a.html", rows=rows)
    assert not list(tmp_path.iterdir())
