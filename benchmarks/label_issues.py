"""Which labels are suspected, beside cleanlab's `find_label_issues` on the same probabilities.

    python -m benchmarks.label_issues [--data FOLDER] [--shares 0.05,0.2,0.4]

Labels of scikit-learn's digits, and of 10,000 letters of a folder where it is there, are made wrong
as in `benchmarks.audit`. Without cleanlab only our lines are printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import pminusy as pmy
from benchmarks.audit import made_wrong, problems

FILTERS = ("confident_learning", "prune_by_noise_rate", "both")
ROWS = 10_000


def main() -> None:
    """Print a line for each set, share of noise and rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of data sets (.npz)")
    parser.add_argument("--shares", default="0.05,0.2,0.4", help="shares of noise, with commas")
    options = parser.parse_args()
    print("set | noise | rule | suspected | of these wrong | of the wrong ones found | also ours")
    for name, X, y in problems(options.data, ROWS, ["digits", "letter"]):
        for share in map(float, options.shares.split(",")):
            compare(name, X, y, share)


def compare(name: str, X: Any, y: Any, share: float) -> None:
    """Print what each rule suspects, and how far shares of wrong labels are off."""
    noisy, wrong = made_wrong(y, "symmetric", share)
    found = pmy.audit(X, noisy)
    p = found.judged.p / found.judged.p.sum(axis=1, keepdims=True)
    ours = found.suspected
    sets = {"ours": ours} | peers(noisy, p)
    for rule, suspected in sets.items():
        cells = (
            suspected.sum(),
            f"{wrong[suspected].mean():.1%}",
            f"{suspected[wrong].mean():.1%}",
        )
        print(name, f"{share:.0%}", rule, *cells, (suspected & ours).sum(), sep=" | ", flush=True)
    true = np.bincount(noisy[wrong], minlength=p.shape[1]) / np.bincount(noisy)
    shares = {"ours": np.array(list(found.error_shares.values()))} | peer_shares(noisy, p)
    off = ", ".join(f"{rule} {np.abs(s - true).mean():.3f}" for rule, s in shares.items())
    print(f"{name} {share:.0%}: shares of wrong labels by class are off by, on average: {off}")


def peers(y: Any, p: Any) -> dict[str, Any]:
    """cleanlab's sets by rule; none where it is absent."""
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        print("cleanlab is absent: skipped (pip install 'pminusy[bench]')")
        return {}
    return {rule: find_label_issues(y, p, filter_by=rule, n_jobs=1) for rule in FILTERS}


def peer_shares(y: Any, p: Any) -> dict[str, Any]:
    """Share of wrong labels by class, by cleanlab's estimate of the joint distribution."""
    try:
        from cleanlab.count import estimate_joint
    except ImportError:
        return {}
    joint = estimate_joint(y, p)
    return {"estimate_joint": 1 - np.diag(joint) / joint.sum(axis=1)}


if __name__ == "__main__":
    main()
