"""What columns of text are taken for, and what a user says they are."""

from __future__ import annotations

import datetime

import polars as pl
import pytest

import pminusy as pmy
from pminusy import InputError
from pminusy.tables.columns.dates import date_parts, ordered, parse_dates
from pminusy.tables.columns.giveaway import giveaways
from pminusy.tables.columns.numerals import Numerals, parse_numbers
from pminusy.tables.columns.recognise import recognise
from pminusy.tables.reading import kinds_of, reading_of


def found(values, name="x", **options):
    table = recognise(pl.DataFrame({name: values}), **options)
    return table.frame[name], table.columns.get(name)


def message(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as error:
        call(*arguments, **options)
    text = str(error.value)
    assert text.isprintable()
    return text


@pytest.mark.parametrize("mark", ["?", "-", "#DIV/0!", "unknown", "n.a.", "Total"])
def test_numbers_with_a_mark_are_numbers(mark):
    cells = [str(i / 8) for i in range(95)] + [mark] * 5
    column, how = found(cells)
    assert column.dtype == pl.Float64
    assert column.null_count() == 5
    assert how.why == f"95 of 100 cells are numbers; '{mark}' taken as missing (5)"
    assert how.note


def test_a_column_of_question_marks_with_some_numbers_is_numbers():
    column, _ = found(["?"] * 80 + [str(i) for i in range(20)])
    assert column.null_count() == 80


@pytest.mark.parametrize(
    "cells",
    [
        ["12"] * 50 + ["word"] * 10,  # more than a tenth are words
        ["0", "1", "2", "3+"] * 10 + ["0"] * 40,  # codes of which one is no number
        ["+", "-"] * 20,
        ["a?", "b", "?"] * 20,
    ],
)
def test_words_stay_words(cells):
    column, _ = found(cells)
    assert column.to_list() == cells


@pytest.mark.parametrize(
    ("cell", "numerals", "value"),
    [
        ("1,234,567.8", Numerals(".", ","), 1234567.8),
        ("1.234,5", Numerals(",", "."), 1234.5),
        ("1 234", Numerals(".", " "), 1234.0),
        ("1’234.5", Numerals(".", "'"), 1234.5),
        ("−5", Numerals(), -5.0),
        ("-$5.50", Numerals(), -5.5),
        ("$-5.50", Numerals(), -5.5),
        ("(1,000)", Numerals(".", ","), -1000.0),
        ("12.5%", Numerals(), 12.5),
        (" .5 ", Numerals(), 0.5),
        ("0,123", Numerals(".", ","), None),  # no group of thousands begins with 0
        ("1,23", Numerals(".", ","), None),
        ("1.5", Numerals(",", ""), None),
        ("inf", Numerals(), None),
        ("12 kg", Numerals(), None),
    ],
)
def test_numbers_as_people_write_them(cell, numerals, value):
    assert parse_numbers(pl.Series([cell]), numerals).to_list() == [value]


def test_whole_numbers_with_leading_zeros_are_codes(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{z},{i % 7},{'ab'[i % 2]}" for i, z in enumerate(["02134", "10001"] * 20)]
    path.write_text("zip,x,y\n" + "\n".join(rows))
    model = pmy.fit_table(path, target="y")
    assert "zip = 02134" in model.schema.feature_names
    forced = pmy.fit_table(path, target="y", as_="zip=number,x=category")
    assert "zip" in forced.schema.feature_names
    assert "x = 3" in forced.schema.feature_names
    predicted = model.predict(path)
    model.save(tmp_path / "m.safetensors")
    assert pmy.load(tmp_path / "m.safetensors").predict(path).equals(predicted)


DAY = datetime.datetime(2020, 4, 13)


@pytest.mark.parametrize(
    ("cell", "order"),
    [
        ("2020-04-13", "mdy"), ("2020/4/13", "mdy"), ("4/13/2020", "mdy"), ("13.04.2020", "dmy"),
        ("13-4-20", "dmy"), ("13 Apr 2020", "mdy"), ("April 13, 2020", "mdy"),
        ("13-Apr-20", "mdy"), ("2020-04-13T00:00:00Z", "mdy"), ("2020-04-13 00:00:00+02:00", "dmy"),
    ],
)  # fmt: skip
def test_dates_as_people_write_them(cell, order):
    assert parse_dates(pl.Series([cell]), order).to_list() == [DAY]


@pytest.mark.parametrize(
    "cell", ["13/13/2020", "2020-02-30", "soon", "1.5", "10:61", "2020-01-01 25:00"]
)
def test_no_dates(cell):
    assert parse_dates(pl.Series([cell])).to_list() == [None]


def test_the_time_of_the_day():
    cells = pl.Series(["1/2/2020 1:30 PM", "1/2/2020 13:30", "2020-01-02T13:30:00.0"])
    assert parse_dates(cells).to_list() == [datetime.datetime(2020, 1, 2, 13, 30)] * 3


def test_two_orders_of_day_and_month():
    cells = ["13/02/2020", "02/14/2020"] * 10
    column, how = found(cells)
    assert column.to_list() == cells
    assert "two orders of day and month, such as" in how.left_out
    assert "say dmy or mdy" in message(found, cells, kinds={"x": "date"})
    forced, how = found(cells, kinds={"x": "dmy"})
    assert forced.null_count() == 10
    assert "'02/14/2020' taken as missing (10)" in how.why


def test_an_order_that_nothing_tells_is_said():
    cells = ["01/02/2020", "03/04/2020"] * 5
    assert ordered(pl.Series(cells)).unsure
    _, how = found(cells)
    assert "month before day (--as x=dmy if the day comes first)" in how.why


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["13/04/2020", "02/03/2020"], "dates, day first"),
        (["04/13/2020", "02/03/2020"], "dates, month first"),
        (["2020-04-13", "2020-03-02"], "dates"),
    ],
)
def test_the_order_that_was_found_is_said(cells, said):
    _, how = found(cells * 5)
    assert how.why.endswith(said)


