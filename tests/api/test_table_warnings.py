"""What `predict`, `evaluate` and `explain` say about rows: all the command says, in one warning."""

from __future__ import annotations

import itertools
import random
import warnings

import polars as pl
import pytest

import pminusy as pmy
from pminusy.cli.app import run


@pytest.fixture(scope="module")
def model():
    table = pl.DataFrame(
        {
            "size": [1.0, 2.0, 7.0, 8.0] * 25,
            "shade": ["dark", "light"] * 50,
            "wild": [True, False, False, True] * 25,
            "kind": ["ant", "ant", "bee", "bee"] * 25,
        }
    )
    return pmy.fit_table(table, target="kind")


GOOD = pl.DataFrame(
    {"size": [2.0, 7.0], "shade": ["dark", "light"], "wild": [True, False], "kind": ["ant", "bee"]}
)
CHANGES = {
    "shade": pl.Series("shade", ["Dark", "Light"]),
    "wild": pl.Series("wild", ["yes", "false"]),
    "size": pl.Series("size", [None, 7.0]),
    "without shade": pl.Series("shade", [None, "dark"]),
    "extra": pl.Series("extra", [1, 2]),
    "kind": pl.Series("kind", ["cat", "bee"]),
    "unlabelled": pl.Series("kind", [None, "bee"]),
}
SAID = {
    "shade": "2 rows have an unseen value of 'shade' ('Dark' and 'Light')",
    "wild": "1 row has an unseen value of 'wild' ('yes')",
    "size": "1 row without 'size': the median",
    "without shade": "1 row without 'shade', which training always had",
    "extra": "column 'extra' is not used",
    "kind": "1 row with a label the model never saw left out: 'cat'",
    "unlabelled": "1 row without a label left out",
}


def one_warning(call, *arguments):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call(*arguments)
    assert [w.category for w in found] == [pmy.TableWarning]
    assert found[0].filename == __file__  # the caller's line, not ours
    text = str(found[0].message)
    assert text.isprintable()
    return text


@pytest.mark.parametrize("names", list(itertools.combinations(["shade", "wild", "extra"], 2)))
def test_predict_says_it_once(model, names):
    text = one_warning(model.predict, GOOD.with_columns(CHANGES[name] for name in names))
    assert text.startswith("predict: ")
    for name, said in SAID.items():
        assert (said in text) == (name in names)


def test_a_table_as_at_training_is_no_warning(model):
    model.predict(GOOD)
    model.evaluate(GOOD)
    model.explain(GOOD[:1], depth="result")


@pytest.mark.parametrize("name", CHANGES)
def test_evaluate_says_which_rows_it_leaves_out(model, name):
    text = one_warning(model.evaluate, GOOD.with_columns(CHANGES[name]))
    assert text.startswith("evaluate: ")
    # The first row, unseen label and all, is left out before its cells are looked at.
    assert SAID[name].split(":")[0] in text


def test_explain_of_a_row_says_it(model):
    row = {"size": None, "shade": "blue", "wild": "true", "kind": "ant", "extra": 1}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.explain(row, depth="result")
    assert [w.category for w in found] == [pmy.TableWarning]
    text = str(found[0].message)
    assert text.startswith("explain: ")
    for part in ("'extra' is not used", "without 'size'", "unseen value of 'shade' ('blue')"):
        assert part in text


@pytest.mark.parametrize("seed", range(4))
def test_the_command_says_the_same(model, tmp_path, capsys, seed):
    names = random.Random(seed).sample(["shade", "wild", "size", "extra"], 3)
    table = GOOD.with_columns(CHANGES[name] for name in names)
    table.write_csv(tmp_path / "t.csv")
    model.save(tmp_path / "m.safetensors")
    text = one_warning(model.predict, str(tmp_path / "t.csv")).removeprefix("predict: ")
    assert run(["predict", str(tmp_path / "m.safetensors"), str(tmp_path / "t.csv")]) == 0
    notes = [line.removeprefix("note    ") for line in capsys.readouterr().err.splitlines()]
    assert "; ".join(notes) == text
    arguments = ["explain", "m.safetensors", "t.csv"]
    paths = [arguments[0], *(str(tmp_path / name) for name in arguments[1:])]
    assert run([*paths, "--row", "1", "--depth", "result"]) == 0
    assert "note    " in capsys.readouterr().err


def test_many_notes_are_cut(model):
    extra = GOOD.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("size",))
    assert len(one_warning(model.predict, extra)) < 200
    columns = {f"c{i}": ["p", "q"] * 30 for i in range(40)}
    many = pl.DataFrame({**columns, "kind": ["ant", "bee"] * 30})
    wide = pmy.fit_table(many, target="kind")
    text = one_warning(wide.predict, pl.DataFrame({name: ["r"] for name in columns}))
    assert text.count("; ") == 19
    assert text.endswith("… and 21 more notes")
