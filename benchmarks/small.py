"""Small and middle tables: fits, cross-validation and predictions, beside peers.

    python -m benchmarks.small [--data FOLDER] [--only fits,defaults,cv,predict] [--write]

Kernels are compiled beforehand, as `pminusy warm-up` does; without, small fits run in NumPy. Ours
and a peer run by turns in one process, on one BLAS thread; figures are medians of milliseconds. A
fit is the whole call of `fit`, with all that it checks. "Equal objective" means a relative gap of
1e-6: of every solver of scikit-learn's, with float32 and float64, the loosest tolerance that
reaches it is taken, then the quickest solver; ours likewise. Half of the sets are for tuning, half
are held out, and some are new (see `small_sets`); each line says which. A peer that is not
installed is left out with a line. Fits to equal objective are kept in benchmarks/small-fits.json
and not measured again: `--seconds` measures them in pieces.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from benchmarks.harness import DOCS, paste, writes
from benchmarks.small_sets import SmallSet, small_sets, standardised

__all__ = ["main"]

_GAP = 1e-6
_TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10)
_SOLVERS = ("lbfgs", "newton-cholesky", "newton-cg")
_LARGEST_HESSIAN = 3000  # parameters up to which newton-cholesky is tried
_SLOWER, _SLOW = 30, 0.1  # times ours, and seconds, beyond which a peer's solver is given up
_ROUNDS = 7
_SAME = 0.2  # ms

Fitted = Callable[[], Any]


_clock = time.perf_counter


def by_turns(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of single calls, one of each a round."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            began = _clock()
            function()
            times[name].append(1e3 * (_clock() - began))
    return {name: median(found) for name, found in times.items()}


def _ours(**parameters: Any) -> Any:
    from pminusy import SoftmaxRegression

    return SoftmaxRegression(**parameters)


def _theirs(**parameters: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(**parameters)


def objective(model: Any, X: Any, y: Any, C: float) -> float:
    """C Σ L + ½ ‖coef_‖², in float64 by NumPy and SciPy."""
    coef, b = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    z = X @ coef.T + b
    z = np.hstack([np.zeros_like(z), z]) if z.shape[1] == 1 else z
    labels = np.unique(y, return_inverse=True)[1]
    loss = float(np.sum(logsumexp(z, axis=1) - z[np.arange(len(y)), labels]))
    return C * loss + 0.5 * float(np.vdot(coef, coef))


def at_equal_objective(X: Any, y: Any, C: float) -> dict[str, Any] | None:
    """Milliseconds of ours and of scikit-learn's quickest way to the gap; None if it has none."""
    best = objective(_ours(C=C, tol=1e-10, max_iter=5000).fit(X, y), X, y, C)
    enough = best * (1 + _GAP)
    own = _loosest(lambda tol: _ours(C=C, tol=tol, max_iter=5000), X, X, y, C, enough, 60.0)
    if own is None:
        return None
    ways = _ways_of_peer(X, y, C, enough, max(_SLOWER * own[0], _SLOW))
    if not ways:
        return None
    timed: dict[str, Callable[[], object]] = {"ours": lambda: own[1]().fit(X, y)}
    for name, (_, make, given) in sorted(ways.items(), key=lambda way: way[1][0])[:2]:
        timed[name] = partial(_fit, make, given, y)
    found = by_turns(timed, 3 if own[0] > 0.3 else _ROUNDS)
    ours = found.pop("ours")
    peer = min(found, key=lambda name: found[name])
    return {"ours": ours, "peer": peer, "theirs": found[peer]}


def _fit(make: Fitted, X: Any, y: Any) -> Any:
    return make().fit(X, y)


def _ways_of_peer(X: Any, y: Any, C: float, enough: float, limit: float) -> dict[str, Any]:
    size = len(np.unique(y)) * X.shape[1]
    found = {}
    for solver in _SOLVERS:
        if solver == "newton-cholesky" and size > _LARGEST_HESSIAN:
            continue
        for dtype in (np.float64, np.float32):
            given = X.astype(dtype)

            def make(tol: float, solver: str = solver) -> Any:
                return _theirs(C=C, solver=solver, tol=tol, max_iter=20_000)

            way = _loosest(make, given, X, y, C, enough, limit)
            if way is not None:
                found[f"{solver}, {np.dtype(dtype).name}"] = (*way, given)
    return found