def test_parts_of_a_date_are_what_they_say():
    dates = pl.Series([datetime.datetime(2024, 1, 6, 6), datetime.datetime(2024, 1, 8)])
    parts = date_parts(dates, 19723.0)  # 2024-01-01, a Monday
    assert parts["in days"].tolist() == [5.25, 7.0]
    assert parts["weekend"].tolist() == [1.0, 0.0]
    assert parts["daily sine"] == pytest.approx([1.0, 0.0], abs=1e-9)
    assert parts["weekly cosine"][1] == pytest.approx(1.0)


def test_dates_are_learned_from_and_predicted_with(tmp_path):
    days = [datetime.date(2021, 1, 1) + datetime.timedelta(days=i) for i in range(200)]
    rows = [f"{d:%d/%m/%Y},{'rest' if d.weekday() > 4 else 'work'}" for d in days]
    path = tmp_path / "t.csv"
    path.write_text("day,y\n" + "\n".join(rows))
    model = pmy.fit_table(path, target="y")
    assert model.run.scores.accuracy == 1.0
    frame = pl.DataFrame({"day": days})
    assert model.predict(frame).equals(model.predict(path))
    assert "dates, as at training, got text such as 'soon' in row 1" in message(
        model.predict, pl.DataFrame({"day": ["soon"]})
    )


def test_whole_numbers_that_are_dates():
    column, how = found([20200101, 20200102, 20201231] * 5)
    assert column.dtype == pl.Datetime
    assert how.order == "ymd"
    assert found([20200101, 20201399, 20201231])[1] is None


def test_blanks_around_words_are_dropped_where_they_make_two_of_one():
    column, how = found(["hi", "hi ", "ho"] * 5)
    assert column.n_unique() == 2
    assert how.why == "blanks around values dropped: 'hi ' is 'hi'"
    assert found([" hi", "ho"] * 5)[1] is None


def _labels(tmp_path, labels, **options):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "\n".join(f"{i % 9},{y}" for i, y in enumerate(labels)))
    return path, pmy.fit_table(path, target="y", **options)


def test_labels_with_blanks_around_are_one_class(tmp_path):
    path, model = _labels(tmp_path, ["hi", "hi ", " <=50K"] * 20)
    assert model.schema.classes == ("<=50K", "hi")
    assert "target 'y': blanks around labels dropped: 'hi ' is 'hi'" in model.run.notes
    assert model.evaluate(path).rows == 60


