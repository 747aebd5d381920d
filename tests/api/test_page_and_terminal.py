"""What the page of a fit says, the terminal says too, with row weights as well."""

import re

import numpy as np
import pytest

from pminusy.cli.app import run
from tests.report.document import read, section

CALIBRATION = r"expected calibration error ([\d.]+) → ([\d.]+)"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """300 rows of three classes that overlap, with weights that change every score."""
    random = np.random.default_rng(5)
    y = random.integers(0, 3, 300)
    x = y[:, None] + random.normal(size=(300, 2))
    weight = random.choice([0.05, 1.0, 20.0], size=300)
    path = tmp_path_factory.mktemp("weighted") / "table.csv"
    rows = (f"{a:.3f},{b:.3f},{w},{'abc'[k]}\n" for (a, b), w, k in zip(x, weight, y, strict=True))
    path.write_text("u,v,w,kind\n" + "".join(rows))
    return path


def fitted(table, capsys, *options):
    """Text of the terminal, and the page."""
    page = table.with_suffix(".html")
    assert run(["fit", str(table), "--target", "kind", "--report", str(page), *options]) == 0
    return capsys.readouterr().out, read(page.read_text(encoding="utf-8"))


def test_calibration_counts_weights_on_both(table, capsys):
    terminal, page = fitted(table, capsys, "--weight", "w", "--calibrate")
    found = re.search(CALIBRATION, terminal)
    assert found is not None
    before, after = map(float, found.groups())
    text = section(page, "calibration").text
    said = re.search(r"error: ([\d.]+).*before calibration it was ([\d.]+)", text, re.DOTALL)
    assert said is not None
    assert (float(said[1]), float(said[2].rstrip("."))) == pytest.approx((after, before), abs=6e-5)
    unweighted, _ = fitted(table, capsys, "--calibrate", "--drop", "w")
    assert found[0] not in unweighted


def test_scores_of_each_class_are_those_of_evaluate(table, capsys, tmp_path):
    model = tmp_path / "m.safetensors"
    _, page = fitted(table, capsys, "--weight", "w", "--test-size", "0", "-o", str(model))
    assert run(["evaluate", str(model), str(table)]) == 0
    terminal = capsys.readouterr().out
    (shown,) = section(page, "classes").all("table")
    for label, *scores in shown.rows[1:]:
        (line,) = re.findall(rf"^{label} +([\d. ]+)$", terminal, re.MULTILINE)
        expected = [float(part) for part in line.split()]
        assert [float(score) for score in scores[:4]] == pytest.approx(expected, abs=6e-5)
    accuracy = dict(row[:2] for row in section(page, "scores").all("table")[0].rows[1:])
    assert f"{float(accuracy['accuracy higher is better']):.4f}" in terminal


@pytest.mark.parametrize("options", [("--C", "0.1,1"), ("--cv", "3"), ()])
def test_iterations_are_the_same_on_both(table, capsys, options):
    terminal, page = fitted(table, capsys, "--drop", "w", *options)
    said = re.search(r"after (\d+) iterations", terminal)
    assert said is not None
    (facts, *_) = section(page, "scores").all("dl")
    assert f"iterations{said[1]} " in " ".join(facts.text.split())
