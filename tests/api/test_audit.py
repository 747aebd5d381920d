"""`audit` against labels that were made wrong on purpose, and its command."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import pminusy as pmy
from pminusy.cli.app import run
from pminusy.errors import InputError
from pminusy.estimators.out_of_fold import out_of_fold

DIGITS, TRUTH = (array[:600] for array in load_digits(return_X_y=True))


def noisy(share: float, seed: int):
    """Labels of which a share is another digit, and which these are."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(TRUTH.size) < share
    y = TRUTH.copy()
    y[wrong] = (TRUTH[wrong] + rng.integers(1, 10, wrong.sum())) % 10
    return y, wrong


def test_every_row_is_judged_by_the_other_folds_as_in_scikit_learn():
    y, _ = noisy(0.2, 0)
    X = DIGITS[:, ::3]
    ours = out_of_fold(X, y, 10, C=0.01, seed=3)
    theirs = cross_val_predict(
        LogisticRegression(C=0.01, solver="newton-cholesky", tol=1e-9), X, y,
        cv=StratifiedKFold(5, shuffle=True, random_state=3), method="predict_proba",
    )  # fmt: skip
    assert np.abs(ours.p - theirs).max() < 1e-4
    assert ours.converged


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_wrong_labels_come_first(share):
    y, wrong = noisy(share, 1)
    found = pmy.audit(DIGITS, y)
    assert roc_auc_score(wrong, -found.quality) > 0.97
    assert found.suspected[wrong].mean() > 0.6
    assert found.suspected[~wrong].mean() < 0.05
    first = found.to_frame().head(10)
    assert first["quality"].is_sorted()
    assert (first["label"] == [str(y[row - 1]) for row in first["row"]]).all()


def test_text_sparse_and_float32_give_the_same_judgement():
    y, _ = noisy(0.1, 2)
    plain = pmy.audit(DIGITS, y, C=0.01)
    names = np.array([f"digit {digit}" for digit in y], object)
    sparse = pmy.audit(sp.csr_matrix(DIGITS), names, C=0.01)
    assert np.abs(plain.quality - sparse.quality).max() < 1e-5
    single = pmy.audit(DIGITS.astype(np.float32), y, C=0.01)
    assert np.abs(plain.quality - single.quality).max() < 1e-3


def test_contributions_are_of_the_model_that_judged_the_row():
    y, _ = noisy(0.1, 2)
    found = pmy.audit(DIGITS, y, C=0.01)
    place = int(found.order[0])
    model = found.judged.models[found.judged.fold[place]]
    z = model.W @ DIGITS[place] + model.b
    k, c = found.predicted[place], y[place]
    total = found.contributions(place).sum() + model.b[k] - model.b[c]
    assert total == pytest.approx(z[k] - z[c], abs=1e-9)
    p = found.judged.p[place]
    assert total == pytest.approx(np.log(p[k] / p[c]), abs=1e-6)


def test_a_class_of_one_row_cannot_be_judged_and_comes_last():
    y = TRUTH.copy()
    y[0] = 77
    found = pmy.audit(DIGITS, y, C=0.01)
    assert np.isnan(found.quality[0])
    assert found.order[-1] == 0
    assert not found.suspected[0]
    assert "77" in found.labelled.classes


def test_right_labels_give_few_suspects():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) + 6 * np.eye(2)[np.arange(200) % 2]
    found = pmy.audit(X, np.arange(200) % 2)
    assert found.suspected.sum() <= 2
    assert "suspected" in str(found)