def _loosest(
    make: Callable[[float], Any], given: Any, X: Any, y: Any, C: float, enough: float, limit: float
) -> tuple[float, Fitted] | None:
    """Seconds and maker of the loosest tolerance that comes near enough."""
    for tol in _TOLERANCES:
        model = make(tol)
        began = _clock()
        model.fit(given, y)
        took = _clock() - began
        if objective(model, X, y, C) <= enough:
            return took, partial(make, tol)
        if took > limit:
            return None
    return None


def fits(sets: Sequence[SmallSet], ends: float) -> list[list[str]]:
    """Rows of the table of equal objectives, those of earlier calls among them.

    What is in the store is not measured again, and nothing is begun after `ends`.
    """
    store = DOCS / "benchmarks" / "small-fits.json"
    known: dict[str, dict[str, Any]] = json.loads(store.read_text()) if store.exists() else {}
    for at in sets:
        for form, X in (("as it comes", at.X), ("standardised", standardised(at.X))):
            for C in at.Cs:
                label = f"{at.name}, {form}, C = {C:g}"
                if label in known or time.monotonic() > ends:
                    continue
                found = at_equal_objective(X, at.y, C) or {}
                known[label] = {"half": at.half, "real": at.real, "set": at.name, **found}
                store.parent.mkdir(parents=True, exist_ok=True)
                store.write_text(json.dumps(known, indent=1) + "\n")
                print("  ".join(_fit_row(label, known[label])), flush=True)
    return [_fit_row(label, found) for label, found in known.items()]


def _fit_row(label: str, found: Mapping[str, Any]) -> list[str]:
    half = f"{found['half']}, {'real' if found['real'] else 'generated'}"
    if "ours" not in found:
        return [half, label, "–", "–", f"none in {_SLOWER} × our time", "–"]
    times = f"{found['ours']:.2f}", f"{found['theirs']:.2f}"
    return [half, label, *times, found["peer"], f"{found['theirs'] / found['ours']:.2f}"]


def defaults(sets: Sequence[SmallSet]) -> list[list[str]]:
    """Both as they are made without any parameter."""
    rows = []
    for at in sets:
        for form, X in (("as it comes", at.X), ("standardised", standardised(at.X))):
            timed: dict[str, Callable[[], object]] = {
                "ours": lambda X=X, y=at.y: _ours().fit(X, y),  # type: ignore[misc]
                "theirs": lambda X=X, y=at.y: _theirs().fit(X, y),  # type: ignore[misc]
            }
            by_turns(timed, 1)
            found = by_turns(timed, 2 * _ROUNDS + 1)
            rows.append(_row(f"{at.name}, {form}", found["ours"], found["theirs"]))
    return rows


def _row(label: str, ours: float, theirs: float) -> list[str]:
    row = [label, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}"]
    print("  ".join(row), flush=True)
    return row


