"""`pminusy explain` from the command line."""

import json
from typing import Any

import numpy as np
import pytest
import typer

from pminusy.cli.explain import explain
from pminusy.errors import InputError


def run(*arguments):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(explain)
    command = typer.main.get_command(app)
    with command.make_context("explain", list(arguments)) as context:
        command.invoke(context)


def test_the_worked_example(capsys):
    run("--probs", "0.2,0.6,0.2", "--target", "0")
    out = capsys.readouterr().out
    assert "1.6094" in out
    assert "(−0.8, 0.6, 0.2)" in out


@pytest.mark.parametrize("suffix", ["html", "md", "tex", "json", "txt"])
def test_output_by_suffix(tmp_path, suffix, capsys):
    page = tmp_path / f"page.{suffix}"
    run(
        "--logits",
        "2,1,0.1",
        "--target",
        "b",
        "--classes",
        "a,b,c",
        "--depth",
        "result",
        "-o",
        str(page),
    )
    assert page.stat().st_size > 500
    assert "every one proved" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == [page.name]


def test_files_and_batches(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.array([[1.0, -2.0], [0.5, 1.0]]))
    (tmp_path / "W.csv").write_text("0.5,0.1\n0.3,0.2\n-0.4,0.6\n")
    out = tmp_path / "page.json"
    run("--x", str(tmp_path / "x.npy"), "--W", str(tmp_path / "W.csv"), "--target", "0,2",
        "--row", "1",
        "--depth", "result", "-o", str(out))  # fmt: skip
    assert json.loads(out.read_text())["heading"].endswith("row 1 of a batch of 2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--logits", "1,__import__('os')", "--target", "0"], "numbers with commas"),
        (["--logits", "1,2"], "--target"),
        (["--logits", "1,2", "--target", "0", "-o", "page.pdf"], ".html"),
        (["--logits", "1,2", "--target", "0", "-o", "/nowhere/page.md"], "folder that exists"),
        (["--logits", "no.npy", "--target", "0"], "can be read"),
        (["--x", "1,2;3", "--W", "1,2;3,4", "--target", "0"], "rows of one length"),
        (["--probs", "0.2,0.6", "--target", "0"], "--normalise"),
        (["--logits", "1,2", "--target", "7"], "from 0 to 1"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError) as caught:
        run(*arguments)
    assert message in str(caught.value)


def test_pickles_are_not_opened(tmp_path):
    np.save(tmp_path / "bad.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(InputError):
        run("--logits", str(tmp_path / "bad.npy"), "--target", "0")


@pytest.mark.parametrize(
    ("logits", "target", "said"),
    [
        ("[2.0, 1.0, 0.1]", "0", "K = 3, true class 0"),
        ("[[1, 2], [3, 4]]", "[0, 1]", "row 0 of a batch of 2"),
        ("[2.0, 1.0]", "[0.25, 0.75]", "soft targets"),
    ],
)
def test_lists_as_python_writes_them(logits, target, said, capsys):
    run("--logits", logits, "--target", target, "--depth", "result")
    assert said in capsys.readouterr().out


def test_an_index_is_a_whole_number():
    with pytest.raises(InputError) as caught:
        run("--logits", "2,1,0.1", "--target", "1.5")
    assert "an index is a whole number" in str(caught.value)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--logits", "1,nan", "--target", "0"], "--logits[1]:"),
        (["--probs", "0.5,0.2", "--target", "0"], "--probs:"),
        (["--logits", "1,2", "--target", "0.5,-1.0"], "--target[1]:"),
        (["--logits", "1,2", "--target", "5"], "--target:"),
        (["--logits", "1,2", "--target", "0", "--base", "1"], "--base:"),
        (["--logits", "1,2", "--target", "0", "--label-smoothing", "2"], "--label-smoothing:"),
    ],
)
def test_errors_name_what_was_typed(arguments, named):
    with pytest.raises(InputError) as caught:
        run(*arguments)
    assert str(caught.value).startswith(named)


def test_articles_and_chapters_are_listed(capsys):
    run("--article", "list")
    listed = capsys.readouterr().out.splitlines()
    assert [line[:3] for line in listed] == ["000", "001", "002", "003", "004"]
    run("--logits", "2,1,0.1", "--target", "0", "--chapters", "list")
    assert "second_order    Second order (0 of 8 steps)" in capsys.readouterr().out
    run("--chapters", "list")
    assert "second_order    Second order (0 of 8 steps)" in capsys.readouterr().out


def test_an_article_has_numbers_of_its_own_where_none_are_given(capsys):
    run("--article", "004")
    out = capsys.readouterr().out
    assert "loss 1.6094" in out
    assert "∂E/∂Z = O − y" in out


def test_all_is_every_route_and_no_other_one_beside_it(capsys):
    run("--logits", "2,1,0.1", "--target", "0", "--all", "--depth", "result")
    assert capsys.readouterr().out
    with pytest.raises(InputError, match="--all: expected no other route beside it"):
        run("--logits", "2,1,0.1", "--target", "0", "--all", "--route", "sparse")
    with pytest.raises(InputError, match="--article: expected one of 000"):
        run("--article", "7")


def test_slides(tmp_path, capsys):
    page = tmp_path / "slides.tex"
    run("--logits", "2,1,0.1", "--target", "0", "--to", "beamer", "-o", str(page))
    assert page.read_text().count(r"\begin{frame}") >= 26
    assert "25 steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "beamer"), "pass -o page.tex"),
        (("--to", "powerpoint", "-o", "a.tex"), "html, md, tex, beamer, json, txt"),
        (("-o", "a.beamer"), "a name that ends in .html, .md, .tex"),
    ],
    ids=["no file", "unknown", "no suffix"],
)
def test_what_no_file_can_be(arguments, message):
    with pytest.raises(InputError, match=message):
        run("--logits", "2,1", "--target", "0", *arguments)


def test_a_network_of_a_file_opens_a_layer(tmp_path, capsys):
    rng = np.random.default_rng(0)
    arrays = {"0.weight": (4, 2), "0.bias": (4,), "2.weight": (3, 4)}
    made: dict[str, Any] = {k: rng.standard_normal(s) for k, s in arrays.items()}
    np.savez(tmp_path / "net.npz", **made)
    given = ("--network", str(tmp_path / "net.npz"), "--x", "1,2;0.5,-1", "--target", "0,2")
    run(*given, "--network-layers", "linear,sigmoid,linear", "--layer", "2")
    out = capsys.readouterr().out
    assert "torch's autograd" in " ".join(out.split())
    assert "Layer 2 of 3: Sigmoid, backwards" in out
    assert "Layer 1 of 3" not in out
    with pytest.raises(InputError, match="the layers in order"):
        run(*given)
    with pytest.raises(InputError, match="a file of arrays that can be read"):
        run("--network", "nowhere.npz", *given[2:], "--network-layers", "linear")


@pytest.mark.parametrize(("target", "true"), [("3", "3"), ("1", "1"), ("0", "1"), ("two", "two")])
def test_the_name_of_a_class_comes_before_an_index(capsys, target, true):
    classes = "1,2,3" if target != "two" else "one,two,three"
    run("--logits", "1,2,-1", "--classes", classes, "--target", target)
    assert f"true class {true}\n" in capsys.readouterr().out


def test_an_index_that_is_counted_from_1_is_told_so():
    with pytest.raises(InputError, match="counted from 0"):
        run("--logits", "1,2,-1", "--target", "3")
