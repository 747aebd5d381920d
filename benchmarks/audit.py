"""Labels made wrong on purpose: how well they are found, and how soon.

    python -m benchmarks.audit [--data FOLDER] [--rows N]

Beside cleanlab's self-confidence on scikit-learn's cross-validated probabilities, by turns. Noise
is symmetric (any other class) or by class (the next one), 5, 20 and 40 %. Sets: scikit-learn's
digits, and of a folder letter, newsgroups20, covertype_sub and mnist where they are there.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

import pminusy as pmy
from benchmarks.problems import load

SETS = ("letter", "newsgroups20", "covertype_sub", "mnist")
SHARES = (0.05, 0.2, 0.4)
FOLDS = 5


def main() -> None:
    """Print a line for each set and kind of noise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of data sets (.npz)")
    parser.add_argument("--rows", type=int, default=10_000, help="at most so many rows of each")
    parser.add_argument("--only", help="one set")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'set':<14} noise            ours   theirs   seconds of ours    theirs   ratio")
    for name, X, y in problems(options.data, options.rows):
        if options.only in (None, name):
            for kind in ("symmetric", "by class"):
                for share in SHARES:
                    print(line(name, X, y, kind, share), flush=True)


def problems(folder: Path | None, rows: int) -> Iterator[tuple[str, Any, Any]]:
    """Names, features and class indices of at most so many rows."""
    X, y = load_digits(return_X_y=True)
    yield "digits", X / 16, y
    for name in SETS if folder is not None else ():
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


def line(name: str, X: Any, y: Any, kind: str, share: float) -> str:
    """How both rank one set of labels, and how long it took."""
    noisy, wrong = made_wrong(y, kind, share)
    started = time.perf_counter()
    ours = pmy.audit(X, noisy, folds=FOLDS).quality
    middle = time.perf_counter()
    theirs = peer(X, noisy)
    ended = time.perf_counter()
    a, b = middle - started, ended - middle
    scores = (roc_auc_score(wrong, -np.nan_to_num(q)) for q in (ours, theirs))
    first, second = scores
    return (
        f"{name:<14} {kind:<9} {share:4.0%}   {first:.4f}   {second:.4f}   {a:9.2f}   {b:9.2f}"
        f"   {b / a:6.1f}"
    )


def peer(X: Any, y: Any) -> Any:
    """cleanlab's self-confidence where it is installed, its formula where not; default settings."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    p = cross_val_predict(LogisticRegression(), X, y, cv=folds, method="predict_proba")
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return p[np.arange(y.size), y]
    return get_label_quality_scores(y, p, method="self_confidence", adjust_pred_probs=False)


if __name__ == "__main__":
    main()
