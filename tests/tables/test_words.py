"""Columns of names and text: their words as features, learned, predicted, saved and explained."""

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import CountVectorizer

import pminusy as pmy
from pminusy import InputError
from pminusy.tables.columns.words import WordsColumn, learn_words
from pminusy.tables.design import design_matrix
from pminusy.tables.learning import learn_schema
from pminusy.tables.schema import Schema

MAKERS = ("Ford", "fiat", "OPEL")


def _cars(n=120, seed=0):
    r = np.random.default_rng(seed)
    maker = r.integers(3, size=n)
    return pl.DataFrame(
        {
            "car": [f"{MAKERS[k]} no. {i:04d}" for i, k in enumerate(maker)],
            "mass": r.normal(size=n),
            "y": [("US", "IT", "DE")[k] for k in maker],
        }
    )


def test_words_that_come_again_are_features():
    schema = learn_schema(_cars(), "y")
    column = schema.columns[0]
    assert isinstance(column, WordsColumn)
    assert sorted(column.words) == ["fiat", "ford", "opel"]  # "no" is in every row
    assert schema.findings[0].taken == "words"
    assert "car has ford" in schema.feature_names
    model = pmy.fit_table(_cars(), target="y")
    assert model.run.scores.accuracy == 1.0
    assert pmy.fit_table(_cars().drop("car"), target="y").run.scores.accuracy < 0.7


def test_features_are_those_of_a_binary_vectorizer():
    r = np.random.default_rng(1)
    words = np.array(["ä", "b2", "ccc", "Dd", "e_e"])
    cells = [f"{' '.join(words[r.random(5) < 0.5])} x{i}" for i in range(60)]
    frame = pl.DataFrame({"t": cells, "y": ["a", "b"] * 30})
    schema = learn_schema(frame, "y")
    column = schema.columns[0]
    assert isinstance(column, WordsColumn)
    theirs = CountVectorizer(vocabulary=column.words, binary=True, token_pattern=r"\w+")
    np.testing.assert_array_equal(design_matrix(frame, schema).X, theirs.transform(cells).toarray())
    assert set(column.words) == {w.lower() for w in words}


@pytest.mark.parametrize(
    "cells",
    [
        [f"N{i}A{j}" for i in range(20) for j in (1, 2)],
        [f"person {i}" for i in range(40)],
    ],
    ids=["codes", "numbered"],
)
def test_names_whose_words_do_not_come_again_are_left_out(cells):
    frame = pl.DataFrame({"name": cells, "x": np.arange(40.0), "y": ["a", "b"] * 20})
    schema = learn_schema(frame, "y")
    assert [c.name for c in schema.left_out] == ["name"]


def test_missing_cells_and_unknown_words():
    frame = _cars().with_columns(
        car=pl.when(pl.int_range(pl.len()) % 10 == 0).then(None).otherwise("car")
    )
    schema = learn_schema(frame, "y")
    column = schema.columns[0]
    assert isinstance(column, WordsColumn)
    assert column.has_missing
    assert "no" in column.words  # not in every row now
    other = pl.DataFrame({"car": [None, "", "FORD", "lada 7"], "mass": [0.0] * 4})
    X = design_matrix(other, schema).X
    at = {name: j for j, name in enumerate(schema.feature_names)}
    np.testing.assert_array_equal(X[:, at["car is missing"]], [1, 0, 0, 0])
    np.testing.assert_array_equal(X[:, at["car has ford"]], [0, 0, 1, 0])
    whole = learn_schema(_cars(), "y")
    assert design_matrix(other, whole).notes == ("1 row without 'car': taken as without its words",)


def test_saved_and_explained(tmp_path):
    frame = _cars()
    model = pmy.fit_table(frame, target="y")
    model.save(tmp_path / "m.safetensors")
    loaded = pmy.load(tmp_path / "m.safetensors")
    assert loaded.schema == model.schema
    assert loaded.predict(frame).equals(model.predict(frame))
    assert Schema.from_json(model.schema.to_json()) == model.schema
    assert "car" in str(model.explain(frame[0]))
    damaged = model.schema.to_json()
    damaged["columns"][0]["words"] = []
    with pytest.raises(InputError, match="a column of words with words"):
        Schema.from_json(damaged)


def test_onnx_refuses_words(tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(InputError, match=r"ONNX: expected columns of numbers, .* words in 'car'"):
        pmy.fit_table(_cars(), target="y").to_onnx(tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_words_can_be_asked_for_and_refused():
    frame = _cars()
    assert (
        pmy.fit_table(frame, target="y", as_="car=category").schema.findings[0].taken == "category"
    )
    short = frame.with_columns(tag=pl.Series(["red car", "blue car", "red van"] * 40))
    schema = pmy.fit_table(short, target="y", as_={"tag": "words"}).schema
    found = next(c for c in schema.columns if c.name == "tag")
    assert isinstance(found, WordsColumn)
    assert set(found.words) == {"red", "blue", "car", "van"}
    assert learn_words(pl.Series("t", ["a", "b", "c"]), "String", asked=True) is None