def test_a_class_called_NA_is_said_and_kept_where_asked(tmp_path):
    labels = ["EU", "NA", "AS"] * 20
    path, model = _labels(tmp_path, labels)
    assert model.schema.classes == ("AS", "EU")
    assert (
        "target 'y': 20 rows say 'NA', taken as missing: --as y=category makes a class of it"
        in model.run.notes
    )
    path, model = _labels(tmp_path, labels, as_={"y": "category"})
    assert model.schema.classes == ("AS", "EU", "NA")
    model.save(tmp_path / "m.safetensors")
    assert pmy.load(tmp_path / "m.safetensors").evaluate(path).rows == 60


def test_labels_that_differ_in_capitals_are_said(tmp_path):
    _, model = _labels(tmp_path, ["Yes", "yes", "no"] * 20)
    assert "target 'y': 2 labels differ only in capitals: 'Yes' and 'yes'" in model.run.notes


def test_a_counter_of_rows_is_left_out_whatever_its_name():
    frame = pl.DataFrame({"n": range(100), "x": [i % 7 for i in range(100)], "y": [0, 1] * 50})
    model = pmy.fit_table(frame, target="y")
    assert "'n' is left out: it counts the rows (--as n=number keeps it)" in model.run.notes
    kept = pmy.fit_table(frame, target="y", as_="n=number")
    assert kept.schema.feature_names == ("n", "x")


def test_constant_columns_have_one_note():
    frame = pl.DataFrame(
        {f"c{i}": [i] * 20 for i in range(71)} | {"x": range(20), "y": [0, 1] * 10}
    )
    notes = pmy.fit_table(frame, target="y").run.notes
    assert len([note for note in notes if "left out" in note]) == 1
    assert notes[0].startswith("71 columns are left out: they are the same in every training row")


def test_what_gives_the_target_away_is_said():
    y = [i % 3 for i in range(120)]
    frame = pl.DataFrame(
        {
            "copy": ["abc"[k] for k in y],
            "near": [k + (i % 10) / 20 for i, k in enumerate(y)],
            "noise": [(i * 7919) % 101 / 101 for i in range(120)],
            "y": y,
        }
    )
    notes = [n for n in pmy.fit_table(frame, target="y").run.notes if "alone tells" in n]
    assert [note.split()[0] for note in notes] == ["'copy'", "'near'"]
    assert "--drop copy" in notes[0]
    assert giveaways([frame["copy"]], frame["y"].to_numpy()[:40], "y") == ()


def test_marks_that_the_user_names_are_missing_everywhere():
    frame = pl.DataFrame({"x": [1.0, -999.0], "w": ["a", "zz"], "i": [-999, 2]})
    table = recognise(frame, reading=reading_of(missing=["-999", "zz"]))
    assert table.frame.to_dict(as_series=False) == {
        "x": [1.0, None],
        "w": ["a", None],
        "i": [None, 2],
    }


def test_columns_that_are_not_what_they_are_said_to_be():
    assert message(found, ["a", "b", "1"], kinds={"x": "number"}) == (
        "as 'x': expected numbers in most cells, got 1 of 3 cells; others are like 'a'"
    )
    assert "dates, or whole numbers such as 20200131" in message(found, [1, 2], kinds={"x": "date"})
    frame = pl.DataFrame({"x": [1, 2] * 5, "y": [0, 1] * 5})
    assert message(pmy.fit_table, frame, target="y", as_="zip=category") == (
        "as 'zip': expected a column of the table, got none of that name; "
        "its columns are 'x' and 'y'"
    )
    assert message(pmy.fit_table, frame, target="y", as_="x=word") == (
        "as 'x': expected one of number, category, words, date, dmy, mdy, got 'word'"
    )
    assert message(pmy.fit_table, frame, target="y", as_="x") == (
        "as: expected COLUMN=KIND, such as zip=category, got 'x'"
    )
    assert "expected one kind" in message(kinds_of, ["x=date", "x=number"], ["x"])


def test_a_name_with_commas_is_not_divided():
    frame = pl.DataFrame({"a,b": [1, 2] * 5, "a": [3, 4] * 5, "c": [5, 6] * 5, "y": [0, 1] * 5})
    model = pmy.fit_table(frame, target="y", as_="a,b=category", drop="a,c")
    assert model.schema.feature_names == ("a,b = 1", "a,b = 2")
