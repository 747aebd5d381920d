"""Estimators as ONNX, alone and through skl2onnx, against their own predictions."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import pminusy as pmy
from pminusy.errors import InputError
from tests.exchange.runtime import run

X, DIGITS = (array[:600] for array in load_digits(return_X_y=True))
LABELS = {
    "numbers": DIGITS,
    "two classes": DIGITS % 2,
    "text": np.array([f"class {digit}" for digit in DIGITS]),
    "truth values": DIGITS > 4,
    "objects": np.array([f"class {digit}" for digit in DIGITS], object),
}
LIMITS = {"float64": 1e-12, "float32": 1e-6}


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_an_estimator_alone(y, dtype, tmp_path):
    clf = pmy.SoftmaxRegression(C=0.01).fit(X, y)
    clf.to_onnx(tmp_path / "clf.onnx", dtype=dtype)
    label, p = run(tmp_path / "clf.onnx", {"X": X.astype(dtype)})
    assert label.tolist() == clf.predict(X).tolist()
    assert p.dtype == dtype
    assert np.abs(p - clf.predict_proba(X)).max() <= LIMITS[dtype]


@pytest.mark.parametrize("change", ["sparsify", "no intercept", "cross-validated", "float32 fit"])
def test_other_fitted_states(change, tmp_path):
    clf = pmy.SoftmaxRegression(C=0.01, fit_intercept=change != "no intercept")
    data = X
    if change == "cross-validated":
        clf = pmy.SoftmaxRegressionCV(Cs=[0.01, 0.1], cv=2)
    if change == "float32 fit":
        data = X.astype(np.float32)
    clf.fit(data, DIGITS)
    if change == "sparsify":
        clf.sparsify()
    clf.to_onnx(tmp_path / "clf.onnx")
    label, p = run(tmp_path / "clf.onnx", {"X": data.astype(np.float64)})
    assert label.tolist() == clf.predict(data).tolist()
    assert np.abs(p - clf.predict_proba(data)).max() <= (1e-6 if change == "float32 fit" else 1e-12)


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("y", [LABELS["text"], LABELS["two classes"]], ids=["text", "two"])
def test_at_the_end_of_a_pipeline(y, dtype):
    from skl2onnx import to_onnx

    pmy.register_with_skl2onnx()
    data = X.astype(dtype)
    pipeline = make_pipeline(MaxAbsScaler(), pmy.SoftmaxRegression()).fit(data, y)
    model = to_onnx(pipeline, data[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, p = session.run(None, {"X": data})
    assert label.tolist() == pipeline.predict(data).tolist()
    assert np.abs(p - pipeline.predict_proba(data)).max() <= LIMITS[dtype]


def test_names_of_classes_can_be_left_out_of_a_pipeline():
    from skl2onnx import to_onnx

    pmy.register_with_skl2onnx()
    clf = pmy.SoftmaxRegression(C=0.01).fit(X, LABELS["text"])
    options = {"zipmap": False, "nocl": True}
    model = to_onnx(clf, X[:1], options={id(clf): options})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert session.run(None, {"X": X})[0].tolist() == clf.predict_proba(X).argmax(axis=1).tolist()


def test_ten_thousand_classes(tmp_path):
    K, D = 10_000, 8
    rng = np.random.default_rng(0)
    clf = pmy.SoftmaxRegression()
    clf.coef_, clf.intercept_ = rng.normal(size=(K, D)), rng.normal(size=K)
    clf.classes_, clf.n_features_in_ = np.array([f"class {k}" for k in range(K)]), D
    clf.to_onnx(tmp_path / "clf.onnx")
    rows = rng.normal(size=(50, D))
    label, p = run(tmp_path / "clf.onnx", {"X": rows})
    assert label.tolist() == clf.predict(rows).tolist()
    assert np.abs(p - clf.predict_proba(rows)).max() <= 1e-12


def test_classes_that_onnx_has_no_type_for_are_refused(tmp_path):
    days = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")[DIGITS % 2]
    clf = pmy.SoftmaxRegression(C=0.01).fit(X, days)
    with pytest.raises(InputError, match="expected classes that are text, truth values or numbers"):
        clf.to_onnx(tmp_path / "clf.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "skl2onnx"])
def test_an_absent_package_is_named_with_its_extra(package, tmp_path, monkeypatch):
    clf = pmy.SoftmaxRegression(C=0.01).fit(X, DIGITS)
    for name in [name for name in sys.modules if name.startswith("pminusy.exchange.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        InputError, match=rf"the package {package}, .* pip install \"pminusy\[onnx\]\""
    ):
        clf.to_onnx(tmp_path / "c.onnx") if package == "onnx" else pmy.register_with_skl2onnx()
