"""Labels made wrong on purpose: how well they are found, and how soon.

    python -m benchmarks.audit [--data FOLDER] [--rows N] [--only SET,SET] [--write]

Beside cleanlab's self-confidence on scikit-learn's cross-validated probabilities, one after the
other. Noise is symmetric (any other class) or by class (the next one). Sets: scikit-learn's
digits, and of a folder letter, newsgroups20, covertype_sub and mnist where they are there. Cases
measured before stay in the table; without `--write` it goes to `measured/`.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import pminusy as pmy
from benchmarks.harness import DOCS, paste, writes
from benchmarks.problems import load

SETS = ("letter", "newsgroups20", "covertype_sub", "mnist")
KINDS = ("symmetric", "by class")
SHARES = (0.05, 0.2, 0.4)
FOLDS = 5
HEADINGS = (
    "set", "rows", "noise", "AUROC", "scikit-learn + cleanlab", "seconds", "theirs", "ratio",
    "processor seconds", "theirs", "ratio",
)  # fmt: skip


class Timed(NamedTuple):
    """Scores of rows, and the seconds that passed and that processors worked."""

    quality: Any
    seconds: float
    processor: float


def main() -> None:
    """Measure each set under each kind of noise, and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of data sets (.npz)")
    parser.add_argument("--rows", type=int, default=10_000, help="at most so many rows of each")
    parser.add_argument("--only", default=f"digits,{','.join(SETS)}", help="sets, with commas")
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds of noise, with commas")
    parser.add_argument("--shares", default=",".join(map(str, SHARES)), help="shares, with commas")
    writes(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = [
        (kind, float(s)) for kind in options.kinds.split(",") for s in options.shares.split(",")
    ]
    print(" | ".join(HEADINGS))
    for name, X, y in problems(options.data, options.rows, options.only.split(",")):
        for kind, share in cases:
            found = measured(name, X, y, kind, share)
            print(" | ".join(cells(found)), flush=True)
            keep(found)
    show(kept())


def problems(folder: Path | None, rows: int, names: list[str]) -> Iterator[tuple[str, Any, Any]]:
    """Names, features and class indices of at most so many rows."""
    if "digits" in names:
        X, y = load_digits(return_X_y=True)
        yield "digits", X / 16, y
    for name in SETS if folder is not None else ():
        if name in names:
            assert folder is not None
            problem = load(name, folder)
            some = np.random.default_rng(0).permutation(problem.y.size)[:rows]
            yield name, problem.X[some], np.unique(problem.y[some], return_inverse=True)[1]


def made_wrong(y: Any, kind: str, share: float) -> tuple[Any, Any]:
    """Labels of which a share is wrong, and which these are."""
    rng = np.random.default_rng(0)
    K = int(y.max()) + 1
    wrong = rng.random(y.size) < share
    step = rng.integers(1, K, y.size) if kind == "symmetric" else 1
    return np.where(wrong, (y + step) % K, y), wrong


def measured(name: str, X: Any, y: Any, kind: str, share: float) -> dict[str, Any]:
    """How both rank one set of labels, and how long it took."""
    noisy, wrong = made_wrong(y, kind, share)
    ours = timed(lambda: pmy.audit(X, noisy, folds=FOLDS).quality)
    theirs = timed(lambda: peer(X, noisy))
    return {
        "set": name, "rows": int(y.size), "noise": f"{kind}, {share:.0%}",
        "auroc": [float(roc_auc_score(wrong, -np.nan_to_num(r.quality))) for r in (ours, theirs)],
        "seconds": [ours.seconds, theirs.seconds],
        "processor": [ours.processor, theirs.processor],
    }  # fmt: skip


def timed(rank: Callable[[], Any]) -> Timed:
    """Rank, and say how long it took."""
    started, worked = time.perf_counter(), time.process_time()
    quality = rank()
    return Timed(quality, time.perf_counter() - started, time.process_time() - worked)


def peer(X: Any, y: Any) -> Any:
    """cleanlab's self-confidence where it is installed, its formula where not; default settings."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    p = cross_val_predict(LogisticRegression(), X, y, cv=folds, method="predict_proba")
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return p[np.arange(y.size), y]
    return get_label_quality_scores(y, p, method="self_confidence", adjust_pred_probs=False)


def cells(found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    auroc = [f"{value:.4f}" for value in found["auroc"]]
    times = [
        text
        for ours, theirs in (found["seconds"], found["processor"])
        for text in (f"{ours:.1f}", f"{theirs:.1f}", f"{theirs / ours:.1f}")
    ]
    return [found["set"], f"{found['rows']:,}", found["noise"], *auroc, *times]


_FILE = DOCS / "benchmarks" / "audit.json"


def kept() -> list[dict[str, Any]]:
    """All cases measured so far."""
    found: list[dict[str, Any]] = json.loads(_FILE.read_text()) if _FILE.exists() else []
    return found


def keep(found: dict[str, Any]) -> None:
    """Write a case in the place of its former self."""
    cases = {(each["set"], each["rows"], each["noise"]): each for each in kept()}
    cases[found["set"], found["rows"], found["noise"]] = found
    order = ["digits", *SETS]
    rows = sorted(cases.values(), key=lambda each: (order.index(each["set"]), each["rows"]))
    _FILE.parent.mkdir(parents=True, exist_ok=True)
    _FILE.write_text(json.dumps(rows, indent=1) + "\n")


def show(rows: list[dict[str, Any]]) -> None:
    """Paste the table into the documentation of audits."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"| --- | ---: | --- |{' ---: |' * 8}"]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    worst = min(ours - theirs for ours, theirs in (row["auroc"] for row in rows))
    said = (
        f"Folds: {FOLDS}. scikit-learn's `LogisticRegression` has its defaults, also where it has "
        "not converged; we choose C. Seconds were taken one after the other while other programs "
        "ran: the ratio of processor seconds, over all threads, is the fairer one. Of both AUROC "
        f"the first is at least the second {'less' if worst < 0 else 'and'} {abs(worst):.4f}."
    )
    paste(DOCS / "audit.md", "audit", "\n".join([*lines, "", said]))


if __name__ == "__main__":
    main()