def cross_validation() -> list[list[str]]:
    """Ten values of C and five folds, beside each solver that is quickest somewhere."""
    from sklearn import datasets
    from sklearn.linear_model import LogisticRegressionCV

    from pminusy import SoftmaxRegressionCV

    rows = []
    for name in ("breast_cancer", "digits"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        X = standardised(X)
        timed: dict[str, Callable[[], object]] = {
            "ours": lambda X=X, y=y: SoftmaxRegressionCV(Cs=10, cv=5).fit(X, y)  # type: ignore[misc]
        }
        for solver in ("lbfgs", "newton-cholesky"):
            if solver == "newton-cholesky" and name == "digits":
                continue  # half a minute
            timed[solver] = lambda X=X, y=y, solver=solver: LogisticRegressionCV(  # type: ignore[misc]
                Cs=10, cv=5, solver=solver, max_iter=1000, use_legacy_attributes=False,
                l1_ratios=(0.0,), scoring="accuracy",
            ).fit(X, y)  # fmt: skip
        by_turns({"ours": timed["ours"]}, 1)
        found = by_turns(timed, 3)
        ours = found.pop("ours")
        rows.append(_row(f"{name}, 10 C × 5 folds", ours, min(found.values())))
    return rows


def predictions() -> list[list[str]]:
    """`predict` and `predict_proba` of fitted models, at 1 row and at 1,000."""
    from sklearn import datasets

    rows = []
    for name in ("breast_cancer", "digits"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        own, other = _ours().fit(X, y), _theirs().fit(X, y)
        for count in (1, 1000):
            part = np.resize(X, (count, X.shape[1]))
            for method in ("predict", "predict_proba"):
                timed = {
                    who: partial(getattr(model, method), part)
                    for who, model in (("ours", own), ("theirs", other))
                }
                found = by_turns(timed, 301)
                rows.append(_row(f"{name}, {method}, {count:,} rows", *found.values()))
    return rows


def main() -> None:
    """Measure what is asked for, print, paste."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    writes(parser)
    parser.add_argument("--data", type=Path, help="folder of further sets")
    parser.add_argument("--only", default="defaults,fits,cv,predict", help="with commas")
    parser.add_argument(
        "--half", choices=("tuning", "held out", "new"), help="of the fits: these sets"
    )
    parser.add_argument("--sets", default="", help="of the fits: names that contain this")
    parser.add_argument(
        "--seconds", type=float, default=np.inf, help="of the fits: begin none after"
    )
    parser.add_argument("--cpu", action="store_true", help="processor time, where others work too")
    arguments = parser.parse_args()
    if arguments.cpu:
        global _clock
        _clock = time.process_time
    warnings.simplefilter("ignore")
    chosen, ends = arguments.only.split(","), time.monotonic() + arguments.seconds
    sets = small_sets(arguments.data)
    wanted = [
        at
        for at in sets
        if arguments.half in (None, at.half) and arguments.sets in at.name
    ]  # fmt: skip
    if arguments.data is None:
        print("sets of a folder: no --data, left out")
    parts: list[tuple[str, str, list[str], Callable[[], list[list[str]]]]] = [
        ("defaults", "Fits by default, of the sets that scikit-learn ships", _BESIDE,
         lambda: defaults([at for at in sets if at.real and at.name.split(",")[0] in _FAMOUS])),
        ("fits", "Fits to equal objective", ["half", "fit", "pminusy", "scikit-learn", "its way",
                                            "ratio"], lambda: fits(wanted, ends)),
        ("cv", "Cross-validation", _BESIDE, cross_validation),
        ("predict", "Predictions", _BESIDE, predictions),
    ]  # fmt: skip
    from pminusy import warm_up

    warm_up()
    with threadpool_limits(1):
        for name, title, columns, measure in parts:
            if name in chosen:
                print(f"\n{title}")
                rows = measure()
                _paste(name, title, columns, rows, _remark(name, rows, cpu=arguments.cpu))


_FAMOUS = ("iris", "wine", "breast_cancer", "digits")
_BESIDE = ["what", "pminusy", "scikit-learn", "ratio"]


def _remark(name: str, rows: list[list[str]], *, cpu: bool) -> str:
    """How it was measured, and what it comes to."""
    clock = "processor time (the machine was shared)" if cpu else "time"
    text = f"Medians of milliseconds of {clock}, by turns, one BLAS thread on both sides."
    if name == "fits":
        measured = [row for row in rows if row[-1] != "–"]
        for half in ("tuning", "held out", "new"):
            ratios = [float(row[-1]) for row in measured if row[0].startswith(half)]
            if ratios:
                text += f" {half.capitalize()}: {len(ratios)} fits, geometric mean of the ratios "
                text += (
                    f"{geometric_mean(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}."
                )
        slower = [row[1] for row in measured if float(row[2]) > float(row[3]) + _SAME]
        text += f" Slower by more than {_SAME} ms: {'; '.join(slower) or 'none'}."
    return text


def _paste(name: str, title: str, columns: list[str], rows: list[list[str]], remark: str) -> None:
    lines = [f"### {title}", "", f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    paste(DOCS / "benchmarks.md", f"small-{name}", "\n".join([*lines, "", remark, ""]))


if __name__ == "__main__":
    main()
