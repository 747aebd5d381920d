"""The lines as printed, and what their sentences rest on, against definitions of their own."""

import json
from typing import Any

import pytest
from mpmath import mp

from pminusy.derivation.build import derive
from tests.derivation.printed import Numbers, UnreadableError, holds

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {}, "weights": {"weight": [1.0, 2.0, 0.5]}, "sample weight": {"sample_weight": 2.0},
    "smoothing": {"label_smoothing": 0.1}, "z-loss": {"z_loss": 0.3},
    "temperature": {"temperature": 2.0}, "cap": {"softcap": 3.0},
    "weights and z-loss": {"weight": [1.0, 2.0, 0.5], "z_loss": 0.3},
    "cap and temperature": {"softcap": 3.0, "temperature": 2.0},
    "smoothing and z-loss": {"label_smoothing": 0.1, "z_loss": 0.3},
}  # fmt: skip
LEAST = 500


def lines(**request):
    made = json.loads(derive(z=[2.0, 1.0, 0.1], y=0, **request).to_json())
    for chapter in made["chapters"]:
        if chapter["key"] in ("parameters", "gradient_step", "limits"):
            continue
        for step in chapter["steps"]:
            yield step["name"], step["statement"]["text"]
            for claim in step["claims"]:
                yield from ((step["name"], line["text"]) for line in claim["proved"])


def checked(option, **more):
    """How many lines were read, and which of them are false."""
    read, false = set(), []
    with mp.workdps(45):
        at = Numbers(len(option), OPTIONS[option])
        for name, text in lines(**OPTIONS[option], **more):
            try:
                true = text in read or holds(text, at)
            except (UnreadableError, KeyError):
                continue
            read.add(text)
            if not true:
                false.append((name, text))
    return len(read), false


@pytest.mark.parametrize("option", ["plain", "weights and z-loss"])
def test_lines_of_a_route_hold(option):
    count, false = checked(option)
    assert not false
    assert count > 20


@pytest.mark.slow
def test_hundreds_of_lines_hold():
    found = [checked(option, route="all") for option in OPTIONS]
    assert not [false for _, false in found if false]
    assert sum(count for count, _ in found) >= LEAST


@pytest.mark.parametrize(
    "wrong",
    ["∂L/∂z_k = p_k + y_k", "Σ_(j≠k) y_j = 1 + y_k", "∂p_i/∂z_j = p_i p_j   for i ≠ j", "p_k > 1"],
)
def test_what_is_wrong_is_found(wrong):
    with mp.workdps(45):
        assert not holds(wrong, Numbers(1, {}))
