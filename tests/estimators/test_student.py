"""Student's quantiles against SciPy's."""

from __future__ import annotations

import pytest
from scipy.special import stdtrit

from pminusy.estimators.student import student_quantile


@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995])
@pytest.mark.parametrize("freedom", [*range(1, 12), 33, 68, 399, 400, 1000, 10**5, 10**9])
def test_quantiles_are_scipys(freedom, probability):
    mine = student_quantile(freedom, probability)
    assert mine == pytest.approx(stdtrit(freedom, probability), rel=2e-12)
