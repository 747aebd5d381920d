"""What a plain gradient check would have said: to show the contrast."""

from __future__ import annotations

import numpy as np

from pminusy.diagnosis.bind.subject import Subject
from pminusy.diagnosis.catalogue.probes import probes

__all__ = ["gradient_check"]

_STEP = 1e-5
_PAIRS = (("dL_dW", "W"), ("dL_dz", "z"))


def gradient_check(subject: Subject) -> str:
    """Compare a gradient with differences of its own loss, r = 0, in ten coordinates."""
    pair = next((p for p in _PAIRS if p[0] in subject.letters() and p[1] in subject.given), None)
    if pair is None or "L" not in subject.letters():
        return ""
    gradient_letter, letter = pair
    inputs = probes(subject.given, subject.single)[0].inputs
    seen = subject.call(inputs)
    if gradient_letter not in seen.values:
        return ""
    gradient = np.asarray(seen.values[gradient_letter], dtype=np.float64)
    rng = np.random.default_rng(0)
    worst = 0.0
    for flat in rng.choice(gradient.size, size=min(10, gradient.size), replace=False):
        index = np.unravel_index(flat, gradient.shape)
        losses = []
        for sign in (1.0, -1.0):
            moved = np.array(inputs[letter])
            moved[index] += sign * _STEP
            loss = subject.call({**inputs, letter: moved}).values.get("L")
            if loss is None:
                return ""
            losses.append(float(loss))
        numeric, analytic = (losses[0] - losses[1]) / (2 * _STEP), float(gradient[index])
        worst = max(worst, abs(numeric - analytic) / max(1e-8, abs(numeric) + abs(analytic)))
    if not np.isfinite(worst):
        return "A plain gradient check gives nan."
    passes = worst < 1e-5
    said = "passes: loss and gradient agree with each other" if passes else "fails"
    return f"A plain gradient check {said} (largest relative error {worst:.1e})."
