"""The page read back: its structure, its numbers against the data, and text from outside."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from pminusy.core.options import Options
from pminusy.core.trace import Trace
from pminusy.present.numbers import number, share, signed
from pminusy.report.data import PathValue, WorstRow
from pminusy.report.page import render_page
from tests.report.document import read, section
from tests.report.examples import fit_report

SECTIONS = [
    "scores",
    "rows",
    "derivation",
    "confusion",
    "classes",
    "calibration",
    "weights",
    "training",
]
HOSTILE = [
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' $x_1$ {{ 7 * 7 }} {% x %}",
    "\u202edesrever\u2066 \x00\x1b[31m\ud800",
    "品種 اسم العمود שם",
    "z" * 10_000,
    "",
]


def test_every_section_is_there_with_its_heading_and_its_link():
    page = read(render_page(fit_report()))
    assert [found.attributes["id"] for found in page.all("section")] == SECTIONS
    for name in SECTIONS:
        assert section(page, name).all("h2", id=f"{name}-title")
        assert section(page, name).attributes["aria-labelledby"] == f"{name}-title"
    (nav,) = page.all("nav")
    assert [a.attributes["href"] for a in nav.all("a")] == [f"#{name}" for name in SECTIONS]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("header")) == 1


def test_ids_are_unique_and_references_lead_somewhere():
    page = read(render_page(fit_report(rows_shown=10)))
    ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in page.all():
        for word in element.attributes.get("aria-labelledby", "").split():
            assert word in ids
        if "href" in element.attributes:
            assert element.attributes["href"].removeprefix("#") in ids


def test_nothing_is_fetched_and_only_our_script_runs():
    html = render_page(fit_report())
    page = read(html)
    assert len(page.all("script")) == 1
    assert not page.all("link")
    assert not page.all("img")
    for element in page.all():
        assert not {"src", "srcset", "onclick"} & set(element.attributes)
        assert element.attributes.get("href", "#").startswith("#")
    assert "http" not in html.replace("http-equiv", "")
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [e for e in page.all("meta") if "http-equiv" in e.attributes]
    script = html.split("<script>")[1].split("</script>")[0]
    fingerprint = b64encode(sha256(script.encode()).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{fingerprint}'"
    )


def test_the_same_report_gives_the_same_text():
    assert render_page(fit_report()) == render_page(fit_report())


def test_scores_stand_beside_the_baseline():
    page = section(read(render_page(fit_report())), "scores")
    (table,) = page.all("table")
    assert [row[1] for row in table.rows[1:]] == ["0.9123", "0.8123", "0.2123"]
    assert [row[2].split()[-1] for row in table.rows[1:]] == ["0.5000", "0.3333", "1.099"]
    assert "lower is better" in table.rows[3][0]
    facts = {div.all("dt")[0].text: div.all("dd")[0].text for div in page.all("div")}
    assert facts["rows used"] == "1,234"
    assert facts["for training"] == "987"
    assert facts["held out"] == "60"
    assert facts["dropped"] == "5"
    assert facts["iterations"] == "20"
    assert facts["C"] == "1"
    assert "3.200 × 10⁻⁹" in page.text
    assert "The column “id” was left out." in page.text


def test_an_unfinished_fit_is_said():
    text = read(render_page(fit_report(converged=False, certificate=0.25))).text
    assert "Not converged." in text
    assert "still 0.2500" in text
    assert "Converged." not in text


def test_rows_show_the_gradient_and_the_cells():
    report = fit_report(K=3, D=4, rows_shown=4)
    page = section(read(render_page(report)), "rows")
    shown = page.all("details")
    assert len(shown) == 4
    for row, found in zip(report.worst_rows, shown, strict=True):
        gap = row.p - np.eye(3)[row.y]
        assert found.all("h3")[0].text == f"Row {row.row}"
        assert f"= {number(float(np.linalg.norm(gap)))}" in found.text
        (table,) = found.all("table", kind="gap")
        lines = {row[0]: row[1:] for row in table.rows[1:]}
        for k in range(3):
            p, y, difference, _, word = lines[f"class {k}"]
            assert p == number(row.p[k])
            assert y == str(int(k == row.y))
            assert difference == signed(gap[k])
            assert word == ("raised" if k == row.y else "lowered")
        cells = {d.all("dt")[0].text: d.all("dd")[0].text for d in found.all("div") if d.all("dt")}
        assert tuple((k, cells[k]) for k, _ in row.cells) == row.cells


def test_contributions_are_those_of_the_row():
    report = fit_report(K=3, D=4)
    row = report.worst_rows[0]
    (table, *_) = section(read(render_page(report)), "rows").all("table", kind="contributions")
    other = int(np.where(np.arange(3) == row.y, -1, row.p).argmax())
    contributions = row.contributions[other] - row.contributions[row.y]
    by_size = np.argsort(-np.abs(contributions))
    assert [line[:3] for line in table.rows[1:5]] == [
        [f"feature {d}", number(row.x[d]), signed(contributions[d])] for d in by_size
    ]
    assert table.rows[-2][2] == signed(report.b[other] - report.b[row.y])
    z = report.W @ row.x + report.b
    assert table.rows[-1][2] == signed(z[other] - z[row.y])


def test_the_derivation_prints_the_formulas_and_the_numbers_of_the_run():
    report = fit_report(K=3, D=4)
    run, row = report.trace, report.worst_rows[0]
    assert run is not None
    page = section(read(render_page(report)), "derivation")
    steps = page.all("li")
    assert [step.all("h3")[0].text for step in steps] == [
        run[name].meaning.capitalize() for name in ("z", "p", "L", "dL_dz", "dL_dW")
    ]
    assert steps[3].all("p", kind="formula")[0].text == "∂L/∂z = S p − q"
    z, p, _, g, dW = (step.all("table")[0].rows for step in steps)
    for lines, name in ((z, "z"), (p, "p"), (g, "dL_dz")):
        value = run[name].value[0]
        assert {line[0]: line[-1] for line in lines[1:]} == {
            f"class {k}": number(value[k]) for k in range(3)
        }
    assert f"= {number(float(run['L'].value))}." in steps[2].text
    gradient = run["dL_dW"].value
    assert [line[2:] for line in dW[1:]] == [[number(v) for v in column] for column in gradient.T]
    assert [line[1] for line in dW[1:]] == [number(v) for v in row.x]


def test_the_derivation_works_its_examples_out():
    report = fit_report(K=3, D=4)
    run, row = report.trace, report.worst_rows[0]
    assert run is not None
    steps = section(read(render_page(report)), "derivation").all("li")
    z, g, dW = (run[name].value for name in ("z", "dL_dz", "dL_dW"))
    weighted, bias = number(float(report.W[row.y] @ row.x)), number(report.b[row.y])
    assert steps[0].all("p", kind="worked")[0].text == (
        f"For class {row.y}: the features add up to {weighted}, with the bias {bias} "
        f"that makes {number(z[0, row.y])}."
    )
    k, d = np.unravel_index(np.abs(dW).argmax(), dW.shape)
    assert steps[4].all("p", kind="worked")[0].text == (
        f"For class {k} and feature {d}: {number(g[0, k])} × {number(row.x[d])} = "
        f"{number(dW[k, d])}."
    )
    for step in steps[:4]:
        assert step.all("table")[0].rows[1][0] == f"class {row.y}"


def test_two_classes_are_moved_by_as_much():
    text = section(read(render_page(fit_report(K=2))), "derivation").text
    assert re.search(
        r"raises the logit of class (\d) and lowers that of class (?!\1)\d as much", text
    )


def test_the_confusion_matrix_counts_the_rows():
    report = fit_report(K=3, n=80)
    (matrix, *_) = section(read(render_page(report)), "confusion").all("table", kind="confusion")
    said = report.held_out_p.argmax(axis=1)
    assert matrix.rows[0][1:] == ["class 0", "class 1", "class 2", "rows"]
    for k in range(3):
        counts = [int(((report.held_out_y == k) & (said == j)).sum()) for j in range(3)]
        assert matrix.rows[k + 1] == [
            f"class {k}",
            *(f"{n}{share(n / sum(counts))}" for n in counts),
            str(sum(counts)),
        ]


def test_the_most_frequent_errors_are_listed():
    p = np.eye(3)[[1, 1, 0, 0, 2, 0]]
    report = replace(fit_report(K=3), held_out_y=np.array([0, 0, 0, 0, 2, 2]), held_out_p=p)
    (table,) = section(read(render_page(report)), "confusion").all("table", kind="plain")
    assert table.rows[1:] == [
        ["class 0", "class 1", "2", "50.0 %"],
        ["class 2", "class 0", "1", "50.0 %"],
    ]


def test_calibration_is_printed_bin_by_bin():
    p = np.array([[0.65, 0.35], [0.69, 0.31], [0.95, 0.05], [0.1, 0.9]])
    report = replace(fit_report(K=2), held_out_y=np.array([0, 1, 0, 1]), held_out_p=p)
    page = section(read(render_page(report)), "calibration")
    (table,) = page.all("table")
    assert table.rows[1:] == [
        ["0.6 – 0.7", "2", "0.6700", "0.5000"],
        ["0.8 – 0.9", "1", "0.9000", "1"],
        ["0.9 – 1.0", "1", "0.9500", "1"],
    ]
    assert f"Expected calibration error: {number((2 * 0.17 + 0.1 + 0.05) / 4)}" in page.text


def test_training_shows_the_objective_and_the_certificate():
    history = np.array([[0.9, 0.03], [0.5, 0.0], [0.4, 2e-7]])
    page = section(read(render_page(fit_report(history=history))), "training")
    objective, gradient = page.all("figure")
    assert objective.all("figcaption")[0].text == "Objective"
    assert "From 0.9000 after the first iteration to 0.4000 after iteration 3." in objective.text
    assert gradient.all("figcaption")[0].text == "Largest gradient entry"
    assert "0.03000 after the first iteration, 2.000 × 10⁻⁷ after the last." in gradient.text
    assert "1 of the values are not above 0" in gradient.text
    assert "no place" not in objective.text


def test_colours_say_for_or_against_a_class():
    page = read(render_page(fit_report(K=3, D=4)))
    for td in section(page, "weights").all("td", kind="heat"):
        assert td.is_a("td", {"kind": "against" if td.text.startswith("−") else "for"})
    for td in section(page, "derivation").all("td", kind="heat"):  # a step goes against it
        assert td.is_a("td", {"kind": "for" if td.text.startswith("−") else "against"})
    for row in page.all("table", kind="gap")[0].all("tr")[1:]:
        (bar,) = row.all("span", kind="bar")
        assert bar.is_a("span", {"kind": "neg" if "raised" in row.text else "pos"})


def test_a_class_without_held_out_rows_is_not_defined_rather_than_zero():
    base = fit_report(K=3)
    p = np.tile([0.7, 0.2, 0.1], (4, 1))
    report = replace(base, held_out_y=np.array([0, 0, 1, 0]), held_out_p=p)
    page = read(render_page(report))
    (table,) = section(page, "classes").all("table")
    assert table.rows[1] == ["class 0", "0.7500", "1", "0.8571", "3", "4"]
    assert table.rows[2] == ["class 1", "not defined", "0", "0", "1", "0"]
    assert table.rows[3] == ["class 2", "not defined", "not defined", "not defined", "0", "0"]
    assert "nan" not in re.findall(r"\w+", page.text.lower())


def test_weights_are_printed_by_feature_and_class():
    report = fit_report(K=3, D=4)
    (table,) = section(read(render_page(report)), "weights").all("table")
    assert table.rows[0] == ["feature", "class 0", "class 1", "class 2"]
    by_size = np.argsort(-np.abs(report.W).max(axis=0))
    for line, d in enumerate(by_size, 1):
        assert table.rows[line] == [f"feature {d}", *(number(v) for v in report.W[:, d])]
    assert table.rows[-1] == ["bias", *(number(v) for v in report.b)]


def test_figures_have_a_title_and_a_description():
    figures = read(render_page(fit_report())).all("svg")
    assert len(figures) == 3
    for figure in figures:
        assert figure.attributes["role"] == "img"
        assert figure.all("title")[0].text
        assert figure.all("desc")[0].text


def test_tables_name_their_rows_and_columns():
    for table in read(render_page(fit_report())).all("table"):
        for th in table.all("th"):
            assert th.attributes["scope"] in ("row", "col")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_outside_text_is_only_text(hostile):
    names = tuple(f"{hostile}{i}" for i in range(4))
    plain = fit_report(K=4, D=4)
    rows = tuple(
        replace(row, cells=tuple((name, hostile) for name in names)) for row in plain.worst_rows
    )
    html = render_page(
        replace(
            plain,
            title=hostile,
            target=hostile,
            classes=names,
            feature_names=names,
            notes=(hostile,),
            settings=((hostile, hostile),),
            scores=((hostile, 0.5, 0.5),),
            worst_rows=rows,
        )
    )
    tags = [element.tag for element in read(html).all()]
    expected = [element.tag for element in read(render_page(plain)).all()]
    assert set(tags) <= set(expected)
    assert tags.count("title") == expected.count("title")
    assert "img" not in tags
    assert tags.count("script") == expected.count("script") == 1
    for element in read(html).all():
        assert not [name for name in element.attributes if name.startswith("on")]
    assert "49" not in re.findall(r"[^\d.]49[^\d.]", html)
    html.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html)
    assert "z" * 500 not in html


@pytest.mark.parametrize(("K", "D"), [(2, 2), (2, 1), (3, 500), (12, 20), (100, 500), (600, 5)])
def test_sizes(K, D):
    html = render_page(fit_report(K=K, D=D, n=200, rows_shown=12, scale=0.3))
    page = read(html)
    assert [found.attributes["id"] for found in page.all("section")] == SECTIONS
    assert len(html.encode()) < 400_000


def test_endless_names_everywhere_still_make_a_page():
    names = tuple(f"{i}<&\"'" + "é<" * 5000 for i in range(300))
    report = fit_report(K=300, D=300, rows_shown=20, classes=names, feature_names=names)
    assert len(render_page(report).encode()) < 1_000_000


def test_large_tables_say_what_they_leave_out():
    page = read(render_page(fit_report(K=150, D=500, n=500)))
    weights = section(page, "weights")
    assert "30 of 500 features and 12 of 150 classes" in weights.text
    assert len(weights.all("tr")) == 32
    assert "the 40 classes of 150 with the lowest F1" in section(page, "classes").text
    f1 = [row[3] for row in section(page, "classes").all("table")[0].rows[1:]]
    known = [float(value) for value in f1 if value != "not defined"]
    assert len(f1) == 40
    assert known == sorted(known)
    assert known[0] == 0
    assert "Shown are 12 classes" in section(page, "confusion").text
    confusion = section(page, "confusion")
    (matrix,) = confusion.all("table", kind="confusion")
    assert "the other 138 are counted together" in confusion.text
    assert sum(int(row[-1]) for row in matrix.rows[1:]) == 500


def test_training_rows_in_place_of_held_out_ones_are_said():
    page = read(render_page(fit_report(held_out=False, rows_test=0)))
    assert "No rows were held out" in page.text
    assert "On the training rows" in section(page, "scores").text
    assert "held-out rows" not in page.text


def test_no_rows_to_judge_by():
    base = fit_report(held_out=False)
    empty = replace(
        base,
        held_out_y=np.empty(0, dtype=np.int64),
        held_out_p=np.empty((0, 3)),
        worst_rows=(),
        trace=None,
        notes=(),
        settings=(),
        history=np.empty((0, 2)),
        scores=(("accuracy", float("nan"), float("nan")),),
    )
    page = read(render_page(empty))
    for name in ("confusion", "classes", "calibration"):
        assert "There are no rows to evaluate." in section(page, name).text
    assert "There are no rows to show." in section(page, "rows").text
    assert "not defined" in section(page, "scores").text
    assert "About the table" not in page.text


def test_one_worst_row():
    page = read(render_page(fit_report(rows_shown=1)))
    assert len(page.all("details")) == 1
    assert "open" in page.all("details")[0].attributes


@pytest.mark.parametrize("y", [0, 1])
def test_probabilities_of_exactly_zero_and_one(y):
    base = fit_report(K=2, D=1)
    W, x = np.array([[0.0], [1.0]]), np.array([800.0])
    p = np.array([0.0, 1.0])
    row = WorstRow(1, (("a", "b"),), x, p, y, W * x)
    report = replace(
        base,
        W=W,
        b=np.zeros(2),
        held_out_y=np.array([y]),
        held_out_p=p[None],
        worst_rows=(row,),
        trace=Trace(np.array([y]), X=x[None], W=W, b=np.zeros(2)),
    )
    page = read(render_page(report))
    assert "nan" not in re.findall(r"\w+", page.text.lower())
    (table,) = section(page, "rows").all("table", kind="gap")
    assert [line[3] for line in table.rows[1:]] == (["−1", "+1"] if y == 0 else ["0", "0"])
    assert [line[5] for line in table.rows[1:]] == (
        ["raised", "lowered"] if y == 0 else ["unchanged"] * 2
    )


def test_single_precision():
    base = fit_report(K=3, D=4)
    row = base.worst_rows[0]
    single = replace(
        row,
        x=row.x.astype("f4"),
        p=row.p.astype("f4"),
        contributions=np.asarray(row.contributions).astype("f4"),
    )
    W, b = base.W.astype("f4"), base.b.astype("f4")
    report = replace(
        base,
        W=W,
        b=b,
        held_out_p=base.held_out_p.astype("f4"),
        worst_rows=(single,),
        trace=Trace(np.array([row.y]), X=single.x[None], W=W, b=b),
    )
    assert number(float(row.p[row.y])) in read(render_page(report)).text


def test_options_of_the_loss_are_said_in_the_derivation():
    base = fit_report(K=3, D=4)
    row = base.worst_rows[0]
    options = Options(label_smoothing=0.1, softcap=5.0)
    run = Trace(np.array([row.y]), X=row.x[None], W=base.W, b=base.b, options=options)
    text = section(read(render_page(replace(base, trace=run))), "derivation").text
    assert "The target mass q is what the options" in text
    assert "κ tanh(u / κ)" in text


def _path(K=3, ratios=(0.0,), Cs=(0.01, 0.1, 1.0, 10.0), zero=False):
    return tuple(
        PathValue(C, r, 0.5 + 0.1 * abs(np.log10(C)), 0.02, 1 - r / 2, (0.0 if zero else C,) * K)
        for r in ratios
        for C in Cs
    )


def test_a_path_is_drawn_told_and_linked():
    path = _path(ratios=(0.0, 0.5))
    page = read(render_page(fit_report(path=path, chosen=path[2])))
    part = section(page, "path")
    assert [a.attributes["href"] for a in page.all("nav")[0].all("a")][-2:] == [
        "#path",
        "#training",
    ]
    assert "C = 1" in part.text
    rows = part.all("table")[0].rows[1:]
    assert len(rows) == 8
    assert rows[2][:4] == ["1", "0", "0.5000", "0.02000"]
    assert len(part.all("svg")) == 2
    score, weights = part.all("svg")
    assert len(score.all("path")) == 2
    assert len(weights.all("path")) == 3
    assert "L1 ratio 0.5" in score.text


def test_a_path_without_anything_to_draw_is_a_table():
    path = _path(Cs=(1.0,)) + _path(Cs=(np.inf,))
    part = section(read(render_page(fit_report(path=path, chosen=path[0]))), "path")
    assert not part.all("svg")
    assert len(part.all("table")[0].rows) == 3
    path = _path(zero=True)
    part = section(read(render_page(fit_report(path=path, chosen=path[0]))), "path")
    assert len(part.all("svg")) == 1


def test_hostile_class_names_in_a_path_stay_text():
    names = tuple(HOSTILE) + tuple(f"c{i}" for i in range(20))
    path = _path(K=len(names))
    html = render_page(fit_report(K=len(names), classes=names, path=path, chosen=path[0]))
    part = section(read(html), "path")
    assert not part.all("img")
    assert "8 of 27 classes" in part.text
    assert html.count("<script>") == 1  # ours


def test_calibration_before_and_after():
    report = fit_report(n=200)
    p = report.held_out_p**2 / (report.held_out_p**2).sum(axis=1, keepdims=True)
    page = read(render_page(replace(report, uncalibrated_p=p, temperature=2.0)))
    part = section(page, "calibration")
    assert len(part.all("svg")) == 2
    assert "Before calibration" in part.text
    assert "temperature, 2, that makes" in part.text
    assert "above 1 it lowers the confidence" in part.text
    assert len(section(read(render_page(report)), "calibration").all("svg")) == 1


def test_the_gap_is_part_of_the_certificate():
    page = section(read(render_page(fit_report(objective=0.5, gap=1e-9, solver="lbfgs"))), "scores")
    assert "by a share of at most 1.000 × 10⁻⁹" in page.text
    assert "lbfgs" in page.text
    assert "minimum" not in section(read(render_page(fit_report())), "scores").text
