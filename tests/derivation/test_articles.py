"""Derivations in the order and the letters of five articles, held to a table of what those tell."""

import re
from collections import defaultdict
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

import pytest

from pminusy.derivation import tree as t
from pminusy.derivation.build import derive
from pminusy.derivation.render.text import TextPrinter
from pminusy.derivation.statements.articles import ARTICLES
from pminusy.errors import InputError
from tests.derivation.articles import article_rows
from tests.derivation.cases import CASES, derivation

ITEMS = 151
OPEN = 0


@cache
def page(article):
    return derive(article=article)


def test_the_table_has_every_item():
    rows = article_rows()
    assert len({(row.article, row.item) for row in rows}) == ITEMS
    assert sum(row.kind == "open" for row in rows) == OPEN


def sides_of(step, printer):
    return [printer.tree(side) for side in step.statement.sides]


@pytest.mark.parametrize("article", [*ARTICLES])
def test_the_page_tells_what_the_table_says(article):
    d = page(article)
    printer = TextPrinter(d.notation, d.digits)
    intros = {line.name: chapter.intro for chapter in d.chapters for line in chapter.lines}
    text = " ".join(str(d).split())
    for row in article_rows():
        if row.article.rstrip("c") != article or row.kind in ("network", "open"):
            continue
        assert row.step in d.names, row
        step = d[row.step]
        if row.kind == "equation":
            sides = sides_of(step, printer)
            assert row.left in sides, row
            assert row.right in sides[sides.index(row.left) + 1 :], row
        elif row.kind == "prose":
            assert row.right in f"{step.title} {step.why} {intros[row.step]}", row
        else:
            assert row.right in text, row
            assert row.kind == "page" or row.left in sides_of(step, printer)


def test_what_networks_tell():
    asked = {row.step for row in article_rows() if row.kind in ("network", "open")}
    told = {
        name.partition("_")[2] for case in ("rows", "sequence") for name in derivation(case).names
    }
    assert asked <= told


def test_no_step_serves_two_equations():
    items, statements = defaultdict(set), defaultdict(set)
    for row in article_rows():
        if row.kind == "equation":
            items[row.article, row.step].add(row.item)
            statement = page(row.article.rstrip("c"))[row.step].statement
            statements[row.step].add(renamed(statement))
    assert not [key for key, found in items.items() if len(found) > 1]
    sized = {"loss_written_out"}
    assert not [step for step, found in statements.items() if len(found) > 1 and step not in sized]


def renamed(statement):
    """A statement with its running letters in order of appearance: the same in other letters."""
    letters: dict[str, str] = {}

    def visit(part):
        if isinstance(part, t.Index):
            if part.name == "c":
                return part
            return replace(part, name=letters.setdefault(part.name, f"i{len(letters)}"))
        if isinstance(part, tuple):
            return tuple(map(visit, part))
        if is_dataclass(part):
            made = {f.name: visit(getattr(part, f.name)) for f in fields(part)}
            return replace(part, **made)  # type: ignore[type-var]  # an instance
        return part

    return visit(statement)


@pytest.mark.parametrize(
    ("article", "line"),
    [
        ("000", "δ_k = ∂L/∂z_k"),
        ("000", "∂L/∂z_y = p_y − 1"),
        ("001", "p_i = e^(z_i) / S"),
        ("002", "∂L/∂w_k = ∂L/∂z_k x = (ŷ_k − y_k) x"),
        ("003", "∂L/∂z = [s_0  …  (s_c − 1)  …  s_(k−1)]"),
        ("004", "E = Σ_i e_i"),
        ("004", "∂(log_b x)/∂x = 1 / ((ln b) x)"),
    ],
)
def test_letters_are_those_of_the_article(article, line):
    assert line in str(page(article))


def test_words_are_in_the_same_letters():
    for article, foreign in (("002", "p"), ("003", "p"), ("004", "pzL")):
        letter = re.compile(rf"(?<![\w'])[{foreign}](_[A-Za-z0-9])?(?!\w)")
        words = [part for step in page(article) for part in (step.title, step.why)]
        assert not [text for text in words if letter.search(text)]


@pytest.mark.parametrize("article", [*ARTICLES])
def test_every_input_of_one_class_is_told(article):
    layer = {"x": [[1.0, -2.0], [0.5, 1.0]], "W": [[0.5, 0.1], [0.3, 0.2], [-0.4, 0.6]]}
    inputs: list[dict[str, Any]] = [
        {"z": [0.3, -1.0], "y": 1},
        {"z": [[1.0, 2.0, 0.5, 0.1, 3.0], [0.0, 1.0, 2.0, 0.0, 0.0]], "y": [4, 1], "row": 1},
        {"probabilities": [0.1, 0.7, 0.2], "y": "b", "classes": ["a", "b", "c"]},
        layer | {"y": [2, 0]},
    ]
    for given in inputs:
        d = derive(article=article, **given)
        assert len(list(d)) == len(d)
        assert "in the order of article" in d.summary.heading


def test_the_numbers_are_the_readers():
    d = derivation("article 004")
    assert [float(v) for v in d["dL_dz"].value.entries.values()] == pytest.approx(
        [float(v) for v in derivation("logits")["dL_dz"].value.entries.values()]
    )


def test_other_letters_may_be_asked_for():
    d = derive(article="004", notation="yhat")
    assert "∂L/∂z_k = ŷ_k − y_k" in str(d)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"article": "005"}, "one of 000, 001, 002, 003, 004, got '005'"),
        ({"article": "001", "z": [1.0, 2.0], "y": 0, "z_loss": 0.1}, "z_loss"),
        ({"article": "001", "z": [1.0, 2.0], "y": 0, "weight": [1.0, 2.0]}, "weight"),
        ({"article": "001", "z": [1.0, 2.0], "y": 0, "route": "direct"}, "route"),
        ({"article": "001", "z": [1.0, 2.0], "y": 0, "chapters": ["pair"]}, "chapters"),
        ({"article": "001", "z": [1.0, 2.0], "y": [0.5, 0.5]}, "one true class"),
        ({"article": "001", "z": [1.0, 2.0], "y": -100}, "one true class"),
        ({"article": "001", "z": [1.0, -float("inf"), 0.0], "y": 0}, "finite logits"),
        ({"article": "001", "z": [0.0] * 33, "y": 0}, "at most 32 classes"),
        ({"article": "001", "z": [1.0, 2.0]}, "target"),
        ({"article": "001", "z": [[1.0, 2.0]], "y": [0], "row": 3}, "from 0 to 0"),
        ({"article": "001", "y": 0}, "got nothing"),
    ],
)
def test_what_has_no_place_in_an_article_is_refused(given, message):
    with pytest.raises(InputError) as caught:
        derive(**given)
    assert message in str(caught.value)


def test_the_cases_have_every_article():
    assert {name for name in CASES if name.startswith("article")} == {
        f"article {name}" for name in ARTICLES
    }