def test_groups_stay_together():
    groups = np.arange(TRUTH.size) // 7
    found = pmy.audit(DIGITS, TRUTH, C=0.01, groups=groups)
    for group in np.unique(groups):
        assert np.unique(found.judged.fold[groups == group]).size == 1


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8"])
def test_embeddings_that_stay_in_their_file_are_judged_alike(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr("pminusy.api.audit.labelled._READ", 0)
    monkeypatch.setattr("pminusy.estimators.out_of_fold._SLICE", 1 << 14)
    monkeypatch.setattr("pminusy.mislabelled.duplicates._BLOCK", 1 << 12)
    y, _ = noisy(0.1, 4)
    y[0] = 77  # a class of one row: no model of the fold that has it in its rest
    np.save(tmp_path / "X.npy", DIGITS.astype(dtype))
    held = pmy.audit(DIGITS, y, C=0.01)
    read = pmy.audit(tmp_path / "X.npy", y, C=0.01)
    assert isinstance(read.labelled.X, np.memmap)
    assert read.labelled.X.dtype == dtype
    assert np.array_equal(read.judged.fold, held.judged.fold)
    assert np.nanmax(np.abs(read.judged.p - held.judged.p)) < 1e-3
    assert np.array_equal(np.isnan(read.quality), np.isnan(held.quality))
    places = held.order[:50]
    assert [n.row for n in read.neighbours(places)] == [n.row for n in held.neighbours(places)]
    assert read.near_duplicates() == pytest.approx(held.near_duplicates())
    read.write_report(tmp_path / "a.html", rows=20)
    assert "as it was given" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_large_file_beside_rows_without_a_label_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pminusy.api.audit.labelled._READ", 0)
    np.save(tmp_path / "X.npy", DIGITS)
    labels = [None, *TRUTH[1:].tolist()]
    with pytest.raises(InputError, match=r"above 0 MiB, .* got 1 row without one; leave those"):
        pmy.audit(pl.DataFrame({"y": labels}), target="y", embeddings=tmp_path / "X.npy")


REFUSED = {
    "no labels": ((DIGITS,), {}, "expected labels beside the features"),
    "another length": ((DIGITS, TRUTH[:5]), {}, "a label for each row"),
    "no label": (
        (DIGITS, [None, *map(str, TRUTH[1:])]),
        {},
        "y: expected labels, got None in row 0",
    ),
    "NaN as label": ((DIGITS, pd.Series(["a"] * 599 + [np.nan])), {}, "got nan in row 599"),
    "NA as label": (
        (DIGITS, pd.Series(["a"] * 599 + [pd.NA], dtype=object)),
        {},
        "got <NA> in row 599",
    ),
    "NaN among texts": ((DIGITS, ["a"] * 599 + [float("nan")]), {}, "got nan in row 599"),
    "one class": ((DIGITS, np.zeros(600)), {}, "at least two classes"),
    "one row beside one class": (
        (DIGITS, np.arange(600) == 7),
        {},
        "folds: expected rows of at least two classes beside those of any fold, got one class",
    ),
    "NaN": ((np.full((600, 2), np.nan), TRUTH), {}, "finite numbers"),
    "folds": ((DIGITS, TRUTH), {"folds": 1}, "a whole number from 2"),
    "few rows": ((DIGITS[:3], TRUTH[:3]), {"folds": 5}, "as many as rows, got 5 of 3"),
    "no such file": (("no such.npy", TRUTH), {}, "a file that exists"),
    "embeddings of arrays": ((DIGITS, TRUTH), {"embeddings": DIGITS}, "a table whose rows"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(case):
    arguments, options, message = case
    with pytest.raises(InputError, match=message):
        pmy.audit(*arguments, **options)


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=120)
    y = np.where(x > 0, "high", "low")
    y[[4, 50]] = ["high", "low"] if x[4] < 0 else ["low", "high" if x[50] < 0 else "low"]
    table = pl.DataFrame({"id": [f"row {i}" for i in range(120)], "x": x, "y": [*y[:-1], None]})
    table.write_csv("t.csv")
    assert run(["audit", "t.csv", "--target", "y", "-o", "a.csv", "--keep-columns", "id"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("119 rows, 2 classes, 5 folds, C = ")
    assert out.endswith("119 rows written to a.csv\n")
    assert "1 row without a label left out" in err
    ranked = pl.read_csv("a.csv")
    assert ranked.columns == [
        "id", "row", "label", "predicted", "suspected", "quality", "p_predicted",
    ]  # fmt: skip
    assert ranked["row"][0] - 1 in (4, 50)
    np.save("e.npy", x[:, None])
    assert run(["audit", "t.csv", "--target", "y", "--embeddings", "e.npy"]) == 0
    np.save("e.npy", x[:100, None])
    capsys.readouterr()
    assert run(["audit", "t.csv", "--target", "y", "--embeddings", "e.npy"]) == 2
    assert (
        "embeddings: expected a row for each row of the table, got 100" in capsys.readouterr().err
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table t.csv of 60 rows of two classes, its features e.npy, and its labels y.npy."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=60)
    y = np.where(x > 0, "high", "low")
    y[7] = "low" if x[7] > 0 else "high"
    days = pl.Series(np.arange(60)).cast(pl.Date)
    pl.DataFrame({"x": x, "day": days, "y": y}).write_csv("t.csv")
    np.save("e.npy", x[:, None])
    np.save("y.npy", y)
    return tmp_path


FAST = ["--target", "y", "--C", "10", "--drop", "day"]


def test_a_page_is_written_and_the_rest_still_printed(folder, capsys):
    assert run(["audit", "t.csv", *FAST, "-o", "a.html", "--rows", "7"]) == 0
    out, _ = capsys.readouterr()
    assert out.endswith("page written to a.html\n")
    page = (folder / "a.html").read_text(encoding="utf-8")
    assert page.count("<details") == 7


def test_every_row_as_csv_and_as_json(folder, capsys):
    assert run(["audit", "t.csv", *FAST, "--format", "csv"]) == 0
    csv, _ = capsys.readouterr()
    assert run(["audit", "t.csv", *FAST, "-o", "-"]) == 0
    assert capsys.readouterr().out == csv
    assert run(["audit", "t.csv", *FAST, "-o", "a.csv"]) == 0
    assert (folder / "a.csv").read_text(encoding="utf-8") == csv
    capsys.readouterr()
    kept = ["--keep-columns", "all", "-o", "a.html"]
    assert run(["audit", "t.csv", *FAST, "--format", "json", *kept]) == 0
    record = json.loads(capsys.readouterr().out)
    ranked = pl.read_csv(csv.encode())
    assert [row["row"] for row in record["ranking"]] == ranked["row"].to_list()
    assert record["ranking"][0]["day"] == "1970-01-08"
    assert record["suspected"] == int(ranked["suspected"].sum()) >= 1
    assert set(record["error_shares"]) == {"high", "low"}
    assert {"rows", "folds", "C", "contradictions", "near_duplicates", "notes"} <= set(record)


def test_labels_and_embeddings_as_arrays_of_files(folder, capsys):
    assert run(["audit", "y.npy", "--embeddings", "e.npy", "--C", "10", "--format", "csv"]) == 0
    arrays = pl.read_csv(capsys.readouterr().out.encode())
    found = pmy.audit(np.load("e.npy"), np.load("y.npy"), C=10.0)
    assert arrays["row"][0] == found.order[0] + 1 == 8
    assert pmy.audit("e.npy", "y.npy", C=10.0).order.tolist() == found.order.tolist()
    pl.read_csv("t.csv").select("y").write_csv("labels.csv")
    command = ["audit", "labels.csv", "--target", "y", "--embeddings", "e.npy", "--C", "10"]
    command += ["-o", "-"]
    assert run(command) == 0
    table = pl.read_csv(capsys.readouterr().out.encode())
    assert table["row"].to_list() == arrays["row"].to_list()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "-1"], "seed: expected a whole number from 0 to 4,294,967,295, got -1"),
        (["--seed", str(1 << 32)], "seed: expected a whole number from 0"),
        (
            ["--keep-columns", "x"],
            "keep columns: expected rows to write them before, got none; give",
        ),
        (["-o", "a.docx"], "expected a page (.html), or a table (.csv, .tsv, .parquet"),
        (["-o", "no/a.html"], "expected a folder that exists, got 'no', which does not"),
        (["-o", "t.csv"], "expected a file of its own, got the same file as 't.csv'"),
        (["-o", "-", "--format", "json"], "-o -: expected --format csv, which it means"),
        (["-o", "a.html", "--rows", "0"], "rows: expected a whole number from 1 to 5,000, got 0"),
        (["--embeddings", "e.npy", "--drop", "x"], "drop: expected none beside --embeddings"),
        (["--groups", "y"], "groups 'y': expected a column other than the target"),
    ],
    ids=[
        "negative seed",
        "large seed",
        "kept nowhere",
        "no such format",
        "no such folder",
        "over the table",
        "two formats",
        "no rows",
        "drop and embeddings",
        "target as groups",
    ],
)
def test_options_that_say_nothing_are_refused(tmp_path, monkeypatch, capsys, options, message):
    monkeypatch.chdir(tmp_path)
    frame = pl.DataFrame({"x": np.arange(20.0), "y": ["a", "b"] * 10})
    frame.write_csv("t.csv")
    np.save("e.npy", np.ones((20, 2)))
    assert run(["audit", "t.csv", "--target", "y", *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["t.csv"], "--target: expected the column of labels, got none; give --target COLUMN"),
        (["y.npy"], "labels 'y.npy': expected features of the rows, got none; give --embeddings"),
        (["y.npy", "--embeddings", "e.npy", "--drop", "x"], "--drop: expected a table that has"),
        (["y.npy", "--embeddings", "e.npy", "--no-header"], "--no-header: expected a table that"),
        (["short.npy", "--embeddings", "e.npy"], "y: expected a label for each row of X, got"),
        (["objects.npy", "--embeddings", "e.npy"], "got Python objects; save array.astype(str)"),
        (["y.npy", "--embeddings", "y.npy"], "X: expected numbers (N, D), got something else"),
        (["y.npy", "--embeddings", "t.csv"], "embeddings 't.csv': expected an array written by"),
        (["y.npy", "--embeddings", "no.npy"], "embeddings 'no.npy': expected a file that exists"),
    ],
    ids=[
        "no target", "no features", "no columns", "no lines", "another length", "objects",
        "text as features", "no array", "nothing there",
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_audited_are_refused(folder, capsys, command, message):
    np.save("short.npy", np.load("y.npy")[:50])
    np.save("objects.npy", np.load("y.npy").astype(object), allow_pickle=True)
    assert run(["audit", *command]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
