"""The peer: a table as pandas reads it, one-hot, scaled, and `LogisticRegressionCV` by log loss."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.tables.sources import ROW, Source

__all__ = ["losses"]


def losses(train: Path, test: Path, source: Source) -> NDArray[np.float64]:
    """−log p of the label of each row of a test file (n,), after training on another file."""
    target = source.target
    rows, others = (pd.read_csv(path) for path in (train, test))
    # A label may be "None".
    y, held_out = (
        pd.read_csv(path, dtype=str, keep_default_na=False)[target] for path in (train, test)
    )
    for frame in (rows, others):
        # Row names, as R writes them, are no column; nor is the number of a patient.
        frame.drop(columns=[target, ROW, *source.identifiers], inplace=True, errors="ignore")
    words = make_column_selector(dtype_exclude="number")
    features = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (OneHotEncoder(handle_unknown="ignore"), words),
    )
    clf = LogisticRegressionCV(
        Cs=10, cv=5, scoring="neg_log_loss", max_iter=500, tol=1e-5, random_state=0,
        use_legacy_attributes=False, l1_ratios=(0.0,),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        model = make_pipeline(features, clf).fit(rows, y)
    with np.errstate(divide="ignore"):  # of p = 0
        log_p = model.predict_log_proba(others)
    index = {label: k for k, label in enumerate(model.classes_)}
    own: NDArray[np.float64] = log_p[np.arange(len(held_out)), [index[label] for label in held_out]]
    return -own
