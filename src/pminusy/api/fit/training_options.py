"""How `fit_table` trains: its options checked, and the estimator they ask for."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from pminusy.errors import InputError
from pminusy.estimators.parameters.checks import HELD, holds, require_count, require_number
from pminusy.estimators.parameters.penalties import penalty_of
from pminusy.estimators.parameters.problem import resolve_solver
from pminusy.estimators.scores import log_score
from pminusy.estimators.softmax_fit import PlainRegression
from pminusy.estimators.split import folds_in_time
from pminusy.tables.wording import listed, shown
from pminusy.training.checkpoints import require_checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pminusy.api.fit.network_options import NetworkOptions
    from pminusy.tables.schema import Schema
    from pminusy.training.solvers.solution import ProgressCallback

__all__ = ["MAX_ITER", "TOL", "TrainingOptions", "training_options"]

TOL = 1e-6  # largest gradient entry of the mean objective, on standardised features
MAX_ITER = 5_000
TEST_SIZE = 0.2
_FOLDS = 5
_VALUES = tuple(float(C) for C in np.logspace(-4, 4, 10))  # of C, where only folds are given

ClassWeight = str | Mapping[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """Options of the training itself; several values of C or ρ are tried on `folds` folds."""

    C: tuple[float, ...]
    l1_ratio: tuple[float, ...]
    folds: int | None  # None: no cross-validation
    solver: str
    class_weight: ClassWeight
    calibrate: bool
    test_size: float
    seed: int
    tol: float = TOL
    max_iter: int = MAX_ITER
    time_limit: float | None = None  # seconds
    keep_interrupted: bool = False
    network: NetworkOptions | None = None  # None: a softmax regression
    checkpoint: str | None = None  # a file that training goes on from
    restart: bool = False

    @property
    def unpenalised(self) -> bool:
        """Whether nothing draws the weights towards 0: categories need a reference then."""
        return all(math.isinf(C) for C in self.C)

    def estimator(
        self,
        y: NDArray[np.intp],
        classes: tuple[str, ...],
        progress: ProgressCallback | None,
        groups: NDArray[np.intp] | None = None,
        times: NDArray[np.float64] | None = None,
        part: str | None = None,
    ) -> Any:
        """What is to be fitted, for labels y (N,) that are indices of classes.

        A `NetworkFit`, a `PlainRegression`, or a `SoftmaxRegressionCV`: rows of one of the groups
        (N,) are in one fold of its cross-validation; with times (N,) folds test on the rows after
        those trained on. Early stopping of a network holds rows out likewise. A fit with a `part`
        has a checkpoint of its own, the file's name with that behind it.
        """
        weight = self.weights_by_index(classes)
        kept: dict[str, Any] = {"restart": self.restart}
        if self.checkpoint is not None and part is not None:
            kept["checkpoint"] = f"{self.checkpoint}{part}"
        if self.network is not None:
            from pminusy.api.fit.network import NetworkFit

            return NetworkFit(
                self.network, class_weight=weight, seed=self.seed, time_limit=self.time_limit,
                keep_interrupted=self.keep_interrupted, progress=progress, groups=groups,
                times=times, **kept,
            )  # fmt: skip
        shared: dict[str, Any] = {"solver": self.solver, "class_weight": weight, "tol": self.tol}
        shared |= {"max_iter": self.max_iter, "time_limit": self.time_limit, "progress": progress}
        shared |= {"keep_interrupted": self.keep_interrupted}
        if self.folds is None:
            return PlainRegression(self.C[0], l1_ratio=self.l1_ratio[0], **shared, **kept)
        largest = int(np.bincount(y).max())
        if self.folds > largest:
            got = f"{self.folds}, where no class has more than {largest:,} training rows"
            raise InputError("cv", "as many rows of some class as there are folds", got)
        # Not before it is needed: scikit-learn takes longer to import than a small table to fit.
        from sklearn.model_selection import StratifiedKFold

        from pminusy.estimators.softmax_regression_cv import SoftmaxRegressionCV

        folds: Any = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        if groups is not None:
            folds = self._folds_of_groups(y, groups, self.folds)
        if times is not None:
            folds = _with_all_classes(folds_in_time(times, self.folds), y)
            if not folds:
                got = "folds whose earlier rows lack some class"
                raise InputError("cv", "rows of every class before others", got, "leave cv out")
        return SoftmaxRegressionCV(
            self.C,
            l1_ratios=self.l1_ratio,
            cv=folds,
            scoring=log_score,
            store_coefs_paths=False,
            **shared,
        )

    def weights_by_index(self, classes: tuple[str, ...]) -> Any:
        """The weights of classes as estimators of labels 0 … K − 1 take them."""
        return _by_index(self.class_weight, classes)

    def splits(
        self,
        y: NDArray[np.intp],
        groups: NDArray[np.intp] | None,
        times: NDArray[np.float64] | None = None,
    ) -> Any:
        """Training and left-out rows of each fold, of as many folds as the smallest class allows.

        Each fold leaves rows of every class to train on.
        """
        folds = min(self.folds or _FOLDS, int(np.bincount(y).min()))
        if groups is not None:
            found = self._folds_of_groups(y, groups, min(folds, np.unique(groups).size))
            return _with_all_classes(found, y)
        if times is not None:
            return _with_all_classes(folds_in_time(times, folds), y)
        from sklearn.model_selection import StratifiedKFold

        splitter = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
        return splitter.split(np.zeros((y.size, 1)), y)

    def _folds_of_groups(self, y: NDArray[np.intp], groups: NDArray[np.intp], folds: int) -> Any:
        number = np.unique(groups).size
        if folds > number:
            got = f"{folds}, where training rows are of {number:,} groups"
            raise InputError("cv", "at most as many folds as groups", got)
        from sklearn.model_selection import StratifiedGroupKFold

        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=self.seed)
        return list(splitter.split(np.zeros((y.size, 1)), y, groups))

    def of_table(self, schema: Schema) -> dict[str, str]:
        """What a checkpoint says of a table beyond its rows, and is refused for if it differs."""
        return {
            "target": repr(schema.target),
            "classes": json.dumps(schema.classes),
            "columns": json.dumps([column.name for column in schema.columns]),
            "weight": repr(schema.weight),
            "seed": repr(self.seed),
            "test size": repr(self.test_size),
        }

    def chosen(self, clf: Any) -> TrainingOptions:
        """The same options with what the cross-validation of an estimator chose, and none again."""
        if self.folds is None:
            return self
        return replace(self, C=(float(clf.C_),), l1_ratio=(float(clf.l1_ratio_),), folds=None)

    def settings(self, C: float, l1_ratio: float) -> dict[str, float | str]:
        """What the model remembers of its options, those left alone aside."""
        kept: dict[str, float | str] = {"C": float(C)}
        if self.network is not None:
            kept = self.network.settings()
        kept["seed"] = self.seed
        kept["test size"] = self.test_size
        if l1_ratio:
            kept["l1 ratio"] = float(l1_ratio)
        if self.folds is not None:
            kept["folds"] = self.folds
        if self.solver != "auto":
            kept["solver"] = self.solver
        if self.tol != TOL:
            kept["tolerance"] = self.tol
        if self.max_iter != MAX_ITER:
            kept["largest number of iterations"] = self.max_iter
        if self.time_limit is not None:
            kept["time limit in seconds"] = self.time_limit
        if isinstance(self.class_weight, str):
            kept["class weight"] = self.class_weight
        elif self.class_weight is not None:
            for label, weight in self.class_weight.items():
                kept[f"weight of {label}"] = float(weight)
        return kept


def training_options(
    *,
    C: Any,
    l1_ratio: Any,
    cv: Any,
    solver: Any,
    class_weight: Any,
    calibrate: bool,
    test_size: Any,
    seed: Any,
    tol: Any = TOL,
    max_iter: Any = MAX_ITER,
    time_limit: Any = None,
    keep_interrupted: bool = False,
    network: NetworkOptions | None = None,
    checkpoint: Any = None,
    restart: Any = False,
) -> TrainingOptions:
    """Check the options before anything is read."""
    if network is not None:
        _refuse_beside_network(C=C, l1_ratio=l1_ratio, cv=cv, solver=solver, tol=tol,
                               max_iter=max_iter)  # fmt: skip
    test_size = TEST_SIZE if test_size is None else test_size
    if not isinstance(test_size, Real) or not 0 <= float(test_size) < 1:
        raise InputError("test size", "a share in [0, 1)", repr(test_size))
    if not isinstance(seed, Integral) or seed < 0:
        raise InputError("seed", "a whole number ≥ 0", repr(seed))
    require_number("tol", tol, positive=False)
    require_count("max_iter", max_iter)
    if time_limit is not None:
        require_number("time_limit", time_limit)
    if cv is not None and (isinstance(cv, bool) or not isinstance(cv, Integral) or cv < 2):
        raise InputError("cv", "a whole number of folds, at least 2", repr(cv))
    if C is None:
        C = 1.0 if cv is None else _VALUES
    values, ratios = _numbers("C", C, _is_strength), _numbers("l1 ratio", l1_ratio, _is_share)
    for ratio in ratios:
        _, penalty = penalty_of("deprecated", max(values), ratio)
        resolve_solver(solver, penalty, min(values))
    if calibrate and test_size == 0:
        raise InputError("calibrate", "held-out rows", "none", "set a test size above 0")
    several = len(values) * len(ratios) > 1
    folds = int(cv) if cv is not None else (_FOLDS if several else None)
    if checkpoint is not None and folds is not None:
        expected, got = "one value of C, without cross-validation, beside it", f"{folds} folds"
        raise InputError("checkpoint", expected, got)
    _check_checkpoint(checkpoint, restart)
    return TrainingOptions(
        C=values, l1_ratio=ratios, folds=folds, solver=solver, calibrate=bool(calibrate),
        class_weight=_checked_weight(class_weight), test_size=float(test_size), seed=int(seed),
        tol=float(tol), max_iter=int(max_iter), keep_interrupted=keep_interrupted,
        time_limit=None if time_limit is None else float(time_limit), network=network,
        checkpoint=None if checkpoint is None else os.fspath(checkpoint), restart=bool(restart),
    )  # fmt: skip


def _check_checkpoint(checkpoint: Any, restart: Any) -> None:
    """Refuse what is no checkpoint before anything is read."""
    if not isinstance(restart, bool | np.bool_):
        raise InputError("restart", "True or False", repr(restart))
    if checkpoint is not None:
        require_checkpoint(checkpoint, restart=bool(restart))
    elif restart:
        raise InputError("restart", "a checkpoint beside it", "none", "name its file")


def _refuse_beside_network(**given: Any) -> None:
    """Refuse what is about the penalty or the solvers of the softmax regression."""
    plain = {"l1_ratio": 0.0, "solver": "auto", "tol": TOL, "max_iter": MAX_ITER}
    remedy = {"C": "alpha is the penalty of a network", "max_iter": "a network has epochs"}
    for name, value in given.items():
        unchanged = plain.get(name)
        if value is not unchanged and not (np.isscalar(value) and value == unchanged):
            raise InputError(
                name.replace("_", "-"), "none beside hidden layers", repr(value)[:60],
                remedy.get(name, "leave it out"),
            )  # fmt: skip


def _is_strength(value: Any) -> str | None:
    if not isinstance(value, Real):
        return "a number above 0"
    if not holds(value):
        return HELD
    return None if float(value) > 0 else "a number above 0"  # NaN is not


def _is_share(value: Any) -> str | None:
    valid = isinstance(value, Real) and holds(value) and 0 <= float(value) <= 1
    return None if valid else "a number from 0 to 1"


def _numbers(name: str, given: Any, wrong: Any) -> tuple[float, ...]:
    """One number, or several: ascending, each once."""
    many = isinstance(given, Iterable) and not isinstance(given, str)
    values = list(given) if many else [given]
    if not values:
        raise InputError(name, "at least one number", repr(given))
    for value in values:
        expected = wrong(value)
        if expected is not None:
            raise InputError(name, expected, repr(value))
    return tuple(sorted({float(value) for value in values}))


def _checked_weight(given: Any) -> ClassWeight:
    if given is None or given == "balanced":
        return None if given is None else "balanced"
    if not isinstance(given, Mapping):
        expected = '"balanced", or weights by class'
        raise InputError("class weight", expected, repr(given))
    for label, weight in given.items():
        if not isinstance(weight, Real) or not holds(weight) or not 0 <= float(weight) < math.inf:
            raise InputError(
                f"class weight of {shown(str(label))}", "a finite number from 0", repr(weight)[:60]
            )
    return {str(label): float(weight) for label, weight in given.items()}


def _with_all_classes(folds: list[Any], y: NDArray[np.intp]) -> list[Any]:
    """Those of some folds whose training rows have every class."""
    classes = np.unique(y).size
    return [fold for fold in folds if np.unique(y[fold[0]]).size == classes]


def _by_index(given: ClassWeight, classes: tuple[str, ...]) -> Any:
    if given is None or isinstance(given, str):
        return given
    unknown = [label for label in given if label not in classes]
    if unknown:
        raise InputError("class weight", f"classes among {listed(classes)}", listed(unknown))
    return {classes.index(label): weight for label, weight in given.items()}
