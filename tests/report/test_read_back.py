"""Numbers of a page, read back: each is the exact one to its digits; 0 and 1 only exactly."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from mpmath import mp, mpf

from pminusy import ops
from pminusy.core.trace import Trace
from pminusy.present.numbers import number
from pminusy.report.data import WorstRow
from pminusy.report.page import render_page
from tests.report.document import read, section
from tests.report.examples import fit_report

_QUOTIENT = r": ((?:e\^)?[−\d][\d.,]*(?: [×−+] \S+)*) / (\([^)]*\)|\S+(?: × 10\S+)?) = (.+?)\. "
_UP = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def _close(shown: str, exact) -> bool:
    """Whether a number as shown is the exact one: to four digits, or without decimals exactly."""
    text = shown.strip("()").replace("−", "-").replace(",", "").lstrip("+")
    if text.startswith(("1 - ", "1 + ")):
        if exact == 1:  # to the 400 digits of the oracle
            return text[4:].startswith("e^-")
        return _close(text[4:], (exact - 1) * (-1 if text[2] == "-" else 1))
    if "e^" in text:
        sign, _, power = text.partition("e^")
        right_sign = (mp.sign(exact) < 0) == (sign == "-")
        return bool(right_sign and exact != 0 and _close(power, mp.log(abs(exact))))
    if " × 10" in text:
        mantissa, _, power = text.partition(" × 10")
        value = mpf(mantissa) * mpf(10) ** int(power.translate(_UP))
    else:
        value = mpf(text)
    if text in ("0", "1", "-1"):
        return bool(value == exact)
    if text == "0.000":
        return bool(0 < abs(exact) < mpf(10) ** -12)
    return bool(abs(value - exact) <= abs(exact) * mpf("6e-4"))


def _search(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text)
    assert found, text
    return found


def _report(W, b, x, y):
    log_p = ops.log_softmax(x @ W.T + b)
    p = np.exp(log_p)
    row = WorstRow(1, (), x, p, y, W * x, log_p)
    report = fit_report(K=W.shape[0], D=W.shape[1])
    trace = Trace(np.array([y]), X=x[None], W=W, b=b)
    return replace(report, W=W, b=b, worst_rows=(row,), trace=trace)


def _exact(W, b, x, y):
    """Softmax, loss and gradients of one row in 400 digits."""
    z = [mpf(c) for c in b.tolist()]
    for k, row in enumerate(W.tolist()):
        z[k] += sum(mpf(w) * mpf(v) for w, v in zip(row, x, strict=True))
    e = [mp.exp(v - max(z)) for v in z]
    p = [v / sum(e) for v in e]
    gap = [p[k] - (k == y) for k in range(len(p))]
    gap[y] = -sum(v for k, v in enumerate(p) if k != y)
    return e, p, gap


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 800.0, 20_000.0, 1e8])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_a_worst_row_and_its_derivation(scale, classes, seed):
    random = np.random.default_rng(seed)
    W = np.round(scale * random.normal(size=(classes, 3)) * 4) / 4 + 0.0
    b, x = np.round(random.normal(size=classes) * 8) / 8, random.integers(-2, 3, 3) / 2 + 0.25
    y = int(random.integers(classes))
    with mp.workdps(400):
        e, p, gap = _exact(W, b, x.tolist(), y)
        page = read(render_page(_report(W, b, x, y)))
        names = [f"class {k}" for k in range(classes)]
        shown = 0
        for table in section(page, "rows").all("table"):
            for cells in table.rows:
                if cells[0] in names and len(cells) >= 4 and cells[2] in ("0", "1"):
                    k = names.index(cells[0])
                    assert _close(cells[1], p[k]), (cells, p[k])
                    assert _close(cells[3], gap[k]), (cells, gap[k])
                    moved = "lowered" if gap[k] > 0 else "raised"
                    assert cells[-1] == moved
                    shown += 1
        assert shown == classes
        text = " ".join(section(page, "derivation").text.split())
        worked = _search(_QUOTIENT, text)
        for part, exact in zip(worked.groups(), (e[y], sum(e), p[y]), strict=True):
            assert _close(part, exact), (part, exact)
        worked = _search(r"−ln\((.+?)\) = (\S+(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)\. ", text + " ")
        for part, exact in zip(worked.groups(), (p[y], -mp.log1p(gap[y])), strict=True):
            assert _close(part.rstrip("."), exact), (part, exact)
        found = _search(r"For class (\d) and feature (\d): (.+?) × (\S+) = (.+?)\. ", text + " ")
        k, d = int(found[1]), int(found[2])
        assert _close(found[3], gap[k])
        assert _close(found[4], mpf(float(x[d])))
        assert _close(found[5], gap[k] * mpf(float(x[d])))
        norm = _search(r"‖p − y‖ = (\S+(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)", section(page, "rows").text)
        assert _close(norm[1], mp.sqrt(sum(v * v for v in gap)))


@pytest.mark.parametrize("seed", range(4))
def test_every_float_is_read_back(seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=500) * 10.0 ** random.integers(-300, 300, 500)
    edges = [0.0, 1.0, -1.0, 0.99996, 1.00004, 999.96, 1e6, 123456.0, 1e-300, np.nextafter(1, 2)]
    for value in [*values.tolist(), *(edges if seed == 0 else ())]:
        assert _close(number(value), mpf(value)), (value, number(value))


def test_a_sure_model_is_never_certain():
    report = _report(np.array([[0.0], [17_740.0]]), np.zeros(2), np.ones(1), 0)
    text = read(render_page(report)).text
    assert "−ln(e^−17,740) = 17,740" in " ".join(text.split())
    assert "ln(0)" not in text
