"""What a row shows adds up: contributions to the difference of the logits, lines to p and p − y."""

import dataclasses

import numpy as np
import pytest

from pminusy.report.data import WorstRow
from pminusy.report.worst_rows import CELLS, CLASSES, FEATURES, rival, row_details
from tests.report.examples import fit_report


def of(report, i=0):
    return row_details(report.worst_rows[i], report.b, report.feature_names)


def test_the_worked_example():
    row = WorstRow(1, (), np.zeros(1), np.array([0.2, 0.6, 0.2]), 0, np.zeros((3, 1)))
    found = row_details(row, np.zeros(3), ("x",))
    assert [line.gap for line in found.lines] == pytest.approx([-0.8, 0.6, 0.2])
    assert [line.k for line in found.lines] == [0, 1, 2]
    assert [line.y for line in found.lines] == [1, 0, 0]
    assert found.norm == pytest.approx(np.sqrt(0.64 + 0.36 + 0.04))
    assert (found.true, found.rival, found.right) == (0, 1, False)


def test_contributions_and_bias_add_up_to_the_difference_of_the_logits():
    report = fit_report(K=5, D=40)
    for i, row in enumerate(report.worst_rows):
        found = of(report, i)
        z = report.W @ row.x + report.b
        assert found.total == pytest.approx(z[found.rival] - z[found.true], abs=1e-12)
        shown = sum(contribution.difference for contribution in found.contributions)
        assert shown + found.rest + found.bias == pytest.approx(found.total, abs=1e-12)
        assert np.exp(found.total) == pytest.approx(found.p_rival / found.p_true)
        assert len(found.contributions) == FEATURES
        assert found.features_left == 40 - FEATURES


def test_a_feature_without_a_contribution_is_not_shown():
    report = fit_report(K=3, D=4)
    row = report.worst_rows[0]
    contributions = np.array(row.contributions)
    contributions[:, 2] = 7.0  # as much for every class
    still = row_details(
        dataclasses.replace(row, contributions=contributions), report.b, report.feature_names
    )
    assert 2 not in [contribution.d for contribution in still.contributions]
    assert still.features_left == 0


def test_many_classes_are_summed_up_and_nothing_is_lost():
    report = fit_report(K=100, D=3)
    found = of(report)
    assert len(found.lines) == CLASSES + 1
    assert found.lines[-1].k is None
    assert found.classes_left == 100 - CLASSES
    assert sum(line.p for line in found.lines) == pytest.approx(1.0)
    assert sum(line.gap for line in found.lines) == pytest.approx(0.0, abs=1e-12)


def test_a_sure_and_right_model_keeps_the_digits_of_its_gap():
    p = np.array([1.0, 1e-20])
    row = WorstRow(1, (), np.zeros(1), p, 0, np.zeros((2, 1)))
    found = row_details(row, np.zeros(2), ("x",))
    assert found.lines[0].gap == -1e-20
    assert found.right


def test_probabilities_of_exactly_zero_and_one():
    row = WorstRow(1, (), np.ones(1), np.array([0.0, 1.0]), 0, np.array([[0.0], [800.0]]))
    found = row_details(row, np.zeros(2), ("x",))
    assert [line.gap for line in found.lines] == [-1.0, 1.0]
    assert found.norm == pytest.approx(np.sqrt(2))


def test_the_rival_is_never_the_true_class():
    assert rival(np.array([0.9, 0.06, 0.04]), 0) == 1
    assert rival(np.array([0.9, 0.06, 0.04]), 2) == 0
    assert rival(np.array([0.0, 1.0]), 1) == 0


def test_wide_rows_show_the_cells_behind_the_largest_contributions():
    report = fit_report(K=2, D=200)
    found = of(report)
    assert len(found.cells) == CELLS
    assert found.cells_left == 200 - CELLS
    assert {report.feature_names[contribution.d] for contribution in found.contributions} <= {
        c for c, _ in found.cells
    }
    position = [report.worst_rows[0].cells.index(cell) for cell in found.cells]
    assert position == sorted(position)
