"""What a row's page opens with: each sentence held against the model itself."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import pminusy as pmy
from pminusy.api.explain import row_of

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
ROWS = (5, 183, 190, 300)


@pytest.fixture(scope="module")
def model():
    return pmy.fit_table(PENGUINS, target="species", refit=False)


@pytest.fixture(scope="module")
def frame(model):
    return model.read(PENGUINS)


def explained(model, frame, row, **options):
    return model.explanation(row_of(frame, row), (frame, row), **options)[0].summary


def probabilities(model, frame):
    said = model.predictions(frame)[0]
    return {name: said[f"p({name})"][0] for name in model.schema.classes}


@pytest.mark.parametrize("row", ROWS)
def test_it_says_what_the_model_says(model, frame, row):
    summary, p = explained(model, frame, row), probabilities(model, row_of(frame, row))
    top, true = max(p, key=p.__getitem__), frame["species"][row - 1]
    said = summary.notes[0]
    assert f"The table says 'species' = '{true}'; the model says '{top}'" in said
    assert f"p = {p[top]:.4g}" in said
    assert said.endswith("It is right." if top == true else "It is wrong.")
    assert summary.heading.startswith(f"Row {row}: the model says '{top}', ")


@pytest.mark.parametrize("row", ROWS)
def test_columns_add_up_to_how_much_more_probable_it_is(model, frame, row):
    summary, p = explained(model, frame, row), probabilities(model, row_of(frame, row))
    table = summary.tables[0]
    adds = [float(line[3].replace("−", "-")) for line in table.rows]
    names = table.rows[-1][4], min(
        (n for n in p if n != table.rows[-1][4]),
        key=lambda n: abs(np.log(p[table.rows[-1][4]] / p[n]) - adds[-1]),
    )  # fmt: skip
    assert np.log(p[names[0]] / p[names[1]]) == pytest.approx(adds[-1], abs=6e-4)
    assert sum(adds[:-1]) == pytest.approx(adds[-1], abs=6e-3)
    cells = {line[0]: line[1] for line in table.rows}
    assert float(cells["bill_length_mm"]) == frame["bill_length_mm"][row - 1]


CHANGE = re.compile(r"'(\w+)' (above|below) ([-\d.e+]+) \(now [^)]*\) makes it '(\w+)'")


@pytest.mark.parametrize("row", ROWS)
def test_what_would_change_its_mind_does_and_no_less(model, frame, row):
    own = row_of(frame, row)
    before = model.predictions(own)[0]["prediction"][0]
    found = CHANGE.findall(explained(model, frame, row).notes[2])
    assert found
    for column, side, value, becomes in found:
        now, there = own[column][0], float(value)
        assert (there > now) == (side == "above")
        for share, expected in ((1.01, becomes), (0.97, before)):
            moved = own.with_columns(pl.lit(now + share * (there - now)).alias(column))
            assert model.predictions(moved)[0]["prediction"][0] == expected


def test_whether_the_row_was_trained_on(model, frame):
    held_out = set(model.run.held_out.index)
    for row in (*ROWS, min(held_out) + 1):
        said = explained(model, frame, row).notes[1]
        assert ("held out" in said) == (row - 1 in held_out)
        assert ("trained on." in said) == (row - 1 not in held_out)
    for other in (frame.head(200), frame.reverse()):
        assert "is not known" in explained(model, other, 150).notes[1]
    unlabelled = pl.concat([frame.with_columns(pl.lit(None, pl.String).alias("species")).head(1)])
    with pytest.raises(pmy.InputError, match="got none"):
        explained(model, unlabelled, 1)


def test_whether_a_row_was_held_out_before_the_model_was_refitted(frame, tmp_path):
    refitted = pmy.fit_table(PENGUINS, target="species")
    refitted.save(tmp_path / "m.safetensors")
    held_out = set(refitted.run.held_out.index)
    for row in (min(held_out) + 1, min(set(range(344)) - held_out) + 1):
        said = explained(pmy.load(tmp_path / "m.safetensors"), frame, row).notes[1]
        assert ("held out when the model was scored" in said) == (row - 1 in held_out)


def test_an_evaluation_says_how_many_of_its_rows_were_trained_on(model, frame):
    held_out = len(model.held_out)
    trained = f"trained on {frame.height - held_out} of these {frame.height} rows"
    assert any(trained in note for note in model.evaluate(frame).notes)
    refitted = pmy.fit_table(PENGUINS, target="species")
    assert any(
        "trained on 344 of these 344 rows" in note for note in refitted.evaluate(frame).notes
    )
    others = frame.filter(pl.col("island") != "Dream")
    assert not any("trained on" in note for note in model.evaluate(others).notes)


@pytest.mark.parametrize("row", ROWS)
def test_what_the_row_teaches(model, frame, row):
    own = row_of(frame, row)
    d = model.explanation(own, (frame, row), rate=0.05)[0]
    x = np.array([float(v) for v in d._all[0].context.numbers.array("x")])
    c = model.schema.classes.index(own["species"][0])
    W, b = model.W.copy(), model.b.copy()

    def loss_and_p():
        e = np.exp(W @ x + b - (W @ x + b).max())
        return -np.log(e[c] / e.sum()), e / e.sum()

    before, p = loss_and_p()
    g = p - np.eye(len(b))[c]
    W -= 0.05 * np.outer(g, x)
    b -= 0.05 * g
    said = d.summary.notes[3]
    assert f"The loss is {before:.4g}; one gradient step of rate 0.05" in said
    assert said.endswith(f"makes it {loss_and_p()[0]:.4g}.")


def test_the_derivation_is_behind_a_fold(model, frame):
    d = model.explanation(row_of(frame, 183), (frame, 183))[0]
    page = d.to_html()
    answer, fold, steps = page.partition('<details class="fold">')
    assert fold
    assert "What would change its mind" in answer
    assert 'id="softmax"' not in answer
    assert 'id="softmax"' in steps
    text = str(d)
    assert text.index("What the row teaches") < text.index("Forward")


def test_hints_give_no_answer_away(model, frame):
    summary = explained(model, frame, 183, hints=1)
    assert not any("the model says" in said for said in (summary.heading, *summary.notes))
    assert not summary.folded


def test_a_row_from_python_has_no_table_to_be_found_in(model, frame):
    summary = model.explain(row_of(frame, 183)).summary
    assert summary.heading.startswith("the model says")
    assert not any("trained" in note for note in summary.notes)
