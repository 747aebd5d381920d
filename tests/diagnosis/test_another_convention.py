"""Right in another convention than the one required is one finding, told without contradiction."""

import itertools

import pytest

from benchmarks.check.run_source import judge

LOSS = """import numpy as np
def softmax_loss(W, X, y, reg):
    z = X @ W
    s = z - z.max(1, keepdims=True)
    log_p = s - np.log(np.exp(s).sum(1, keepdims=True))
    rows = np.arange(len(y))
    d = np.exp(log_p)
    d[rows, y] -= 1
    loss = -log_p[rows, y].{reduction}() + {half} * reg * np.sum(W * W)
    return loss, X.T @ d / {divisor} + {twice} * reg * W
"""
REDUCTION = {"mean": {"reduction": "mean", "divisor": "len(y)"},
             "sum": {"reduction": "sum", "divisor": "1"}}  # fmt: skip
HALF = {"half": {"half": "0.5", "twice": "1"}, "full": {"half": "1.0", "twice": "2"}}
WORDS = {"mean": "the loss is the mean over the batch",
         "sum": "the loss is the sum over the batch",
         "half": "the regulariser is ½ reg ‖W‖²",
         "full": "the regulariser is reg ‖W‖²"}  # fmt: skip


@pytest.mark.parametrize("required", list(itertools.product(REDUCTION, HALF)))
@pytest.mark.parametrize("own", list(itertools.product(REDUCTION, HALF)))
def test_the_convention_is_the_one_thing_that_is_wrong(own, required):
    verdict = judge(LOSS.format(**REDUCTION[own[0]], **HALF[own[1]]), ",".join(required))
    assert verdict.required == tuple(WORDS[name] for name in required)
    assert not set(verdict.required) & set(verdict.assumed)
    if own == required:
        assert verdict.ok
        return
    (finding,) = verdict.findings
    assert not finding.alternatives
    for mine, asked in zip(own, required, strict=True):
        assert (WORDS[mine] in finding.sentence) == (mine != asked)
    if required[0] == "sum" and verdict.broken_line is not None:
        assert "1 / N Σ_i L_i" not in verdict.broken_line.statement


def test_a_wrong_gradient_beside_another_convention_is_a_mistake_of_its_own():
    source = LOSS.format(**REDUCTION["mean"], **HALF["half"]).replace("-= 1", "-= 0.5")
    verdict = judge(source, "sum,half")
    assert verdict.status == "wrong"
    assert "another convention" not in verdict.summary
