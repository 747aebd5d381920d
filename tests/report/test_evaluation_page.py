"""The page of an evaluation: its parts, columns beside training, hostile names."""

import re

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy import InputError
from pminusy.api.evaluation import evaluate
from pminusy.cli.app import run
from pminusy.tables.drift import drifts
from tests.report.document import read


def _frame(n=200, seed=0, moved=0.0, tint=("red", "blue")):
    r = np.random.default_rng(seed)
    y = r.integers(3, size=n)
    return pl.DataFrame(
        {
            "x": 10.0 + 2.0 * (y + r.normal(size=n)) + moved,
            "tint": [tint[int(v)] for v in r.integers(2, size=n)],
            "note": [f"{('big', 'old')[int(v)]} {i}" for i, v in enumerate(r.integers(2, size=n))],
            "day": [f"2024-01-{1 + i % 28:02d}" for i in range(n)],
            "y": [("a", "b", "c")[k] for k in y],
        }
    )


def _drifts(model, frame):
    rows = evaluate(model, model.read(frame)).judged
    assert rows is not None
    return {d.name: d for d in drifts(rows.frame, rows.X, model.schema, 200)}


def test_what_moved_is_measured():
    model = pmy.fit_table(_frame(), target="y")
    same = _drifts(model, _frame())
    for name in ("x", "day"):
        assert same[name].mean == pytest.approx(0, abs=1e-9)
        assert same[name].spread == pytest.approx(1)
    assert same["tint"].unseen == 0
    assert same["note"].unseen == 0
    assert {d.missing for d in same.values()} == {0.0}
    other = _frame(moved=5.0, tint=("red", "green")).with_columns(
        note=pl.when(pl.int_range(pl.len()) < 50).then(pl.lit("new")).otherwise("note")
    )
    other = other.with_columns(x=pl.when(pl.int_range(pl.len()) < 20).then(None).otherwise("x"))
    moved = _drifts(model, other)
    assert next(iter(moved)) in ("tint", "x")
    scale = _frame()["x"].std(ddof=0)
    present = other["x"].drop_nulls() - _frame()["x"].mean()
    median = _frame()["x"].median() - _frame()["x"].mean()
    assert moved["x"].mean == pytest.approx((present.sum() + 20 * median) / 200 / scale)
    assert moved["x"].missing == pytest.approx(0.1)
    assert moved["x"].missing_before == 0.0
    assert moved["tint"].unseen == pytest.approx((other["tint"] == "green").mean())
    assert moved["note"].unseen == pytest.approx(0.25)


def test_the_page_has_scores_with_intervals_and_columns_beside_training(tmp_path):
    frame = _frame()
    model = pmy.fit_table(frame, target="y")
    result = model.evaluate(_frame(seed=1))
    page = tmp_path / "e.html"
    result.write_report(page)
    text = page.read_text(encoding="utf-8")
    for part in ("scores", "drift", "rows", "confusion", "classes", "calibration"):
        assert f'<section id="{part}"' in text
    low, high = result.intervals["accuracy"]
    shown = re.findall(r'interval-of">([0-9.]+) – ([0-9.]+)<', text)
    assert [float(v) for v in shown[0]] == pytest.approx([low, high], rel=1e-3)
    assert "200 labelled rows" in text
    assert read(text)


def test_names_from_outside_are_text(tmp_path):
    evil = "<script>alert(1)</script>"
    frame = _frame().rename({"tint": evil}).with_columns(y=pl.lit("<b>") + pl.col("y"))
    model = pmy.fit_table(frame, target="y")
    model.evaluate(frame).write_report(tmp_path / "e.html")
    text = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert evil not in text
    assert "<b>a" not in text


def test_the_command_writes_it(tmp_path, capsys):
    frame = _frame()
    frame.write_csv(tmp_path / "t.csv")
    pmy.fit_table(frame, target="y").save(tmp_path / "m.safetensors")
    files = [str(tmp_path / name) for name in ("m.safetensors", "t.csv")]
    assert run(["evaluate", *files, "--report", str(tmp_path / "e.html")]) == 0
    text = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert "t.csv → y" in text
    assert "pminusy" in text
    assert "page " in capsys.readouterr().out
    assert run(["evaluate", *files, "--report", str(tmp_path / "e.pdf")]) == 2
    assert not (tmp_path / "e.pdf").exists()
    assert run(["evaluate", *files, "--report", files[0]]) == 2
    with pytest.raises(InputError):
        pmy.load(files[0]).evaluate(frame).write_report(tmp_path / "e.json")
