"""What one function of a submission says about how another one's samples lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pminusy.diagnosis.report.verdict import Finding, Verdict

__all__ = ["consistent"]

_JUDGED = ("correct", "fragile", "wrong")


def consistent(verdicts: Sequence[Verdict], called: Collection[str] = ()) -> list[Verdict]:
    """The same verdicts; a softmax that is right only as no other function of the file needs it.

    A softmax read as one of a single sample, or of samples in columns, is wrong beside functions
    that have a batch in rows and do not call it: those that others of its file call are not among
    the verdicts, and those that other files import are `called`.
    """
    rows = any(v.status in _JUDGED and _way(v) == "rows" for v in verdicts)
    return [
        _contradicted(v) if rows and _stands_alone(v) and v.name not in called else v
        for v in verdicts
    ]


def _way(verdict: Verdict) -> str:
    return next((word for word in ("rows", "columns") if word in verdict.pins), "one sample")


def _stands_alone(verdict: Verdict) -> bool:
    """Whether it is a softmax that is right, and not of samples in rows."""
    right = verdict.status in ("correct", "fragile")
    return right and verdict.exercise == "softmax" and _way(verdict) != "rows"


def _contradicted(verdict: Verdict) -> Verdict:
    columns = _way(verdict) == "columns"
    read = "each column sums to 1" if columns else "the whole batch sums to 1, not each row"
    sentence = (
        f"Other functions here have a sample in each row of a batch, and of such scores {read}: it "
        f"is right for {'samples in columns' if columns else 'one sample'} alone."
    )
    finding = Finding(
        "softmax.axis" if columns else "softmax.whole_sum", sentence, "s",
        "Σ_i e_ik" if columns else "Σ_i Σ_j e_ij", "s_i = Σ_j e_ij, of each row",
        ("the probabilities",),
        ("Look where the exponentials are summed.", "The sum runs over other entries.",
         "It should be s_i = Σ_j e_ij, of each row."),
    )  # fmt: skip
    return replace(verdict, status="wrong", findings=(finding,), fragilities=(), summary=sentence)
