"""Networks as ONNX, run by onnxruntime: the same labels and probabilities as ours."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris

import pminusy as pmy
from tests.exchange.runtime import run

X, Y = load_iris(return_X_y=True)
NETWORKS = {
    "relu": {},
    "tanh, two layers": {"activation": "tanh", "hidden_layer_sizes": (7, 5)},
    "logistic": {"activation": "logistic"},
    "identity": {"activation": "identity"},
    "gelu": {"activation": "gelu"},
    "batch norm and dropout": {"batch_norm": True, "dropout": 0.2, "hidden_layer_sizes": (8, 4)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "lbfgs": {"solver": "lbfgs", "max_iter": 30},
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("classes", [2, 3], ids=["two", "three"])
@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
def test_networks(options, classes, dtype, tmp_path):
    rows = classes > Y
    data, y = X[rows], np.array(["setosa", "versicolor", "virginica"])[Y[rows]]
    settings = {"hidden_layer_sizes": 6, "max_iter": 5, "random_state": 0} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = pmy.SoftmaxNetwork(**settings).fit(data.astype(dtype), y)
    if clf.activation == "gelu" and dtype == "float64":
        with pytest.raises(pmy.InputError, match="gelu in float64"):
            clf.to_onnx(tmp_path / "n.onnx")
        return
    clf.to_onnx(tmp_path / "n.onnx", dtype=dtype)
    label, p = run(tmp_path / "n.onnx", {"X": data.astype(dtype)})
    assert p.shape == (len(data), classes)
    assert label.tolist() == clf.predict(data.astype(dtype)).tolist()
    ours = clf.predict_proba(data.astype(dtype))
    assert np.abs(p - ours).max() <= (1e-12 if dtype == "float64" else 2e-6)
