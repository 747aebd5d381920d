"""Audits of what is not in memory: the same answer as in memory, and refusals by name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.errors import InputError

ROWS = 900


@pytest.fixture(autouse=True)
def room(monkeypatch):
    """Few bytes, so that samples are not all rows and fits read theirs anew."""
    monkeypatch.setattr("pminusy.api.fit.streamed.room_of", lambda memory: 200_000)
    monkeypatch.setattr("pminusy.api.audit.streamed.room_of", lambda memory: 200_000)
    monkeypatch.setattr("pminusy.tables.streaming.sources._BYTES", 1 << 12)
    monkeypatch.setattr("pminusy.estimators.out_of_fold._SLICE", 1 << 13)
    monkeypatch.setattr("pminusy.mislabelled.duplicates._BLOCK", 1 << 12)


def table() -> pl.DataFrame:
    """Three classes, some labels wrong or missing, equal rows that disagree, a class of one row."""
    rng = np.random.default_rng(0)
    size, kind = rng.normal(size=ROWS), rng.integers(0, 3, ROWS)
    y = np.digitize(size + 0.5 * (kind == 1) + 0.3 * rng.normal(size=ROWS), [-0.5, 0.7])
    y[::15] = (y[::15] + 1) % 3
    names = np.array(["low", "middle", "high"])[y].tolist()
    size[801], kind[801], names[800], names[801] = size[800], kind[800], "low", "high"
    names[5], names[6] = None, "alone"
    colours = pl.Series(np.array(["red", "green", "blue"])[kind])
    return pl.DataFrame({"size": size, "colour": colours, "class": names})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The table as the files t/0.parquet … t/2.parquet, and as t.csv."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t").mkdir()
    for number in range(3):
        table()[300 * number : 300 * number + 300].write_parquet(f"t/{number}.parquet")
    table().write_csv("t.csv")
    return tmp_path


@pytest.mark.parametrize("given", ["t/*.parquet", "t", "t.csv", "lazy"])
def test_a_table_is_judged_as_in_memory(folder, given):
    source = pl.scan_parquet("t/*.parquet") if given == "lazy" else given
    held = pmy.audit(table(), target="class", C=1.0)
    read = pmy.audit(source, target="class", C=1.0, memory="1GiB", workdir=folder)
    assert read.judged.p is None
    assert np.array_equal(read.labelled.rows, held.labelled.rows)
    assert np.array_equal(read.judged.fold, held.judged.fold)
    for name in ("quality", "p_predicted"):
        assert np.array_equal(np.isnan(getattr(read, name)), np.isnan(getattr(held, name)))
        assert np.nanmax(np.abs(getattr(read, name) - getattr(held, name))) < 1e-5
    for name in ("predicted", "suggested"):
        assert np.array_equal(getattr(read, name), getattr(held, name))
    assert read.error_shares == pytest.approx(held.error_shares)
    assert [rows.tolist() for rows in read.contradictions] == [[800, 801]]
    assert read.accuracy == pytest.approx(held.accuracy)
    place = int(held.order[0])
    assert read.contributions(place) == pytest.approx(held.contributions(place), abs=1e-3)
    assert str(read).splitlines()[0] == str(held).splitlines()[0]


def test_C_is_chosen_as_in_memory(folder):
    held = pmy.audit(table(), target="class")
    read = pmy.audit("t", target="class", memory="1GiB")
    assert read.judged.C == held.judged.C
    assert np.nanmax(np.abs(read.quality - held.quality)) < 1e-4


def test_the_page_has_the_rows_as_they_are_in_the_table(folder):
    read = pmy.audit("t", target="class", C=1.0, memory="1GiB")
    held = pmy.audit(table(), target="class", C=1.0)
    places = read.order[[3, 0, 7]]
    shown, expected = read.labelled.shown(places), held.labelled.shown(places)
    assert shown is not None
    assert expected is not None
    assert shown.equals(expected)
    read.write_report("a.html", rows=9)
    page = (folder / "a.html").read_text(encoding="utf-8")
    assert page.count("<details") == 9
    assert "near-duplicates are not looked for" in page


def test_the_folder_of_work_is_removed(folder):
    work = folder / "work"
    work.mkdir()
    read = pmy.audit("t", target="class", C=1.0, memory="1GiB", workdir=work)
    assert len(list(work.iterdir())) == 1
    del read
    assert not list(work.iterdir())


def test_arrays_and_blocks_are_judged_as_in_memory(folder):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(ROWS, 6)), rng.integers(0, 3, ROWS)
    X[:, 0] += y
    np.save("X.npy", X)
    held = pmy.audit(X, y)
    near = [pair[:2] for pair in held.near_duplicates()]
    work = folder / "work"
    work.mkdir()
    blocks = pmy.Blocks(lambda: ((X[i : i + 70], y[i : i + 70]) for i in range(0, ROWS, 70)))
    mapped = np.load("X.npy", mmap_mode="r")
    cases = [("X.npy", y, {}), (mapped, y, {}), (blocks, None, {"workdir": work})]
    for given, labels, options in cases:
        read = pmy.audit(given, labels, memory="1GiB", **options)
        assert read.judged.p is None
        assert read.judged.C == held.judged.C
        assert np.abs(read.quality - held.quality).max() < 1e-4
        assert np.array_equal(read.suggested, held.suggested)
        assert [pair[:2] for pair in read.near_duplicates()] == near
    del read
    assert not list(work.iterdir())


X, Y = np.arange(40.0).reshape(20, 2), [0, 1] * 10


def blocks_of(*blocks) -> pmy.Blocks:
    """Blocks that are read as often as wanted."""
    return pmy.Blocks(lambda: iter(blocks))


REFUSED = {
    "arrays": (lambda: (X, Y), {}, "X: expected an .npy file, np.memmap or Blocks, beside memory"),
    "no bytes": (lambda: ("t",), {"target": "class", "memory": "much"}, "memory: expected bytes"),
    "groups": (lambda: ("t",), {"target": "class", "groups": "colour"}, "groups: expected none"),
    "embeddings": (lambda: ("t",), {"target": "class", "embeddings": X}, "embeddings: expected no"),
    "frame": (lambda: (table(),), {"target": "class"}, "a folder, a glob, a file or a Polars Lazy"),
    "no column": (lambda: ("t",), {"target": "kind"}, "target 'kind': expected a column of the"),
    "no folder": (lambda: ("t",), {"target": "class", "workdir": "no"}, "workdir 'no': expected a"),
    "y and blocks": (lambda: (blocks_of((X, Y)), Y), {}, "y: expected none beside Blocks"),
    "weights": (lambda: (blocks_of((X, Y, Y)),), {}, "blocks: expected .X, y. each, without"),
    "no rows": (lambda: (blocks_of((X[:0], Y[:0])),), {}, "all blocks are empty"),
    "no blocks": (lambda: (blocks_of(),), {}, "all blocks are empty"),
    "widths": (lambda: (blocks_of((X, Y), (X[:, :1], Y)),), {}, "2 features in every block, got 1"),
    "text": (lambda: (blocks_of((np.array([["a"]]), ["a"])),), {}, "others in block 0"),
    "lengths": (lambda: (blocks_of((X, Y[:5])),), {}, "a label for each row of a block, got"),
    "one class": (lambda: (blocks_of((X, [1] * 20)),), {}, "at least two classes, got 1 class"),
    "one row": (lambda: (blocks_of((X, [0] * 19 + [1])),), {}, "rows of at least two classes besi"),
    "NaN": (lambda: (blocks_of((X * np.nan, Y)),), {}, "X: expected finite numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(folder, case):
    arguments, options, message = case
    with pytest.raises(InputError, match=message):
        pmy.audit(*arguments(), **{"memory": "1GiB", **options})
    assert not list(folder.glob(".pminusy-rows-*"))


def test_workdir_needs_memory():
    with pytest.raises(InputError, match="workdir: expected memory beside it"):
        pmy.audit(X, Y, workdir=".")


def test_the_command(folder, capsys):
    held = pmy.audit(table(), target="class", C=1.0).to_frame()
    assert run(["audit", "t/*.parquet", "--target", "class", "--C", "1", "--memory", "1GiB",
                "-o", "a.csv", "--workdir", "."]) == 0  # fmt: skip
    out, err = capsys.readouterr()
    assert out.startswith("899 rows, 4 classes, 5 folds, C = 1:")
    assert "near-duplicates are not looked for" in err
    written = pl.read_csv("a.csv")
    assert written["row"].to_list() == held["row"].to_list()
    assert written["suspected"].to_list() == held["suspected"].to_list()
    assert not list(folder.glob(".pminusy-rows-*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "json"], "--format json: expected text or csv beside --memory"),
        (["--keep-columns", "all", "-o", "a.csv"], "columns: expected none beside --memory"),
        (["--groups", "colour"], "--groups: expected none beside --memory"),
        (["--encoding", "latin-1"], "--encoding: expected none beside --memory"),
        (["--folds", "10000"], "folds: expected at most as many as rows, got 10000 of 899"),
    ],
)
def test_the_command_refuses_by_name(folder, capsys, options, message):
    assert run(["audit", "t.csv", "--target", "class", "--memory", "1GiB", *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not (folder / "a.csv").exists()
