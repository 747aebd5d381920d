"""Reports to render: made from random weights, so that no training is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from pminusy import ops
from pminusy.core.trace import Trace
from pminusy.report.data import FitReport, WorstRow


def fit_report(
    K: int = 3,
    D: int = 4,
    n: int = 60,
    rows_shown: int = 4,
    scale: float = 1.0,
    seed: int = 0,
    **changes: Any,
) -> FitReport:
    """Report of a made-up fit of K classes and D features, judged on n rows; fields by keyword."""
    random = np.random.default_rng(seed)
    W, b = scale * random.normal(size=(K, D)), random.normal(size=K)
    X = random.normal(size=(n, D))
    p = ops.softmax(X @ W.T + b)
    y = np.array([random.choice(K, p=row / row.sum()) for row in p], dtype=np.intp).reshape(n)
    size = np.linalg.norm(p - np.eye(K)[y], axis=1)
    hardest = np.argsort(-size, kind="stable")[:rows_shown].tolist()
    classes = changes.pop("classes", tuple(f"class {k}" for k in range(K)))
    names = changes.pop("feature_names", tuple(f"feature {d}" for d in range(D)))
    rows = tuple(
        WorstRow(
            row=i + 1,
            cells=tuple((name, f"{value:.2f}") for name, value in zip(names, X[i], strict=True)),
            x=X[i],
            p=p[i],
            y=int(y[i]),
            contributions=W * X[i],
        )
        for i in hardest
    )
    steps = np.arange(1, 21)
    fields: dict[str, Any] = {
        "title": "table.csv → kind",
        "target": "kind",
        "classes": classes,
        "feature_names": names,
        "rows_used": 1234,
        "rows_train": 987,
        "rows_test": n,
        "rows_dropped": 5,
        "notes": ("The column “id” was left out.",),
        "settings": (("C", "1"), ("seed", "0")),
        "scores": (
            ("accuracy", 0.91234, 0.5),
            ("balanced accuracy", 0.81234, 1 / 3),
            ("log loss", 0.21234, 1.0986),
        ),
        "certificate": 3.2e-9,
        "converged": True,
        "seconds": 0.25,
        "history": np.stack([0.3 + np.exp(-steps), 10.0**-steps], axis=1),
        "W": W,
        "b": b,
        "held_out_y": y,
        "held_out_p": p,
        "held_out": True,
        "worst_rows": rows,
        "trace": Trace(np.array([rows[0].y]), X=rows[0].x[None], W=W, b=b) if rows else None,
    }
    return FitReport(**{**fields, **changes})
