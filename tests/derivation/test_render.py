"""Pages: balanced, valid, escaped, and nothing in them that a terminal or browser would obey."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from pminusy.derivation.build import derive
from pminusy.derivation.render.terminal import Trimmed, to_text
from pminusy.derivation.values.digits import as_text
from tests.derivation.cases import CASES, derivation

ROOT = Path(__file__).parent.parent.parent
NASTY = (
    "<script>alert(1)</script>",
    "$x_1$ \\input{/etc/passwd} & 100% #1",
    "\x1b[31mred[bold]\u202e",
    "[2em]* | a_b^c ~ {d} \\",
)
PAGES = ["layer", "everything", "batch", "rows", "sequence", "image", "test mode",
         "masked, options",
         "infinite", "ignored, all options", "batch, all options", "none",
         "article 000", "article 001", "article 003", "article 004"]  # fmt: skip


def nasty(**more):
    return derive(z=[2.0, 1.0, 0.1, 0.2], y=0, classes=NASTY, depth="outline", **more)


def nasty_layer():
    return derive(
        x=[1.0, 2.0], W=np.eye(4)[:, :2], y=0, classes=NASTY, features=NASTY[:2], depth="outline"
    )


@pytest.mark.parametrize("case", PAGES)
def test_html_is_well_formed_and_needs_nothing(case):
    page = derivation(case).to_html()
    body = page[page.index("<main") : page.index("</main>") + 7]
    ET.fromstring(body.replace("&#xA0;", " "))
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    ids = re.findall(r'<details id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == len(derivation(case))


def test_names_are_escaped_everywhere():
    d = nasty()
    page = d.to_html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\\<script\\>" in d.to_markdown()
    text = str(d)
    assert "\x1b" not in text
    assert "\u202e" not in text + page + d.to_latex() + d.to_markdown()
    assert "[bold]" in to_text(d, width=120)
    assert "\\input" not in d.to_latex()
    # a bracket or a star that opens a row of a table would be the argument of the line break
    assert not re.search(r"^\s*[\[*]", d.to_latex(), re.MULTILINE)
    assert r"| \[2em\]\* \| a\_b" in d.to_markdown()


def test_names_of_features_are_escaped_everywhere():
    d = nasty_layer()
    page, latex, markdown, text = d.to_html(), d.to_latex(), d.to_markdown(), str(d)
    assert "<script" not in page + markdown.replace("\\<script", "")
    assert "\\input" not in latex
    assert not set("\x1b\u202e") & set(page + latex + markdown + text)
    assert json.loads(d.to_json())


@pytest.mark.parametrize("depth", ["result", "outline"])
def test_a_closing_table_has_rows_or_is_left_out(depth):
    d = derive(z=[2.0, 1.0, 0.1], y=0, depth=depth)
    for page in (str(d), d.to_html(), d.to_markdown(), d.to_latex()):
        assert ("Forward beside backward" in page) == (depth == "outline")


def test_a_pipe_gets_no_blanks_at_the_ends_of_lines():
    stream = StringIO()
    trimmed = Trimmed(stream)
    for text in ("one  ", "  \ntwo \n", "three"):
        trimmed.write(text)
    trimmed.write("\n")
    assert stream.getvalue() == "one\ntwo\nthree\n"


def test_a_wide_matrix_keeps_every_entry_in_a_narrow_terminal():
    d = derive(z=[0.1 * k for k in range(12)], y=3, depth="outline", route="all")
    entries = {as_text(v) for v in d["jacobian_matrix"].value.entries.values()}
    shown = to_text(d, width=60)
    assert all(entry in shown for entry in entries)
    assert max(map(len, shown.splitlines())) <= 60


def braces_balance(text):
    depth = 0
    for character in re.sub(r"\\[{}]", "", text):
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    return depth == 0


@pytest.mark.parametrize("case", PAGES)
def test_latex_balances(case):
    page = derivation(case).to_latex()
    assert braces_balance(page)
    opened, closed = (re.findall(rf"\\{word}{{(\w+\*?)}}", page) for word in ("begin", "end"))
    assert sorted(opened) == sorted(closed)
    assert page.count(r"\left") - page.count(r"\leftarrow") == page.count(r"\right")
    assert re.sub(r"\\\$", "", page).count("$") % 2 == 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
@pytest.mark.parametrize("case", [*PAGES, "nasty"])
def test_latex_compiles(case, tmp_path):
    page = nasty().to_latex() if case == "nasty" else derivation(case).to_latex()
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False, errors="replace",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]


@pytest.mark.parametrize("case", PAGES)
def test_markdown_mathematics_balances(case):
    page = derivation(case).to_markdown()
    blocks = re.findall(r"^```math\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert page.count("```math") == len(blocks)
    assert all(braces_balance(block) and "\n" not in block for block in blocks)
    for row in (line for line in page.splitlines() if line.startswith("|")):
        assert row.endswith("|")
        assert row.count("$`") == row.count("`$")


@pytest.mark.parametrize("case", [*CASES])
@pytest.mark.parametrize("hints", [0, 3])
def test_json_follows_its_schema(case, hints):
    if hints and case not in ("logits", "batch"):
        pytest.skip("not applicable: hints are the same in every case")
    schema = json.loads((ROOT / "docs" / "explain.schema.json").read_text(encoding="utf-8"))
    d = derive(**CASES[case], hints=hints) if hints else derivation(case)
    document = json.loads(d.to_json())
    jsonschema.validate(document, schema)
    assert document["format"] == 1


def test_the_terminal_keeps_to_its_width():
    for width in (60, 80, 120):
        assert max(map(len, to_text(derivation("layer"), width=width).splitlines())) <= width


def test_hints_hold_back():
    shown = [str(derive(z=[2.0, 1.0, 0.1], y=0, hints=hints, route="direct")) for hints in range(4)]
    body = [page[page.index("Forward ─") :] for page in shown]
    assert len(body[0]) > len(body[1]) > len(body[2]) > 0
    assert "p_k = e^(z_k)" in body[2]
    assert "p_k = ____" in body[3]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("yhat", "∂L/∂z = ŷ − y"),
        ("o", "∂L/∂o = ŷ − y"),
        ("s", "∂L/∂z = s − y"),
        ("S", "∂L/∂z = S(z) − y"),
    ],
)
def test_dialects(name, line):
    assert line in str(derive(z=[2.0, 1.0, 0.1], y=0, notation=name, depth="result"))


def test_row_vectors():
    page = str(derive(**CASES["layer"], notation="p-row"))
    assert "z = x W + b" in page
    assert "∂L/∂x = (p − y) Wᵀ" in page
    assert "∂L/∂W = xᵀ (p − y)" in page


@pytest.mark.parametrize("width", [42, 50, 80])
def test_a_narrow_terminal_keeps_names_and_numbers(width):
    d = derive(z=[2.0, -40.0, 0.1], y=2, classes=["日本語", "birch", "ash"], depth="result")
    bars = to_text(d, width=width).split("loss")[0]
    for shown in ("日本語", "birch", "ash", "0.86989", "−0.86989", "5.0015×10⁻¹⁹"):
        assert shown in bars
    assert "…" not in bars
    assert ("█" in bars) == (width > 50)


def test_an_infinite_loss_in_every_format():
    d = derivation("infinite")
    document = json.loads(d.to_json())
    jsonschema.validate(document, json.loads((ROOT / "docs/explain.schema.json").read_text()))
    assert document["loss"] == {"shown": "inf", "exact": "inf"}
    assert r"\infty" in d.to_latex()
    assert "∞" in d.to_html()


def test_a_number_that_rounds_to_a_whole_one_says_what_is_missing():
    d = derive(z=[40.0, 0.0], y=0, route="all")
    text = to_text(d, width=100)
    assert "p_0 = e^40 / (e^40 + e^0) = 1 − 4.2484×10⁻¹⁸" in text
    assert "L = −ln(1 − 4.2484×10⁻¹⁸) = 4.2484×10⁻¹⁸" in text
    assert "40 + 4.2484×10⁻¹⁸ − 40" in text
    assert "2 (1 − (1 − 4.2484×10⁻¹⁸))" in text
    assert not re.search(r"[−·] ?ln 1\b|[^.\d]1 − 1 <|40 − 40\) \+ 0", text)
    assert r"1 - 4.2484\times 10^{-18}" in d.to_latex()
    assert r"1 - 4.2484\times 10^{-18}" in d.to_markdown()
    minus = "<mo>−</mo><mrow><mn>4.2484</mn>"
    assert f"<mn>1</mn>{minus}" in d.to_html()
    assert '"shown": "1"' in d.to_json()


def test_the_direction_that_numbers_are_made_with_is_said():
    text = to_text(derive(z=[2.0, 1.0, 0.1], y=0, route="all"), width=200)
    assert text.count("any direction v, its numbers are for (1, −1, 2).") == 2


def test_a_caption_is_not_squeezed_into_its_table():
    text = to_text(derive(x=[1.0], W=[[1.0], [2.0]], y=0), width=100)
    assert "each step against the gradient of this row alone" in text


@pytest.mark.parametrize("name", ["yhat", "o", "s", "S"])
def test_words_use_the_letters_of_the_formulas(name):
    d = derive(z=[2.0, 1.0, 0.1], y=0, notation=name)
    words = [part for c in d.chapters for part in (c.title, c.intro)]
    words += [part for step in d for part in (step.title, step.why, *step.rules)]
    letter = re.compile(r"(?<![\w'])[pPzZ](_[A-Za-z0-9])?(?!\w)" if name == "o" else
                        r"(?<![\w'])[pP](_[A-Za-z0-9])?(?!\w)")  # fmt: skip
    assert not [text for text in words if letter.search(text)]
    assert any("S_e" in text for text in words)  # a name of its own, no S with an index


def test_row_vectors_transpose_the_weights_too():
    asked = {"x": [1.0, 2.0, 3.0], "W": [[0.5, -0.2, 1.0], [0.1, 0.3, 0.0]], "y": 1}
    columns, rows = derive(**asked), derive(**asked, notation="p-row")
    for name in ("dL_dW_entry", "dL_dw_k", "dL_dW", "step_weights", "hvp_W"):
        one, other = columns[name].value, rows[name].value
        assert (one.shape, other.shape) == ((2, 3), (3, 2))
        assert {(d, k): v for (k, d), v in one.entries.items()} == dict(other.entries)
    assert columns["dL_dz"].value == rows["dL_dz"].value
    assert not re.search("W_kd|Row k of", to_text(rows))


@pytest.mark.parametrize("case", PAGES)
def test_latex_has_no_letter_that_it_cannot_set(case):
    page = derivation(case).to_latex()
    body = page.partition(r"\begin{document}")[2]
    assert {ch for ch in body if ord(ch) > 127} <= set("äöüß…")
